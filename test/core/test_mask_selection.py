# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which candidate is taken."""

import numpy as np
import pytest

from sam2_tracker_ros.core.mask_selection import MOTION_WEIGHTS, best_candidate
from sam2_tracker_ros.core.model import Expectation, MaskCandidates
from sam2_tracker_ros.core.types import Box


@pytest.mark.parametrize('expectation', [None, Expectation(Box(0, 0, 0.5, 0.5), 0.0)])
@pytest.mark.parametrize(
    ('ious', 'best'), [((0.5,), 0), ((0.2, 0.9, 0.4), 1), ((0.2, 0.3, 0.4), 2), ((0.9, 0.9), 0)]
)
def test_best_predicted_iou(
    ious: tuple[float, ...], best: int, expectation: Expectation | None
) -> None:
    candidates = MaskCandidates(
        mask_logits=np.ones((len(ious), 4, 4), np.float32),
        predicted_iou=np.array(ious, np.float32),
        object_score_logit=1.0,
        pointers=list(range(len(ious))),
        memory_masks=list(range(len(ious))),
    )
    assert best_candidate(candidates, expectation) == best


def offered(*squares: tuple[int, float]) -> MaskCandidates:
    """Return candidates of 4 x 4 cells that start at a column of 16, with their predicted IoU."""
    logits = np.full((len(squares), 16, 16), -5.0, np.float32)
    for mask, (column, _) in zip(logits, squares, strict=True):
        mask[4:8, column : column + 4] = 5.0
    return MaskCandidates(
        mask_logits=logits,
        predicted_iou=np.array([iou for _, iou in squares], np.float32),
        object_score_logit=1.0,
        pointers=list(range(len(squares))),
        memory_masks=list(range(len(squares))),
    )


# The first four of 16 columns, in the rows that every candidate has.
PLACE = Expectation(Box(0, 0.25, 0.25, 0.5), MOTION_WEIGHTS['motion_aware'])


@pytest.mark.parametrize(
    ('at_place', 'elsewhere', 'best'),
    [
        (0.80, 0.80, 0),
        # 0.25 * 1 + 0.75 * 0.60 = 0.70 against 0.75 * 0.93 = 0.6975 and 0.75 * 0.94 = 0.705.
        (0.60, 0.93, 0),
        (0.60, 0.94, 1),
    ],
)
def test_motion_counts_a_quarter(at_place: float, elsewhere: float, best: int) -> None:
    candidates = offered((0, at_place), (10, elsewhere))
    assert best_candidate(candidates, PLACE) == best


def test_overlap_counts_in_part() -> None:
    # One cell of four beside the place: IoU 3 / 5, worth 0.15.
    candidates = offered((1, 0.6), (10, 0.79))
    assert best_candidate(candidates, PLACE) == 0
    candidates = offered((1, 0.6), (10, 0.81))
    assert best_candidate(candidates, PLACE) == 1


def test_without_a_prediction_the_best_predicted_iou_is_taken() -> None:
    assert best_candidate(offered((0, 0.8), (10, 0.81)), None) == 1


def test_an_empty_candidate_is_nowhere() -> None:
    candidates = offered((0, 0.6), (10, 0.7))
    candidates.mask_logits[1] = -5.0
    assert best_candidate(candidates, PLACE) == 0


def test_only_motion_aware_relies_on_motion() -> None:
    assert MOTION_WEIGHTS == {'motion_aware': 0.25, 'recency': 0.0}
