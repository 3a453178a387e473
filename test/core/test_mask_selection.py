# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which candidate is taken."""

import numpy as np
import pytest

from sam2_tracker_ros.core.mask_selection import BestIouSelector
from sam2_tracker_ros.core.model import MaskCandidates
from sam2_tracker_ros.core.types import Box


@pytest.mark.parametrize('predicted', [None, Box(0, 0, 4, 4)])
@pytest.mark.parametrize(
    ('ious', 'best'), [((0.5,), 0), ((0.2, 0.9, 0.4), 1), ((0.2, 0.3, 0.4), 2), ((0.9, 0.9), 0)]
)
def test_best_predicted_iou(ious: tuple[float, ...], best: int, predicted: Box | None) -> None:
    candidates = MaskCandidates(
        mask_logits=np.ones((len(ious), 4, 4), np.float32),
        predicted_iou=np.array(ious, np.float32),
        object_score_logit=1.0,
        pointers=list(range(len(ious))),
        memory_masks=list(range(len(ious))),
    )
    assert BestIouSelector().select(candidates, predicted) == best
