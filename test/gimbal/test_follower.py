# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the follower does with each kind of message."""

from dataclasses import replace
import math
from typing import Any

from gimbal.plant import VIEW, observe
import pytest

from sam2_tracker_ros.core.types import Edge, Reason, TargetState
from sam2_tracker_ros.gimbal import Command, Follower, FollowerConfig, Mode, Observation
from sam2_tracker_ros.gimbal.geometry import Pose

PERIOD_S = 0.02
LATENCY_S = 0.04
RIGHT = (0.2, 0.0)
CONFIG = FollowerConfig()


class Bench:
    """A follower, a clock, and a camera that stands still; a message every second command."""

    def __init__(self, config: FollowerConfig = CONFIG) -> None:
        self.now_s = 1_700_000_000.0
        self.follower = Follower(config, self.now_s)
        self.has_attitude = False

    def see(self, angles: tuple[float, float] = RIGHT, **changes: Any) -> Observation:
        """Return a measurement that arrives now."""
        return replace(observe(self.now_s - LATENCY_S, angles), **changes)

    def hear(self, observation: Observation) -> bool:
        return self.follower.on_target(observation, self.now_s)

    def tick(self) -> Command:
        self.now_s += PERIOD_S
        if self.has_attitude:
            self.follower.on_attitude(self.now_s, Pose(0.0, 0.0, 0.0), self.now_s)
        return self.follower.command(self.now_s)

    def follow(self, count: int = 20, **changes: Any) -> Command:
        """Let the target be seen in a number of images, and return the last command."""
        for _ in range(count):
            self.hear(self.see(**changes))
            self.tick()
            command = self.tick()
        return command

    def wait(self, duration_s: float) -> Command:
        for _ in range(round(duration_s / PERIOD_S)):
            command = self.tick()
        return command

    def tell(self, state: TargetState, reason: Reason = Reason.NONE, **changes: Any) -> bool:
        return self.hear(self.see(state=state, measured=False, reason=reason, **changes))


def is_stopped(command: Command) -> bool:
    return (command.pitch_rate, command.yaw_rate) == (0.0, 0.0)


def test_without_any_message_it_stands_still_and_says_so() -> None:
    command = Bench().wait(1.0)
    assert is_stopped(command)
    assert command.mode is Mode.STALE
    assert 'nothing about a target' in command.detail
    assert command.target_age_s == math.inf
    assert all(math.isnan(error) for error in command.error)


@pytest.mark.parametrize(
    ('angles', 'yaw', 'pitch'),
    [((0.2, 0.0), 1, 0), ((-0.2, 0.0), -1, 0), ((0.0, 0.2), 0, -1), ((0.0, -0.2), 0, 1)],
)
def test_it_turns_to_the_target(angles: tuple[float, float], yaw: int, pitch: int) -> None:
    bench = Bench()
    bench.hear(bench.see(angles))
    command = bench.tick()
    assert command.mode is Mode.FOLLOWING
    assert (math.copysign(1.0, command.yaw_rate) if yaw else 0) == yaw
    assert (math.copysign(1.0, command.pitch_rate) if pitch else 0) == pitch
    assert command.error == pytest.approx(angles, abs=0.01)
    assert command.target_age_s == pytest.approx(LATENCY_S + PERIOD_S)


@pytest.mark.parametrize(
    'state', [TargetState.LOST, TargetState.IDLE, TargetState.ERROR, TargetState.INITIALIZING]
)
def test_the_message_that_ends_following_stops_at_once(state: TargetState) -> None:
    bench = Bench()
    assert not is_stopped(bench.follow())
    assert bench.tell(state)
    command = bench.follower.command(bench.now_s)
    assert is_stopped(command)
    assert command.mode is (Mode.HOLDING if state is TargetState.LOST else Mode.IDLE)
    assert not bench.tell(state), 'it stands still already'
    assert is_stopped(bench.wait(0.2))


def test_a_lost_target_that_is_tracked_again_is_followed_again_smoothly() -> None:
    bench = Bench()
    bench.follow()
    for _ in range(100):
        bench.tell(TargetState.LOST)
        assert is_stopped(bench.wait(0.04))
    bench.hear(bench.see((-0.3, 0.0)))
    command = bench.tick()
    assert command.mode is Mode.FOLLOWING
    assert 0.0 > command.yaw_rate >= -CONFIG.max_yaw_acceleration_rad_s2 * PERIOD_S - 1e-9


def test_repeated_coasting_extends_nothing() -> None:
    bench = Bench(FollowerConfig(coast_decay_s=0.5))
    first = bench.follow().yaw_rate
    for index in range(60):
        bench.tell(TargetState.COASTING, Reason.OCCLUDED)
        command = bench.wait(0.1)
        assert command.mode is Mode.COASTING
        assert command.detail == 'not measured: occluded'
        assert 0.0 <= command.yaw_rate <= first * math.exp(-0.1 * index / 0.5) + 1e-9
    assert command.yaw_rate < 1e-4


def test_without_images_coasting_is_stale_and_a_loss_is_not_searched() -> None:
    bench = Bench(FollowerConfig(search='sweep', hold_s=0.0))
    bench.follow()
    for state in (TargetState.COASTING, TargetState.LOST):
        bench.tell(state, Reason.INPUT_STALLED)
        command = bench.tick()
        assert command.mode is Mode.STALE
        assert command.detail == 'no images reach the tracker'
        assert is_stopped(command)


def test_a_target_without_bearing_coasts_and_is_stale_then() -> None:
    bench = Bench()
    bench.follow()
    command = bench.follow(3, bearing_valid=False)
    assert command.mode is Mode.COASTING
    assert 'CameraInfo' in command.detail
    command = bench.follow(10, bearing_valid=False)
    assert command.mode is Mode.STALE
    assert 'CameraInfo' in command.detail
    assert is_stopped(command)


@pytest.mark.parametrize(
    'ray',
    [
        (math.nan, 0.0, 1.0),
        (math.inf, 0.0, 1.0),
        (0.0, 0.0, 0.0),
        (0.0, 0.0, -1.0),
        (1.0, 0.0, 1e-200),
        (1e200, 1e200, 1e200),
    ],
)
def test_a_bad_bearing_is_no_measurement(ray: tuple[float, float, float]) -> None:
    bench = Bench()
    for _ in range(20):
        bench.hear(bench.see(ray=ray))
        assert is_stopped(bench.wait(0.04))
    assert bench.tick().mode is Mode.STALE


@pytest.mark.parametrize('number', [math.nan, math.inf, -math.inf, 1e300, -1.0, 0.0])
def test_bad_numbers_beside_the_bearing_do_not_reach_the_command(number: float) -> None:
    bench = Bench(FollowerConfig(framing_x=0.3))
    pair = (number, number)
    command = bench.follow(error=pair, extent=pair, size=pair)
    assert command.mode is Mode.FOLLOWING
    assert math.isfinite(command.yaw_rate)
    assert math.isfinite(command.pitch_rate)


def test_old_and_future_stamps_are_no_measurements() -> None:
    for shift_s, text in ((-0.5, '0.50 s old'), (1.0, 'in the future')):
        bench = Bench()
        bench.follow()
        for _ in range(20):
            bench.hear(bench.see(stamp_s=bench.now_s + shift_s))
            command = bench.wait(0.04)
        assert command.mode is Mode.STALE
        assert text in command.detail
        assert is_stopped(command)


def test_stamps_that_jump_back_start_the_filter_anew() -> None:
    bench = Bench()
    bench.has_attitude = True
    bench.tick()
    for step in range(20):  # a target that moves fast to the right
        bench.hear(bench.see((0.01 * step, 0.0)))
        bench.wait(0.04)
    bench.hear(bench.see((-0.1, 0.0), stamp_s=bench.now_s - 0.2))
    # No rate is known of one measurement, so that the prediction stays where it was.
    assert bench.tick().error[0] == pytest.approx(-0.1, abs=0.01)
    assert bench.tick().mode is Mode.FOLLOWING


def test_a_clock_that_is_set_back_starts_everything_anew() -> None:
    bench = Bench()
    assert not is_stopped(bench.follow())
    bench.now_s -= 1000.0
    assert is_stopped(bench.tick())
    assert bench.follow().mode is Mode.FOLLOWING


def test_another_epoch_forgets_what_was_known() -> None:
    bench = Bench()
    bench.follow()
    bench.hear(bench.see(epoch=2, state=TargetState.COASTING, measured=False))
    command = bench.tick()
    assert command.epoch == 2
    assert command.target_age_s == math.inf
    assert is_stopped(command)


def test_the_first_tracked_target_is_kept_until_it_is_released() -> None:
    bench = Bench()
    bench.tell(TargetState.COASTING, target_id='bus')
    assert bench.tick().target_id == ''
    bench.follow(3, target_id='car')
    bench.follow(3, target_id='bus', angles=(-0.2, 0.0))
    assert bench.tick().target_id == 'car'
    bench.follow(10, target_id='bus', angles=(-0.2, 0.0))  # nobody talks about the car any more
    command = bench.tick()
    assert command.target_id == 'bus'
    assert command.yaw_rate < 0.0
    bench.tell(TargetState.IDLE, target_id='')
    assert bench.tick().mode is Mode.IDLE


def test_the_named_target_is_the_only_one_that_is_followed() -> None:
    bench = Bench(FollowerConfig(target_id='car'))
    command = bench.follow(target_id='bus')
    assert command.mode is Mode.STALE
    assert "'car'" in command.detail
    bench.follow(target_id='car')
    assert bench.tick().mode is Mode.FOLLOWING
    bench.follower.reconfigure(FollowerConfig(target_id='bus'))
    bench.follow(1, target_id='bus')
    assert bench.tick().target_id == 'bus'


def test_a_new_framing_is_approached_smoothly() -> None:
    bench = Bench(FollowerConfig(dead_zone_rad=0.0))
    bench.follow(angles=(0.0, 0.0))
    bench.follower.reconfigure(FollowerConfig(dead_zone_rad=0.0, framing_x=0.5))
    first = bench.follow(1, angles=(0.0, 0.0)).error[0]
    assert -0.03 < first < 0.0
    bench.follow(200, angles=(0.0, 0.0))
    wanted = math.atan(0.5 * VIEW[0])
    assert bench.tick().error[0] == pytest.approx(-wanted, abs=0.02)


@pytest.mark.parametrize(
    ('reason', 'edges', 'expected'),
    [
        (Reason.LEFT_FRAME_LEFT, Edge.NONE, (-1, 0)),
        (Reason.OCCLUDED, Edge.BOTTOM, (0, -1)),
        (Reason.OCCLUDED, Edge.NONE, (1, 0)),
    ],
)
def test_a_search_goes_back_then_out_on_the_way_it_went(
    reason: Reason, edges: Edge, expected: tuple[int, int]
) -> None:
    config = FollowerConfig(search='sweep', hold_s=0.5, search_timeout_s=30.0)
    bench = Bench(config)
    bench.follow(2, angles=(0.0, 0.0), edges=edges)
    visited = [(0.0, 0.0)]
    modes: list[Mode] = []
    while not modes or modes[-1] is Mode.SEARCHING or len(modes) < 50:
        bench.tell(TargetState.LOST, Reason.LOW_SCORE if modes else reason)
        command = bench.tick()
        modes.append(command.mode)
        assert math.hypot(command.yaw_rate, command.pitch_rate) <= 0.2 + 1e-6
        yaw, pitch = visited[-1]
        visited.append((yaw + PERIOD_S * command.yaw_rate, pitch + PERIOD_S * command.pitch_rate))
    assert modes[:24] == [Mode.HOLDING] * 24
    assert len(modes) * PERIOD_S == pytest.approx(30.5, abs=0.1)
    assert 'in vain' in command.detail
    along = [expected[0] * yaw + expected[1] * pitch for yaw, pitch in visited]
    across = [expected[1] * yaw + expected[0] * pitch for yaw, pitch in visited]
    assert max(along) == pytest.approx(config.search_extent_rad, abs=0.02)
    assert min(along) == pytest.approx(-config.search_extent_rad, abs=0.02)
    assert along.index(max(along)) < along.index(min(along))
    assert max(map(abs, across)) < 0.02


def test_the_attitude_must_be_of_the_same_clock() -> None:
    bench = Bench()
    level = Pose(0.0, 0.0, 0.0)
    for shift_s in (-2.0, 1.0):
        assert 'clock' in bench.follower.on_attitude(bench.now_s + shift_s, level, bench.now_s)
    bench.tick()
    before = bench.follower.has_attitude
    assert bench.follower.on_attitude(bench.now_s, level, bench.now_s) == ''
    bench.tick()
    during = bench.follower.has_attitude
    bench.wait(1.1)
    assert (before, during, bench.follower.has_attitude) == (False, True, False)
