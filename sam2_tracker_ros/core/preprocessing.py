# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From the camera image to the square image that a model encodes."""

import cv2
import numpy as np

from sam2_tracker_ros.core.types import Box, Frame, PixelFormat, UInt8Array

_TO_RGB = {
    PixelFormat.BGR: cv2.COLOR_BGR2RGB,
    PixelFormat.RGBA: cv2.COLOR_RGBA2RGB,
    PixelFormat.BGRA: cv2.COLOR_BGRA2RGB,
    PixelFormat.GRAY: cv2.COLOR_GRAY2RGB,
}

# Blocks of an image in a row and in a column, pixels that are enough for them, and grey levels by
# which their means differ (standard deviation) where anything is to be seen.
_BLOCKS, _LOOKED_AT_PX, _MIN_DETAIL = 16, 160, 1.0
# Some points are enough where they differ by more than noise would make them.
_POINTS, _CERTAIN_DETAIL = 24, 25.0


def model_image(frame: Frame, window: Box, size_px: int) -> UInt8Array:
    """
    Resize a window of the image to a square and reorder the channels to RGB.

    Shrinking averages over the area that a pixel covers, so that fine texture does not alias;
    enlarging is bilinear. The channels are reordered after resizing, where it is cheap.

    :param window: inside the image, in whole pixels; its aspect ratio is not kept.
    :return: uint8 RGB [size_px, size_px, 3].
    """
    left, top, right, bottom = map(round, (window.left, window.top, window.right, window.bottom))
    shrinks = min(right - left, bottom - top) >= size_px
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    image = cv2.resize(
        frame.pixels[top:bottom, left:right], (size_px, size_px), interpolation=interpolation
    )
    conversion = _TO_RGB.get(frame.pixel_format)
    if conversion is not None:
        image = cv2.cvtColor(image, conversion)
    return np.asarray(image, np.uint8)


def shows_nothing(frame: Frame) -> bool:
    """
    Return whether an image is blank but for its noise, as of a covered lens.

    A network that remembers a target may find it in the dark.
    """
    width, height = frame.size_px
    points = frame.pixels[:: max(height // _POINTS, 1), :: max(width // _POINTS, 1)]
    if _contrast(points) > _CERTAIN_DETAIL:
        return False
    stride = max(min(width, height) // _LOOKED_AT_PX, 1)
    pixels = np.ascontiguousarray(frame.pixels[::stride, ::stride])
    # The mean over a block has next to no noise.
    blocks = cv2.resize(pixels, (_BLOCKS, _BLOCKS), interpolation=cv2.INTER_AREA)
    return _contrast(np.asarray(blocks, np.uint8)) < _MIN_DETAIL


def _contrast(pixels: UInt8Array) -> float:
    """Return the standard deviation of the channel that differs most over an image."""
    height, width = pixels.shape[:2]
    return float(pixels.reshape(height * width, -1).std(axis=0).max())
