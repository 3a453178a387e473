# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where the target is in space and how it moves, from noisy directions."""

import math

import numpy as np

from sam2_tracker_ros.core.types import Float64Array
from sam2_tracker_ros.gimbal.geometry import Direction, wrapped

# A new target may move this fast [rad/s]; one measurement cannot tell.
_INITIAL_RATE = 0.5
# How long a turn lasts: the acceleration decays with this time constant [s].
_TURN_S = 0.5
# Near the zenith a small angle is a large azimuth; its cosine is taken as this at least.
_MIN_COSINE = 0.05


class AngleFilter:
    """
    A Kalman filter of an angle, its rate and an acceleration that decays (Singer's model).

    With the acceleration, a turn is led into and not only followed; because it decays, a target
    that is not seen for a while is expected to go straight on.

    :param variance: of the angle; the others start with those of any target.
    :param acceleration: typical one in rad/s^2.
    """

    def __init__(self, angle: float, variance: float, rate: float, acceleration: float) -> None:
        self._state = np.array([angle, 0.0, 0.0])
        self._covariance = np.diag([variance, rate**2, acceleration**2])

    @property
    def rate(self) -> float:
        """Rate in radians per second."""
        return float(self._state[1])

    def angle_after(self, elapsed_s: float) -> float:
        """Return the angle that long after the newest measurement."""
        return float(_transition(elapsed_s)[0] @ self._state)

    def update(self, elapsed_s: float, angle: float, variance: float, acceleration: float) -> None:
        """Take a measurement."""
        transition = _transition(elapsed_s)
        state = transition @ self._state
        covariance = transition @ self._covariance @ transition.T
        covariance += acceleration**2 * _noise(elapsed_s)
        gain = covariance[:, 0] / (covariance[0, 0] + variance)
        self._state = state + gain * wrapped(angle - state[0])
        self._covariance = covariance - np.outer(gain, covariance[0])


class DirectionFilter:
    """
    The filters of azimuth and elevation, which start with the first direction.

    :param noise: standard deviation of a measured direction in radians.
    :param acceleration: typical one of the target's direction in rad/s^2.
    """

    def __init__(
        self, stamp_s: float, direction: Direction, noise: float, acceleration: float
    ) -> None:
        self.stamp_s = stamp_s
        far = 1.0 / _cosine(direction)
        self._azimuth = AngleFilter(
            direction.azimuth, (noise * far) ** 2, _INITIAL_RATE * far, acceleration * far
        )
        self._elevation = AngleFilter(direction.elevation, noise**2, _INITIAL_RATE, acceleration)

    @property
    def rates(self) -> tuple[float, float]:
        """Rates of azimuth and elevation in radians per second."""
        return self._azimuth.rate, self._elevation.rate

    def update(
        self, stamp_s: float, direction: Direction, noise: float, acceleration: float
    ) -> None:
        """Take a direction that is newer than the last."""
        elapsed_s, self.stamp_s = stamp_s - self.stamp_s, stamp_s
        far = 1.0 / _cosine(direction)
        self._azimuth.update(elapsed_s, direction.azimuth, (noise * far) ** 2, acceleration * far)
        self._elevation.update(elapsed_s, direction.elevation, noise**2, acceleration)

    def direction_after(self, elapsed_s: float) -> Direction:
        """Return where the target will be, that long after the newest measurement."""
        elevation = self._elevation.angle_after(elapsed_s)
        # Over the zenith is out of reach, and no reason to count on.
        return Direction(
            self._azimuth.angle_after(elapsed_s),
            min(math.pi / 2.0, max(-math.pi / 2.0, elevation)),
        )


def _cosine(direction: Direction) -> float:
    return max(_MIN_COSINE, math.cos(direction.elevation))


def _transition(elapsed_s: float) -> Float64Array:
    left = math.exp(-elapsed_s / _TURN_S)
    acting_s = _TURN_S * (1.0 - left)
    return np.array(
        [
            [1.0, elapsed_s, _TURN_S * (elapsed_s - acting_s)],
            [0.0, 1.0, acting_s],
            [0.0, 0.0, left],
        ]
    )


def _noise(elapsed_s: float) -> Float64Array:
    """Return what a standard acceleration adds to the covariance, for times below a turn."""
    t = min(elapsed_s, _TURN_S)
    return (2.0 / _TURN_S) * np.array(
        [
            [t**5 / 20.0, t**4 / 8.0, t**3 / 6.0],
            [t**4 / 8.0, t**3 / 3.0, t**2 / 2.0],
            [t**3 / 6.0, t**2 / 2.0, t],
        ]
    )
