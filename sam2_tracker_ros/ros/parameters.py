# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The settings of core.config as ROS parameters."""

from collections.abc import Callable, Sequence
from typing import Any

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from rclpy.parameter import Parameter

from sam2_tracker_ros.core.config import (
    Config,
    SettingInfo,
    SettingValue,
    check_setting,
    config_from_flat_dict,
    settings_info,
)
from sam2_tracker_ros.errors import ConfigError

# Looked at once, when the node starts.
READ_ONLY = ('autostart',)
READ_ONCE = 'Read once, at the start of the node.'


class Settings:
    """
    The node's parameters as a Config.

    :param on_change: is given the new configuration when a parameter was set at run time.
    :raises ConfigError: a value from the command line or a file is not allowed.
    """

    def __init__(self, node: Node, on_change: Callable[[Config], None]) -> None:
        self._node = node
        self._on_change = on_change
        # While true, only what SettingInfo calls changeable can be set.
        self.is_running = False
        for name, info in settings_info().items():
            self._declare(name, info)
        node.add_on_set_parameters_callback(self._on_set)

    def config(self) -> Config:
        """
        Return the parameters' values.

        :raises ConfigError: a text is not one of the allowed ones.
        """
        return config_from_flat_dict(self._values())

    def _declare(self, name: str, info: SettingInfo) -> None:
        default = _to_parameter(Config().as_flat_dict()[name])
        try:
            self._node.declare_parameter(name, default, _descriptor_of(name, info))
        except ParameterException as error:
            message = f'parameter {name}: {error}'
            raise ConfigError(message) from error

    def _on_set(self, parameters: 'Sequence[Parameter[Any]]') -> SetParametersResult:
        infos = settings_info()
        changes = {
            parameter.name: _to_setting(parameter.value)
            for parameter in parameters
            if parameter.name in infos
        }
        if not changes:
            return SetParametersResult(successful=True)
        fixed = [name for name in changes if not infos[name].changeable]
        if self.is_running and fixed:
            reason = (
                f'{", ".join(fixed)} cannot change while the node is configured; '
                'deactivate and clean it up, set the parameter, and configure it again'
            )
            return SetParametersResult(successful=False, reason=reason)
        try:
            for name, value in changes.items():
                check_setting(name, value)
            if self.is_running:
                self._on_change(config_from_flat_dict({**self._values(), **changes}))
        except ConfigError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _values(self) -> dict[str, SettingValue]:
        names = Config().as_flat_dict()
        return {name: _to_setting(self._node.get_parameter(name).value) for name in names}


def _descriptor_of(name: str, info: SettingInfo) -> ParameterDescriptor:
    default = Config().as_flat_dict()[name]
    if name in READ_ONLY:
        return descriptor_of(info, default, READ_ONCE, is_read_only=True)
    when = 'the tracker runs' if info.changeable else 'the node is not configured'
    return descriptor_of(info, default, f'Can change while {when}.', is_read_only=False)


def descriptor_of(
    info: SettingInfo, default: object, when: str, *, is_read_only: bool
) -> ParameterDescriptor:
    """
    Return what tools show about a parameter.

    :param when: it can change, as a sentence.
    """
    sentences = [info.description]
    if info.choices:
        sentences.append(f'One of: {", ".join(info.choices)}.')
    descriptor = ParameterDescriptor(
        description=' '.join([*sentences, when]), read_only=is_read_only
    )
    if info.minimum is None or info.maximum is None:
        return descriptor
    if isinstance(default, int):
        limits = IntegerRange(from_value=int(info.minimum), to_value=int(info.maximum), step=1)
        descriptor.integer_range = [limits]
    else:
        descriptor.floating_point_range = [
            FloatingPointRange(from_value=float(info.minimum), to_value=float(info.maximum))
        ]
    return descriptor


def _to_parameter(value: SettingValue) -> bool | int | float | str | list[str]:
    return list(value) if isinstance(value, tuple) else value


def _to_setting(value: Any) -> SettingValue:
    if isinstance(value, (bool, int, float, str)):
        return value
    return tuple(str(text) for text in value)
