# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which of the decoder's candidate masks is the target."""

from collections.abc import Mapping

import numpy as np

from sam2_tracker_ros.core.geometry import box_iou, box_of
from sam2_tracker_ros.core.model import Expectation, MaskCandidates
from sam2_tracker_ros.core.types import Box

# How much the expected place counts, by the setting memory_selection: SAMURAI's `kf_score_weight`
# for tiny, small and base+ (Yang et al. 2024), or nothing, as in SAM 2.
MOTION_WEIGHTS: Mapping[str, float] = {'motion_aware': 0.25, 'recency': 0.0}
_WHOLE = Box(0, 0, 1, 1)


def best_candidate(candidates: MaskCandidates, expectation: Expectation | None) -> int:
    """
    Return the index of the candidate that is a good mask and where the target should be.

    score = weight * IoU(its box, expected box) + (1 - weight) * predicted IoU, as in SAMURAI.

    :param expectation: None for the predicted IoU alone.
    """
    scores = np.array(candidates.predicted_iou, np.float64)
    if expectation is not None and len(scores) > 1:
        boxes = [box_of(logits, _WHOLE) for logits in candidates.mask_logits]
        overlaps = [0.0 if box is None else box_iou(box, expectation.box) for box in boxes]
        weight = expectation.weight
        scores = weight * np.array(overlaps) + (1.0 - weight) * scores
    return int(np.argmax(scores))
