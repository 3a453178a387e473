# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A target in the words of MAVLink's CAMERA_TRACKING_IMAGE_STATUS."""

from dataclasses import astuple, dataclass
from enum import IntEnum, IntFlag
import math

from sam2_tracker_ros.core.types import Box, TargetState
from sam2_tracker_ros.mavlink.tracker import TrackedTarget

_NAN = math.nan
_NO_BOX = Box(_NAN, _NAN, _NAN, _NAN)


class TrackingFlags(IntFlag):
    """MAVLink's CAMERA_TRACKING_STATUS_FLAGS; COASTING is younger than some dialects."""

    IDLE = 0
    ACTIVE = 1
    ERROR = 2
    COASTING = 8


class TrackingMode(IntEnum):
    """MAVLink's CAMERA_TRACKING_MODE."""

    NONE = 0
    POINT = 1
    RECTANGLE = 2


@dataclass(frozen=True)
class TrackingStatus:
    """
    Fields of CAMERA_TRACKING_IMAGE_STATUS; what does not apply is NaN.

    :param point: x and y, 0..1 of the image.
    :param radius: in image widths.
    :param rectangle: 0..1 of the image.
    """

    flags: TrackingFlags
    mode: TrackingMode = TrackingMode.NONE
    point: tuple[float, float] = (_NAN, _NAN)
    radius: float = _NAN
    rectangle: Box = _NO_BOX

    @property
    def is_active(self) -> bool:
        """Whether there is a target, seen or predicted."""
        return TrackingFlags.ACTIVE in self.flags


def tracking_status(target: TrackedTarget | None, own_mode: TrackingMode) -> TrackingStatus:
    """
    Return what the camera says.

    :param target: None when the tracker has fallen silent: old numbers are never repeated.
    :param own_mode: how the camera's own target was started; others are rectangles.
    """
    if target is None or target.state is TargetState.ERROR:
        return TrackingStatus(TrackingFlags.ERROR)
    if target.state not in (TargetState.TRACKING, TargetState.COASTING):
        # A lost target is IDLE, "camera is not tracking": nothing is followed until it is found
        # again. ERROR would tell an autopilot that the camera is broken, and ACTIVE that there is
        # something to steer by.
        return TrackingStatus(TrackingFlags.IDLE)
    flags = TrackingFlags.ACTIVE
    if target.state is TargetState.COASTING or not target.measured:
        flags |= TrackingFlags.COASTING
    box = _within_image(target.box)
    if target.is_own and own_mode is TrackingMode.POINT:
        x, y = box.center
        return TrackingStatus(flags, TrackingMode.POINT, (x, y), box.width / 2.0)
    return TrackingStatus(flags, TrackingMode.RECTANGLE, rectangle=box)


def _within_image(box: Box | None) -> Box:
    """Cut at the border of the image, where MAVLink's coordinates end; NaN where nothing is."""
    if box is None or not all(math.isfinite(side) for side in astuple(box)):
        return _NO_BOX
    cut = Box(*(min(max(side, 0.0), 1.0) for side in astuple(box)))
    return cut if cut.width > 0.0 and cut.height > 0.0 else _NO_BOX
