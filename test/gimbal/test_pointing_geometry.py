# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Directions and poses: signs, inverses, the history and the model of the gimbal."""

import math

import numpy as np
import pytest

from sam2_tracker_ros.gimbal.geometry import (
    Direction,
    Pose,
    direction_of,
    optical_angles,
    pose_of_quaternion,
    pose_that_sees,
    rotation_of,
)
from sam2_tracker_ros.gimbal.gimbal_model import AxisPair, GimbalModel
from sam2_tracker_ros.gimbal.pose_history import PoseHistory


def quaternion_of(pose: Pose) -> tuple[float, float, float, float]:
    """Return x, y, z, w of yaw about z, then pitch about y, then roll about x."""
    (sy, cy), (sp, cp), (sr, cr) = ((math.sin(a / 2.0), math.cos(a / 2.0)) for a in pose)
    return (
        sr * cp * cy - cr * sp * sy,
        cr * sp * cy + sr * cp * sy,
        cr * cp * sy - sr * sp * cy,
        cr * cp * cy + sr * sp * sy,
    )


def test_right_is_plus_and_up_is_plus() -> None:
    level = Pose(0.0, 0.0, 0.0)
    assert direction_of(level, (0.0, 0.0, 1.0)) == Direction(0.0, 0.0)
    assert direction_of(level, (1.0, 0.0, 1.0)).azimuth == pytest.approx(math.pi / 4.0)
    assert direction_of(level, (0.0, 1.0, 1.0)).elevation == pytest.approx(-math.pi / 4.0)
    looking = direction_of(Pose(0.3, 0.2, 0.0), (0.0, 0.0, 1.0))
    assert tuple(looking) == pytest.approx((0.3, 0.2))
    # A roll to the right brings what is to the right of the picture down.
    assert direction_of(Pose(0.0, 0.0, 0.1), (1.0, 0.0, 1.0)).elevation < 0.0


def test_a_quaternion_and_its_pose_are_the_same_rotation() -> None:
    random = np.random.default_rng(1)
    for yaw, pitch, roll in random.uniform((-3.1, -1.5, -3.1), (3.1, 1.5, 3.1), (200, 3)):
        x, y, z, w = quaternion_of(Pose(yaw, pitch, roll))
        cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
        expected = np.eye(3) + 2.0 * w * cross + 2.0 * cross @ cross
        found = pose_of_quaternion(x, y, z, w)
        assert found is not None
        assert rotation_of(found) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize('number', [0.0, math.nan, math.inf, 7.0, 1e200])
def test_what_is_no_rotation_is_refused(number: float) -> None:
    assert pose_of_quaternion(number, 0.0, 0.0, 0.0) is None


def test_the_wanted_pose_shows_the_target_exactly_at_the_wanted_place() -> None:
    random = np.random.default_rng(2)
    low, high = (-3.0, -1.1, -0.4, -0.2, -0.2), (3.0, 1.1, 0.4, 0.2, 0.2)
    for azimuth, elevation, x, y, roll in random.uniform(low, high, (500, 5)):
        direction = Direction(azimuth, elevation)
        yaw, pitch = pose_that_sees(direction, (x, y), roll)
        angles = optical_angles(Pose(yaw, pitch, roll), direction)
        assert np.tan(angles) == pytest.approx((x, y), abs=1e-9)


def test_a_place_that_cannot_show_the_zenith_comes_as_near_as_it_can() -> None:
    yaw, pitch = pose_that_sees(Direction(0.0, math.pi / 2.0), (0.5, 0.0), 0.0)
    assert math.isfinite(yaw)
    assert pitch == pytest.approx(math.pi / 2.0)


def test_the_history_interpolates_over_the_turn_and_holds_at_its_ends() -> None:
    history = PoseHistory()
    history.add(10.0, Pose(math.pi - 0.1, 0.0, 0.0))
    history.add(10.2, Pose(-math.pi + 0.1, 0.4, 0.0))
    assert history.at(10.05) == pytest.approx((math.pi - 0.05, 0.1, 0.0))
    assert history.at(9.0).pitch == 0.0
    assert history.at(11.0).pitch == 0.4
    history.add(10.2, Pose(-math.pi + 0.1, 0.6, 0.0))
    assert history.at(10.2).pitch == 0.6
    history.add(5.0, Pose(1.0, 1.0, 0.0))
    assert history.at(10.1) == (1.0, 1.0, 0.0)


def test_the_history_is_bounded() -> None:
    history = PoseHistory()
    for step in range(100_000):
        history.add(step * 0.01, Pose(step * 0.1, 0.0, 0.0))
    assert history.at(0.0).yaw == pytest.approx(99_699 * 0.1)


@pytest.mark.parametrize(('delay_s', 'lag_s'), [(0.0, 0.06), (0.1, 0.06), (0.1, 0.0)])
def test_the_model_is_a_first_order_lag_after_a_dead_time(delay_s: float, lag_s: float) -> None:
    model = GimbalModel(0.0)
    model.command(AxisPair(1.0, -2.0), delay_s, lag_s)
    model.advance(0.25)
    after_s = 0.25 - delay_s
    behind_s = lag_s * (1.0 - math.exp(-after_s / lag_s)) if lag_s else 0.0
    assert model.angles.yaw == pytest.approx(after_s - behind_s)
    assert model.angles.pitch == pytest.approx(-2.0 * (after_s - behind_s))
    assert model.committed == pytest.approx((0.25, -0.5))


def test_the_model_comes_to_rest_where_it_was_committed_to() -> None:
    model = GimbalModel(0.0)
    for step in range(50):
        model.command(AxisPair(math.sin(step / 5.0), step / 50.0), 0.05, 0.06)
        model.advance(0.02 * (step + 1))
    committed = model.committed
    model.command(AxisPair(0.0, 0.0), 0.05, 0.06)
    model.advance(5.0)
    assert model.angles == pytest.approx(committed)
