# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Lifecycle transitions in every order, and parameters in every state."""

from collections.abc import Sequence
import math
from random import Random
from typing import Any

from lifecycle_msgs.msg import State, Transition
from rclpy.parameter import Parameter

from sam2_tracker_ros.core.config import Config, SettingInfo, settings_info
from sam2_tracker_ros.ros.fault_kind import Kind
from sam2_tracker_ros.ros.fault_operator import prompt_message
from sam2_tracker_ros.ros.fault_prompts import clear_all
from sam2_tracker_ros.ros.fault_rig import PARAMETERS, Rig
from sam2_tracker_ros.ros.fault_scene import CAR
from sam2_tracker_ros.srv import SetTarget

CONFIGURE, CLEAN_UP = Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_CLEANUP
ACTIVATE, DEACTIVATE = Transition.TRANSITION_ACTIVATE, Transition.TRANSITION_DEACTIVATE
_AFTER = {
    (State.PRIMARY_STATE_UNCONFIGURED, CONFIGURE): State.PRIMARY_STATE_INACTIVE,
    (State.PRIMARY_STATE_INACTIVE, CLEAN_UP): State.PRIMARY_STATE_UNCONFIGURED,
    (State.PRIMARY_STATE_INACTIVE, ACTIVATE): State.PRIMARY_STATE_ACTIVE,
    (State.PRIMARY_STATE_ACTIVE, DEACTIVATE): State.PRIMARY_STATE_INACTIVE,
}
_WRONG_TRANSITIONS = (Transition.TRANSITION_CREATE, Transition.TRANSITION_DESTROY, 99)
# Fifty in each of ten scenarios of a campaign of two hundred are five hundred.
TRANSITIONS = 50
_SHARE_OF_POSSIBLE = 0.7
_NUMBERS: tuple[Any, ...] = (math.nan, math.inf, -math.inf, 1e308, -1, 2**62, 0)
_OTHERS: tuple[Any, ...] = ('', 'nonsense', True, ['cpu'], [''], [1, 2], [b'\0'], 'ä' * 5000)
# Read once, or what the campaign itself relies on.
_LEFT_ALONE = ('autostart', 'cache_folder', 'diagnostics_period_s')


def bring_up(rig: Rig) -> None:
    """
    Make the node active, from whatever state.

    :raises ProcessError: it does not answer.
    """
    ways = {State.PRIMARY_STATE_UNCONFIGURED: CONFIGURE, State.PRIMARY_STATE_INACTIVE: ACTIVATE}
    for _ in ways:
        transition = ways.get(rig.operator.state())
        if transition is not None and not rig.operator.transition(transition):
            rig.complain('answers', f'transition {transition} was refused on the way up')
    rig.must_speak()


def take_down(rig: Rig) -> None:
    """Make the node unconfigured, if it is active."""
    rig.may_be_silent()
    for transition in (DEACTIVATE, CLEAN_UP):
        if not rig.operator.transition(transition):
            rig.complain('answers', f'transition {transition} was refused on the way down')


def _transitions(rig: Rig, rng: Random) -> None:
    """Ask for transitions in any order, and look at what is left without a model."""
    _storm(rig, rng)
    bring_up(rig)
    take_down(rig)
    rig.at_rest = rig.process.usage()
    bring_up(rig)


def _under_fire(rig: Rig, rng: Random) -> None:
    """Ask for transitions, while prompts come and parameters change."""
    asked: list[Any] = []

    def disturb() -> None:
        stamp_ns, boxes = rig.camera.newest()
        box = boxes.get(CAR)
        choice = rng.randrange(4)
        if choice == 0:
            rig.operator.prompt(box, rng.choice((0, stamp_ns)), target_id=CAR)
        elif choice == 1:
            message = prompt_message(box, target_id=CAR)
            client = rig.operator.set_target
            asked.append(client.call_async(SetTarget.Request(prompt=message)))
        elif choice == 2:
            rig.operator.set_parameters(_changes(rng, 3, are_valid=False))

    _storm(rig, rng, disturb)
    bring_up(rig)
    rig.wait(
        'answers of set_target, of every state',
        lambda: all(future.done() for future in asked),
        10.0,
    )


def _storm(rig: Rig, rng: Random, disturb: Any = lambda: None) -> None:
    """Ask for transitions, most of them possible ones, and compare what becomes of them."""
    state = rig.operator.state()
    for _ in range(TRANSITIONS):
        possible = [number for before, number in _AFTER if before == state]
        transition = rng.choice((CONFIGURE, CLEAN_UP, ACTIVATE, DEACTIVATE, *_WRONG_TRANSITIONS))
        if rng.random() < _SHARE_OF_POSSIBLE:
            transition = rng.choice(possible)
        disturb()
        after = _AFTER.get((state, transition))
        if after is not None and state == State.PRIMARY_STATE_ACTIVE:
            rig.may_be_silent()
        is_done = rig.operator.transition(transition)
        rig.transitions += 1
        if is_done != (after is not None):
            rig.complain('answers', f'transition {transition} in state {state}: {is_done}')
        state = rig.operator.state()
        if after is not None and state != after:
            rig.complain('answers', f'state {state} after transition {transition}')
        if state == State.PRIMARY_STATE_ACTIVE:
            rig.must_speak()
            rig.pause(rng.choice((0.0, 0.0, 0.1)))


def _while_active(rig: Rig, rng: Random) -> None:
    """Set parameters to valid and absurd values while the tracker runs."""
    for _ in range(rng.randrange(5, 30)):
        rig.operator.set_parameters(
            _changes(rng, rng.randrange(1, 4), are_valid=rng.random() < 0.5)
        )
        rig.pause(rng.uniform(0.0, 0.1))
    _restore(rig, only_changeable=True)
    # With other thresholds something else may have been taken for the car, rightly.
    clear_all(rig)


def _in_every_state(rig: Rig, rng: Random) -> None:
    """Set parameters in each lifecycle state; a model that does not exist is refused."""
    for transition in (DEACTIVATE, CLEAN_UP):
        rig.may_be_silent()
        rig.operator.transition(transition)
        for are_valid in (True, False):
            rig.operator.set_parameters(_changes(rng, 10, are_valid=are_valid))
    for model in (rng.choice(('nonsense', '/', '/dev/null', '../nano')), 'nano'):
        rig.operator.set_parameters([Parameter('model', value=model)])
        if model == 'nano':
            _restore(rig)
        elif rig.operator.transition(CONFIGURE):
            rig.complain('answers', f'the model {model} was configured')
    rig.operator.transition(CONFIGURE)
    rig.operator.set_parameters(_changes(rng, 10, are_valid=False))
    _restore(rig, only_changeable=True)
    bring_up(rig)


def _changes(rng: Random, count: int, *, are_valid: bool) -> 'Sequence[Parameter[Any]]':
    """Return new values for some parameters, each of which would do, or not."""
    infos = settings_info()
    names = rng.sample([name for name in infos if name not in _LEFT_ALONE], count)
    if not are_valid:
        names.append('no_such_parameter')
        return [Parameter(name, value=rng.choice((*_NUMBERS, *_OTHERS))) for name in names]
    defaults = Config().as_flat_dict()
    return [Parameter(name, value=_valid(infos[name], defaults[name], rng)) for name in names]


def _valid(info: SettingInfo, default: Any, rng: Random) -> Any:
    if isinstance(default, bool):
        return rng.random() < 0.5
    if isinstance(default, tuple):
        return [rng.choice(info.choices)]
    if isinstance(default, str):
        return rng.choice(info.choices or (default,))
    if info.minimum is None or info.maximum is None:
        return default
    ends = info.minimum, info.maximum
    return type(default)(rng.choice((*ends, rng.uniform(*ends))))


def _restore(rig: Rig, *, only_changeable: bool = False) -> None:
    """Set every parameter to what it was at first."""
    values = {**Config().as_flat_dict(), **PARAMETERS}
    infos = settings_info()
    wanted = [
        Parameter(name, value=list(value) if isinstance(value, tuple) else value)
        for name, value in values.items()
        if name != 'autostart' and (infos[name].changeable or not only_changeable)
    ]
    accepted = rig.operator.set_parameters(wanted)
    refused = [parameter.name for parameter, yes in zip(wanted, accepted, strict=True) if not yes]
    if refused:
        rig.complain('answers', f'defaults were refused: {refused}')


KINDS = (
    Kind('lifecycle transitions', _transitions),
    Kind('lifecycle under fire', _under_fire),
    Kind('parameters while active', _while_active, must_speak=False, min_iou=0.0),
    Kind('parameters in every state', _in_every_state, must_speak=False, min_iou=0.0),
)
