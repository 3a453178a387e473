# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
What must hold whatever happens, as functions of what a tracker said: no ROS here.

A tracker says an array of targets for each frame, and events. Both bear stamps, by which they are
compared: the two topics may arrive in any order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
import math

from sam2_tracker_ros.core.geometry import box_iou
from sam2_tracker_ros.core.types import Box, Event, EventType, TargetState

MIN_IOU = 0.5
_NO_STATE = (TargetState.INITIALIZING, TargetState.ERROR)
# What an event says of the target in the message with the same stamp.
_STATE_AFTER = {
    EventType.ACQUIRED: TargetState.TRACKING,
    EventType.COASTING: TargetState.COASTING,
    EventType.LOST: TargetState.LOST,
    EventType.REACQUIRED: TargetState.TRACKING,
}
# The events that lead from one state to another.
_WAYS = {
    (TargetState.TRACKING, TargetState.COASTING): (EventType.COASTING,),
    (TargetState.COASTING, TargetState.LOST): (EventType.LOST,),
    (TargetState.COASTING, TargetState.TRACKING): (EventType.REACQUIRED,),
    (TargetState.LOST, TargetState.TRACKING): (EventType.REACQUIRED,),
}


@dataclass(frozen=True)
class Violation:
    """An invariant that did not hold."""

    invariant: str
    detail: str


@dataclass(frozen=True)
class Said:
    """What a tracker said of one target."""

    target_id: str
    epoch: int
    state: TargetState
    measured: bool
    box: Box
    confidence: float


@dataclass(frozen=True)
class Saying:
    """
    The targets of one message.

    :param said_s: when it was published, by the clock of the machine.
    """

    said_s: float
    stamp_ns: int
    targets: tuple[Said, ...]


@dataclass
class Ledger:
    """
    What every image showed that was sent.

    :param shown: boxes of what is visible, by the image's stamp; empty when the image was not
        sound or showed nothing. Two images may bear one stamp.
    """

    shown: dict[int, list[Mapping[str, Box]]] = field(default_factory=dict)

    def add(self, stamp_ns: int, boxes: Mapping[str, Box]) -> None:
        """Note an image before it is sent."""
        self.shown.setdefault(stamp_ns, []).append(boxes)


def fake_measurements(
    sayings: Iterable[Saying], ledger: Ledger, names: Mapping[str, str], min_iou: float = MIN_IOU
) -> list[Violation]:
    """
    Return measurements of what was not to be seen, and numbers that contradict their state.

    :param names: what each target that is checked against the truth really is, by its id.
    """
    found: list[Violation] = []
    for saying in sayings:
        for said in saying.targets:
            why = _contradiction(said) or _fake(said, saying.stamp_ns, ledger, names, min_iou)
            if why:
                text = f'{said.target_id} (epoch {said.epoch}) at {saying.stamp_ns}: {why}'
                found.append(Violation('no fake measurement', text))
    return found


def _contradiction(said: Said) -> str:
    if said.measured != (said.state is TargetState.TRACKING):
        return f'measured is {said.measured} in {said.state.name}'
    if said.measured and not all(map(math.isfinite, _sides(said.box))):
        return f'measured with the box {_sides(said.box)}'
    if said.measured and not 0.0 < said.confidence <= 1.0:
        return f'measured with a confidence of {said.confidence}'
    if said.state is TargetState.LOST and said.confidence != 0.0:
        return f'LOST with a confidence of {said.confidence}'
    return ''


def _fake(
    said: Said, stamp_ns: int, ledger: Ledger, names: Mapping[str, str], min_iou: float
) -> str:
    if not said.measured:
        return ''
    shown = ledger.shown.get(stamp_ns, [])
    if not any(shown):
        return 'measured in an image that nobody sent, that is not sound or that shows nothing'
    name = names.get(said.target_id)
    if name is None:
        return ''
    overlaps = [box_iou(said.box, boxes[name]) for boxes in shown if name in boxes]
    if not overlaps:
        return f'measured where no {name} is to be seen'
    if max(overlaps) < min_iou:
        return f'measured with an IoU of {max(overlaps):.2f} with the truth'
    return ''


def _sides(box: Box) -> tuple[float, float, float, float]:
    return box.left, box.top, box.right, box.bottom


def longest_gap_s(
    said_s: Sequence[float], active: Sequence[tuple[float, float]]
) -> tuple[float, float]:
    """
    Return the longest time without a message while the tracker should have spoken, and its start.

    :param said_s: when messages were published, in order.
    :param active: times in which it should speak; their bounds count as messages.
    """
    longest, start = 0.0, 0.0
    for since_s, until_s in active:
        inside = [since_s, *(at for at in said_s if since_s < at < until_s), until_s]
        for before_s, after_s in pairwise(inside):
            if after_s - before_s > longest:
                longest, start = after_s - before_s, before_s
    return longest, start


class Story:
    """
    The states of every target of one tracker process, compared with its events.

    Fed with what was said since the last time; remembers where every target stands.
    """

    def __init__(self) -> None:
        self._known: dict[str, Said] = {}
        self._ended: set[tuple[str, int]] = set()
        self._events: dict[tuple[EventType, str, int], list[Event]] = {}
        self._new_epochs: set[int] = set()
        self._late: set[tuple[str, int]] = set()
        # Stamp of the first message on a target, by id and epoch.
        self._first_ns: dict[tuple[str, int], int] = {}

    def check(self, sayings: Sequence[Saying], events: Sequence[Event]) -> list[Violation]:
        """Return what contradicts what."""
        for event in events:
            key = event.type, event.target_id, event.epoch
            self._events.setdefault(key, []).append(event)
            if event.type is EventType.TIME_JUMP:
                self._new_epochs.add(event.epoch)
            if event.type is EventType.ACQUIRED and event.detail:
                self._late.add((event.target_id, event.epoch))
        texts = [text for saying in sayings for text in self._read(saying)]
        texts += self._unfounded(sayings, events)
        return [Violation('events fit the states', text) for text in texts]

    def _read(self, saying: Saying) -> list[str]:
        """Follow every target through one message."""
        texts: list[str] = []
        present = {said.target_id for said in saying.targets}
        for said in saying.targets:
            where = f'{said.target_id} (epoch {said.epoch}) at {saying.stamp_ns}: '
            if (said.target_id, said.epoch) in self._ended:
                texts.append(where + 'is back after it had gone')
            if said.state in _NO_STATE:
                continue
            self._first_ns.setdefault((said.target_id, said.epoch), saying.stamp_ns)
            before = self._known.get(said.target_id)
            texts += [where + text for text in self._step(before, said, saying.stamp_ns)]
            self._known[said.target_id] = said
        for target_id in [*self._known]:
            if target_id in present:
                continue
            gone = self._known.pop(target_id)
            self._ended.add((target_id, gone.epoch))
            if not self._is_released(gone):
                texts.append(
                    f'{target_id} (epoch {gone.epoch}) is gone at {saying.stamp_ns} '
                    'without RELEASED'
                )
        return texts

    def _step(self, before: Said | None, said: Said, stamp_ns: int) -> list[str]:
        """Return what is wrong with the way from one message on a target to the next."""
        started = (EventType.ACQUIRED, said.target_id, said.epoch) in self._events
        if before is not None and said.epoch < before.epoch:
            return [f'its epoch was {before.epoch}']
        if before is None or said.epoch > before.epoch:
            if not (started or (before is not None and said.epoch in self._new_epochs)):
                return ['a new epoch without ACQUIRED or TIME_JUMP']
            if started and (said.target_id, said.epoch) in self._late:
                return []  # what happened while it caught up has stamps of that time
            state = TargetState.TRACKING if started or before is None else before.state
        else:
            state = before.state
        if state is said.state:
            return []
        way = _WAYS.get((state, said.state))
        if way is None:
            return [f'from {state.name} to {said.state.name}']
        return [
            f'{said.state.name} after {state.name} without {event_type.name}'
            for event_type in way
            if not self._has(event_type, said, stamp_ns)
        ]

    def _is_released(self, said: Said) -> bool:
        """Return whether a target was released, or what replaced it in the same frame."""
        return any(
            event_type is EventType.RELEASED
            and target_id == said.target_id
            and epoch >= said.epoch
            for event_type, target_id, epoch in self._events
        )

    def _is_replaced(self, event: Event) -> bool:
        """Return whether a later prompt for the same frame undid one that started a target."""
        return event.type is EventType.ACQUIRED and any(
            later.stamp_ns == event.stamp_ns
            for (event_type, target_id, epoch), events in self._events.items()
            for later in events
            if target_id == event.target_id
            and (
                (event_type is EventType.ACQUIRED and epoch > event.epoch)
                or (event_type is EventType.RELEASED and epoch == event.epoch)
            )
        )

    def _is_of_catching_up(self, event: Event) -> bool:
        """Return whether it happened before the first message on a target that started late."""
        key = event.target_id, event.epoch
        first_ns = self._first_ns.get(key)
        return key in self._late and (first_ns is None or event.stamp_ns < first_ns)

    def _has(self, event_type: EventType, said: Said, stamp_ns: int) -> bool:
        events = self._events.get((event_type, said.target_id, said.epoch), ())
        return any(event.stamp_ns == stamp_ns for event in events)

    def _unfounded(self, sayings: Sequence[Saying], events: Sequence[Event]) -> list[str]:
        """Return events that no message bears out."""
        # A clock that stands still gives several messages one stamp.
        told: dict[int, list[Said]] = {}
        for saying in sayings:
            told.setdefault(saying.stamp_ns, []).extend(saying.targets)
        texts: list[str] = []
        for event in events:
            state, targets = _STATE_AFTER.get(event.type), told.get(event.stamp_ns)
            if state is None or targets is None or self._is_of_catching_up(event):
                continue
            states = [
                said.state
                for said in targets
                if (said.target_id, said.epoch) == (event.target_id, event.epoch)
            ]
            fits = {state, TargetState.ERROR} & {*states}
            if not fits and not self._is_replaced(event):
                texts.append(
                    f'{event.type.name} of {event.target_id} (epoch {event.epoch}) at '
                    f'{event.stamp_ns}, where its state is {[each.name for each in states]}'
                )
        for event in events:
            known = self._events[event.type, event.target_id, event.epoch]
            if event.type is EventType.RELEASED and len(known) > 1:
                texts.append(
                    f'{event.target_id} (epoch {event.epoch}) was released {len(known)} times'
                )
        return texts
