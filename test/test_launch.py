# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The launch files with the real `launch` and `launch_ros`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
import os
from pathlib import Path
import signal
import subprocess
import sys
import time
from typing import Any

from lifecycle_msgs.srv import GetState
import pytest
from rcl_interfaces.srv import GetParameters
import rclpy
from rclpy.client import Client
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rosgraph_msgs.msg import Clock

pytest.importorskip(
    'launch_ros', reason='launch and launch_ros are not on PyPI; they come with a ROS installation'
)

import launch
from launch.actions import DeclareLaunchArgument
from launch.launch_description_sources import get_launch_description_from_python_launch_file
from launch.utilities import perform_substitutions

from sam2_tracker_ros.msg import Target

FOLDER = Path(__file__).resolve().parent.parent / 'launch'
FILES = sorted(FOLDER.glob('*.launch.py'))
DEADLINE_S = 60.0

# What `ros2 launch FILE NAME:=VALUE...` does, without ros2cli.
LAUNCHER = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
file, *arguments = sys.argv[1:]
pairs = [argument.split(':=', 1) for argument in arguments]
service = LaunchService()
service.include_launch_description(
    LaunchDescription([IncludeLaunchDescription(file, launch_arguments=pairs)])
)
sys.exit(service.run())
"""


@contextmanager
def launched(file: str, *arguments: str) -> 'Iterator[subprocess.Popen[str]]':
    process = subprocess.Popen(
        [sys.executable, '-c', LAUNCHER, str(FOLDER / file), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


class Observer:
    """Another node in the same DDS domain."""

    def __init__(self, context: Context) -> None:
        self.node = Node('observer', context=context)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.node)

    def wait_for(self, condition: Callable[[], Any]) -> Any:
        """Return the first value of the condition that is true."""
        deadline_s = time.monotonic() + DEADLINE_S
        while not (value := condition()):
            assert time.monotonic() < deadline_s, 'the condition did not come true'
            self._executor.spin_once(timeout_sec=0.05)
        return value

    def call(self, kind: Any, name: str, request: Any) -> Any:
        client: Client[Any, Any] = self.node.create_client(kind, name)
        self.wait_for(client.service_is_ready)
        future = client.call_async(request)
        self.wait_for(future.done)
        return future.result()

    def close(self) -> None:
        self._executor.shutdown()
        self.node.destroy_node()


@pytest.fixture
def observer() -> Iterator[Observer]:
    context = Context()
    rclpy.init(context=context)
    made = Observer(context)
    yield made
    made.close()
    rclpy.shutdown(context=context)


def arguments_of(file: Path) -> list[DeclareLaunchArgument]:
    description = get_launch_description_from_python_launch_file(str(file))
    arguments: list[DeclareLaunchArgument] = description.get_launch_arguments()
    return arguments


def test_files_are_the_documented_ones() -> None:
    assert [file.name for file in FILES] == [
        'demo.launch.py',
        'gimbal_follower.launch.py',
        'mavlink_bridge.launch.py',
        'operator_page.launch.py',
        'replay.launch.py',
        'tracker.launch.py',
    ]


@pytest.mark.parametrize('file', FILES, ids=lambda file: file.name)
def test_every_argument_is_described(file: Path) -> None:
    arguments = arguments_of(file)
    assert arguments
    for argument in arguments:
        assert argument.description.strip(), argument.name
        assert argument.description != 'no description given', argument.name


def test_tracker_runs_with_its_arguments_and_ends_cleanly(observer: Observer) -> None:
    arguments = (
        'namespace:=front',
        'image:=/camera/image_raw',
        'camera_info:=/camera/camera_info',
        'click:=/clicks',
        'use_sim_time:=true',
        'log_level:=warn',
    )
    clock = observer.node.create_publisher(Clock, '/clock', 1)
    with launched('tracker.launch.py', *arguments) as process:

        def is_active() -> bool:
            clock.publish(Clock())
            state = observer.call(GetState, '/front/tracker/get_state', GetState.Request())
            return bool(state.current_state.label == 'active')

        observer.wait_for(is_active)
        count = observer.node.count_subscribers
        observer.wait_for(lambda: count('/camera/image_raw') and count('/camera/camera_info'))
        assert count('/clicks') == 1
        request = GetParameters.Request(names=['use_sim_time', 'model'])
        answer = observer.call(GetParameters, '/front/tracker/get_parameters', request)
        assert answer.values[0].bool_value
        assert answer.values[1].string_value == 'nano'
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, output
    assert 'process has finished cleanly' in output


def test_model_argument_goes_before_the_parameter_file(observer: Observer, tmp_path: Path) -> None:
    file = tmp_path / 'tracker.yaml'
    file.write_text(
        '/**:\n  tracker:\n    ros__parameters:\n      model: x\n      coast_timeout_s: 1.5\n'
    )
    missing = str(tmp_path / 'no_bundle')
    with launched('tracker.launch.py', f'params_file:={file}', f'model:={missing}') as process:
        request = GetParameters.Request(names=['model', 'coast_timeout_s'])
        answer = observer.call(GetParameters, '/tracker/get_parameters', request)
        assert answer.values[0].string_value == missing
        assert answer.values[1].double_value == 1.5
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=DEADLINE_S)
    assert missing in output


@pytest.mark.parametrize(
    ('name', 'topic', 'argument'),
    [
        ('gimbal_follower', '/front/tracker/target', 'rate_command:=rates'),
        ('mavlink_bridge', '/front/tracker/targets', 'connection:=udpout:127.0.0.1:14799'),
        ('operator_page', '/front/tracker/target', 'port:=0'),
    ],
)
def test_the_others_run_and_end_cleanly(
    observer: Observer, name: str, topic: str, argument: str
) -> None:
    with launched(f'{name}.launch.py', 'namespace:=front', argument) as process:
        nodes = observer.node.get_node_names_and_namespaces
        observer.wait_for(lambda: observer.node.count_subscribers(topic))
        observer.wait_for(lambda: (name, '/front') in nodes())
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, output
    assert 'process has finished cleanly' in output


def test_demo_shows_the_scene_and_tracks_the_car(observer: Observer) -> None:
    states: list[int] = []
    observer.node.create_subscription(
        Target, '/tracker/target', lambda target: states.append(target.state), 10
    )
    with launched('demo.launch.py', 'duration_s:=4.0') as process:
        observer.wait_for(lambda: Target.STATE_TRACKING in states)
        output, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, output
    assert 'target started' in output


def test_replay_plays_the_bag_with_its_clock_and_prompts() -> None:
    values = {'bag': '/bags/flight', 'rate': '0.5', 'delay_s': '2.0', 'loop': 'true'}
    values |= {'box': '1,2,30,40', 'point': '', 'namespace': ''}
    description = get_launch_description_from_python_launch_file(str(FOLDER / 'replay.launch.py'))
    context = launch.LaunchContext()
    context.launch_configurations.update(values)
    started = [
        action
        for entity in description.entities
        if isinstance(entity, launch.actions.OpaqueFunction)
        for action in entity.execute(context) or []
    ]
    commands = [
        [perform_substitutions(context, word) for word in action.cmd] for action in started
    ]
    point_at, player = commands
    assert '--box=1,2,30,40' in point_at
    assert ' '.join(player) == (
        'ros2 bag play /bags/flight --clock 100 --rate 0.5 --delay 2.0 '
        '--disable-keyboard-controls --loop'
    )


def test_a_tracker_that_crashes_is_started_again(observer: Observer) -> None:
    def trackers() -> list[int]:
        """Return the processes of the node that belong to the launched session."""
        found = []
        for folder in Path('/proc').glob('[0-9]*'):
            with suppress(OSError):
                command = (folder / 'cmdline').read_bytes()
                if b'/lib/sam2_tracker_ros/tracker\0' in command and b'__ns:=/crash' in command:
                    found.append(int(folder.name))
        return found

    states: list[Target] = []
    observer.node.create_subscription(Target, '/crash/tracker/target', states.append, 10)
    with launched('tracker.launch.py', 'namespace:=crash') as process:
        observer.wait_for(lambda: states)
        (first,) = trackers()
        os.kill(first, signal.SIGSEGV)
        observer.wait_for(lambda: trackers() not in ([], [first]))
        states.clear()
        observer.wait_for(lambda: states)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, output
    assert not trackers()
