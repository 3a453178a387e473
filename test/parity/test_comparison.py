# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What counts as the same: made-up runs whose differences are known."""

from dataclasses import replace

import numpy as np
import pytest

from sam2_tracker_ros.parity.comparison import Bounds, compare, mask_iou, table
from sam2_tracker_ros.parity.runs import TargetRun

FRAMES, SIDE = 20, 40


@pytest.fixture
def reference() -> TargetRun:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(FRAMES, 10, 10)).astype(np.float32)
    return TargetRun(
        logits=logits,
        scores=np.ones(FRAMES, np.float32),
        pointers=np.zeros((FRAMES, 4), np.float32),
        masks=logits.repeat(4, axis=1).repeat(4, axis=2) > 0.0,
    )


def with_frame(run: TargetRun, index: int, value: float, score: float) -> TargetRun:
    """Return the run with other logits in one frame, the same in every cell."""
    logits, scores, masks = run.logits.copy(), run.scores.copy(), run.masks.copy()
    logits[index], scores[index], masks[index] = value, score, value > 0.0
    return replace(run, logits=logits, scores=scores, masks=masks)


def test_a_run_is_within_the_bounds_of_itself(reference: TargetRun) -> None:
    (same,) = compare((reference,), (reference,))
    assert same.is_within(Bounds())
    assert same.mask_iou.tolist() == [1.0] * FRAMES


@pytest.mark.parametrize('shift', [0.9, 1.1])
def test_logits_and_scores_are_held_against_their_bounds(
    reference: TargetRun, shift: float
) -> None:
    bounds = Bounds()
    logits = reference.logits.copy()
    logits[7, 3, 4] += shift * bounds.max_logit_error
    (of_logits,) = compare((replace(reference, logits=logits),), (reference,))
    assert of_logits.is_within(bounds) == (shift < 1.0)
    assert of_logits.logit_error.argmax() == 7
    assert of_logits.logit_error.max() == pytest.approx(shift * bounds.max_logit_error, rel=1e-3)
    scores = reference.scores.copy()
    scores[5] -= shift * bounds.max_score_error
    (of_scores,) = compare((replace(reference, scores=scores),), (reference,))
    assert of_scores.is_within(bounds) == (shift < 1.0)


def test_one_pixel_in_a_thousand_is_too_much(reference: TargetRun) -> None:
    masks = np.ones((FRAMES, SIDE, SIDE), np.bool_)
    full = replace(reference, masks=masks)
    for missing, is_within in ((1, True), (2, False)):
        lacking = masks.copy()
        lacking[11, 0, :missing] = False
        (found,) = compare((replace(full, masks=lacking),), (full,))
        assert found.mask_iou.min() == pytest.approx(1.0 - missing / SIDE**2)
        assert found.is_within(Bounds()) == is_within


def test_a_target_absent_in_both_is_the_same_and_in_one_is_not(reference: TargetRun) -> None:
    absent = with_frame(reference, 6, -1024.0, -1.0)
    (both,) = compare((absent,), (absent,))
    assert both.is_within(Bounds())
    assert not both.is_present[6]
    assert both.as_dict()['present_frames'] == FRAMES - 1
    for ours, theirs in ((absent, reference), (reference, absent)):
        (one,) = compare((ours,), (theirs,))
        assert not one.is_within(Bounds())
        assert one.mask_iou[6] == 0.0


def test_numbers_that_are_not_finite_are_never_within(reference: TargetRun) -> None:
    logits = reference.logits.copy()
    logits[3, 0, 0] = np.nan
    (found,) = compare((replace(reference, logits=logits),), (reference,))
    assert not found.is_within(Bounds())


def test_the_table_names_the_worst_frame_and_what_is_over(reference: TargetRun) -> None:
    worse = with_frame(reference, 17, 5.0, 1.0)
    rows = [
        ('good', compare((reference,), (reference,))),
        ('bad', compare((worse,), (reference,))),
    ]
    _, good, bad = table(rows, Bounds()).splitlines()
    assert 'OVER' not in good
    assert bad.endswith('OVER')
    assert bad.split()[3] == '17'
    assert compare((worse,), (reference,))[0].as_dict()['worst_early_mask_iou'] == 1.0


def test_iou_of_masks() -> None:
    first = np.zeros((3, 4, 4), np.bool_)
    second = first.copy()
    first[1, :2], second[1, 1:3] = True, True
    first[2] = True
    assert mask_iou(first, second).tolist() == pytest.approx([1.0, 1.0 / 3.0, 0.0])
