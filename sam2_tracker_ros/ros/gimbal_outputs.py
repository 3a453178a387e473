# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where the gimbal follower's commands go."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

from geometry_msgs.msg import Vector3Stamped
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher

from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND
from sam2_tracker_ros.errors import ConfigError
from sam2_tracker_ros.gimbal import Command, OutputConfig
from sam2_tracker_ros.messages import MessageClasses
from sam2_tracker_ros.messages.gimbal import (
    rate_message,
    set_pitchyaw_message,
    status_message,
    take_control_message,
    vehicle_command_message,
)
from sam2_tracker_ros.msg import GimbalFollowerStatus
from sam2_tracker_ros.ros import qos
from sam2_tracker_ros.ros.message_classes import installed_message_classes


class Output(Protocol):
    """Something that turns a gimbal, or tells about it."""

    publisher: 'Publisher[Any]'

    def publish(self, command: Command, stamp_ns: int) -> None:
        """Send one command."""


def gimbal_outputs(node: Node, config: OutputConfig) -> list[Output]:
    """
    Return the outputs that the settings ask for.

    :raises ConfigError: the messages of one are not installed.
    """
    classes = installed_message_classes()
    outputs: list[Output] = [_Rates(node, classes), _Status(node, classes)]
    if config.mavros:
        _check_installed('mavros', 'mavros_msgs')
        outputs.append(_Mavros(node, config))
    if config.px4:
        _check_installed('px4', 'px4_msgs')
        outputs.append(_Px4(node, config))
    return outputs


def wait_until_sent(outputs: list[Output], timeout_s: float) -> None:
    """Wait until all who listen have got everything, so that the process may end."""
    for output in outputs:
        output.publisher.wait_for_all_acked(
            Duration(nanoseconds=round(timeout_s / len(outputs) * NANOSECONDS_PER_SECOND))
        )


class _Rates:
    """gimbal/rate_command."""

    def __init__(self, node: Node, classes: MessageClasses) -> None:
        self._classes = classes
        self.publisher: Publisher[Any] = node.create_publisher(
            Vector3Stamped, 'gimbal/rate_command', qos.COMMAND
        )

    def publish(self, command: Command, stamp_ns: int) -> None:
        """Send one command."""
        self.publisher.publish(rate_message(self._classes, Vector3Stamped, command, stamp_ns))


class _Status:
    """gimbal_follower/status."""

    def __init__(self, node: Node, classes: MessageClasses) -> None:
        self._classes = classes
        self.publisher: Publisher[Any] = node.create_publisher(
            GimbalFollowerStatus, '~/status', qos.TARGET
        )

    def publish(self, command: Command, stamp_ns: int) -> None:
        """Send one command."""
        self.publisher.publish(
            status_message(self._classes, GimbalFollowerStatus, command, stamp_ns)
        )


class _Mavros:
    """MAVROS' plugin gimbal_control."""

    def __init__(self, node: Node, config: OutputConfig) -> None:
        self._config = config
        self._class = import_module('mavros_msgs.msg').GimbalManagerSetPitchyaw
        self.publisher: Publisher[Any] = node.create_publisher(
            self._class, 'mavros/gimbal_control/manager/set_pitchyaw', qos.COMMAND
        )

    def publish(self, command: Command, stamp_ns: int) -> None:
        """Send one command."""
        self.publisher.publish(set_pitchyaw_message(self._class, command, self._config))


class _Px4:
    """PX4 over its DDS bridge, which has vehicle commands but no gimbal topics."""

    def __init__(self, node: Node, config: OutputConfig) -> None:
        self._config = config
        self._class = import_module('px4_msgs.msg').VehicleCommand
        self._listeners = 0
        self.publisher: Publisher[Any] = node.create_publisher(
            self._class, 'fmu/in/vehicle_command', qos.PROMPT
        )

    def publish(self, command: Command, stamp_ns: int) -> None:
        """Send one command; who has just connected is told first who is in control."""
        listeners, before = self.publisher.get_subscription_count(), self._listeners
        self._listeners = listeners
        if listeners > before:
            self.publisher.publish(take_control_message(self._class, stamp_ns, self._config))
        self.publisher.publish(
            vehicle_command_message(self._class, command, stamp_ns, self._config)
        )


def _check_installed(setting: str, package: str) -> None:
    if find_spec(package) is None:
        message = (
            f'{setting} is true, but the package {package} is not installed; '
            f'install it and source its setup file, or set {setting} to false'
        )
        raise ConfigError(message)
