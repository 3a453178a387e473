# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Constant-velocity Kalman filter over a box, in seconds.

State (centre x, centre y, aspect ratio w / h, height, and the velocity of each per second), as in
SAMURAI (Yang et al. 2024) and DeepSORT (Wojke et al. 2017). Their noise is for one frame; here it
is for 1 / REFERENCE_RATE_HZ seconds and grows with time, so that dropped frames and other rates
keep its meaning. At that rate the numbers are those of SAMURAI.
"""

from dataclasses import dataclass
import math
from typing import cast

from filterpy.kalman import predict as kalman_predict
from filterpy.kalman import update as kalman_update
import numpy as np

from sam2_tracker_ros.core.types import Box, Float64Array

REFERENCE_RATE_HZ = 30.0
POSITION_STD_HEIGHTS = 1.0 / 20.0
VELOCITY_STD_HEIGHTS = 1.0 / 160.0
ASPECT_STD = 1e-2
ASPECT_VELOCITY_STD = 1e-5
ASPECT_MEASUREMENT_STD = 1e-1
# Initial uncertainty, in the standard deviations above.
INITIAL_POSITION_FACTOR = 2.0
INITIAL_VELOCITY_FACTOR = 10.0
# A box that the filter predicts has at least this height and aspect ratio.
MIN_HEIGHT_PX = 1.0
MIN_ASPECT = 1e-3

_MEASUREMENT_MATRIX = np.eye(4, 8)

# Where a state has the box and how fast that changes.
_PLACE, _SPEED = np.arange(4), np.arange(4, 8)


@dataclass(frozen=True)
class BoxState:
    """
    What is believed about a box.

    :param mean: [8], see the module.
    :param covariance: [8, 8].
    """

    mean: Float64Array
    covariance: Float64Array

    @property
    def box(self) -> Box:
        """The box, in pixels of the camera image."""
        center_x, center_y, aspect, height = self.mean[:4]
        height = max(height, MIN_HEIGHT_PX)
        half_width, half_height = max(aspect, MIN_ASPECT) * height / 2.0, height / 2.0
        return Box(
            float(center_x - half_width),
            float(center_y - half_height),
            float(center_x + half_width),
            float(center_y + half_height),
        )

    @property
    def center_covariance(self) -> Float64Array:
        """Covariance [2, 2] of the centre in square pixels."""
        return self.covariance[:2, :2]

    @property
    def velocity(self) -> tuple[float, float]:
        """Velocity of the centre in pixels per second."""
        return float(self.mean[4]), float(self.mean[5])


def initial_state(box: Box) -> BoxState:
    """Start at a measured box, at rest, with a velocity that could be anything likely."""
    mean = np.concatenate([_measurement(box), np.zeros(4)])
    position, velocity = _noise_std(mean[3])
    variance = _variances(INITIAL_POSITION_FACTOR * position, INITIAL_VELOCITY_FACTOR * velocity)
    return BoxState(mean, np.diag(variance))


def predict(state: BoxState, dt_s: float) -> BoxState:
    """Move the state `dt_s` seconds on; its uncertainty grows."""
    transition = np.eye(8)
    transition[:4, 4:] = np.eye(4) * dt_s
    noise = _process_noise(_variances(*_noise_std(state.mean[3])), dt_s * REFERENCE_RATE_HZ)
    mean, covariance = kalman_predict(state.mean, state.covariance, F=transition, Q=noise)
    return BoxState(cast('Float64Array', mean), cast('Float64Array', covariance))


def update(state: BoxState, box: Box) -> BoxState:
    """Correct the state by a measured box."""
    position, _ = _noise_std(state.mean[3])
    noise = np.diag(np.array([position, position, ASPECT_MEASUREMENT_STD, position]) ** 2)
    mean, covariance = kalman_update(
        state.mean, state.covariance, _measurement(box), noise, H=_MEASUREMENT_MATRIX
    )
    return BoxState(cast('Float64Array', mean), cast('Float64Array', covariance))


def with_shape_of(state: BoxState, other: BoxState) -> BoxState:
    """Give the box the height and aspect ratio of another state, which stay as they are then."""
    mean = state.mean.copy()
    mean[2:4], mean[6:] = other.mean[2:4], 0.0
    return BoxState(mean, state.covariance)


def shifted(
    state: BoxState,
    shift_px: tuple[float, float] = (0.0, 0.0),
    velocity_px_s: tuple[float, float] = (0.0, 0.0),
) -> BoxState:
    """Move the box, and add to its velocity; what is uncertain stays so."""
    mean = state.mean.copy()
    mean[:2] += shift_px
    mean[4:6] += velocity_px_s
    return BoxState(mean, state.covariance)


def at_rest(state: BoxState) -> BoxState:
    """Stop the box; how fast it may have gone stays uncertain."""
    mean = state.mean.copy()
    mean[4:] = 0.0
    return BoxState(mean, state.covariance)


def center_std_px(state: BoxState) -> float:
    """Return the standard deviation of the centre along one axis, in pixels."""
    return math.sqrt(float(np.trace(state.center_covariance)) / 2.0)


def _measurement(box: Box) -> Float64Array:
    center_x, center_y = box.center
    height = max(box.height, MIN_HEIGHT_PX)
    return np.array([center_x, center_y, box.width / height, height])


def _noise_std(height_px: float) -> tuple[float, float]:
    """Return the standard deviations of position [px] and of velocity [px/s]."""
    height_px = max(height_px, MIN_HEIGHT_PX)
    return (
        POSITION_STD_HEIGHTS * height_px,
        VELOCITY_STD_HEIGHTS * height_px * REFERENCE_RATE_HZ,
    )


def _process_noise(variances: Float64Array, frames: float) -> Float64Array:
    """
    Return the noise [8, 8] that so many steps of one frame add up to; fractions go on smoothly.

    One long step and many short ones agree: velocity noise of early frames moves the position in
    all later ones.

    :param variances: [8] of one frame.
    """
    position, velocity = variances[:4], variances[4:]
    # Sums over k = 0 .. frames - 1 of k and of k squared.
    sum_s = frames * (frames - 1.0) / 2.0 / REFERENCE_RATE_HZ
    sum_squares_s2 = frames * (frames - 1.0) * (2.0 * frames - 1.0) / 6.0 / REFERENCE_RATE_HZ**2
    noise = np.zeros((8, 8))
    noise[_PLACE, _PLACE] = position * frames + velocity * sum_squares_s2
    noise[_PLACE, _SPEED] = noise[_SPEED, _PLACE] = velocity * sum_s
    noise[_SPEED, _SPEED] = velocity * frames
    return noise


def _variances(position: float, velocity: float) -> Float64Array:
    """Return the eight variances of a state from the deviations of position and velocity."""
    std = [position, position, ASPECT_STD, position]
    std += [velocity, velocity, ASPECT_VELOCITY_STD * REFERENCE_RATE_HZ, velocity]
    return np.array(std) ** 2
