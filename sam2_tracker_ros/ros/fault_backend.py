# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Inference that raises, hangs, is slow, or gives numbers that mean nothing."""

from collections.abc import Callable
from random import Random
import time

from sam2_tracker_ros.core.types import EventType
from sam2_tracker_ros.ros.fault_kind import Kind, any_of
from sam2_tracker_ros.ros.fault_rig import PARAMETERS, Rig
from sam2_tracker_ros.ros.processes import ProcessError

_ERRORS = ['model_error', 'runtime_error', 'memory_error']
_NUMBERS = ['nan', 'inf', 'garbage']
_ANYTHING = [*_ERRORS, *_NUMBERS, 'slow']
_LIMIT_S = float(PARAMETERS['inference_timeout_s'])
# A process ends after the third restart of its model within this time.
_RESTARTS_S, _RESTARTS = 60.0, 3
_GIVE_UP_TIMEOUT_S = 30.0


def _failing(faults: list[str], longest_s: float = 0.0) -> Callable[[Rig, Random], None]:
    """Return what puts such faults into some calls or into all of them for a time."""

    def run(rig: Rig, rng: Random) -> None:
        _start_fresh(rig)
        rig.process.tell(
            faults=faults,
            probability=rng.choice((0.05, 0.3, 1.0)),
            duration_s=rng.uniform(0.1, 1.0) * longest_s,
            seed=rng.randrange(2**32),
        )
        rig.pause(rng.uniform(0.3, 0.8 * _LIMIT_S))
        rig.process.tell()

    return run


def _hangs(rig: Rig, rng: Random) -> None:
    """Let one call hang for longer than the limit: the model is loaded anew."""
    _start_fresh(rig)
    events = len(rig.observer.events)
    rig.process.tell(faults=['slow'], duration_s=_LIMIT_S * rng.uniform(1.5, 4.0))
    rig.pause(0.2)
    rig.process.tell()
    rig.wait(
        'MODEL_FAILED and MODEL_READY',
        lambda: (
            rig.observer.has_event(EventType.MODEL_FAILED, events)
            and rig.observer.has_event(EventType.MODEL_READY, events)
        ),
        _GIVE_UP_TIMEOUT_S,
    )
    rig.note_restart()


def _always_fails(rig: Rig, rng: Random) -> None:
    """Let inference raise for longer than the limit, and then be well."""
    _start_fresh(rig)
    rig.process.tell(faults=_ERRORS, seed=rng.randrange(2**32))
    rig.pause(_LIMIT_S * rng.uniform(1.1, 1.6))
    rig.process.tell()
    rig.note_restart()


def _lost(rig: Rig, rng: Random) -> None:
    """Let the model hang and not come back: the process ends with status 1."""
    _start_fresh(rig)
    rig.may_be_silent()
    rig.process.tell(
        faults=['slow'],
        duration_s=_GIVE_UP_TIMEOUT_S,
        load_fault=rng.choice(('error', '')),
    )
    started_s = time.monotonic()
    while rig.process.status is None and time.monotonic() - started_s < _GIVE_UP_TIMEOUT_S:
        time.sleep(0.02)
    if rig.process.status is None:
        rig.process.kill()
        message = 'a tracker without a model did not end'
        raise ProcessError(message)
    if rig.process.status != 1:
        rig.complain('alive', f'ended with status {rig.process.status}; expected 1')
    rig.restart()


def _start_fresh(rig: Rig) -> None:
    """Use another process if this one would end with the next restart of its model."""
    recent = [at for at in rig.model_restarts_s if time.monotonic() - at < _RESTARTS_S]
    if len(recent) < _RESTARTS - 1:
        return
    rig.may_be_silent()
    rig.process.end(_GIVE_UP_TIMEOUT_S)
    rig.restart()
    rig.recover()
    rig.must_speak()


KINDS = (
    Kind('inference raises', any_of(_failing(_ERRORS), _always_fails), rig='faulty'),
    Kind('inference slow', _failing(['slow'], 0.5 * _LIMIT_S), rig='faulty'),
    Kind('inference gives garbage', _failing(_NUMBERS), rig='faulty'),
    Kind('inference at random', _failing(_ANYTHING, 0.5 * _LIMIT_S), rig='faulty'),
    Kind('inference hangs', _hangs, rig='faulty', ends_process=True),
    Kind('model lost', _lost, rig='faulty', must_speak=False, ends_process=True),
)
