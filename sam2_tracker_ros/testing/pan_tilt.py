# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
A camera on a pan/tilt gimbal below a drone in the wind.

The level frame is x north, y east, z down; the gimbal frame is x along the optical axis, y right,
z down. Yaw is about z of the level frame, + to the right, then pitch about y, + up, then roll.
"""

from dataclasses import dataclass
import math

import numpy as np

from sam2_tracker_ros.core.types import Float64Array

# Optical frame (x right, y down, z forward) from gimbal frame.
OPTICAL_FROM_GIMBAL = np.array([(0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0)])

_TIME_CONSTANT_S = 0.06
_MAX_RATE = math.radians(120.0)
_MAX_ACCELERATION = math.radians(600.0)
_LOWEST_PITCH, _HIGHEST_PITCH = math.radians(-85.0), math.radians(10.0)
_ZOOM_TIME_CONSTANT_S = 0.25
_MAX_ZOOM = 4.0

_GUST_RMS = math.radians(0.3)
_GUST_HZ = (0.1, 1.0)
_GUST_WAVES = 6
_VIBRATION_RMS = math.radians(0.012)
_VIBRATION_HZ = (9.0, 17.0)
_VIBRATION_WAVES = 3


@dataclass(frozen=True)
class Attitude:
    """
    Where a camera points, in radians, and how fast that changes, in radians per second.

    The rates are those of the angles, not of the body.
    """

    yaw: float
    pitch: float
    roll: float = 0.0
    yaw_rate: float = 0.0
    pitch_rate: float = 0.0
    roll_rate: float = 0.0

    @property
    def level_from_gimbal(self) -> Float64Array:
        """Rotation [3, 3]."""
        (sin_y, cos_y), (sin_p, cos_p), (sin_r, cos_r) = (
            (math.sin(angle), math.cos(angle)) for angle in (self.yaw, self.pitch, self.roll)
        )
        yaw = np.array([(cos_y, -sin_y, 0.0), (sin_y, cos_y, 0.0), (0.0, 0.0, 1.0)])
        pitch = np.array([(cos_p, 0.0, sin_p), (0.0, 1.0, 0.0), (-sin_p, 0.0, cos_p)])
        roll = np.array([(1.0, 0.0, 0.0), (0.0, cos_r, -sin_r), (0.0, sin_r, cos_r)])
        return np.asarray(yaw @ pitch @ roll)

    @property
    def quaternion(self) -> tuple[float, float, float, float]:
        """The same rotation as x, y, z, w."""
        (sin_y, cos_y), (sin_p, cos_p), (sin_r, cos_r) = (
            (math.sin(angle / 2.0), math.cos(angle / 2.0))
            for angle in (self.yaw, self.pitch, self.roll)
        )
        return (
            sin_r * cos_p * cos_y - cos_r * sin_p * sin_y,
            cos_r * sin_p * cos_y + sin_r * cos_p * sin_y,
            cos_r * cos_p * sin_y - sin_r * sin_p * cos_y,
            cos_r * cos_p * cos_y + sin_r * sin_p * sin_y,
        )

    @property
    def optical_rates(self) -> tuple[float, float]:
        """How fast the camera turns about x and y of its optical frame."""
        sin_r, cos_r = math.sin(self.roll), math.cos(self.roll)
        yaw_rate = self.yaw_rate * math.cos(self.pitch)
        return (
            cos_r * self.pitch_rate + sin_r * yaw_rate,
            cos_r * yaw_rate - sin_r * self.pitch_rate,
        )


class PanTiltGimbal:
    """
    A gimbal whose rates follow commands with a first-order lag, within limits.

    It goes on with the last command for as long as none comes, as PX4's gimbals do.
    """

    def __init__(self, yaw: float, pitch: float) -> None:
        self.yaw = yaw
        self.pitch = pitch
        self.yaw_rate = 0.0
        self.pitch_rate = 0.0
        self._commanded = 0.0, 0.0

    def command(self, pitch_rate: float, yaw_rate: float) -> None:
        """Ask for rates in rad/s; numbers that are not finite are ignored."""
        if math.isfinite(pitch_rate) and math.isfinite(yaw_rate):
            self._commanded = _clip(pitch_rate, _MAX_RATE), _clip(yaw_rate, _MAX_RATE)

    def step(self, duration_s: float) -> None:
        """Let time pass; at most some hundredths of a second at once."""
        pitch_rate = _next_rate(self.pitch_rate, self._commanded[0], duration_s)
        yaw_rate = _next_rate(self.yaw_rate, self._commanded[1], duration_s)
        self.yaw += (self.yaw_rate + yaw_rate) / 2.0 * duration_s
        pitch = self.pitch + (self.pitch_rate + pitch_rate) / 2.0 * duration_s
        self.pitch = min(max(pitch, _LOWEST_PITCH), _HIGHEST_PITCH)
        self.yaw_rate = yaw_rate
        self.pitch_rate = pitch_rate if self.pitch == pitch else 0.0


class ZoomLens:
    """A lens whose focal length follows the zoom that is asked for."""

    def __init__(self) -> None:
        self.zoom = 1.0
        self._wanted = 1.0

    def command(self, zoom: float) -> None:
        """Ask for a zoom, 1..4; a number that is not finite is ignored."""
        if math.isfinite(zoom):
            self._wanted = min(max(zoom, 1.0), _MAX_ZOOM)

    def step(self, duration_s: float) -> None:
        """Let time pass."""
        rest = math.exp(-duration_s / _ZOOM_TIME_CONSTANT_S)
        self.zoom = self._wanted + (self.zoom - self._wanted) * rest


class Gusts:
    """What the wind does to the attitude and the gimbal does not take out: smooth, and small."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng((seed, 11))
        gusts, vibrations = (3, _GUST_WAVES), (3, _VIBRATION_WAVES)
        hertz = np.hstack([rng.uniform(*_GUST_HZ, gusts), rng.uniform(*_VIBRATION_HZ, vibrations)])
        # A sum of waves has the root of the summed half squares as its RMS.
        amplitudes = np.hstack(
            [
                np.full(gusts, _GUST_RMS * math.sqrt(2.0 / _GUST_WAVES)),
                np.full(vibrations, _VIBRATION_RMS * math.sqrt(2.0 / _VIBRATION_WAVES)),
            ]
        )
        self._omegas = 2.0 * math.pi * hertz
        self._amplitudes = amplitudes
        self._phases = rng.uniform(0.0, 2.0 * math.pi, hertz.shape)

    def applied_to(self, gimbal: PanTiltGimbal, time_s: float) -> Attitude:
        """Return where the camera on a gimbal points."""
        angles = self._omegas * time_s + self._phases
        yaw, pitch, roll = (self._amplitudes * np.sin(angles)).sum(axis=1).tolist()
        rates = (self._amplitudes * self._omegas * np.cos(angles)).sum(axis=1).tolist()
        return Attitude(
            yaw=gimbal.yaw + yaw,
            pitch=gimbal.pitch + pitch,
            roll=roll,
            yaw_rate=gimbal.yaw_rate + rates[0],
            pitch_rate=gimbal.pitch_rate + rates[1],
            roll_rate=rates[2],
        )


def _next_rate(rate: float, commanded: float, duration_s: float) -> float:
    change = (commanded - rate) * (1.0 - math.exp(-duration_s / _TIME_CONSTANT_S))
    return rate + _clip(change, _MAX_ACCELERATION * duration_s)


def _clip(value: float, limit: float) -> float:
    return min(max(value, -limit), limit)
