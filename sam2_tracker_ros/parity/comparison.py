# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How far a run is from the reference, frame by frame, and whether that is near enough."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sam2_tracker_ros.core.types import BoolArray, Float64Array
from sam2_tracker_ros.parity.runs import Run, TargetRun

# The frames in which the memory is not full: a padded memory shows here.
EARLY_FRAMES = slice(1, 16)


@dataclass(frozen=True)
class Bounds:
    """
    What counts as the same.

    :param min_mask_iou: of the binary masks at the size of the image, in every frame.
    :param max_logit_error: of low-resolution mask logits, in every frame.
    :param max_score_error: of object score logits, in every frame.
    :param max_stage_error: of any output of any graph, for the same inputs.
    :param min_present_share: of frames in which the reference sees the target: where there is
        nothing, everything agrees.
    """

    min_mask_iou: float = 0.999
    max_logit_error: float = 1e-2
    max_score_error: float = 1e-3
    max_stage_error: float = 1e-3
    min_present_share: float = 0.25


@dataclass(frozen=True)
class TargetComparison:
    """
    One target, frame by frame.

    Where the target is absent in both, all logits are -1024 and the masks are empty, which counts
    as error 0 and IoU 1. Where it is absent in one only, both measures fail, as they should.

    :param mask_iou: [frames].
    :param logit_error: [frames], the largest absolute difference.
    :param score_error: [frames].
    :param is_present: [frames], in the reference.
    """

    mask_iou: Float64Array
    logit_error: Float64Array
    score_error: Float64Array
    is_present: BoolArray

    def is_within(self, bounds: Bounds) -> bool:
        """Return whether every frame is near enough; what is not finite or not there never is."""
        return bool(
            self.mask_iou.min() >= bounds.min_mask_iou
            and self.logit_error.max() < bounds.max_logit_error
            and self.score_error.max() < bounds.max_score_error
            and self.is_present.mean() >= bounds.min_present_share
        )

    def as_dict(self) -> dict[str, Any]:
        """Return figures and series as JSON has them."""
        worst = int(self.mask_iou.argmin())
        return {
            'frames': len(self.mask_iou),
            'present_frames': int(self.is_present.sum()),
            'worst_mask_iou': float(self.mask_iou.min()),
            'worst_frame': worst,
            'worst_early_mask_iou': float(self.mask_iou[EARLY_FRAMES].min(initial=1.0)),
            'max_logit_error': float(self.logit_error.max()),
            'max_score_error': float(self.score_error.max()),
            'mask_iou': self.mask_iou.tolist(),
            'logit_error': self.logit_error.tolist(),
            'score_error': self.score_error.tolist(),
        }


def compare(ours: Run, reference: Run) -> tuple[TargetComparison, ...]:
    """Compare every target of two runs over the same clip."""
    return tuple(_compare(mine, theirs) for mine, theirs in zip(ours, reference, strict=True))


def mask_iou(first: BoolArray, second: BoolArray) -> Float64Array:
    """
    Return intersection over union of each pair of masks, [frames]; 1 where both are empty.

    :param first: boolean [frames, height, width]; second likewise.
    """
    intersection = (first & second).sum(axis=(1, 2), dtype=np.float64)
    union = (first | second).sum(axis=(1, 2), dtype=np.float64)
    return np.where(union > 0.0, intersection / np.maximum(union, 1.0), 1.0)


def table(rows: Sequence[tuple[str, Sequence[TargetComparison]]], bounds: Bounds) -> str:
    """Return a line for each target of each run, the heading first."""
    lines = [
        f'{"run":28} {"present":>8} {"worst IoU":>10} {"frame":>5} {"IoU 1-15":>9} '
        f'{"logits":>9} {"score":>9}'
    ]
    for name, targets in rows:
        for number, target in enumerate(targets):
            figures = target.as_dict()
            label = name if len(targets) == 1 else f'{name}, target {number}'
            verdict = '' if target.is_within(bounds) else '  OVER'
            present = f'{figures["present_frames"]}/{figures["frames"]}'
            lines.append(
                f'{label:28} {present:>8} {figures["worst_mask_iou"]:10.6f} '
                f'{figures["worst_frame"]:5} {figures["worst_early_mask_iou"]:9.6f} '
                f'{figures["max_logit_error"]:9.2e} {figures["max_score_error"]:9.2e}{verdict}'
            )
    return '\n'.join(lines)


def _compare(mine: TargetRun, theirs: TargetRun) -> TargetComparison:
    difference = np.abs(mine.logits.astype(np.float64) - theirs.logits)
    return TargetComparison(
        mask_iou=mask_iou(mine.masks, theirs.masks),
        logit_error=np.asarray(difference.max(axis=(1, 2)), np.float64),
        score_error=np.abs(mine.scores.astype(np.float64) - theirs.scores),
        is_present=theirs.scores > 0.0,
    )
