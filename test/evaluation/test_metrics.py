# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Figures against numbers worked out by hand and against other formulas for the same thing."""

import math

import numpy as np
import pytest

from sam2_tracker_ros.core.types import BoolArray, Box, TargetState
from sam2_tracker_ros.evaluation.absence import FrameRow, loss_figures
from sam2_tracker_ros.evaluation.metrics import (
    center_error_px,
    contour_accuracy,
    normalized_error,
    normalized_precision,
    precision,
    region_similarity,
    success_auc,
)


def test_success_auc_counts_thresholds_below() -> None:
    # 0.5 is above 0, 0.05 ... 0.45: ten of 21; 1 is above all but the last; 0 above none.
    assert success_auc([0.5]) == pytest.approx(10 / 21)
    assert success_auc([1.0]) == pytest.approx(20 / 21)
    assert success_auc([0.0]) == 0.0
    assert success_auc([1.0, 0.5, 0.0]) == pytest.approx(30 / 63)


def test_success_auc_of_many_frames_is_nearly_their_mean() -> None:
    ious = np.random.default_rng(0).uniform(size=5000)
    assert success_auc(ious.tolist()) == pytest.approx(float(ious.mean()), abs=0.005)


def test_precision_is_within_20_px_and_no_answer_is_not() -> None:
    assert precision([0.0, 20.0, 20.1, math.inf]) == 0.5


def test_normalized_precision_is_the_area_under_its_curve() -> None:
    assert normalized_precision([0.0]) == 1.0
    assert normalized_precision([math.inf]) == 0.0
    # 0.25 is within the thresholds 0.25 ... 0.50: 26 of 51.
    assert normalized_precision([0.251]) == pytest.approx(25 / 51)


def test_errors_of_boxes() -> None:
    truth, answer = Box(0, 0, 10, 20), Box(3, 4, 13, 24)
    assert center_error_px(answer, truth) == pytest.approx(5.0)
    assert normalized_error(answer, truth) == pytest.approx(math.hypot(0.3, 0.2))


def square(left: int, side: int = 20, size: int = 100) -> BoolArray:
    mask = np.zeros((size, size), np.bool_)
    mask[40 : 40 + side, left : left + side] = True
    return mask


def test_region_similarity_of_squares_side_by_side() -> None:
    assert region_similarity(square(10), square(10)) == 1.0
    assert region_similarity(square(10), square(20)) == pytest.approx(1 / 3)
    empty = np.zeros((100, 100), np.bool_)
    assert region_similarity(empty, empty) == 1.0
    assert region_similarity(square(10), empty) == 0.0


def test_contour_accuracy_forgives_what_is_within_its_radius() -> None:
    # 0.008 of the diagonal of 100 x 100 is 1.13 px: discs of radius 2.
    assert contour_accuracy(square(10), square(12)) == 1.0
    assert contour_accuracy(square(10), square(60)) == 0.0
    empty = np.zeros((100, 100), np.bool_)
    assert contour_accuracy(empty, empty) == 1.0
    assert contour_accuracy(empty, square(10)) == 0.0


def test_contour_accuracy_against_distances_of_all_pairs_of_points() -> None:
    rng = np.random.default_rng(3)
    first, second = (square(20 + int(rng.integers(8)), 20 + int(rng.integers(20))) for _ in '12')

    def points(mask: BoolArray) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        padded = np.pad(mask, ((0, 1), (0, 1)))
        others = padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]
        return np.argwhere(np.any([mask != other for other in others], axis=0))

    ours, true = points(first), points(second)
    is_near = np.hypot(*(ours[:, None] - true[None]).transpose(2, 0, 1)) <= 2.0
    matched, found = is_near.any(axis=1).mean(), is_near.any(axis=0).mean()
    assert 0.0 < matched < 1.0
    expected = 2.0 * matched * found / (matched + found)
    assert contour_accuracy(first, second) == pytest.approx(expected)


def rows_of(script: str) -> list[FrameRow]:
    """
    Return a row for each letter.

    m measured on it, w measured elsewhere, c coasting, L lost, all in view; M, C and X the same
    measured, coasting and lost while it is absent; ? measured where nobody can judge.
    """
    states = {'L': TargetState.LOST, 'X': TargetState.LOST}
    states |= dict.fromkeys('cC', TargetState.COASTING)
    presence = dict.fromkeys('MCX', False) | {'?': None}
    ious = {'m': 0.8, 'w': 0.02, 'c': 0.5, 'L': 0.0}
    return [
        FrameRow(
            frame,
            states.get(letter, TargetState.TRACKING),
            letter in 'mwM?',
            presence.get(letter, True),
            ious.get(letter),
        )
        for frame, letter in enumerate(script)
    ]


def test_loss_figures_of_one_absence() -> None:
    loss = loss_figures(rows_of('mmmcMCXXXXLLmm'), rate_hz=10.0)
    assert loss.recall == pytest.approx(5 / 6)
    assert loss.precision == pytest.approx(5 / 8)
    assert (*loss.to_lost_s, *loss.to_reacquired_s) == pytest.approx((0.2, 0.2))
    # Measured while absent, after it was coasting.
    assert loss.false_reacquisitions == 1


@pytest.mark.parametrize(
    ('script', 'falsely'),
    [
        ('mmwwmm', 0),  # drifted without a break: not taken up
        ('mCXXww', 1),
        ('mCXXLmm', 0),
        ('mCXMMXXm', 1),
        ('mCX?mm', 0),
        ('mCX?ww', 1),
        ('mcwcwcm', 2),
        ('wwww', 0),
    ],
)
def test_false_reacquisitions(script: str, falsely: int) -> None:
    assert loss_figures(rows_of(script), 30.0).false_reacquisitions == falsely


def test_what_never_happened_has_no_time() -> None:
    loss = loss_figures(rows_of('mMMMwwwCCXX'), rate_hz=1.0)
    assert loss.to_lost_s == (None, 2.0)
    assert loss.to_reacquired_s == (None,)
    nothing = loss_figures(rows_of('mmmm'), rate_hz=1.0)
    assert (nothing.precision, nothing.recall, nothing.to_lost_s) == (None, None, ())
