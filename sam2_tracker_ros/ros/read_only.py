# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Parameters that are read once."""

from typing import TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node

_Value = TypeVar('_Value', bool, int, float, str, list[int])


def read_only_parameter(
    node: Node,
    name: str,
    default: _Value,
    description: str,
    limits: tuple[float, float] | None = None,
) -> _Value:
    """Declare a parameter that cannot change, and return its value."""
    descriptor = ParameterDescriptor(description=description, read_only=True)
    if limits is not None and isinstance(default, int):
        low, high = int(limits[0]), int(limits[1])
        descriptor.integer_range = [IntegerRange(from_value=low, to_value=high, step=1)]
    elif limits is not None:
        low_high = FloatingPointRange(from_value=limits[0], to_value=limits[1])
        descriptor.floating_point_range = [low_high]
    value: _Value = node.declare_parameter(name, default, descriptor).value
    return value
