# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The overlay shows a solid box only for what was measured."""

from dataclasses import replace
import math

import numpy as np
import pytest

from sam2_tracker_ros.core.types import (
    BoolArray,
    Box,
    Edge,
    Reason,
    Scores,
    StageTimings,
    StepResult,
    TargetMask,
    TargetResult,
    TargetState,
    UInt8Array,
)
from sam2_tracker_ros.overlay import draw_overlay

BOX = Box(300.0, 200.0, 500.0, 320.0)
MEASURED = TargetResult(
    target_id='car',
    epoch=1,
    state=TargetState.TRACKING,
    reason=Reason.NONE,
    measured=True,
    box=BOX,
    scores=Scores(confidence=0.9),
    motion=None,
    mask=TargetMask(BOX, np.ones((120, 200), np.bool_)),
    edges=Edge.NONE,
    time_since_measured_s=0.0,
    frames_since_measured=0,
)
COASTING = replace(
    MEASURED,
    state=TargetState.COASTING,
    reason=Reason.OCCLUDED,
    measured=False,
    mask=None,
    time_since_measured_s=0.4,
    frames_since_measured=12,
)
LOST = replace(COASTING, state=TargetState.LOST, time_since_measured_s=3.0)


def image(size_px: tuple[int, int] = (1280, 720)) -> UInt8Array:
    return np.full((size_px[1], size_px[0], 3), 100, np.uint8)


def drawn(*targets: TargetResult, size_px: tuple[int, int] = (1280, 720)) -> UInt8Array:
    return draw_overlay(image(size_px), StepResult(0, '', size_px, targets))


def changed(*targets: TargetResult) -> BoolArray:
    pixels: BoolArray = (drawn(*targets) != image()).any(axis=2)
    return pixels


def share_of_outline(pixels: BoolArray) -> float:
    """Return how much of the box's left and bottom sides, away from the label, is drawn."""
    return float(np.concatenate([pixels[202:318, 300], pixels[319, 302:498]]).mean())


def test_a_measured_target_has_a_solid_box_and_a_tint() -> None:
    pixels = changed(MEASURED)
    assert share_of_outline(pixels) == 1.0
    assert pixels[230:300, 330:470].all()


def test_a_coasting_target_has_a_dashed_box_and_no_tint() -> None:
    pixels = changed(COASTING)
    assert 0.3 < share_of_outline(pixels) < 0.8
    assert not pixels[230:300, 330:470].any()


def test_a_lost_target_has_a_banner_and_no_box() -> None:
    pixels = changed(LOST)
    assert not pixels[:600].any()
    assert pixels[600:].any()


def test_a_frame_without_targets_says_so() -> None:
    pixels = changed()
    assert not pixels[:600].any()
    assert pixels[600:].any()


def test_the_image_that_is_given_stays_as_it_is() -> None:
    given = image()
    draw_overlay(given, StepResult(0, '', (1280, 720), (MEASURED,)))
    assert np.array_equal(given, image())


def test_time_of_the_step_is_shown_in_the_corner() -> None:
    timings = StageTimings(encode_s=0.025)
    result = StepResult(0, '', (1280, 720), (MEASURED,), timings=timings)
    assert (draw_overlay(image(), result) != drawn(MEASURED))[:60, :200].any()


@pytest.mark.parametrize('size_px', [(1, 1), (33, 17), (96, 64), (3840, 2160)])
def test_every_image_size_can_be_drawn(size_px: tuple[int, int]) -> None:
    box = Box(0.2 * size_px[0], 0.2 * size_px[1], 0.7 * size_px[0], 0.9 * size_px[1])
    target = replace(COASTING, box=box)
    assert drawn(target, LOST, LOST, size_px=size_px).shape == (size_px[1], size_px[0], 3)


@pytest.mark.parametrize(
    'box',
    [
        Box(-200.0, -50.0, 40.0, 30.0),
        Box(1200.0, 700.0, 1500.0, 900.0),
        Box(5000.0, 5000.0, 5100.0, 5100.0),
        Box(1e9, 0.0, 1e9 + 10.0, 10.0),
        Box(math.nan, math.nan, math.nan, math.nan),
        Box(10.0, 10.0, 10.0, 10.0),
    ],
)
def test_a_prediction_may_be_anywhere(box: Box) -> None:
    assert drawn(replace(COASTING, box=box)).shape == (720, 1280, 3)
