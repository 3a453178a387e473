# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a page may say, checked word by word."""

from dataclasses import dataclass
import json
import re
from typing import Any, TypeAlias

from sam2_tracker_ros.core.types import Box, Point, Prompt, PromptAction
from sam2_tracker_ros.errors import Sam2TrackerError

MAX_MESSAGE_BYTES = 4096
_MAX_NUMBER = 2**31 - 1
# Seconds of a ROS stamp are an int32.
_MAX_STAMP_NS = (2**31) * 1_000_000_000 - 1
_STAMP = re.compile('[0-9]{1,19}', re.ASCII)
_FIELDS = {
    'ack': {'packet'},
    'select': {'request', 'stamp', 'point', 'box'},
    'refine': {'request', 'stamp', 'point', 'foreground'},
    'stop': {'request'},
}


class RequestError(Sam2TrackerError):
    """A message of a page is not one of those it may send."""


@dataclass(frozen=True)
class Acknowledgement:
    """The page has drawn a packet."""

    packet: int


@dataclass(frozen=True)
class PromptRequest:
    """
    Select or refine, in 0..1 of the picture with the prompt's stamp.

    :param number: the page's own, so that it knows the answer.
    """

    number: int
    prompt: Prompt


@dataclass(frozen=True)
class StopRequest:
    """Release every target."""

    number: int


Request: TypeAlias = Acknowledgement | PromptRequest | StopRequest


def parse_request(text: str) -> Request:
    """
    Return what a page asks for.

    :raises RequestError: says what was wrong.
    """
    message = _decode(text)
    kind = message.pop('type', None)
    if not isinstance(kind, str) or kind not in _FIELDS:
        why = f'type must be one of {", ".join(_FIELDS)}'
        raise RequestError(why)
    unknown = sorted(set(message) - _FIELDS[kind])
    if unknown:
        why = f'{kind} has no field {unknown[0][:40]!r}'
        raise RequestError(why)
    if kind == 'ack':
        return Acknowledgement(_number(message, 'packet'))
    number = _number(message, 'request')
    if kind == 'stop':
        return StopRequest(number)
    return PromptRequest(number, _select(message) if kind == 'select' else _refine(message))


def request_number(text: str) -> int | None:
    """Return the number of a request that is otherwise wrong; None without one."""
    try:
        return _number(_decode(text), 'request')
    except RequestError:
        return None


def _decode(text: str) -> dict[str, Any]:
    try:
        message = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        why = f'this is not JSON: {error}'
        raise RequestError(why) from error
    if not isinstance(message, dict):
        why = 'a message must be a JSON object'
        raise RequestError(why)
    return message


def _refuse_constant(name: str) -> float:
    message = f'{name} is not a number'
    raise ValueError(message)


def _select(message: dict[str, Any]) -> Prompt:
    stamp_ns = _stamp_ns(message)
    if ('point' in message) == ('box' in message):
        why = 'select needs either a point or a box'
        raise RequestError(why)
    if 'point' in message:
        x, y = _coordinates(message, 'point', 2)
        return Prompt(points=(Point(x, y),), normalized=True, stamp_ns=stamp_ns)
    left, top, right, bottom = _coordinates(message, 'box', 4)
    if left >= right or top >= bottom:
        why = 'box must be left, top, right, bottom, and not empty'
        raise RequestError(why)
    return Prompt(box=Box(left, top, right, bottom), normalized=True, stamp_ns=stamp_ns)


def _refine(message: dict[str, Any]) -> Prompt:
    is_foreground = message.get('foreground')
    if not isinstance(is_foreground, bool):
        why = 'foreground must be true or false'
        raise RequestError(why)
    x, y = _coordinates(message, 'point', 2)
    return Prompt(
        PromptAction.REFINE,
        points=(Point(x, y, is_foreground),),
        normalized=True,
        stamp_ns=_stamp_ns(message),
    )


def _number(message: dict[str, Any], name: str) -> int:
    value = message.get(name)
    if type(value) is not int or not 0 <= value <= _MAX_NUMBER:
        why = f'{name} must be a whole number from 0 to {_MAX_NUMBER}'
        raise RequestError(why)
    return value


def _stamp_ns(message: dict[str, Any]) -> int:
    """Return a stamp, which is text because JavaScript's numbers are too coarse for it."""
    value = message.get('stamp')
    if not isinstance(value, str) or not _STAMP.fullmatch(value) or int(value) > _MAX_STAMP_NS:
        why = 'stamp must be the nanoseconds of a picture as text'
        raise RequestError(why)
    return int(value)


def _coordinates(message: dict[str, Any], name: str, count: int) -> list[float]:
    values = message.get(name)
    if (
        not isinstance(values, list)
        or len(values) != count
        or not all(type(value) in (int, float) and 0.0 <= value <= 1.0 for value in values)
    ):
        why = f'{name} must be {count} numbers from 0 to 1'
        raise RequestError(why)
    return [float(value) for value in values]
