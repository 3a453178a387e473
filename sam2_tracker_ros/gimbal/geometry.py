# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Directions, and where a gimbal has to look.

The level frame is horizontal and keeps its heading, z down. A direction in it is an azimuth
(+ right) and an elevation (+ up); a pose of the gimbal is yaw, pitch and roll.
"""

import math
from typing import NamedTuple

import numpy as np

from sam2_tracker_ros.core.types import Float64Array


class Pose(NamedTuple):
    """How the gimbal looks: angles of the rotation from its frame into the level frame."""

    yaw: float
    pitch: float
    roll: float


class Direction(NamedTuple):
    """Where something is in the level frame."""

    azimuth: float
    elevation: float


def wrapped(angle: float) -> float:
    """Return the same angle in -pi..pi."""
    return math.remainder(angle, math.tau)


def pose_of_quaternion(x: float, y: float, z: float, w: float) -> Pose | None:
    """Return the pose of a rotation into the level frame; None for what is no rotation."""
    length = math.hypot(x, y, z, w)
    if not math.isfinite(length) or not 0.9 < length < 1.1:
        return None
    x, y, z, w = x / length, y / length, z / length, w / length
    return Pose(
        yaw=math.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z)),
        pitch=math.asin(min(1.0, max(-1.0, 2.0 * (w * y - z * x)))),
        roll=math.atan2(2.0 * (w * x + y * z), 1.0 - 2.0 * (x * x + y * y)),
    )


def rotation_of(pose: Pose) -> Float64Array:
    """Return the matrix [3, 3] that takes vectors of the gimbal into the level frame."""
    cy, sy = math.cos(pose.yaw), math.sin(pose.yaw)
    cp, sp = math.cos(pose.pitch), math.sin(pose.pitch)
    cr, sr = math.cos(pose.roll), math.sin(pose.roll)
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


def direction_of(pose: Pose, optical: tuple[float, float, float]) -> Direction:
    """
    Return where a vector of the camera points.

    :param optical: x right, y down, z forward; any length.
    """
    x, y, z = optical
    north, east, down = (rotation_of(pose) @ np.array([z, x, y])).tolist()
    return Direction(math.atan2(east, north), math.atan2(-down, math.hypot(north, east)))


def optical_angles(pose: Pose, direction: Direction) -> tuple[float, float]:
    """Return a direction as angles in the camera, + right and + down, as Target.msg has them."""
    flat = math.cos(direction.elevation)
    level = np.array(
        [
            flat * math.cos(direction.azimuth),
            flat * math.sin(direction.azimuth),
            -math.sin(direction.elevation),
        ]
    )
    forward, right, down = (rotation_of(pose).T @ level).tolist()
    return math.atan2(right, forward), math.atan2(down, forward)


def pose_that_sees(
    direction: Direction, wanted: tuple[float, float], roll: float
) -> tuple[float, float]:
    """
    Return the yaw and pitch at which a direction appears at the wanted place in the picture.

    A place beside the middle sweeps a cone when the gimbal yaws, so yaw and pitch are not simply
    azimuth and elevation less an offset. The equations have a closed solution: the elevation
    fixes the pitch, and pitch and azimuth fix the yaw.

    :param wanted: tangents of the angles from the optical axis, + right and + down.
    """
    x, y = wanted
    right = math.cos(roll) * x - math.sin(roll) * y
    down = math.sin(roll) * x + math.cos(roll) * y
    length = math.sqrt(1.0 + x * x + y * y)
    upright = math.hypot(1.0, down)
    # The highest direction that this place of the picture can ever show is below the zenith.
    rise = math.asin(min(1.0, max(-1.0, math.sin(direction.elevation) * length / upright)))
    pitch = rise + math.atan2(down, 1.0)
    yaw = direction.azimuth - math.atan2(right, upright * math.cos(rise))
    return yaw, pitch
