# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Figures from numbers whose result is known."""

import numpy as np
import pytest

from sam2_tracker_ros.benchmarking.figures import (
    box_overlap,
    mask_overlap,
    median_ratio,
    model_seconds,
    slope_per_thousand,
)
from sam2_tracker_ros.core.types import Box, TargetMask

SIZE_PX = (40, 30)


def filled(left: int, top: int, right: int, bottom: int) -> TargetMask:
    return TargetMask(
        Box(left, top, right, bottom), np.ones((bottom - top, right - left), np.bool_)
    )


def test_ratio_is_that_of_each_frame_not_of_the_medians() -> None:
    # The machine is four times slower in most frames: medians of 8 and 8 would say 1.
    baseline = [1.0, 4.0, 4.0, 8.0, 8.0]
    values = [2.0, 8.0, 8.0, 16.0, 8.0]
    assert median_ratio(values, baseline) == 2.0


def test_one_outlier_does_not_change_a_ratio() -> None:
    assert median_ratio([3.0, 3.0, 3.0, 900.0, 3.0], [2.0] * 5) == 1.5


def test_graphs_are_what_the_tracker_does_not_do_itself() -> None:
    stages = {'prepare': 1.0, 'encode': 2.0, 'track': 4.0, 'attend': 8.0, 'decide': 16.0}
    assert model_seconds(stages) == 14.0
    assert model_seconds({}) == 0.0


def test_slope_forgets_the_first_half() -> None:
    frames = list(range(0, 4000, 100))
    values = [500.0 + (7.0 if frame < 2000 else 0.002 * frame) for frame in frames]
    assert slope_per_thousand(frames, values) == pytest.approx(2.0)


def test_overlap_of_masks() -> None:
    first, second = filled(0, 0, 10, 10), filled(5, 0, 15, 10)
    assert mask_overlap(first, second, SIZE_PX) == pytest.approx(50 / 150)
    assert mask_overlap(first, first, SIZE_PX) == 1.0
    assert mask_overlap(None, None, SIZE_PX) == 1.0
    assert mask_overlap(first, None, SIZE_PX) == 0.0


def test_overlap_of_boxes() -> None:
    assert box_overlap(Box(0, 0, 4, 4), Box(2, 0, 6, 4)) == pytest.approx(8 / 24)
    assert box_overlap(None, None) == 1.0
    assert box_overlap(None, Box(0, 0, 4, 4)) == 0.0
