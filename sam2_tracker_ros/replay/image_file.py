# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Image files of any origin."""

from pathlib import Path

import cv2
import numpy as np

from sam2_tracker_ros.core.types import UInt8Array
from sam2_tracker_ros.messages.image_size import encoded_size_px, is_plausible


def read_image(path: Path) -> UInt8Array | None:
    """
    Read a BMP, JPEG, PNG, TIFF or WebP file.

    :return: BGR [height, width, 3]; None when the file holds no image, or claims to hold one that
        is far too large for it.
    """
    data = path.read_bytes()
    size_px = encoded_size_px(data)
    if size_px is None or not is_plausible(size_px, len(data)):
        return None
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:  # such as damaged tables
        return None
    return None if pixels is None else np.asarray(pixels, np.uint8)
