# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The simulated gimbal does what the formulas of a first-order lag say."""

import math

import numpy as np
import pytest

from sam2_tracker_ros.core.types import Float64Array
from sam2_tracker_ros.testing.pan_tilt import Attitude, Gusts, PanTiltGimbal, ZoomLens

STEP_S = 0.005


def turned(gimbal: PanTiltGimbal, duration_s: float) -> PanTiltGimbal:
    for _ in range(round(duration_s / STEP_S)):
        gimbal.step(STEP_S)
    return gimbal


def rotated(quaternion: tuple[float, float, float, float], vector: Float64Array) -> Float64Array:
    """Rotate by the product of quaternions, not by the matrix under test."""
    axis, w = np.array(quaternion[:3]), quaternion[3]
    across = np.cross(axis, vector) + w * vector
    return np.asarray(vector + 2.0 * np.cross(axis, across))


@pytest.mark.parametrize('duration_s', [0.02, 0.06, 0.3])
def test_a_small_step_is_answered_like_a_first_order_lag(duration_s: float) -> None:
    gimbal = PanTiltGimbal(yaw=0.0, pitch=-0.5)
    rate = math.radians(20.0)
    gimbal.command(pitch_rate=-rate, yaw_rate=rate)
    turned(gimbal, duration_s)
    answered = 1.0 - math.exp(-duration_s / 0.06)
    assert gimbal.yaw_rate == pytest.approx(rate * answered)
    assert gimbal.pitch_rate == pytest.approx(-rate * answered)
    assert gimbal.yaw == pytest.approx(rate * (duration_s - 0.06 * answered), rel=1e-2)
    assert gimbal.pitch == pytest.approx(-0.5 - gimbal.yaw)


def test_it_keeps_turning_without_commands() -> None:
    gimbal = PanTiltGimbal(yaw=0.0, pitch=-0.5)
    gimbal.command(pitch_rate=0.0, yaw_rate=0.2)
    turned(gimbal, 10.0)
    assert gimbal.yaw == pytest.approx(0.2 * (10.0 - 0.06), rel=1e-3)
    gimbal.command(pitch_rate=0.0, yaw_rate=math.nan)
    turned(gimbal, 1.0)
    assert gimbal.yaw_rate == pytest.approx(0.2)
    gimbal.command(pitch_rate=0.0, yaw_rate=0.0)
    stopped = turned(gimbal, 1.0).yaw
    assert turned(gimbal, 5.0).yaw == pytest.approx(stopped, abs=1e-6)


def test_rates_accelerations_and_pitch_are_limited() -> None:
    gimbal = PanTiltGimbal(yaw=0.0, pitch=0.0)
    gimbal.command(pitch_rate=-9.0, yaw_rate=9.0)
    gimbal.step(STEP_S)
    assert math.degrees(gimbal.yaw_rate) == pytest.approx(600.0 * STEP_S)
    turned(gimbal, 2.0)
    assert math.degrees(gimbal.yaw_rate) == pytest.approx(120.0)
    assert math.degrees(gimbal.pitch) == pytest.approx(-85.0)
    assert gimbal.pitch_rate == 0.0
    gimbal.command(pitch_rate=9.0, yaw_rate=0.0)
    assert math.degrees(turned(gimbal, 3.0).pitch) == pytest.approx(10.0)


def test_the_quaternion_is_the_rotation_and_has_the_promised_signs() -> None:
    attitude = Attitude(yaw=0.7, pitch=-0.4, roll=0.1)
    for vector in np.eye(3):
        expected = attitude.level_from_gimbal @ vector
        assert rotated(attitude.quaternion, vector) == pytest.approx(expected)
    north, east, down = Attitude(yaw=0.3, pitch=0.2).level_from_gimbal[:, 0]
    assert math.atan2(east, north) == pytest.approx(0.3), '+ right, seen from above'
    assert math.atan2(-down, math.hypot(north, east)) == pytest.approx(0.2), '+ up'
    right = Attitude(yaw=0.0, pitch=0.0, roll=0.2).level_from_gimbal[:, 1]
    assert right[2] > 0.0, 'the right side goes down'


def test_optical_rates_are_those_of_the_rotation() -> None:
    angles, rates = np.array([0.4, -0.6, 0.05]), np.array([0.8, -0.5, 0.3])
    half_s = 1e-5
    before, after = (
        Attitude(*(angles + sign * half_s * rates)).level_from_gimbal for sign in (-1.0, 1.0)
    )
    body = (before.T @ after - np.eye(3)) / (2.0 * half_s)
    attitude = Attitude(*angles, *rates)
    # Optical x is the gimbal's y, optical y its z.
    assert attitude.optical_rates == pytest.approx((body[0, 2], body[1, 0]), rel=1e-4)


def test_gusts_are_small_smooth_and_known_with_their_rates() -> None:
    gusts, gimbal = Gusts(4), PanTiltGimbal(yaw=0.0, pitch=0.0)
    times_s = np.arange(0.0, 120.0, 0.01)
    attitudes = [gusts.applied_to(gimbal, time_s) for time_s in times_s.tolist()]
    for name in ('yaw', 'pitch', 'roll'):
        angles = np.array([getattr(attitude, name) for attitude in attitudes])
        rates = np.array([getattr(attitude, f'{name}_rate') for attitude in attitudes])
        assert math.degrees(angles.std()) == pytest.approx(0.3, rel=0.2)
        assert np.abs(np.gradient(angles, times_s) - rates)[1:-1].max() < 0.2 * rates.std()
        assert math.degrees(rates.std()) < 3.0
    assert gusts.applied_to(gimbal, 3.0) == Gusts(4).applied_to(gimbal, 3.0)
    assert gusts.applied_to(gimbal, 3.0) != Gusts(5).applied_to(gimbal, 3.0)


def test_the_zoom_follows_smoothly_within_its_limits() -> None:
    lens = ZoomLens()
    lens.command(9.0)
    zooms = []
    for _ in range(600):
        lens.step(STEP_S)
        zooms.append(lens.zoom)
    assert np.diff([1.0, *zooms]).max() < 0.07
    assert zooms[-1] == pytest.approx(4.0, abs=1e-3)
    lens.command(0.0)
    for _ in range(600):
        lens.step(STEP_S)
    assert lens.zoom == pytest.approx(1.0, abs=1e-3)
