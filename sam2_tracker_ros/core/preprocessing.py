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
