# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The filter against SAMURAI's own numbers, written out here in frames, and textbook matrices.

SAMURAI counts time in frames; at 30 Hz its velocities are 30 times smaller than per second.
"""

from itertools import pairwise

from filterpy.kalman import KalmanFilter
import numpy as np
import pytest

from sam2_tracker_ros.core import kalman
from sam2_tracker_ros.core.types import Box, Float64Array

# From a state per frame to a state per second, at 30 frames per second.
PER_SECOND = np.diag([1.0] * 4 + [30.0] * 4)


def box_of(center_x: float, center_y: float, aspect: float, height: float) -> Box:
    """Return the box of a measurement."""
    width = aspect * height
    return Box(
        center_x - width / 2, center_y - height / 2, center_x + width / 2, center_y + height / 2
    )


def variances(height: float, position: float, velocity: float) -> Float64Array:
    """Return SAMURAI's variances per frame, position and velocity times a factor each."""
    std = [position * height / 20, position * height / 20, 1e-2, position * height / 20]
    std += [velocity * height / 160, velocity * height / 160, 1e-5, velocity * height / 160]
    return np.diag(np.square(std))


def samurai(first: Float64Array) -> KalmanFilter:
    """Return SAMURAI's filter, one step per frame, after its first measurement."""
    reference = KalmanFilter(dim_x=8, dim_z=4)
    reference.F = np.block([[np.eye(4), np.eye(4)], [np.zeros((4, 4)), np.eye(4)]])
    reference.H = np.hstack([np.eye(4), np.zeros((4, 4))])
    reference.x = np.concatenate([first, np.zeros(4)])
    reference.P = variances(first[3], 2.0, 10.0)
    return reference


def assert_equal_states(state: kalman.BoxState, reference: KalmanFilter) -> None:
    """Compare in SAMURAI's units, each number beside the deviations of its row and column."""
    to_frames = np.linalg.inv(PER_SECOND)
    np.testing.assert_allclose(to_frames @ state.mean, reference.x, rtol=1e-9, atol=1e-12)
    covariance = to_frames @ state.covariance @ to_frames
    scale = 1.0 / np.sqrt(np.diag(reference.P))
    np.testing.assert_allclose(
        covariance * np.outer(scale, scale), reference.P * np.outer(scale, scale), atol=1e-9
    )


def test_is_samurai_at_its_rate() -> None:
    random = np.random.default_rng(2)
    z = np.array([60.0, 40.0, 1.5, 24.0])
    state, reference = kalman.initial_state(box_of(*z)), samurai(z)
    assert_equal_states(state, reference)
    for _ in range(40):
        z = z + random.normal([2.0, -1.0, 0.0, 0.5], [0.5, 0.5, 0.02, 0.5])
        reference.predict(Q=variances(reference.x[3], 1.0, 1.0))
        state = kalman.predict(state, 1.0 / 30.0)
        assert_equal_states(state, reference)
        height = reference.x[3]
        noise = np.diag(np.square([height / 20, height / 20, 1e-1, height / 20]))
        reference.update(z, R=noise)
        state = kalman.update(state, box_of(*z))
        assert_equal_states(state, reference)


def moving_state() -> kalman.BoxState:
    """Return a state that knows its velocity; its height stays."""
    state = kalman.initial_state(box_of(50.0, 50.0, 1.0, 20.0))
    for step in range(1, 20):
        state = kalman.update(
            kalman.predict(state, 1 / 30), box_of(50.0 + step, 50.0 - 2 * step, 1.0, 20.0)
        )
    return state


@pytest.mark.parametrize('dt_s', [1 / 60, 1 / 30, 0.1, 1.0, 7.3])
def test_two_half_steps_are_one_step(dt_s: float) -> None:
    state = moving_state()
    once = kalman.predict(state, dt_s)
    twice = kalman.predict(kalman.predict(state, dt_s / 2), dt_s / 2)
    np.testing.assert_allclose(twice.mean, once.mean, rtol=1e-12)
    np.testing.assert_allclose(twice.covariance, once.covariance, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize('frames', [2, 3, 10, 90])
def test_dropped_frames_leave_the_prediction_of_samurai(frames: int) -> None:
    z = np.array([60.0, 40.0, 1.5, 24.0])
    reference = samurai(z)
    for _ in range(frames):
        reference.predict(Q=variances(z[3], 1.0, 1.0))
    assert_equal_states(kalman.predict(kalman.initial_state(box_of(*z)), frames / 30), reference)


@pytest.mark.parametrize('dt_s', [0.0, 1e-6, 1 / 120, 1 / 30, 1.0, 60.0, 3600.0, 86_400.0])
def test_any_gap_is_finite_and_positive_definite(dt_s: float) -> None:
    later = kalman.predict(moving_state(), dt_s)
    assert np.isfinite(later.mean).all()
    assert np.isfinite(later.covariance).all()
    # Scaled to a unit diagonal, as the units of aspect and pixels lie far apart.
    scale = 1.0 / np.sqrt(np.diag(later.covariance))
    correlation = later.covariance * np.outer(scale, scale)
    assert np.linalg.eigvalsh(correlation).min() > 0.0
    np.testing.assert_allclose(correlation, correlation.T, atol=1e-12)


def test_uncertainty_grows_while_nothing_is_measured() -> None:
    state = moving_state()
    deviations = [kalman.center_std_px(kalman.predict(state, 0.1 * n)) for n in range(30)]
    assert all(later > earlier for earlier, later in pairwise(deviations))


def test_no_time_changes_nothing() -> None:
    state = moving_state()
    now = kalman.predict(state, 0.0)
    np.testing.assert_allclose(now.mean, state.mean)
    np.testing.assert_allclose(now.covariance, state.covariance)


def test_learns_the_velocity_in_pixels_per_second() -> None:
    velocity = moving_state().velocity
    assert velocity == pytest.approx((30.0, -60.0), rel=0.05)


@pytest.mark.parametrize('rate_hz', [5.0, 15.0, 60.0])
def test_velocity_does_not_depend_on_the_rate(rate_hz: float) -> None:
    state = kalman.initial_state(box_of(0.0, 50.0, 1.0, 20.0))
    for step in range(1, int(3 * rate_hz)):
        seconds = step / rate_hz
        state = kalman.predict(state, 1.0 / rate_hz)
        state = kalman.update(state, box_of(40.0 * seconds, 50.0, 1.0, 20.0))
    assert state.velocity[0] == pytest.approx(40.0, rel=0.03)


def test_initial_box_is_the_measured_one() -> None:
    box = Box(10.0, 20.0, 50.0, 44.0)
    found = kalman.initial_state(box).box
    np.testing.assert_allclose(
        [found.left, found.top, found.right, found.bottom], [10.0, 20.0, 50.0, 44.0]
    )


def test_a_predicted_box_never_turns_inside_out() -> None:
    mean = np.array([50.0, 50.0, 1.0, 20.0, 0.0, 0.0, -2.0, -30.0])
    later = kalman.predict(kalman.BoxState(mean, np.eye(8)), 5.0)
    assert later.mean[3] < 0.0
    assert later.box.height >= 1.0
    assert later.box.width > 0.0
    assert later.box.center == pytest.approx((50.0, 50.0))


def test_a_box_without_height_is_measured_as_one_pixel_high() -> None:
    state = kalman.update(kalman.initial_state(Box(5.0, 5.0, 9.0, 5.0)), Box(5.0, 5.0, 9.0, 5.0))
    assert np.isfinite(state.mean).all()
    assert state.box.height == pytest.approx(1.0)


def test_at_rest_stops_and_stays_uncertain() -> None:
    mean = np.array([50.0, 50.0, 1.0, 20.0, 30.0, -60.0, 0.1, 5.0])
    state = kalman.BoxState(mean, np.diag(np.arange(1.0, 9.0)))
    resting = kalman.at_rest(state)
    np.testing.assert_array_equal(resting.mean[4:], 0.0)
    np.testing.assert_array_equal(resting.mean[:4], state.mean[:4])
    np.testing.assert_array_equal(resting.covariance, state.covariance)
    assert state.velocity == (30.0, -60.0)


def test_center_deviation_is_the_root_of_the_mean_variance() -> None:
    covariance = np.eye(8)
    covariance[0, 0], covariance[1, 1], covariance[3, 3] = 9.0, 25.0, 1e6
    state = kalman.BoxState(np.ones(8), covariance)
    assert kalman.center_std_px(state) == pytest.approx(17.0**0.5)
    np.testing.assert_array_equal(state.center_covariance, [[9.0, 0.0], [0.0, 25.0]])
