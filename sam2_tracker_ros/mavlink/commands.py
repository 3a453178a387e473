# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Commands of a ground station, and what their parameters select."""

from dataclasses import dataclass
import math
from typing import Any

from pymavlink.dialects.v20 import common

from sam2_tracker_ros.core.types import Box, Point
from sam2_tracker_ros.errors import Sam2TrackerError
from sam2_tracker_ros.mavlink.tracker import Selection

# What an operator does by hand, and the parameter that names the camera.
CAMERA_ID_PARAMETER = {
    common.MAV_CMD_CAMERA_TRACK_POINT: 4,
    common.MAV_CMD_CAMERA_TRACK_RECTANGLE: 5,
    common.MAV_CMD_CAMERA_STOP_TRACKING: 1,
}


class BadParameterError(Sam2TrackerError):
    """
    A parameter of a command cannot be used.

    :param number: of the parameter, from 1, as MAVLink counts them.
    """

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number


@dataclass(frozen=True)
class Command:
    """
    A COMMAND_LONG or COMMAND_INT.

    :param sender: system and component that sent it.
    :param parameters: the seven, in their order.
    :param confirmation: how often it was sent before; a COMMAND_INT does not tell.
    :param sequence: of the packet.
    :param is_broadcast: whether it is for every component.
    """

    number: int
    sender: tuple[int, int]
    parameters: tuple[float, ...]
    confirmation: int
    sequence: int
    is_broadcast: bool

    def parameter(self, number: int) -> float:
        """Return a parameter, counted from 1."""
        return self.parameters[number - 1]

    def is_same(self, other: 'Command') -> bool:
        """Whether the same sender asks for the same."""
        return (
            self.sender == other.sender
            and self.number == other.number
            # NaN, which stands for parameters that were left out, differs from itself.
            and repr(self.parameters) == repr(other.parameters)
        )

    def repeats(self, other: 'Command') -> bool:
        """Whether this is the other one, sent again because its answer did not arrive."""
        is_again = self.confirmation > 0 or self.sequence == other.sequence
        return is_again and self.is_same(other)


def command_of(message: Any) -> Command:
    """Read a COMMAND_LONG or COMMAND_INT."""
    if message.get_type() == 'COMMAND_INT':
        last, confirmation = (message.x, message.y, message.z), 0
    else:
        last, confirmation = (message.param5, message.param6, message.param7), message.confirmation
    first = (message.param1, message.param2, message.param3, message.param4)
    return Command(
        number=message.command,
        sender=(message.get_srcSystem(), message.get_srcComponent()),
        parameters=tuple(float(value) for value in first + last),
        confirmation=confirmation,
        sequence=message.get_seq(),
        is_broadcast=message.target_system == 0 or message.target_component == 0,
    )


def is_for_camera(command: Command, component: int) -> bool:
    """Return whether a command is not for another camera; 0 and NaN mean every one."""
    number = CAMERA_ID_PARAMETER.get(command.number)
    if number is None:
        return True
    camera = command.parameter(number)
    return math.isnan(camera) or camera in (0.0, float(component))


def selection_of(
    command: Command, size_px: tuple[int, int] | None, click_radius: float
) -> Selection:
    """
    Return what CAMERA_TRACK_POINT or CAMERA_TRACK_RECTANGLE selects.

    :param size_px: width and height of the picture, None when they are not known: the radius of
        a point is in image widths, so without them it has no height.
    :param click_radius: up to this one, in image widths, a radius is that of a finger, not of the
        object. QGroundControl sends 20 pixels of its window with every click.
    :raises BadParameterError: a parameter is out of its range.
    """
    if command.number == common.MAV_CMD_CAMERA_TRACK_RECTANGLE:
        names = ('left', 'top', 'right', 'bottom')
        left, top, right, bottom = (
            _fraction(command, number, name) for number, name in enumerate(names, start=1)
        )
        if not left < right:
            message = f'the rectangle is empty; expected left {left:g} < right {right:g}'
            raise BadParameterError(3, message)
        if not top < bottom:
            message = f'the rectangle is empty; expected top {top:g} < bottom {bottom:g}'
            raise BadParameterError(4, message)
        return Selection(box=Box(left, top, right, bottom))
    x, y = _fraction(command, 1, 'x'), _fraction(command, 2, 'y')
    radius = 0.0 if math.isnan(command.parameter(3)) else _fraction(command, 3, 'radius')
    if radius <= click_radius or size_px is None:
        return Selection(point=Point(x, y))
    tall = radius * size_px[0] / size_px[1]
    box = Box(max(x - radius, 0.0), max(y - tall, 0.0), min(x + radius, 1.0), min(y + tall, 1.0))
    return Selection(box=box)


def _fraction(command: Command, number: int, name: str) -> float:
    value = command.parameter(number)
    if not 0.0 <= value <= 1.0:
        message = f'{name} is {value:g}; expected 0..1 of the image'
        raise BadParameterError(number, message)
    return value
