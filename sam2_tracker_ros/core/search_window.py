# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which part of the camera image the model looks at, so that a small target has enough pixels."""

import math

from sam2_tracker_ros.core.types import Box

# Sides are multiples of this, so that interpolation weights are used again.
GRID_PX = 16
# While a target is unseen its window grows with the uncertainty, so many times at most.
MAX_GROWTH = 2.0


def whole_image(size_px: tuple[int, int]) -> Box:
    """Return the window that covers an image of that width and height."""
    return Box(0, 0, size_px[0], size_px[1])


def window_around(
    box: Box,
    size_px: tuple[int, int],
    model_size_px: int,
    min_target_size_px: float,
    margin_px: float = 0.0,
) -> Box:
    """
    Return the largest window in which a target still has its pixels, in whole pixels.

    It is square where the image is large enough and the target fits in, and the whole image where
    that shows the target large enough.

    :param box: of the target, in pixels of the camera image.
    :param size_px: width and height of the camera image.
    :param model_size_px: side of the square image that the window is resized to.
    :param min_target_size_px: root of the target's area in the model image; 0 for the whole image.
    :param margin_px: room added on each side.
    """
    if min_target_size_px <= 0.0:
        return whole_image(size_px)
    target_px = max(math.sqrt(box.area), 1.0)
    side = target_px * model_size_px / min_target_size_px
    side = min(side + 2.0 * margin_px, side * MAX_GROWTH)
    center_x, center_y = box.center
    left, right = _span(center_x, max(side, box.width), size_px[0])
    top, bottom = _span(center_y, max(side, box.height), size_px[1])
    return Box(left, top, right, bottom)


def _span(center: float, side: float, limit: int) -> tuple[int, int]:
    """Return start and end of a side of the window inside the image, as centred as fits."""
    length = min(math.ceil(min(side, limit) / GRID_PX) * GRID_PX, limit)
    start = min(max(round(center - length / 2.0), 0), limit - length)
    return start, start + length
