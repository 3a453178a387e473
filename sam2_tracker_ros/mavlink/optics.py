# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Size and field of view of the picture, from a calibration."""

import math

import numpy as np

from sam2_tracker_ros.core.bearing import CameraCalibration
from sam2_tracker_ros.mavlink.tracker import Optics

# MAVLink gives sizes in 16 bits.
_MAX_SIDE_PX = 2**16 - 1


def optics_of(calibration: CameraCalibration) -> Optics | None:
    """Return what a calibration tells of the picture; None when it has no usable size."""
    _, _, width, height = calibration.roi
    if not (width and height):
        width, height = calibration.size_px
    width, height = width // (calibration.binning[0] or 1), height // (calibration.binning[1] or 1)
    if not (0 < width <= _MAX_SIDE_PX and 0 < height <= _MAX_SIDE_PX):
        return None
    if calibration.problem((width, height)):
        return Optics((width, height), (math.nan, math.nan))
    middles = np.array(
        [(0.0, height / 2), (width, height / 2), (width / 2, 0.0), (width / 2, height)]
    )
    left, right, top, bottom = calibration.rays(middles, (width, height))
    across = math.atan2(right[0], right[2]) - math.atan2(left[0], left[2])
    down = math.atan2(bottom[1], bottom[2]) - math.atan2(top[1], top[2])
    return Optics((width, height), (math.degrees(across), math.degrees(down)))
