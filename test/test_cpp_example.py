# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The C++ example, built against the generated headers, commands what the targets tell it."""

from collections.abc import Iterator
from dataclasses import dataclass
import os
from pathlib import Path
import queue
import subprocess
import threading
import time

from ament_index_python.packages import get_packages_with_prefixes
import pytest
import rclpy
from rclpy.context import Context
from rclpy.node import Node
from rclpy.utilities import get_rmw_implementation_identifier

from sam2_tracker_ros.msg import Target

LISTENER = Path(__file__).parent / 'rate_command_listener.cpp'
NODE = Path(__file__).parents[1] / 'examples' / 'rate_command_node.cpp'
TOPIC = '/cpp/tracker/target'
COMPILER = ['g++', '-std=c++17', '-Wall', '-Wextra', '-Wpedantic', '-Werror']
DEADLINE_S = 30.0
NAN = float('nan')


def build(source: Path, libraries: list[str], program: Path) -> Path:
    """Compile and link; the headers of others may do what -Werror forbids."""
    prefixes = [Path(prefix) for prefix in os.environ['AMENT_PREFIX_PATH'].split(':')]
    folders = [
        folder
        for prefix in prefixes
        for folder in [prefix / 'include', *(prefix / 'include').glob('*/')]
    ]
    command = [*COMPILER, str(source), '-o', str(program)]
    command += [f'-isystem{folder}' for folder in folders]
    command += [f'-L{prefix / "lib"}' for prefix in prefixes]
    command += [f'-l{library}' for library in libraries]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return program


@dataclass(frozen=True)
class Command:
    """A line that the example printed: rates [rad/s] and whose they are."""

    yaw: float
    pitch: float
    why: str


class Consumer:
    """The running example, and a publisher of targets for it."""

    def __init__(self, program: Path, node: Node) -> None:
        self.process = subprocess.Popen(
            [program, TOPIC, os.environ['ROS_DOMAIN_ID']], stdout=subprocess.PIPE, text=True
        )
        self._commands: queue.Queue[Command] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self._publisher = node.create_publisher(Target, TOPIC, 10)
        deadline = time.monotonic() + DEADLINE_S
        while self._publisher.get_subscription_count() == 0:
            assert self.process.poll() is None, 'the example ended'
            assert time.monotonic() < deadline, 'the example does not subscribe'
            time.sleep(0.02)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            _, yaw, _, pitch, why = line.rstrip('\n').split(' ', 4)
            self._commands.put(Command(float(yaw), float(pitch), why))

    def next_command(self, why: str) -> Command:
        while True:
            command = self._commands.get(timeout=DEADLINE_S)
            if command.why == why:
                return command

    def answer(self, **fields: object) -> Command:
        """Publish a target and return the command that it gives."""
        values = {'target_id': 'car', 'state': Target.STATE_TRACKING, **fields}
        self._publisher.publish(Target(**values))
        return self.next_command('car')


@pytest.fixture(scope='module')
def consumer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consumer]:
    program = build(
        LISTENER,
        [
            *('rcutils', 'rmw', get_rmw_implementation_identifier()),
            'sam2_tracker_ros__rosidl_typesupport_cpp',
        ],
        tmp_path_factory.mktemp('cpp') / 'listener',
    )
    context = Context()
    rclpy.init(context=context)
    node = rclpy.create_node('gimbal_test', context=context)
    made = Consumer(program, node)
    yield made
    made.process.terminate()
    made.process.wait()
    node.destroy_node()
    rclpy.shutdown(context=context)


@pytest.mark.parametrize(
    ('angle_x', 'angle_y', 'yaw', 'pitch'),
    [
        (0.1, 0.0, 0.2, 0.0),  # right of the middle: turn right
        (-0.1, 0.0, -0.2, 0.0),
        (0.0, 0.05, 0.0, -0.1),  # below the middle: nod down
        (0.0, -0.05, 0.0, 0.1),
        (0.9, -0.9, 1.0, 1.0),  # no faster than the limit
    ],
)
def test_a_measured_target_is_turned_to(
    consumer: Consumer, angle_x: float, angle_y: float, yaw: float, pitch: float
) -> None:
    command = consumer.answer(measured=True, bearing_valid=True, angle_x=angle_x, angle_y=angle_y)
    assert (command.yaw, command.pitch) == pytest.approx((yaw, pitch), abs=1e-6)


@pytest.mark.parametrize(
    'fields',
    [
        {'measured': False, 'bearing_valid': True, 'state': Target.STATE_COASTING},
        {'measured': False, 'bearing_valid': True, 'state': Target.STATE_LOST},
        {'measured': True, 'bearing_valid': False, 'angle_x': NAN, 'angle_y': NAN},
        {'measured': False, 'bearing_valid': False, 'state': Target.STATE_ERROR},
    ],
)
def test_what_is_not_measured_stops_the_camera(
    consumer: Consumer, fields: dict[str, object]
) -> None:
    moving = {'measured': True, 'bearing_valid': True, 'angle_x': 0.2, 'angle_y': 0.2}
    assert consumer.answer(**moving).yaw > 0.0
    command = consumer.answer(**(moving | fields))
    assert (command.yaw, command.pitch) == (0.0, 0.0)


def test_silence_stops_the_camera(consumer: Consumer) -> None:
    assert consumer.answer(measured=True, bearing_valid=True, angle_x=0.2).yaw > 0.0
    command = consumer.next_command('silence')
    assert (command.yaw, command.pitch) == (0.0, 0.0)


@pytest.mark.skipif('rclcpp' not in get_packages_with_prefixes(), reason='rclcpp is no wheel')
def test_the_node_on_rclcpp_compiles(tmp_path: Path) -> None:
    build(NODE, ['rclcpp'], tmp_path / 'rate_command_node')
