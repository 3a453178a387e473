# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The part of the image that the model looks at."""

import math

from hypothesis import given, settings, strategies
import pytest

from sam2_tracker_ros.core.search_window import whole_image, window_around
from sam2_tracker_ros.core.types import Box

SIZE_PX = (640, 480)


def test_a_square_in_which_the_target_has_its_pixels() -> None:
    # 32 x 32 pixels shall be 48 of 240: the window is 32 * 240 / 48 = 160 wide.
    assert window_around(Box(284, 224, 316, 256), SIZE_PX, 240, 48.0) == Box(220, 160, 380, 320)


def test_it_stays_inside_at_the_border() -> None:
    assert window_around(Box(0, 448, 32, 480), SIZE_PX, 240, 48.0) == Box(0, 320, 160, 480)


def test_a_large_target_is_looked_at_in_the_whole_image() -> None:
    assert window_around(Box(100, 100, 300, 300), SIZE_PX, 240, 48.0) == whole_image(SIZE_PX)


def test_zero_always_takes_the_whole_image() -> None:
    assert window_around(Box(300, 220, 304, 224), SIZE_PX, 240, 0.0) == Box(0, 0, 640, 480)


@pytest.mark.parametrize(('margin_px', 'side'), [(0, 160), (16, 192), (80, 320), (500, 320)])
def test_room_is_added_on_both_sides_up_to_twice_the_window(margin_px: float, side: int) -> None:
    window = window_around(Box(304, 224, 336, 256), SIZE_PX, 240, 48.0, margin_px)
    assert window == Box(320 - side / 2, 240 - side / 2, 320 + side / 2, 240 + side / 2)


POSITIONS = strategies.floats(-200.0, 900.0)
SIDES = strategies.floats(0.0, 500.0)


@given(
    POSITIONS,
    POSITIONS,
    SIDES,
    SIDES,
    strategies.floats(0.01, 1024.0),
    strategies.floats(0.0, 300.0),
)
@settings(deadline=None, max_examples=300)
def test_any_window_is_whole_pixels_of_the_image_around_the_target(
    left: float, top: float, width: float, height: float, min_target_px: float, margin_px: float
) -> None:
    box = Box(left, top, left + width, top + height)
    window = window_around(box, SIZE_PX, 256, min_target_px, margin_px)
    sides = (window.left, window.top, window.right, window.bottom)
    assert all(side == math.floor(side) for side in sides)
    assert 0 <= window.left < window.right <= 640
    assert 0 <= window.top < window.bottom <= 480
    # What of the target is in the image is in the window, to the rounding of a pixel.
    assert window.left <= max(min(box.left, 639), 0) + 1
    assert window.top <= max(min(box.top, 479), 0) + 1
    assert window.right >= min(max(box.right, 1), 640) - 1
    assert window.bottom >= min(max(box.bottom, 1), 480) - 1
