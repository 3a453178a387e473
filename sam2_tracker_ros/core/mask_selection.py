# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which of the decoder's candidate masks is the target."""

from typing import Protocol

import numpy as np

from sam2_tracker_ros.core.geometry import box_iou, box_of
from sam2_tracker_ros.core.model import MaskCandidates
from sam2_tracker_ros.core.types import Box

# SAMURAI's `kf_score_weight` for tiny, small and base+.
MOTION_WEIGHT = 0.25


class MaskSelector(Protocol):
    """Picks one candidate."""

    def select(self, candidates: MaskCandidates, window: Box, predicted: Box | None) -> int:
        """
        Return the index of the chosen candidate.

        :param window: the part of the camera image that the masks cover.
        :param predicted: where the motion filter expects the target, in pixels of the camera
            image; None when its motion is unknown, or not known for long enough to rely on.
        """


class BestIouSelector:
    """Plain SAM 2: the candidate whose predicted IoU is highest."""

    def select(self, candidates: MaskCandidates, window: Box, predicted: Box | None) -> int:
        """Ignore the prediction."""
        return int(np.argmax(candidates.predicted_iou))


class MotionAwareMaskSelector:
    """
    SAMURAI: the candidate that is both a good mask and where the target should be.

    score = 0.25 * IoU(its box, predicted box) + 0.75 * predicted IoU (Yang et al. 2024).
    """

    def select(self, candidates: MaskCandidates, window: Box, predicted: Box | None) -> int:
        """Take the highest score; the predicted IoU alone while nothing is predicted."""
        scores = np.array(candidates.predicted_iou, np.float64)
        if predicted is not None and len(scores) > 1:
            boxes = [box_of(logits, window) for logits in candidates.mask_logits]
            overlaps = [0.0 if box is None else box_iou(box, predicted) for box in boxes]
            scores = MOTION_WEIGHT * np.array(overlaps) + (1.0 - MOTION_WEIGHT) * scores
        return int(np.argmax(scores))


MASK_SELECTORS: dict[str, type[MaskSelector]] = {
    'motion_aware': MotionAwareMaskSelector,
    'recency': BestIouSelector,
}
