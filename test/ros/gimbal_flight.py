# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Tracker, gimbal and clock around a gimbal follower, on the other side of DDS."""

from collections.abc import Callable, Iterator
import math
import threading
from typing import Any

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import QuaternionStamped, Vector3, Vector3Stamped
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock

from ros.harness import DEADLINE_S, RELIABLE
from sam2_tracker_ros.msg import GimbalFollowerStatus, Target
from sam2_tracker_ros.ros.gimbal_follower_node import GimbalFollowerNode

START_NS = 1_700_000_000_000_000_000
PERIOD_NS = 20_000_000
LATENCY_NS = 40_000_000


def stamp_of(time_ns: int) -> Time:
    return Time(sec=time_ns // 10**9, nanosec=time_ns % 10**9)


class Flight(Node):
    """Tracker, gimbal and clock on the other side of DDS."""

    def __init__(self, context: Context, namespace: str) -> None:
        super().__init__('flight', context=context, namespace=namespace)
        self.now_ns = START_NS
        self.rates: list[Vector3Stamped] = []
        self.statuses: list[GimbalFollowerStatus] = []
        self.diagnostics: list[DiagnosticStatus] = []
        self.clock = self.create_publisher(Clock, '/clock', RELIABLE)
        self.targets = self.create_publisher(Target, 'tracker/target', RELIABLE)
        self.attitudes = self.create_publisher(QuaternionStamped, 'gimbal/attitude', RELIABLE)
        self.create_subscription(
            Vector3Stamped, 'gimbal/rate_command', self.rates.append, RELIABLE
        )
        self.create_subscription(
            GimbalFollowerStatus, 'gimbal_follower/status', self.statuses.append, RELIABLE
        )
        self.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, RELIABLE)
        self._spinner = SingleThreadedExecutor(context=context)
        self._spinner.add_node(self)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        name = f'{self.get_namespace()}/gimbal_follower: following'
        self.diagnostics += [status for status in message.status if status.name == name]

    def end(self) -> None:
        self._spinner.shutdown()
        self.destroy_node()

    def wait_until(self, condition: Callable[[], Any], what: str) -> None:
        deadline = self._now_s() + DEADLINE_S
        while not condition():
            assert self._now_s() < deadline, f'waited in vain for {what}'
            self._spinner.spin_once(timeout_sec=0.05)

    def _now_s(self) -> float:
        return self.get_clock().now().nanoseconds / 1e9

    def wait_for_follower(self) -> None:
        publishers = (self.clock, self.targets, self.attitudes)
        topics = ('gimbal/rate_command', 'gimbal_follower/status', '/diagnostics')
        self.wait_until(
            lambda: (
                all(publisher.get_subscription_count() for publisher in publishers)
                and all(self.count_publishers(topic) for topic in topics)
            ),
            'the follower',
        )
        # Both ends may not know each other at once: move on until the first answer.
        while not self.statuses:
            self.now_ns += PERIOD_NS
            self.clock.publish(Clock(clock=stamp_of(self.now_ns)))
            self._spinner.spin_once(timeout_sec=0.1)
        self.advance()

    def advance(self, count: int = 1) -> GimbalFollowerStatus:
        """Let one or more periods of the command pass, and return the last command's status."""
        for _ in range(count):
            self.now_ns += PERIOD_NS
            self.clock.publish(Clock(clock=stamp_of(self.now_ns)))
            now = stamp_of(self.now_ns)
            self.wait_until(
                lambda now=now: (  # type: ignore[misc]
                    self.statuses
                    and self.statuses[-1].header.stamp == now
                    and self.rates
                    and self.rates[-1].header.stamp == now
                ),
                'a command',
            )
        return self.statuses[-1]

    def target(self, x: float = 0.2, y: float = 0.0, **changes: Any) -> Target:
        """Return a measurement at these tangents from the optical axis, + right and + down."""
        length = math.hypot(x, y, 1.0)
        message = Target(
            target_id='car',
            epoch=1,
            state=Target.STATE_TRACKING,
            measured=True,
            bearing_valid=True,
            bearing=Vector3(x=x / length, y=y / length, z=1.0 / length),
            angle_x=math.atan(x),
            angle_y=math.atan(y),
            error_x=x / 0.58,
            error_y=y / 0.33,
            box_normalized=[0.4, 0.4, 0.5, 0.5],
            size_x=0.116,
            size_y=0.066,
        )
        message.header.stamp = stamp_of(self.now_ns - LATENCY_NS)
        for name, value in changes.items():
            setattr(message, name, value)
        return message

    def follow(self, count: int = 8, **changes: Any) -> GimbalFollowerStatus:
        """Let the target be seen in that many images."""
        for _ in range(count):
            self.targets.publish(self.target(**changes))
            status = self.advance(2)
        return status

    def tell(self, state: int, reason: int = 0, **changes: Any) -> GimbalFollowerStatus:
        """Send a message without a measurement, and return the status of the command after it."""
        self.targets.publish(self.target(state=state, reason=reason, measured=False, **changes))
        return self.advance(2)


def flights(context: Context, namespace: str) -> Iterator[Flight]:
    """Make a flight and end it: the body of a fixture."""
    made = Flight(context, namespace)
    yield made
    made.end()


StartFollower = Callable[..., GimbalFollowerNode]


def starters(context: Context, namespace: str, flight: Flight) -> Iterator[StartFollower]:
    """Make what runs the node, known to the flight, and end it: the body of a fixture."""
    running: list[tuple[GimbalFollowerNode, SingleThreadedExecutor, threading.Thread]] = []

    def start(**parameters: Any) -> GimbalFollowerNode:
        parameters['use_sim_time'] = True
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        node = GimbalFollowerNode(
            context=context,
            namespace=namespace,
            parameter_overrides=overrides,
        )
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(node)
        thread = threading.Thread(target=executor.spin)
        thread.start()
        running.append((node, executor, thread))
        flight.wait_for_follower()
        return node

    yield start
    for node, executor, thread in running:
        executor.shutdown()
        thread.join()
        node.destroy_node()
