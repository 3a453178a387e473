# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Hears everything that a tracker says, for the fault campaign."""

from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile

from sam2_tracker_ros.core.types import (
    NANOSECONDS_PER_SECOND,
    Box,
    Event,
    EventType,
    TargetState,
)
from sam2_tracker_ros.messages import event_from_message, stamp_ns_of
from sam2_tracker_ros.msg import Target, TargetArray, TargetEvent
from sam2_tracker_ros.ros.fault_invariants import Said, Saying

# Deep enough for an observer that falls behind for some seconds.
_DEPTH = 2000
_EVENTS = QoSProfile(depth=_DEPTH, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class Observer:
    """
    Keeps what was said; times are those of publishing, by the clock of the machine.

    Lists grow at their end only, so that any thread may read them.
    """

    def __init__(self, node: Node) -> None:
        self.sayings: list[Saying] = []
        self.events: list[Event] = []
        # Of every message on `target`; and those of its targets, to be compared with `targets`.
        self.spoken_s: list[float] = []
        self.single: list[tuple[int, Said]] = []
        self.diagnostics: list[float] = []
        node.create_subscription(Target, 'tracker/target', self._on_target, _DEPTH)
        node.create_subscription(TargetArray, 'tracker/targets', self._on_targets, _DEPTH)
        node.create_subscription(TargetEvent, 'tracker/events', self._on_event, _EVENTS)
        node.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, _DEPTH)

    def forget(self) -> None:
        """Start anew."""
        for kept in (self.sayings, self.events, self.spoken_s, self.single, self.diagnostics):
            kept.clear()

    def newest(self) -> Saying | None:
        """Return what was said last."""
        return self.sayings[-1] if self.sayings else None

    def has_event(self, event_type: EventType, since: int = 0) -> bool:
        """Return whether an event came, of those from a place in the list on."""
        return any(event.type is event_type for event in self.events[since:])

    def _on_target(self, message: Any, info: Any) -> None:
        self.spoken_s.append(_published_s(info))
        if message.target_id:
            self.single.append((stamp_ns_of(message.header), _said(message)))

    def _on_targets(self, message: Any, info: Any) -> None:
        self.sayings.append(
            Saying(
                said_s=_published_s(info),
                stamp_ns=stamp_ns_of(message.header),
                targets=tuple(_said(target) for target in message.targets),
            )
        )

    def _on_event(self, message: Any) -> None:
        self.events.append(event_from_message(message))

    def _on_diagnostics(self, _: Any, info: Any) -> None:
        self.diagnostics.append(_published_s(info))


def _published_s(info: Any) -> float:
    return float(info['source_timestamp']) / NANOSECONDS_PER_SECOND


def _said(message: Any) -> Said:
    return Said(
        target_id=message.target_id,
        epoch=message.epoch,
        state=TargetState(message.state),
        measured=message.measured,
        box=Box(message.box_left, message.box_top, message.box_right, message.box_bottom),
        confidence=message.confidence,
    )
