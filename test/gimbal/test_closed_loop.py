# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The control law in a closed loop with a gimbal in closed form."""

from dataclasses import replace
import math

from gimbal.plant import START_S, VIEW, Run, Scenario, run, turning
import numpy as np
import pytest

from sam2_tracker_ros.core.types import Float64Array, TargetState
from sam2_tracker_ros.gimbal import FollowerConfig, Mode, Observation
from sam2_tracker_ros.gimbal.geometry import Direction

NOISE = 0.003
MAX_RATE, ACCELERATION = math.radians(40.0), math.radians(60.0)
TURNING = Scenario(turning(MAX_RATE, ACCELERATION), duration_s=7.0, noise=NOISE)
# When the first approach is over.
SETTLED_S = 1.0


def rates_of(made: Run) -> tuple[Float64Array, Float64Array]:
    """Return times and [N, 2] rates of the commands, yaw and pitch."""
    times = np.array([command.stamp_s - START_S for command in made.commands])
    rates = np.array([(command.yaw_rate, command.pitch_rate) for command in made.commands])
    return times, rates


@pytest.mark.parametrize('has_attitude', [True, False])
@pytest.mark.parametrize('elevation_deg', [0.0, -40.0])
def test_a_turning_target_is_held_within_three_degrees(
    elevation_deg: float, has_attitude: bool
) -> None:
    elevation = math.radians(elevation_deg)
    made = run(
        replace(
            TURNING,
            path=turning(MAX_RATE, ACCELERATION, elevation),
            start=(0.0, elevation),
            has_attitude=has_attitude,
            config=FollowerConfig(assumed_pitch_rad=elevation),
        )
    )
    assert made.worst_deg(SETTLED_S) < 3.0
    assert made.rms_deg(SETTLED_S) < 1.5


def test_latency_compensation_divides_the_error_by_more_than_two() -> None:
    # The same law, told that every image was taken when its message arrived.
    with_stamps, without = run(TURNING), run(replace(TURNING, knows_capture_time=False))
    assert without.rms_deg(SETTLED_S) > 2.0 * with_stamps.rms_deg(SETTLED_S)
    assert without.worst_deg(SETTLED_S) > 2.0 * with_stamps.worst_deg(SETTLED_S)


def test_the_attitude_at_the_time_of_the_image_takes_gusts_out() -> None:
    def gust(now_s: float) -> tuple[float, float]:
        return (
            math.radians(3.0) * math.sin(2.0 * math.pi * 0.8 * now_s),
            math.radians(2.0) * math.sin(2.0 * math.pi * 0.6 * now_s),
        )

    shaken = Scenario(lambda _: Direction(0.0, 0.0), gust=gust, noise=0.001)
    compensated = run(shaken).rms_deg(SETTLED_S)
    assert compensated < 0.8 * run(replace(shaken, has_attitude=False)).rms_deg(SETTLED_S)
    assert compensated < 0.5 * run(replace(shaken, knows_capture_time=False)).rms_deg(SETTLED_S)


@pytest.mark.parametrize('delay_s', [0.0, 0.1])
def test_a_step_is_answered_without_overshoot(delay_s: float) -> None:
    config = FollowerConfig(gimbal_delay_s=delay_s)
    target = Direction(math.radians(20.0), math.radians(-8.0))
    made = run(Scenario(lambda _: target, duration_s=4.0, delay_s=delay_s, config=config))
    assert made.errors[:, 0].min() > 0.0
    assert made.errors[:, 1].min() > 0.0
    assert np.hypot(*made.errors[-1]) == pytest.approx(config.dead_zone_rad, rel=0.1)
    # In the dead zone it stands still: no limit cycle.
    assert np.abs(rates_of(made)[1][-50:]).max() < 1e-3


@pytest.mark.parametrize('lag_s', [0.03, 0.12, 0.2])
def test_a_gimbal_of_another_lag_than_told_is_stable(lag_s: float) -> None:
    made = run(Scenario(lambda _: Direction(math.radians(20.0), 0.0), lag_s=lag_s, duration_s=5.0))
    assert math.degrees(made.errors[:, 0].min()) > -3.0
    assert made.worst_deg(4.0) < 0.3


def test_commands_keep_the_limits_of_rate_and_acceleration() -> None:
    config = FollowerConfig(
        max_yaw_rate_rad_s=0.8,
        max_pitch_rate_rad_s=0.3,
        max_yaw_acceleration_rad_s2=2.0,
        max_pitch_acceleration_rad_s2=1.0,
    )
    times, rates = rates_of(run(Scenario(lambda _: Direction(1.0, -0.4), config=config)))
    assert np.abs(rates).max(0) == pytest.approx([0.8, 0.3])
    changes = np.abs(np.diff(rates, axis=0)) / np.diff(times)[:, None]
    assert (changes <= np.array([2.0, 1.0]) + 1e-6).all()


def test_a_longer_response_time_is_a_smoother_approach_of_the_same_motion() -> None:
    target = Scenario(lambda _: Direction(0.2, 0.0), duration_s=3.0)
    quick, slow = (
        rates_of(run(replace(target, config=FollowerConfig(response_time_s=time_s))))[1]
        for time_s in (0.2, 0.8)
    )
    assert np.abs(slow).max() < 0.5 * np.abs(quick).max()
    moving = Scenario(lambda now_s: Direction(0.5 * now_s, 0.0), duration_s=5.0)
    made = run(replace(moving, config=FollowerConfig(response_time_s=0.8)))
    assert made.worst_deg(4.5) < 0.5


def test_the_feed_forward_goes_on_inside_the_dead_zone() -> None:
    config = FollowerConfig(dead_zone_rad=0.05)
    made = run(Scenario(lambda now_s: Direction(0.3 * now_s, 0.0), config=config))
    assert rates_of(made)[1][-25:, 0] == pytest.approx(0.3, abs=0.01)
    assert made.worst_deg(3.0) < math.degrees(0.052)


@pytest.mark.parametrize('elevation', [0.0, -1.1])
def test_the_target_is_brought_to_the_wanted_place(elevation: float) -> None:
    config = FollowerConfig(framing_x=1.0 / 3.0, framing_y=-1.0 / 3.0, dead_zone_rad=0.0)
    made = run(
        Scenario(
            lambda _: Direction(0.2, elevation),
            duration_s=5.0,
            start=(0.0, elevation),
            config=config,
        )
    )
    place = np.tan(made.errors[-1]) / VIEW
    assert place == pytest.approx([1.0 / 3.0, -1.0 / 3.0], abs=0.002)
    assert made.commands[-1].error == pytest.approx((0.0, 0.0), abs=0.002)


def test_coasting_follows_ever_slower_and_then_catches_up() -> None:
    def hidden(now_s: float, observation: Observation) -> Observation:
        if not 2.0 <= now_s < 3.0:
            return observation
        return replace(observation, state=TargetState.COASTING, measured=False)

    made = run(Scenario(lambda now_s: Direction(0.5 * now_s, 0.0), tamper=hidden, duration_s=5.0))
    coasting = [command for command in made.commands if command.mode is Mode.COASTING]
    rates = [command.yaw_rate for command in coasting]
    assert len(rates) == pytest.approx(50, abs=2)
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == pytest.approx(0.5, abs=0.05)
    assert 0.0 < rates[-1] < 0.5 * math.exp(-0.9 / FollowerConfig().coast_decay_s) + 0.05
    assert made.worst_deg(2.0, 3.06) < 10.0
    assert made.worst_deg(4.5) < 0.5


def test_a_silent_tracker_stops_the_gimbal_within_the_timeout() -> None:
    made = run(
        replace(
            TURNING,
            duration_s=3.0,
            tamper=lambda now_s, told: told if now_s < 1.5 else None,
        )
    )
    times, rates = rates_of(made)
    # The last message leaves the camera before 1.5 s and arrives 0.06 s later.
    limit_s = 1.5 + TURNING.latency_s + FollowerConfig().stale_timeout_s + 0.02
    assert np.abs(rates[times < 1.5]).max() > 0.2
    assert not rates[times > limit_s].any()
    assert made.commands[-1].mode is Mode.STALE
