# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How the target drives, and how fast a camera has to turn to see it."""

import math

import numpy as np
import pytest

from sam2_tracker_ros.core.types import Float64Array
from sam2_tracker_ros.testing.aerial_path import CAMERA_HEIGHT_PX, Drive, Layout

PIXELS_PER_METRE = 22.0
RATE_HZ = 60.0
LAYOUTS = [Layout((0.0, 0.0), 0.0, False), Layout((900.0, 400.0), 2.1, True)]


@pytest.fixture(params=LAYOUTS, ids=('plain', 'turned and mirrored'), scope='module')
def layout(request: pytest.FixtureRequest) -> Layout:
    made: Layout = request.param
    return made


@pytest.fixture(scope='module')
def offsets(layout: Layout) -> Float64Array:
    """Return where the car is in 60 s, from below the drone, [N, 2]."""
    drive = Drive(layout, start_delay_s=3.0)
    poses = [drive.pose(index / RATE_HZ) for index in range(round(60 * RATE_HZ))]
    return np.array([(pose.x, pose.y) for pose in poses]) - layout.center


def turn_rates_deg(offsets: Float64Array) -> Float64Array:
    """Return how fast the direction from the drone turns."""
    rays = np.column_stack([offsets, np.full(len(offsets), CAMERA_HEIGHT_PX)])
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    steps = np.linalg.norm(np.diff(rays, axis=0), axis=1)
    return np.asarray(np.degrees(2.0 * np.arcsin(steps / 2.0)) * RATE_HZ)


def test_its_direction_turns_at_forty_degrees_per_second_at_most(offsets: Float64Array) -> None:
    rates = turn_rates_deg(offsets)
    assert 37.0 <= rates.max() <= 41.0
    is_fast = (rates > 30.0).astype(int)
    assert np.count_nonzero(np.diff(is_fast) == 1) >= 3, 'several fast stretches'
    assert 5.0 <= np.median(rates) <= 25.0


def test_it_crosses_the_view_both_ways(offsets: Float64Array) -> None:
    azimuth = np.unwrap(np.arctan2(offsets[:, 0], -offsets[:, 1]))
    rates = np.degrees(np.diff(azimuth)) * RATE_HZ
    assert rates.max() > 20.0
    assert rates.min() < -20.0
    assert np.abs(rates).max() > 50.0
    assert np.ptp(azimuth) > math.radians(140.0)


def test_elevation_and_distance_stay_where_the_gimbal_is_good(offsets: Float64Array) -> None:
    elevation = np.degrees(np.arctan2(CAMERA_HEIGHT_PX, np.hypot(*offsets.T)))
    assert elevation.min() > 25.0
    assert elevation.max() < 60.0


def test_speed_and_acceleration_are_those_of_a_fast_car(offsets: Float64Array) -> None:
    velocity = np.diff(offsets, axis=0) * RATE_HZ / PIXELS_PER_METRE
    acceleration = np.linalg.norm(np.diff(velocity, axis=0), axis=1) * RATE_HZ
    speed = np.linalg.norm(velocity, axis=1)
    assert 18.0 <= speed.max() <= 26.0
    assert acceleration.max() < 17.0
    # No jump of the velocity: from one sixtieth of a second to the next.
    assert np.linalg.norm(np.diff(velocity, axis=0), axis=1).max() < 0.3


def test_it_stands_until_it_sets_off(offsets: Float64Array) -> None:
    waiting = offsets[: round(3.0 * RATE_HZ)]
    assert np.ptp(waiting, axis=0).max() < 1e-9
    assert np.linalg.norm(offsets[round(3.5 * RATE_HZ)] - waiting[0]) > 5.0


def test_it_points_where_it_drives_and_goes_round_again(layout: Layout) -> None:
    drive = Drive(layout, start_delay_s=0.0)
    for time_s in np.arange(2.0, 22.0, 0.37).tolist():
        here, there = drive.pose(time_s), drive.pose(time_s + 0.01)
        heading = math.atan2(there.y - here.y, there.x - here.x)
        assert math.cos(heading - here.heading_rad) > 0.999
        again = drive.pose(time_s + drive.lap_s)
        assert (again.x, again.y) == pytest.approx((here.x, here.y))


def test_mirrored_and_turned_it_is_the_same_drive() -> None:
    plain, other = (Drive(layout, start_delay_s=1.0) for layout in LAYOUTS)
    for time_s in np.arange(0.0, 20.0, 2.9).tolist():
        a, b = plain.pose(time_s), other.pose(time_s)
        distance = math.dist((b.x, b.y), LAYOUTS[1].center)
        assert math.hypot(a.x, a.y) == pytest.approx(distance, rel=1e-6)
