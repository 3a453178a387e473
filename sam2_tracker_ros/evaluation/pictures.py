# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the trackers saw: a sheet of frames and a plot for each clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import math
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from sam2_tracker_ros.core.geometry import camera_mask
from sam2_tracker_ros.core.types import Box, TargetState, UInt8Array
from sam2_tracker_ros.evaluation.absence import FrameRow
from sam2_tracker_ros.evaluation.contenders import Answer
from sam2_tracker_ros.replay.whole_file import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 10
Cell: TypeAlias = UInt8Array
_CELL_WIDTH_PX = 320
_TRUE_BGR = (255, 255, 255)
_MEASURED_BGR = (80, 220, 60)
_COASTING_BGR = (0, 220, 255)
_LOST_BGR = (40, 40, 235)
_TINT = 0.45
_TITLE_PX = 26
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_cell(image: UInt8Array, truth: Box | None, answer: Answer, note: str) -> Cell:
    """
    Draw one frame small: truth white, measured green, predicted yellow, LOST framed in red.

    :param image: uint8 BGR [height, width, 3]; it stays as it is.
    """
    scale = _CELL_WIDTH_PX / image.shape[1]
    size = _CELL_WIDTH_PX, round(image.shape[0] * scale)
    canvas = image.copy()
    color = _MEASURED_BGR if answer.is_measured else _COASTING_BGR
    if answer.mask is not None:
        region = camera_mask(answer.mask, (image.shape[1], image.shape[0]))
        tint = np.array(color, np.float32) * _TINT
        canvas[region] = (canvas[region] * (1.0 - _TINT) + tint).astype(np.uint8)
    cell = np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), np.uint8)
    for box, line_color in ((truth, _TRUE_BGR), (answer.box, color)):
        if box is not None and all(abs(side) < 1e4 for side in (*box.center, *_size(box))):
            corners = np.array([(box.left, box.top), (box.right, box.bottom)]) * scale
            (left, top), (right, bottom) = corners.round().astype(int).tolist()
            cv2.rectangle(cell, (left, top), (right, bottom), line_color, 1)
    if answer.state is TargetState.LOST:
        cv2.rectangle(cell, (1, 1), (size[0] - 2, size[1] - 2), _LOST_BGR, 3)
    for text_color, weight in (((0, 0, 0), 3), (_TRUE_BGR, 1)):
        cv2.putText(cell, note, (8, size[1] - 10), _FONT, 0.5, text_color, weight, cv2.LINE_AA)
    return cell


def draw_sheet(path: Path, cells_by_name: Mapping[str, Sequence[Cell]]) -> None:
    """Write the contact sheet of a clip, a row for each tracker."""
    rows = []
    for name, cells in cells_by_name.items():
        width = _CELL_WIDTH_PX * len(cells)
        title = np.full((_TITLE_PX, width, 3), 40, np.uint8)
        cv2.putText(title, name, (8, 19), _FONT, 0.6, _TRUE_BGR, 1, cv2.LINE_AA)
        rows += [title, np.hstack(list(cells))]
    is_encoded, data = cv2.imencode('.jpg', np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 88])
    assert is_encoded
    with whole_file(path) as partial:
        partial.write_bytes(data.tobytes())


def draw_plot(path: Path, rows_by_name: Mapping[str, Sequence[FrameRow]], rate_hz: float) -> None:
    """Write IoU over time, a panel for each tracker; absence is shaded, LOST is red."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - slow
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow to import

    count = len(rows_by_name)
    figure = Figure(figsize=(12.0, 1.0 + 1.5 * count), dpi=100, layout='constrained')
    FigureCanvasAgg(figure)
    panels: list[Axes] = list(figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0])
    for axis, (name, rows) in zip(panels, rows_by_name.items(), strict=True):
        times = [row.frame / rate_hz for row in rows]
        overlaps = [math.nan if row.iou is None else row.iou for row in rows]
        absent = [row.is_present is False for row in rows]
        lost = [row.state is TargetState.LOST for row in rows]
        axis.plot(times, overlaps, color='#1f77b4', linewidth=1.2)
        axis.fill_between(times, 0.0, 1.0, where=absent, color='#bbbbbb', label='absent')
        axis.fill_between(times, -0.1, 0.0, where=lost, color='#d62728', label='LOST')
        axis.set_ylim(-0.1, 1.02)
        axis.set_ylabel('IoU')
        axis.set_title(name, loc='left', fontsize='small')
        axis.grid(alpha=0.3)
    panels[0].legend(loc='upper right', fontsize='x-small', ncols=2)
    panels[-1].set_xlabel('time [s]')
    with whole_file(path) as partial:
        figure.savefig(partial)


def _size(box: Box) -> tuple[float, float]:
    return box.width, box.height
