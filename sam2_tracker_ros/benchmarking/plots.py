# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Growth and comparisons as pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sam2_tracker_ros.benchmarking.figures import MODEL_STAGES
from sam2_tracker_ros.benchmarking.growth import Cost, FrameGrowth
from sam2_tracker_ros.replay.whole_file import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE_INCHES = (8.0, 4.5)
_STAGES = ('prepare', *MODEL_STAGES, 'decide')


def draw_frames(path: Path, growth: FrameGrowth) -> None:
    """Draw step time and memory against frames."""
    figure, (above, below) = _figure(rows=2)
    above.plot(growth.frames, growth.step_ms, marker='.', linewidth=1.0)
    above.set_ylabel('step, median [ms]')
    notes = [f'frame {late.frame}: {late.ratio:.3f} x frame 100' for late in growth.late]
    above.set_title('; '.join(notes) or 'step time over frames', fontsize=10)
    below.plot(growth.frames, growth.resident_mib, marker='.', linewidth=1.0, color='tab:green')
    below.set_ylabel('resident memory [MiB]')
    below.set_xlabel('frames')
    below.set_title(f'slope {growth.slope_mib:+.3f} MiB for 1,000 frames', fontsize=10)
    for axes in (above, below):
        axes.set_ylim(0.0, 1.2 * axes.get_ylim()[1])
        axes.grid(visible=True, alpha=0.3)
    _save(figure, path)


def draw_costs(path: Path, runs: Mapping[str, Sequence[Cost]], label: str) -> None:
    """
    Draw the stages of a step on top of each other, a bar for each size of the work.

    :param runs: a panel for each, by title.
    :param label: of what was varied.
    """
    figure, panels = _figure(columns=len(runs))
    every = [cost for costs in runs.values() for cost in costs]
    stages = [stage for stage in _STAGES if any(cost.timings_ms[stage]['p50'] for cost in every)]
    for axes, (title, costs) in zip(panels, runs.items(), strict=True):
        _draw_stages(axes, costs, stages)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel(label)
    panels[0].set_ylabel('p50 [ms]')
    figure.legend(*panels[0].get_legend_handles_labels(), loc='outside right center', fontsize=8)
    _save(figure, path)


def draw_comparison(path: Path, comparison: Mapping[str, Any]) -> None:
    """Draw the time of every frame of every contender."""
    figure, (axes,) = _figure()
    for row in comparison['contenders']:
        if 'problem' not in row:
            label = f'{row["name"]}: p50 {row["step_ms"]["p50"]:.1f} ms, {row["ratio"]:.2f} x'
            axes.plot(row['steps_ms'], linewidth=1.0, label=label)
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel('frame, after warming up')
    axes.set_ylabel('step [ms]')
    axes.set_title(comparison['clip'], fontsize=10)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=8)
    _save(figure, path)


def _draw_stages(axes: Axes, costs: Sequence[Cost], stages: Sequence[str]) -> None:
    places = np.arange(len(costs))
    bottom = np.zeros(len(costs))
    for stage in stages:
        heights = np.array([cost.timings_ms[stage]['p50'] for cost in costs])
        axes.bar(places, heights, bottom=bottom, label=stage, width=0.7)
        bottom += heights
    steps = [cost.timings_ms['step']['p50'] for cost in costs]
    axes.plot(places, steps, 'k_', markersize=22, label='step')
    for place, (cost, step) in enumerate(zip(costs, steps, strict=True)):
        axes.text(place, step, f'{cost.ratio:.2f} x', ha='center', va='bottom', fontsize=8)
    axes.set_xticks(places, [str(cost.value) for cost in costs])
    axes.margins(y=0.12)


def _figure(rows: int = 1, columns: int = 1) -> tuple[Any, list[Axes]]:
    # It takes a while to import, and only those who draw need it.
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=_SIZE_INCHES, layout='constrained')
    axes = figure.subplots(rows, columns, squeeze=False, sharex=columns == 1, sharey=rows == 1)
    return figure, list(axes.ravel())


def _save(figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=110)
