# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the follower is given and what it gives back."""

from dataclasses import dataclass
from enum import IntEnum
import math

from sam2_tracker_ros.core.types import Edge, Reason, TargetState

# Of a unit vector that was rounded on its way.
_MAX_LENGTH_ERROR = 0.01
# Of its part along the optical axis: beside the camera is no place in a picture.
_MIN_FORWARD = 0.01


class Mode(IntEnum):
    """What the follower does; the numbers are those of GimbalFollowerStatus.msg."""

    IDLE = 0
    FOLLOWING = 1
    COASTING = 2
    HOLDING = 3
    SEARCHING = 4
    STALE = 5


@dataclass(frozen=True)
class Observation:
    """
    One target as the tracker tells it.

    :param stamp_s: of the image, when it was taken.
    :param ray: unit vector in the camera's optical frame: x right, y down, z forward.
    :param error: place in the picture, -1..1 of its half size, + right and + down.
    :param extent: width and height of the box, 0..1 of the picture.
    :param size: the same two as angles.
    """

    stamp_s: float
    target_id: str
    epoch: int
    state: TargetState
    reason: Reason = Reason.NONE
    measured: bool = False
    bearing_valid: bool = False
    ray: tuple[float, float, float] = (math.nan, math.nan, math.nan)
    error: tuple[float, float] = (math.nan, math.nan)
    extent: tuple[float, float] = (math.nan, math.nan)
    size: tuple[float, float] = (math.nan, math.nan)
    edges: Edge = Edge.NONE

    @property
    def problem(self) -> str:
        """Why this is no measurement of a direction, or empty."""
        if self.state is not TargetState.TRACKING or not self.measured:
            return 'the target is not measured'
        if not self.bearing_valid:
            return 'the target has no bearing: publish the CameraInfo of these images'
        if not math.isfinite(math.hypot(*self.ray)):
            return 'the bearing is not finite'
        if abs(math.hypot(*self.ray) - 1.0) > _MAX_LENGTH_ERROR or self.ray[2] < _MIN_FORWARD:
            return 'the bearing is no unit vector to the front of the camera'
        return ''


@dataclass(frozen=True)
class Command:
    """
    Rates for the gimbal, and why.

    :param error: where the target is now, from the wanted place in the picture, + right and
        + down; NaN when unknown.
    :param pitch_rate: radians per second, + up.
    :param yaw_rate: radians per second about the vertical, + right.
    :param target_age_s: since the capture of the newest measurement; infinite without one.
    """

    stamp_s: float
    mode: Mode
    detail: str
    target_id: str = ''
    epoch: int = 0
    error: tuple[float, float] = (math.nan, math.nan)
    pitch_rate: float = 0.0
    yaw_rate: float = 0.0
    target_age_s: float = math.inf
