# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node `gimbal_follower`: targets in, rates for a gimbal out, from start to end."""

from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from geometry_msgs.msg import QuaternionStamped

from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND
from sam2_tracker_ros.gimbal import Command, Follower, Mode
from sam2_tracker_ros.messages import stamp_ns_of
from sam2_tracker_ros.messages.gimbal import (
    observation_from_target,
    pose_from_quaternion_stamped,
)
from sam2_tracker_ros.msg import Target
from sam2_tracker_ros.ros import qos
from sam2_tracker_ros.ros.gimbal_outputs import gimbal_outputs, wait_until_sent
from sam2_tracker_ros.ros.gimbal_parameters import FollowerSettings
from sam2_tracker_ros.ros.node_main import ClosingNode, run_node

_DIAGNOSTICS_PERIOD_S = 1.0
# How long the last command may take to reach everybody.
_LAST_COMMAND_S = 1.0
# How often a signal is looked for when nothing happens.
_WAIT_S = 0.1


class GimbalFollowerNode(ClosingNode):
    """
    Publishes a command at a fixed rate, zero included, and a stop as soon as it is due.

    A gimbal that is told a rate keeps turning at it, so silence is never used to mean stop.

    :param node_arguments: of rclpy's Node, such as namespace and parameter_overrides.
    :raises ConfigError: a parameter is out of its range, or an output's messages are missing.
    """

    def __init__(self, **node_arguments: Any) -> None:
        super().__init__('gimbal_follower', **node_arguments)
        self._settings = FollowerSettings(self)
        config = self._settings.output()
        self._outputs = gimbal_outputs(self, config)
        self._follower = Follower(self._settings.follower(), self._now_s())
        self._attitude_problem = ''
        self._command: Command | None = None
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', qos.DIAGNOSTICS)
        self.create_subscription(Target, 'tracker/target', self._on_target, qos.TARGET)
        self.create_subscription(
            QuaternionStamped, 'gimbal/attitude', self._on_attitude, qos.ATTITUDE_INPUT
        )
        self.create_timer(1.0 / config.control_rate_hz, self._publish_command)
        self.create_timer(_DIAGNOSTICS_PERIOD_S, self._publish_diagnostics)

    def close(self) -> None:
        """Tell the gimbal to stand still, and wait until it was told."""
        now_ns = self._now_ns()
        self._publish(Command(_seconds(now_ns), Mode.IDLE, 'the follower ends'), now_ns)
        wait_until_sent(self._outputs, _LAST_COMMAND_S)

    def _now_ns(self) -> int:
        return self.get_clock().now().nanoseconds

    def _now_s(self) -> float:
        return _seconds(self._now_ns())

    def _on_target(self, message: Target) -> None:
        if self._follower.on_target(observation_from_target(message), self._now_s()):
            self._publish_command()

    def _on_attitude(self, message: QuaternionStamped) -> None:
        pose = pose_from_quaternion_stamped(message)
        if pose is None:
            self._attitude_problem = 'its quaternion is no rotation'
            return
        stamp_s = _seconds(stamp_ns_of(message.header))
        self._attitude_problem = self._follower.on_attitude(stamp_s, pose, self._now_s())

    def _publish_command(self) -> None:
        if self._settings.is_changed:
            self._follower.reconfigure(self._settings.follower())
        now_ns = self._now_ns()
        self._publish(self._follower.command(_seconds(now_ns)), now_ns)

    def _publish(self, command: Command, stamp_ns: int) -> None:
        before, self._command = self._command, command
        for output in self._outputs:
            output.publish(command, stamp_ns)
        if before is None or before.mode is not command.mode:
            detail = f': {command.detail}' if command.detail else ''
            self.get_logger().info(f'{command.mode.name.lower()}{detail}')

    def _publish_diagnostics(self) -> None:
        command = self._command
        if command is None:
            return
        attitude = 'reckoned from the commands: nothing usable arrives on gimbal/attitude'
        if self._attitude_problem:
            attitude = f'reckoned from the commands: {self._attitude_problem}'
        elif self._follower.has_attitude:
            attitude = 'measured'
        values = {
            'target': command.target_id,
            'target age [s]': f'{command.target_age_s:.3f}',
            'pitch rate [rad/s]': f'{command.pitch_rate:.4f}',
            'yaw rate [rad/s]': f'{command.yaw_rate:.4f}',
            'attitude': attitude,
        }
        name = self.get_fully_qualified_name()
        is_stale = command.mode is Mode.STALE
        status = DiagnosticStatus(
            name=f'{name}: following',
            hardware_id=name,
            level=DiagnosticStatus.WARN if is_stale else DiagnosticStatus.OK,
            message=': '.join(filter(None, (command.mode.name.lower(), command.detail))),
            values=[KeyValue(key=key, value=value) for key, value in values.items()],
        )
        message = DiagnosticArray(status=[status])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)


def _seconds(time_ns: int) -> float:
    return time_ns / NANOSECONDS_PER_SECOND


def main() -> int:
    """Run the node until SIGINT or SIGTERM; the last command is to stop."""
    return run_node('gimbal_follower', GimbalFollowerNode)


if __name__ == '__main__':
    raise SystemExit(main())
