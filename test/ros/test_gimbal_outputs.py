# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The last command, and commands for MAVROS and PX4: units, signs, flags."""

from collections.abc import Iterator
import ctypes
from importlib import import_module
import math
import signal
import subprocess
from typing import Any

import pytest
from rclpy.context import Context

from ros import gimbal_packages
from ros.gimbal_flight import Flight, StartFollower, flights, starters
from ros.harness import DEADLINE_S, RELIABLE
from sam2_tracker_ros.msg import Target


@pytest.fixture
def flight(context: Context, namespace: str) -> Iterator[Flight]:
    yield from flights(context, namespace)


@pytest.fixture
def start_follower(context: Context, namespace: str, flight: Flight) -> Iterator[StartFollower]:
    """Run the node; keywords are parameters."""
    yield from starters(context, namespace, flight)


@pytest.fixture(scope='session')
def gimbal_messages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Make mavros_msgs and px4_msgs importable."""
    install = gimbal_packages.build(tmp_path_factory.mktemp('gimbal_packages'))
    (folder,) = install.glob('lib/python3*/site-packages')
    # The loader has read LD_LIBRARY_PATH long ago, but finds what is loaded already.
    for kind in ('fastrtps_c', 'introspection_c'):
        for library in install.glob(f'lib/*_{kind}.so'):
            ctypes.CDLL(str(library))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield


@pytest.mark.usefixtures('gimbal_messages')
def test_mavros_is_told_radians(flight: Flight, start_follower: StartFollower) -> None:
    told: list[Any] = []
    message_class = import_module('mavros_msgs.msg').GimbalManagerSetPitchyaw
    topic = 'mavros/gimbal_control/manager/set_pitchyaw'
    flight.create_subscription(message_class, topic, told.append, RELIABLE)
    start_follower(mavros=True, gimbal_device_id=2)
    flight.wait_until(lambda: (flight.advance(), told), 'a command')
    flight.follow(x=0.2, y=0.1)
    status = flight.statuses[-1]
    flight.wait_until(lambda: told[-1].yaw_rate == pytest.approx(status.yaw_rate), 'the last')
    command = told[-1]
    assert command.yaw_rate > 0.1
    assert command.pitch_rate == pytest.approx(status.pitch_rate)
    assert command.pitch_rate < -0.05
    assert math.isnan(command.pitch)
    assert math.isnan(command.yaw)
    assert command.flags & 16, 'rates are about the vertical, whatever the vehicle does'
    assert command.gimbal_device_id == 2
    flight.tell(Target.STATE_LOST)
    flight.wait_until(lambda: (told[-1].pitch_rate, told[-1].yaw_rate) == (0.0, 0.0), 'a stop')


@pytest.mark.usefixtures('gimbal_messages')
def test_px4_is_told_degrees_after_who_is_in_control(
    flight: Flight, start_follower: StartFollower
) -> None:
    told: list[Any] = []
    message_class = import_module('px4_msgs.msg').VehicleCommand
    flight.create_subscription(message_class, 'fmu/in/vehicle_command', told.append, RELIABLE)
    start_follower(px4=True, gimbal_device_id=3)
    flight.wait_until(lambda: (flight.advance(), len(told) > 1), 'a command')
    assert [command.command for command in told].count(1001) == 1
    (control,) = [command for command in told if command.command == 1001]
    assert (control.param1, control.param2) == (control.source_system, control.source_component)
    flight.follow(x=0.2, y=0.1)
    status = flight.statuses[-1]
    expected = pytest.approx(math.degrees(status.yaw_rate), rel=1e-5)
    flight.wait_until(lambda: told[-1].param4 == expected, 'the last')
    command = told[-1]
    assert command.command == 1000
    assert command.param4 > 5.0
    assert command.param3 == pytest.approx(math.degrees(status.pitch_rate), rel=1e-5)
    assert command.param3 < -2.0
    assert math.isnan(command.param1)
    assert math.isnan(command.param2)
    assert (int(command.param5) & 16, command.param7) == (16, 3.0)
    assert command.timestamp == flight.now_ns // 1000
    assert command.from_external
    flight.tell(Target.STATE_LOST)
    flight.wait_until(lambda: (told[-1].param3, told[-1].param4) == (0.0, 0.0), 'a stop')


@pytest.mark.parametrize(('name', 'package'), [('mavros', 'mavros_msgs'), ('px4', 'px4_msgs')])
def test_messages_that_are_not_installed_end_the_process(name: str, package: str) -> None:
    done = subprocess.run(
        ['gimbal_follower', '--ros-args', '-p', f'{name}:=true'],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert f'the package {package} is not installed' in line


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_the_last_command_of_a_process_is_to_stop(
    flight: Flight, namespace: str, number: signal.Signals
) -> None:
    process = subprocess.Popen(
        ['gimbal_follower', '--ros-args', '-r', f'__ns:={namespace}'],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:

        def is_turning() -> bool:
            flight.now_ns = flight.get_clock().now().nanoseconds
            flight.targets.publish(flight.target())
            return bool(flight.statuses) and flight.statuses[-1].yaw_rate > 0.1

        flight.wait_until(is_turning, 'the gimbal to turn')
        process.send_signal(number)
        _, errors = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 0
        assert 'Traceback' not in errors
        flight.wait_until(lambda: flight.statuses[-1].detail == 'the follower ends', 'the end')
        flight.wait_until(lambda: flight.rates[-1].vector.z == 0.0, 'the stop')
    finally:
        process.kill()
        process.communicate()
