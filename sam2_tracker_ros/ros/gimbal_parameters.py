# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The settings of the gimbal follower as ROS parameters."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor, SetParametersResult
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from rclpy.parameter import Parameter

from sam2_tracker_ros.errors import ConfigError
from sam2_tracker_ros.gimbal import FollowerConfig, OutputConfig
from sam2_tracker_ros.gimbal.config import settings_of
from sam2_tracker_ros.ros.parameters import READ_ONCE, descriptor_of


class FollowerSettings:
    """
    The node's parameters as a FollowerConfig and an OutputConfig.

    rclpy itself refuses wrong types, numbers out of range and changes of what is read once.

    :raises ConfigError: a value from the command line or a file is not allowed.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        # Whether a parameter was set since `follower` was called.
        self.is_changed = False
        self._infos = settings_of(FollowerConfig) | settings_of(OutputConfig)
        node.add_on_set_parameters_callback(self._on_set)
        for name, default in {**asdict(FollowerConfig()), **asdict(OutputConfig())}.items():
            self._declare(name, default)

    def follower(self) -> FollowerConfig:
        """Return the settings of the follower."""
        self.is_changed = False
        return FollowerConfig(**self._values(FollowerConfig))

    def output(self) -> OutputConfig:
        """Return the settings that are read once."""
        return OutputConfig(**self._values(OutputConfig))

    def _declare(self, name: str, default: Any) -> None:
        try:
            self._node.declare_parameter(name, default, self._descriptor(name, default))
        except ParameterException as error:
            message = f'parameter {name}: {error}'
            raise ConfigError(message) from error

    def _descriptor(self, name: str, default: Any) -> ParameterDescriptor:
        info = self._infos[name]
        when = 'Can change while the node runs.' if info.changeable else READ_ONCE
        return descriptor_of(info, default, when, is_read_only=not info.changeable)

    def _values(self, config_class: type[FollowerConfig] | type[OutputConfig]) -> dict[str, Any]:
        names = [item.name for item in fields(config_class)]
        return {name: self._node.get_parameter(name).value for name in names}

    def _on_set(self, parameters: 'Sequence[Parameter[Any]]') -> SetParametersResult:
        for parameter in parameters:
            info = self._infos.get(parameter.name)
            if info and info.choices and parameter.value not in info.choices:
                reason = (
                    f'{parameter.name} is {parameter.value!r}; '
                    f'expected one of {", ".join(info.choices)}'
                )
                return SetParametersResult(successful=False, reason=reason)
        # What is refused after this leaves the values as they are, and reading them is harmless.
        self.is_changed = True
        return SetParametersResult(successful=True)
