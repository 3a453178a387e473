# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the tracker says, for the pages: always the newest, never a queue that grows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
import itertools
import json
import math
import threading
import time
from typing import Any

from sam2_tracker_ros.core.types import (
    NANOSECONDS_PER_SECOND,
    Box,
    Event,
    Reason,
    TargetState,
)

KEPT_EVENTS = 50
# Times of which the states wait for their picture.
_KEPT_STATES = 64
# A state that is this much newer than the newest picture is told without one.
_PICTURE_GRACE_S = 0.25
# What the gimbal said holds so long.
_GIMBAL_VALID_S = 1.0
_RATE_WINDOW_S = 2.0


@dataclass(frozen=True)
class TargetView:
    """
    What a page shows of one target.

    :param box: in 0..1 of the picture; None when unknown.
    :param confidence: 0..1, NaN when unknown.
    :param latency_s: from the capture to the tracker's message.
    :param unseen_s: since the last measurement.
    """

    target_id: str
    state: TargetState
    reason: Reason = Reason.NONE
    measured: bool = False
    box: Box | None = None
    confidence: float = math.nan
    latency_s: float = math.nan
    unseen_s: float = 0.0


@dataclass(frozen=True)
class _State:
    number: int
    stamp_ns: int
    arrived_s: float
    target: TargetView


@dataclass(frozen=True)
class _Picture:
    number: int
    stamp_ns: int
    arrived_s: float
    jpeg: bytes


@dataclass(frozen=True)
class Cursor:
    """
    What a page already has.

    :param events: numbers below this one were sent.
    """

    state: int = 0
    picture: int = 0
    events: int = 1


class Feed:
    """
    Keeps the newest picture with its state, and the last events; safe between threads.

    :param clock_s: silence is counted on it, whatever the stamps say.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._states: dict[int, _State] = {}
        self._newest: _State | None = None
        self._picture: _Picture | None = None
        self._gimbal: tuple[float, str, str] | None = None
        self._events: deque[tuple[int, Event]] = deque(maxlen=KEPT_EVENTS)
        self._event_numbers = itertools.count(1)
        self._arrivals: deque[float] = deque(maxlen=512)

    def put_target(self, stamp_ns: int, target: TargetView) -> None:
        """Take the state of a target; of several with one stamp the first is the one shown."""
        with self._lock:
            if self._newest is not None and self._newest.stamp_ns == stamp_ns:
                return
            now_s = self._clock_s()
            state = _State(next(self._numbers), stamp_ns, now_s, target)
            self._newest = state
            self._states[stamp_ns] = state
            if len(self._states) > _KEPT_STATES:
                del self._states[next(iter(self._states))]
            self._arrivals.append(now_s)

    def put_picture(self, stamp_ns: int, jpeg: bytes) -> None:
        """Take a picture in place of the one before."""
        with self._lock:
            self._picture = _Picture(next(self._numbers), stamp_ns, self._clock_s(), jpeg)

    def put_gimbal(self, mode: str, detail: str) -> None:
        """Take what the gimbal follower does."""
        with self._lock:
            self._gimbal = self._clock_s(), mode, detail

    def put_event(self, event: Event) -> None:
        """Take an event in place of the oldest."""
        with self._lock:
            self._events.append((next(self._event_numbers), event))

    def shown_target_id(self) -> str:
        """Return the name of the target that pages show; empty without one."""
        with self._lock:
            return '' if self._newest is None else self._newest.target.target_id

    def packet(
        self, number: int, cursor: Cursor, link_s: float, *, is_due: bool = False
    ) -> tuple[bytes, Cursor] | None:
        """
        Return what a page does not have yet, and what it has then; None when there is nothing.

        :param number: which the page acknowledges.
        :param link_s: how long the page took for the last packet, NaN before there was one.
        :param is_due: also when there is nothing new, so that the page knows it is connected.
        """
        with self._lock:
            now_s = self._clock_s()
            state, picture = self._shown(cursor)
            events = [item for item in self._events if item[0] >= cursor.events]
            if not (is_due or events or picture is not None):
                is_late = self._picture is None or (
                    now_s - self._picture.arrived_s > _PICTURE_GRACE_S
                )
                if not is_late or state is None or state.number <= cursor.state:
                    return None
            header = {
                'packet': number,
                'stamp': None if picture is None else str(picture.stamp_ns),
                'picture_age_s': _age_s(self._picture, now_s),
                'state_age_s': _age_s(self._newest, now_s),
                'target': None if state is None else _target_fields(state, now_s),
                'rate_hz': self._rate_hz(now_s),
                'link_s': _rounded(link_s),
                'gimbal': self._gimbal_fields(now_s),
                'events': [_event_fields(index, event) for index, event in events],
            }
        after = Cursor(
            state=cursor.state if state is None else max(cursor.state, state.number),
            picture=cursor.picture if picture is None else picture.number,
            events=events[-1][0] + 1 if events else cursor.events,
        )
        text = json.dumps(header, separators=(',', ':')).encode()
        jpeg = b'' if picture is None else picture.jpeg
        return len(text).to_bytes(4, 'big') + text + jpeg, after

    def _shown(self, cursor: Cursor) -> tuple[_State | None, _Picture | None]:
        """Return the picture that the page lacks, if there is one, and the state of its time."""
        picture, newest = self._picture, self._newest
        if picture is None or picture.number <= cursor.picture:
            return newest, None
        matching = self._states.get(picture.stamp_ns)
        if newest is None or matching is None:
            return newest, picture
        is_outdated = newest.arrived_s - matching.arrived_s > _PICTURE_GRACE_S
        return (newest if is_outdated else matching), picture

    def _rate_hz(self, now_s: float) -> float:
        recent = [at_s for at_s in self._arrivals if now_s - at_s <= _RATE_WINDOW_S]
        if len(recent) < 2:
            return 0.0
        return round((len(recent) - 1) / max(now_s - recent[0], 1e-3), 1)

    def _gimbal_fields(self, now_s: float) -> dict[str, str] | None:
        if self._gimbal is None or now_s - self._gimbal[0] > _GIMBAL_VALID_S:
            return None
        return {'mode': self._gimbal[1], 'detail': self._gimbal[2]}


def _age_s(item: _State | _Picture | None, now_s: float) -> float | None:
    return None if item is None else round(now_s - item.arrived_s, 3)


def _target_fields(state: _State, now_s: float) -> dict[str, Any]:
    target, box = state.target, state.target.box
    sides: Sequence[float] = () if box is None else (box.left, box.top, box.right, box.bottom)
    return {
        'id': target.target_id,
        'state': target.state.name,
        'reason': _words(target.reason.name) if target.reason else '',
        'measured': target.measured,
        'box': [round(side, 5) for side in sides] or None,
        'confidence': _rounded(target.confidence),
        'latency_s': _rounded(target.latency_s + now_s - state.arrived_s),
        'unseen_s': _rounded(target.unseen_s),
        'stamp': str(state.stamp_ns),
    }


def _event_fields(number: int, event: Event) -> dict[str, Any]:
    return {
        'number': number,
        'time_s': round(event.stamp_ns / NANOSECONDS_PER_SECOND, 3),
        'type': event.type.name,
        'target': event.target_id,
        'reason': _words(event.reason.name) if event.reason else '',
        'gap_s': _rounded(event.gap_s),
        'detail': event.detail,
    }


def _words(name: str) -> str:
    return name.lower().replace('_', ' ')


def _rounded(value: float) -> float | None:
    """Return a number for JSON, which knows no NaN."""
    return round(value, 3) if math.isfinite(value) else None
