# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A plot of what happened to the targets: state, scores, place and size over time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
import math
from pathlib import Path
from typing import TYPE_CHECKING

from sam2_tracker_ros.core.types import (
    NANOSECONDS_PER_SECOND,
    Box,
    Event,
    EventType,
    Scores,
    StepResult,
    TargetState,
)
from sam2_tracker_ros.overlay import STATE_COLORS_BGR
from sam2_tracker_ros.replay.source import SourceFrame
from sam2_tracker_ros.replay.whole_file import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_EVENT_STYLES = {EventType.LOST: '--', EventType.COASTING: ':'}
# Colours of the targets in the lower plots, in order of appearance.
_TARGET_COLORS = ('#1f77b4', '#d95f02', '#7b3294', '#008837', '#b2182b', '#666666')


@dataclass(frozen=True)
class _Row:
    """One target in one frame."""

    stamp_ns: int
    state: TargetState
    measured: bool
    box: Box | None
    scores: Scores


class Timeline:
    """Keeps a few numbers of every frame, and draws the plot at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: dict[str, list[_Row]] = {}
        self._events: list[Event] = []

    def write(self, source_frame: SourceFrame, result: StepResult) -> None:
        """Note a frame of a replay."""
        self.note(result)

    def note(self, result: StepResult) -> None:
        """Note every target and event of a result."""
        self._events += result.events
        for target in result.targets:
            row = _Row(result.stamp_ns, target.state, target.measured, target.box, target.scores)
            self._rows.setdefault(target.target_id, []).append(row)

    def write_events(self, source_frame: SourceFrame, events: Sequence[Event]) -> None:
        """Note events."""
        self._events += events

    def close(self) -> None:
        """Draw the plot."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - slow
        from matplotlib.figure import Figure  # noqa: PLC0415 - slow to import

        figure = Figure(figsize=(12.0, 8.5), dpi=100, layout='constrained')
        FigureCanvasAgg(figure)
        axes: list[Axes] = list(
            figure.subplots(4, 1, sharex=True, height_ratios=(1.0, 1.6, 1.6, 1.6))
        )
        start_ns = self._start_ns()
        self._draw_states(axes[0], start_ns)
        for index, (name, rows) in enumerate(self._rows.items()):
            color = _TARGET_COLORS[index % len(_TARGET_COLORS)]
            times = [_seconds(row.stamp_ns, start_ns) for row in rows]
            _draw_scores(axes[1], name, times, rows, color)
            _draw_boxes((axes[2], axes[3]), name, times, rows, color)
        for axis, label in zip(
            axes[1:], ('score', 'box centre [px]', 'box size [px]'), strict=True
        ):
            axis.set_ylabel(label)
            axis.grid(alpha=0.3)
            if self._rows:
                axis.legend(loc='upper left', ncols=4, fontsize='x-small')
        axes[3].set_xlabel('time [s]')
        for axis in axes:
            self._mark_events(axis, start_ns, with_names=axis is axes[0])
        with whole_file(self._path) as path:
            figure.savefig(path)

    def _start_ns(self) -> int:
        stamps = [rows[0].stamp_ns for rows in self._rows.values()]
        return min(stamps + [event.stamp_ns for event in self._events], default=0)

    def _draw_states(self, axis: Axes, start_ns: int) -> None:
        """Draw one bar for each target, coloured by its state."""
        for index, rows in enumerate(self._rows.values()):
            for state, first_ns, last_ns in _spans(rows):
                start = _seconds(first_ns, start_ns)
                width = _seconds(last_ns, start_ns) - start
                blue, green, red = (part / 255.0 for part in STATE_COLORS_BGR[state])
                axis.broken_barh([(start, width)], (index - 0.4, 0.8), color=(red, green, blue))
        axis.set_yticks(range(len(self._rows)), list(self._rows))
        axis.set_ylim(max(len(self._rows), 1) - 0.5, -0.5)
        for state in (TargetState.TRACKING, TargetState.COASTING, TargetState.LOST):
            blue, green, red = (part / 255.0 for part in STATE_COLORS_BGR[state])
            axis.plot([], [], linewidth=6, color=(red, green, blue), label=state.name)
        axis.legend(loc='lower right', ncols=3, fontsize='x-small')

    def _mark_events(self, axis: Axes, start_ns: int, *, with_names: bool) -> None:
        for event in self._events:
            time_s = _seconds(event.stamp_ns, start_ns)
            style = _EVENT_STYLES.get(event.type, '-')
            axis.axvline(time_s, color='black', alpha=0.45, linewidth=0.9, linestyle=style)
            if with_names:
                axis.annotate(
                    event.type.name.lower().replace('_', ' '),
                    (time_s, 1.02),
                    xycoords=('data', 'axes fraction'),
                    rotation=35,
                    fontsize='x-small',
                )


def _draw_scores(
    axis: Axes, name: str, times: Sequence[float], rows: Sequence[_Row], color: str
) -> None:
    parts = (
        ('confidence', [row.scores.confidence for row in rows], '-'),
        ('object score', [row.scores.object_score for row in rows], '--'),
        ('predicted IoU', [row.scores.predicted_iou for row in rows], ':'),
    )
    for label, values, style in parts:
        axis.plot(times, values, style, color=color, linewidth=1.1, label=f'{name} {label}')
    axis.set_ylim(-0.05, 1.05)


def _draw_boxes(
    centers_and_sizes: tuple[Axes, Axes],
    name: str,
    times: Sequence[float],
    rows: Sequence[_Row],
    color: str,
) -> None:
    """Draw measured numbers strong and predicted ones faint."""
    centers, sizes = centers_and_sizes
    for is_measured, alpha in ((True, 1.0), (False, 0.3)):
        boxes = [row.box if row.measured is is_measured else None for row in rows]
        x, y = _columns(box.center if box else None for box in boxes)
        width, height = _columns((box.width, box.height) if box else None for box in boxes)
        for axis, label, values, style in (
            (centers, 'x', x, '-'),
            (centers, 'y', y, '--'),
            (sizes, 'width', width, '-'),
            (sizes, 'height', height, '--'),
        ):
            text = f'{name} {label}' if is_measured else None
            axis.plot(times, values, style, color=color, alpha=alpha, linewidth=1.2, label=text)


def _columns(pairs: Iterable[tuple[float, float] | None]) -> tuple[list[float], list[float]]:
    known = [(math.nan, math.nan) if pair is None else pair for pair in pairs]
    return [first for first, _ in known], [second for _, second in known]


def _spans(rows: Sequence[_Row]) -> list[tuple[TargetState, int, int]]:
    """Return each state with the stamps between which it held."""
    spans: list[tuple[TargetState, int, int]] = []
    for row in rows:
        if spans:
            state, first_ns, _ = spans[-1]
            spans[-1] = (state, first_ns, row.stamp_ns)
        if not spans or spans[-1][0] is not row.state:
            spans.append((row.state, row.stamp_ns, row.stamp_ns))
    return spans


def _seconds(stamp_ns: int, start_ns: int) -> float:
    return (stamp_ns - start_ns) / NANOSECONDS_PER_SECOND
