# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One tracker on one clip."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
import math
from typing import Any

import numpy as np

from sam2_tracker_ros.core.geometry import box_iou, camera_mask
from sam2_tracker_ros.core.types import BoolArray
from sam2_tracker_ros.errors import PromptError
from sam2_tracker_ros.evaluation.absence import FrameRow, LossFigures, loss_figures
from sam2_tracker_ros.evaluation.contenders import NO_ANSWER, Answer, Contender
from sam2_tracker_ros.evaluation.metrics import (
    center_error_px,
    contour_accuracy,
    normalized_error,
    normalized_precision,
    precision,
    region_similarity,
    success_auc,
)
from sam2_tracker_ros.evaluation.pictures import COLUMNS, Cell, draw_cell
from sam2_tracker_ros.evaluation.scenes import Clip


@dataclass(frozen=True)
class ClipFigures:
    """
    How a tracker did on a clip; figures are 0..1, None where nothing can be compared.

    :param region: mean J of the frames in view. `contour`: mean F.
    :param problem: why the tracker did not start; all its figures are 0 then.
    """

    contender: str
    clip: str
    frames: int
    auc: float | None
    precision: float | None
    normalized_precision: float | None
    region: float | None
    contour: float | None
    loss: LossFigures | None
    problem: str = ''

    @property
    def region_and_contour(self) -> float | None:
        """Mean of J and F."""
        if self.region is None or self.contour is None:
            return None
        return (self.region + self.contour) / 2.0


@dataclass(frozen=True)
class ClipRun:
    """
    Everything that one run gave.

    :param cells: pictures of frames spread over the clip.
    """

    figures: ClipFigures
    rows: tuple[FrameRow, ...]
    rate_hz: float
    cells: tuple[Cell, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return figures and rows as JSON has them; what is infinite is null."""
        rows = [_finite(asdict(row)) | {'state': row.state.name} for row in self.rows]
        figures = asdict(self.figures) | {'region_and_contour': self.figures.region_and_contour}
        return {**figures, 'rate_hz': self.rate_hz, 'rows': rows}


def run_clip(contender: Contender, clip: Clip) -> ClipRun:
    """
    Follow the target of a clip from its prompt to the end.

    A tracker that refuses the prompt has no answer in any frame.

    :raises SourceError: the clip cannot be read.
    """
    shown = set(np.linspace(0, max(clip.frame_count - 1, 0), COLUMNS).round().astype(int).tolist())
    follower = contender.begin()
    problem = ''
    rows: list[FrameRow] = []
    cells: list[Cell] = []
    for index, frame in enumerate(clip.frames()):
        answer = NO_ANSWER
        if not problem:
            try:
                answer = follower.step(frame, clip.start if index == 0 else None)
            except PromptError as error:
                problem = str(error)
        truth = clip.truth[index] if clip.truth else None
        true_mask = clip.true_mask(index) if contender.gives_masks else None
        rows.append(_row(clip, index, answer, true_mask))
        if index in shown:
            note = f'{clip.start_frame + index} {answer.state.name}'
            cells.append(draw_cell(frame.pixels, truth, answer, note))
    figures = _figures(contender.name, clip, rows, problem)
    return ClipRun(figures, tuple(rows), clip.rate_hz, tuple(cells))


def _row(clip: Clip, index: int, answer: Answer, true_mask: BoolArray | None) -> FrameRow:
    frame = clip.start_frame + index
    if not clip.truth or index in clip.ignored:
        return FrameRow(frame, answer.state, answer.is_measured, None)
    truth = clip.truth[index]
    if truth is None:
        return FrameRow(frame, answer.state, answer.is_measured, is_present=False)
    region, contour = _mask_figures(answer, true_mask)
    box = answer.box
    return FrameRow(
        frame,
        answer.state,
        answer.is_measured,
        is_present=True,
        iou=box_iou(box, truth) if box else 0.0,
        error_px=center_error_px(box, truth) if box else math.inf,
        normalized_error=normalized_error(box, truth) if box else math.inf,
        region=region,
        contour=contour,
    )


def _mask_figures(
    answer: Answer, true_mask: BoolArray | None
) -> tuple[float, float] | tuple[None, None]:
    """Return J and F; a tracker that gives masks but none in this frame gets 0."""
    if true_mask is None:
        return None, None
    if answer.mask is None:
        return 0.0, 0.0
    mask = camera_mask(answer.mask, (true_mask.shape[1], true_mask.shape[0]))
    return region_similarity(mask, true_mask), contour_accuracy(mask, true_mask)


def _figures(name: str, clip: Clip, rows: Sequence[FrameRow], problem: str) -> ClipFigures:
    errors = [row.error_px for row in rows if row.error_px is not None]
    normalized = [row.normalized_error for row in rows if row.normalized_error is not None]
    overlaps = [row.iou for row in rows if row.iou is not None]
    return ClipFigures(
        contender=name,
        clip=clip.name,
        frames=len(rows),
        auc=success_auc(overlaps) if overlaps else None,
        precision=precision(errors) if errors else None,
        normalized_precision=normalized_precision(normalized) if normalized else None,
        region=_mean([row.region for row in rows if row.region is not None]),
        contour=_mean([row.contour for row in rows if row.contour is not None]),
        loss=loss_figures(rows, clip.rate_hz) if clip.truth else None,
        problem=problem,
    )


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }
