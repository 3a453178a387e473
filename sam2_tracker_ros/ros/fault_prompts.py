# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Prompts that nobody should send."""

from collections.abc import Callable
import math
from random import Random
import time
from typing import Any, TypeAlias

from sensor_msgs.msg import Image
from std_srvs.srv import Trigger

from sam2_tracker_ros.core.types import Box
from sam2_tracker_ros.msg import Prompt
from sam2_tracker_ros.ros.fault_kind import Kind
from sam2_tracker_ros.ros.fault_operator import prompt_message
from sam2_tracker_ros.ros.fault_rig import Rig, seconds_ns
from sam2_tracker_ros.ros.fault_scene import CAR, SIZE_PX
from sam2_tracker_ros.srv import SetTarget

_Fields: TypeAlias = dict[str, Any]
_WIDTH, _HEIGHT = SIZE_PX
_NUMBERS = (math.nan, math.inf, -math.inf, 1e308, -1e308, 0.0, -1.0, 1e-320)
_CLEAR_TIMEOUT_S = 10.0
_CLEAR_AGAIN_S = 0.5
# Never that of the car, whose truth is known.
_IDS = ('junk', 'other', '', 'ä' * 300, 'x' * 20_000, '\n', '../../etc', '%s%n')


def _some_id(rng: Random) -> str:
    return rng.choice(_IDS)


def _some_box(rng: Random) -> list[float]:
    left, top = rng.uniform(0, _WIDTH - 20), rng.uniform(0, _HEIGHT - 20)
    return [left, top, left + rng.uniform(2, 80), top + rng.uniform(2, 80)]


def _flood(rng: Random) -> _Fields:
    """Return any prompt that may be right."""
    action = rng.choice((Prompt.ACTION_ADD,) * 3 + (Prompt.ACTION_REFINE, Prompt.ACTION_REMOVE))
    return {'action': action, 'target_id': f'junk{rng.randrange(6)}', 'box': _some_box(rng)}


def _edge(rng: Random) -> _Fields:
    """Return a box or points on the border, outside, or nowhere."""
    sides = (
        *_NUMBERS,
        float(_WIDTH),
        float(_HEIGHT),
        _WIDTH - 0.5,
        1e9,
        rng.uniform(-100.0, 500.0),
    )
    box = [rng.choice(sides) for _ in range(4)]
    fields: _Fields = {'target_id': _some_id(rng), 'normalized': rng.random() < 0.3}
    if rng.random() < 0.5:
        return {**fields, 'box': box[: rng.choice((1, 3, 4, 4, 4))]}
    return {**fields, 'point_x': box[:2], 'point_y': box[2:], 'point_labels': [1, 0]}


def _contradictory(rng: Random) -> _Fields:
    """Return a prompt that says yes and no."""
    x, y = rng.uniform(0, _WIDTH), rng.uniform(0, _HEIGHT)
    choices: list[_Fields] = [
        {'point_x': [x, x], 'point_y': [y, y], 'point_labels': [0, 1]},
        {'point_x': [x], 'point_y': [y], 'point_labels': [0]},
        {'point_x': [x], 'point_y': [y], 'point_labels': [7], 'box': _some_box(rng)},
        {'point_x': [x] * 3, 'point_y': [y], 'point_labels': [1, 1]},
        {'box': [100.0, 100.0, 50.0, 50.0]},
        {'box': _some_box(rng), 'mask': _mask(_WIDTH, _HEIGHT, 255)},
        {},
    ]
    action = rng.choice((Prompt.ACTION_ADD, Prompt.ACTION_REFINE))
    return {**rng.choice(choices), 'action': action, 'target_id': 'other'}


def _unknown(rng: Random) -> _Fields:
    """Return a prompt for a target or of an action that does not exist."""
    action = rng.choice((Prompt.ACTION_REFINE, Prompt.ACTION_REMOVE, 4, 255))
    names = [name for name in _IDS if name]  # an empty one may mean the car
    return {'action': action, 'target_id': rng.choice(names), 'box': _some_box(rng)}


def _pointless(rng: Random) -> _Fields:
    return rng.choice((_contradictory, _unknown))(rng)


def _huge(rng: Random) -> _Fields:
    """Return a mask or points that are much too large, or not what they say."""
    if rng.random() < 0.5:
        count = rng.choice((300, 5000))
        return {
            'target_id': 'junk',
            'point_x': [rng.uniform(0, _WIDTH) for _ in range(count)],
            'point_y': [rng.uniform(0, _HEIGHT) for _ in range(count)],
            'point_labels': [rng.randrange(2) for _ in range(count)],
        }
    width, height = rng.choice(((4000, 3000), (_WIDTH, _HEIGHT), (_WIDTH, 1), (1, 1)))
    mask = _mask(width, height, rng.choice((0, 255)))
    if rng.random() < 0.5:
        mask.encoding, mask.step = rng.choice((('rgb8', width), ('', width), ('mono8', 2**32 - 1)))
    return {'target_id': 'junk', 'mask': mask}


def _mask(width: int, height: int, value: int) -> Image:
    data = bytes([value]) * (width * height)
    return Image(width=width, height=height, encoding='mono8', step=width, data=data)


def _sending(name: str, make: Callable[[Random], _Fields], most: int) -> Kind:
    """Return the kind that sends up to so many prompts of one make, and asks the services too."""

    def run(rig: Rig, rng: Random) -> None:
        for number in range(rng.randrange(max(most // 3, 1), most + 1)):
            fields = make(rng)
            if number % 10 == 9:
                request = SetTarget.Request(prompt=prompt_message(**fields))
                rig.operator.call(rig.operator.set_target, request)
            else:
                rig.operator.prompt(**fields)
                rig.pause(rng.choice((0.0, 0.0, 0.02)))
        rig.pause(rng.uniform(0.1, 0.5))
        rig.camera.be_sane()
        clear_all(rig)

    return Kind(name, run)


def _stamped(rig: Rig, rng: Random) -> None:
    """Point at something, with stamps that mean other images."""
    for _ in range(rng.randrange(3, 10)):
        stamp_ns, boxes = rig.camera.newest()
        off_s = rng.choice((-1e6, -10.0, -0.9, -0.5, 0.5, 10.0, 1e6))
        stamp_ns += seconds_ns(off_s)
        box = boxes.get('white', Box(0.0, 0.0, 50.0, 50.0))
        if rng.random() < 0.2:
            stamp_ns = rng.choice((-1, 1, -(2**31) * 10**9))
        action = rng.choice((Prompt.ACTION_ADD, Prompt.ACTION_REFINE))
        rig.operator.prompt(box, stamp_ns, target_id='other', action=action)
        rig.pause(rng.uniform(0.0, 0.4))
    clear_all(rig)


def _again(rig: Rig, rng: Random) -> None:
    """Prompt the car anew and release it, again and again, also by the service `stop`."""
    for _ in range(rng.randrange(5, 30)):
        stamp_ns, boxes = rig.camera.newest()
        choice = rng.randrange(4)
        if choice == 0:
            rig.operator.call(rig.operator.stop, Trigger.Request())
        elif choice == 1:
            rig.operator.prompt(action=Prompt.ACTION_REMOVE, target_id=CAR)
        else:
            rig.operator.prompt(boxes.get(CAR), rng.choice((0, stamp_ns)), target_id=CAR)
        rig.pause(rng.uniform(0.0, 0.15))


def clear_all(rig: Rig) -> None:
    """
    Release every target.

    :raises ProcessError: the tracker does not.
    """
    asked_s, since_s = 0.0, time.time()

    def is_empty() -> bool:
        nonlocal asked_s
        if time.monotonic() - asked_s > _CLEAR_AGAIN_S:
            asked_s = time.monotonic()
            rig.operator.clear()
        newest = rig.observer.newest()
        return newest is not None and newest.said_s > since_s and not newest.targets

    rig.wait('all targets to be released', is_empty, _CLEAR_TIMEOUT_S)


KINDS = (
    _sending('prompts by the hundred', _flood, 200),
    _sending('prompts on and over the edge', _edge, 60),
    _sending('prompts contradictory or for nobody', _pointless, 60),
    _sending('prompts huge', _huge, 8),
    Kind('prompts with odd stamps', _stamped),
    Kind('prompts again and again', _again),
)
