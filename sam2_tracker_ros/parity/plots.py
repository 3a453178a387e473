# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Pictures of a comparison: figures over frames, and both masks on the frames themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from sam2_tracker_ros.core.types import BoolArray, UInt8Array
from sam2_tracker_ros.parity.clip import Scenario
from sam2_tracker_ros.parity.comparison import Bounds, TargetComparison
from sam2_tracker_ros.parity.runs import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLORS = ('#1f77b4', '#d95f02', '#7b3294', '#008837', '#b2182b', '#666666')
# Errors of 0 are drawn at this height of the logarithmic axis.
_FLOOR = 1e-7
_STRIP_FRAMES = 8
_STRIP_SIZE_PX = 192
# RGB: what only the reference has, what only ours has, what both have.
_TINTS = ((255, 40, 40), (40, 80, 255), (40, 220, 40))


def draw_series(
    path: Path, rows: Sequence[tuple[str, Sequence[TargetComparison]]], bounds: Bounds
) -> None:
    """Draw mask IoU, logit error and score error of every target of every run over frames."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - slow
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow to import

    figure = Figure(figsize=(12, 8), layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.subplots(3, 1, sharex=True)
    series = [
        (name if len(targets) == 1 else f'{name}, target {number}', target)
        for name, targets in rows
        for number, target in enumerate(targets)
    ]
    for number, (label, target) in enumerate(series):
        style = {'color': _COLORS[number % len(_COLORS)], 'marker': '.', 'label': label}
        axes[0].plot(1.0 - target.mask_iou + _FLOOR, **style)
        axes[1].plot(target.logit_error + _FLOOR, **style)
        axes[2].plot(target.score_error + _FLOOR, **style)
    limits = (1.0 - bounds.min_mask_iou, bounds.max_logit_error, bounds.max_score_error)
    names = ('1 - mask IoU', 'largest logit error', 'object score error')
    for axis, name, limit in zip(axes, names, limits, strict=True):
        _finish(axis, name, limit)
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc='outside right upper', fontsize='small'
    )
    axes[-1].set_xlabel('frame')
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def draw_masks(path: Path, scenario: Scenario, ours: Run, reference: Run) -> None:
    """
    Draw both masks of every target on frames of the clip, a row for each target.

    Green is in both, red only in the reference, blue only in ours.
    """
    count = len(scenario.frames)
    shown = np.linspace(0, count - 1, min(_STRIP_FRAMES, count)).round().astype(int)
    rows = [
        np.concatenate(
            [
                _tinted(scenario.frames[index], theirs.masks[index], mine.masks[index], index)
                for index in shown
            ],
            axis=1,
        )
        for mine, theirs in zip(ours, reference, strict=True)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    strip = np.concatenate(rows)
    if not cv2.imwrite(str(path), np.ascontiguousarray(strip[:, :, ::-1])):
        message = f'{path} cannot be written'
        raise OSError(message)


def _finish(axis: Axes, name: str, limit: float) -> None:
    axis.set_yscale('log')
    axis.set_ylabel(name)
    axis.axhline(limit, color='black', linestyle='--', linewidth=1.0)
    axis.grid(visible=True, alpha=0.3)


def _tinted(frame: UInt8Array, theirs: BoolArray, mine: BoolArray, index: int) -> UInt8Array:
    """Return a small picture of one frame."""
    grey = frame.mean(axis=2, keepdims=True, dtype=np.float32)
    picture = np.repeat(grey, 3, axis=2)
    for region, tint in zip((theirs & ~mine, mine & ~theirs, theirs & mine), _TINTS, strict=True):
        picture[region] = 0.5 * picture[region] + 0.5 * np.array(tint, np.float32)
    size = (_STRIP_SIZE_PX, _STRIP_SIZE_PX)
    small = cv2.resize(picture.astype(np.uint8), size, interpolation=cv2.INTER_AREA)
    cv2.putText(small, str(index), (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1)
    return np.asarray(small, np.uint8)
