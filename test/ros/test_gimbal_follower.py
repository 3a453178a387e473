# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node `gimbal_follower` over DDS; its clock stands still unless a test moves it."""

from collections.abc import Iterator
from dataclasses import asdict
import math
from pathlib import Path
import re
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import Quaternion, QuaternionStamped, Vector3
import pytest
from rcl_interfaces.srv import DescribeParameters, SetParameters
from rclpy.client import Client
from rclpy.context import Context
from rclpy.parameter import Parameter
import yaml

from ros.gimbal_flight import (
    LATENCY_NS,
    PERIOD_NS,
    Flight,
    StartFollower,
    flights,
    stamp_of,
    starters,
)
from sam2_tracker_ros.errors import ConfigError
from sam2_tracker_ros.gimbal import FollowerConfig, Mode, OutputConfig
from sam2_tracker_ros.gimbal.config import settings_of
from sam2_tracker_ros.msg import GimbalFollowerStatus, Target, TargetEvent
from sam2_tracker_ros.ros.gimbal_follower_node import GimbalFollowerNode

PARAMETERS_FILE = Path(__file__).parents[2] / 'config' / 'gimbal_follower.yaml'


@pytest.fixture
def flight(context: Context, namespace: str) -> Iterator[Flight]:
    yield from flights(context, namespace)


@pytest.fixture
def start_follower(context: Context, namespace: str, flight: Flight) -> Iterator[StartFollower]:
    """Run the node; keywords are parameters."""
    yield from starters(context, namespace, flight)


def is_stopped(status: GimbalFollowerStatus) -> bool:
    return (status.pitch_rate, status.yaw_rate) == (0.0, 0.0)


def test_it_commands_from_the_start_and_never_pauses(
    flight: Flight, start_follower: StartFollower
) -> None:
    start_follower()
    begin = len(flight.rates)
    status = flight.advance(20)
    assert len(flight.rates) == begin + 20
    assert (status.mode, is_stopped(status)) == (Mode.STALE, True)
    assert 'tells nothing' in status.detail
    assert math.isnan(status.error_x)
    rate = flight.rates[-1]
    assert rate.header.frame_id == 'gimbal'
    assert (rate.vector.x, rate.vector.y, rate.vector.z) == (0.0, 0.0, 0.0)


def test_right_is_plus_yaw_and_below_is_minus_pitch(
    flight: Flight, start_follower: StartFollower
) -> None:
    start_follower()
    status = flight.follow(x=0.2, y=0.1)
    assert status.mode == Mode.FOLLOWING
    assert (status.target_id, status.epoch) == ('car', 1)
    assert status.error_x > 0.0
    assert status.error_y > 0.0
    vector = flight.rates[-1].vector
    assert vector.z == status.yaw_rate > 0.1
    assert vector.y == status.pitch_rate < -0.05
    assert vector.x == 0.0
    assert 0 < status.target_age.nanosec <= LATENCY_NS + 2 * PERIOD_NS + 1000


def test_lost_stops_the_gimbal_while_the_clock_stands_still(
    flight: Flight, start_follower: StartFollower
) -> None:
    start_follower()
    assert not is_stopped(flight.follow())
    count = len(flight.rates)
    lost = flight.target(state=Target.STATE_LOST, measured=False)
    flight.targets.publish(lost)
    # No timer can fire: this is the answer to the message.
    flight.wait_until(lambda: len(flight.rates) > count, 'a command')
    flight.wait_until(lambda: flight.statuses[-1].mode == Mode.HOLDING, 'the status')
    vector = flight.rates[count].vector
    assert (vector.y, vector.z) == (0.0, 0.0)
    assert is_stopped(flight.advance(3))


def test_every_mode_and_the_way_between(flight: Flight, start_follower: StartFollower) -> None:
    start_follower(search='sweep', hold_s=0.2, search_timeout_s=0.5)
    following = flight.follow()
    assert following.mode == Mode.FOLLOWING
    status = flight.tell(Target.STATE_COASTING, TargetEvent.REASON_OCCLUDED)
    assert status.mode == Mode.COASTING
    assert 0.0 < status.yaw_rate < following.yaw_rate
    modes = []
    for _ in range(25):
        status = flight.tell(Target.STATE_LOST, TargetEvent.REASON_LEFT_FRAME_RIGHT)
        modes.append(status.mode)
    holding, searching = modes.index(Mode.SEARCHING), modes.count(Mode.SEARCHING)
    assert modes[:holding] == [Mode.HOLDING] * holding
    assert modes[holding:] == (
        [Mode.SEARCHING] * searching + [Mode.HOLDING] * (25 - holding - searching)
    )
    assert 4 <= holding <= 6
    assert 10 <= searching <= 14
    assert is_stopped(status)
    assert flight.follow().mode == Mode.FOLLOWING
    assert flight.tell(Target.STATE_COASTING, TargetEvent.REASON_INPUT_STALLED).mode == Mode.STALE
    assert flight.follow().mode == Mode.FOLLOWING
    for state in (Target.STATE_ERROR, Target.STATE_INITIALIZING, Target.STATE_IDLE, 77):
        status = flight.tell(state)
        assert (status.mode, is_stopped(status)) == (Mode.IDLE, True)


def test_a_silent_tracker_stops_the_gimbal_within_the_timeout(
    flight: Flight, start_follower: StartFollower
) -> None:
    start_follower(stale_timeout_s=0.2)
    assert not is_stopped(flight.follow())
    statuses = [flight.advance() for _ in range(20)]
    first = [status.mode for status in statuses].index(Mode.STALE)
    # 0.2 s after the last image was taken: that was three to five periods ago.
    assert 4 <= first <= 7
    assert all(is_stopped(status) for status in statuses[first:])


def test_bad_input_is_no_measurement_and_does_no_harm(
    flight: Flight, start_follower: StartFollower
) -> None:
    start_follower()
    nan = Vector3(x=math.nan, y=math.nan, z=math.nan)
    for changes in (
        {'bearing': nan},
        {'bearing': Vector3(x=1e300, y=-1e300, z=1e300)},
        {'bearing_valid': False},
        {'measured': False},
    ):
        status = flight.follow(10, **changes)
        assert (status.mode, is_stopped(status)) == (Mode.STALE, True)
    status = flight.follow(10, bearing_valid=False)
    assert 'CameraInfo' in status.detail
    flight.attitudes.publish(QuaternionStamped(quaternion=Quaternion(w=math.nan)))
    status = flight.follow(
        error_x=math.inf, box_normalized=[math.nan] * 4, size_x=-1e300, edge_flags=255
    )
    assert status.mode == Mode.FOLLOWING
    assert math.isfinite(status.yaw_rate)


def test_the_attitude_is_used_and_reported(flight: Flight, start_follower: StartFollower) -> None:
    start_follower()

    def attitude_is(text: str) -> bool:
        pairs = [pair for status in flight.diagnostics for pair in status.values]
        flight.diagnostics.clear()
        return any(pair.key == 'attitude' and pair.value.startswith(text) for pair in pairs)

    flight.advance(50)
    flight.wait_until(lambda: (flight.advance(5), attitude_is('reckoned'))[1], 'diagnostics')

    def yaw_rate_at(pitch: float) -> float:
        for _ in range(60):
            attitude = Quaternion(y=math.sin(pitch / 2.0), w=math.cos(pitch / 2.0))
            message = QuaternionStamped(quaternion=attitude)
            message.header.stamp = stamp_of(flight.now_ns)
            flight.attitudes.publish(message)
            flight.follow(1, x=0.02)
        return float(flight.statuses[-1].yaw_rate)

    # About the vertical, a steep view turns further for the same way in the picture.
    assert yaw_rate_at(-1.0) > 1.3 * yaw_rate_at(0.0) > 0.0
    assert attitude_is('measured')


def test_diagnostics_warn_while_the_tracker_is_silent(
    flight: Flight, start_follower: StartFollower
) -> None:
    start_follower()
    flight.advance(55)
    flight.wait_until(lambda: flight.diagnostics, 'diagnostics')
    assert flight.diagnostics[-1].level == DiagnosticStatus.WARN
    assert flight.diagnostics[-1].message.startswith('stale: ')


def test_settings_change_while_it_follows(flight: Flight, start_follower: StartFollower) -> None:
    start_follower()
    flight.follow()
    client: Client[Any, Any] = flight.create_client(
        SetParameters, 'gimbal_follower/set_parameters'
    )

    def set_parameter(name: str, value: Any) -> Any:
        flight.wait_until(client.service_is_ready, 'the service')
        parameters = [Parameter(name, value=value).to_parameter_msg()]
        future = client.call_async(SetParameters.Request(parameters=parameters))
        flight.wait_until(future.done, 'an answer')
        answer = future.result()
        assert answer is not None
        return answer.results[0]

    assert set_parameter('max_yaw_rate_rad_s', 0.05).successful
    flight.follow(20)
    assert flight.statuses[-1].yaw_rate == pytest.approx(0.05)
    for name, value in (
        ('search', 'somewhere'),
        ('framing_x', math.nan),
        ('framing_x', 2.0),
        ('control_rate_hz', 100.0),
    ):
        result = set_parameter(name, value)
        assert not result.successful, name
        assert result.reason
    assert flight.follow().mode == Mode.FOLLOWING


def test_every_parameter_describes_itself(flight: Flight, start_follower: StartFollower) -> None:
    start_follower()
    infos = settings_of(FollowerConfig) | settings_of(OutputConfig)
    client: Client[Any, Any] = flight.create_client(
        DescribeParameters, 'gimbal_follower/describe_parameters'
    )
    flight.wait_until(client.service_is_ready, 'the service')
    future = client.call_async(DescribeParameters.Request(names=list(infos)))
    flight.wait_until(future.done, 'an answer')
    answer = future.result()
    assert answer is not None
    for descriptor, info in zip(answer.descriptors, infos.values(), strict=True):
        assert info.description in descriptor.description
        assert descriptor.read_only != info.changeable
        limits = [*descriptor.floating_point_range, *descriptor.integer_range]
        assert [(limit.from_value, limit.to_value) for limit in limits] == (
            [] if info.minimum is None else [(info.minimum, info.maximum)]
        )


def test_the_file_lists_every_parameter_with_the_default_of_the_code() -> None:
    text = PARAMETERS_FILE.read_text()
    written = yaml.safe_load(text)['/**']['gimbal_follower']['ros__parameters']
    defaults = {**asdict(FollowerConfig()), **asdict(OutputConfig())}
    assert [(name, type(value), value) for name, value in written.items()] == [
        (name, type(value), value) for name, value in defaults.items()
    ]
    for name, info in (settings_of(FollowerConfig) | settings_of(OutputConfig)).items():
        comment = re.search(rf'\n\n((?: *#.*\n)+) *{name}:', text)
        assert comment, name
        limits = [f'one of {", ".join(info.choices)}'] if info.choices else []
        if info.minimum is not None:
            limits += [f'{info.minimum:.12g} to {info.maximum:.12g}']
        if info.changeable:
            limits += ['run time']
        expected = f'{info.description} [{"; ".join(limits)}]' if limits else info.description
        assert ' '.join(comment[1].replace('#', ' ').split()) == expected, name


@pytest.mark.parametrize(
    ('name', 'value'), [('framing_x', 1.5), ('search', 'x'), ('control_rate_hz', math.nan)]
)
def test_a_bad_parameter_ends_the_start(context: Context, name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=name):
        GimbalFollowerNode(context=context, parameter_overrides=[Parameter(name, value=value)])
