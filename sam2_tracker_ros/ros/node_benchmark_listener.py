# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node that measures: when what the tracker publishes arrives in another process."""

from dataclasses import dataclass
import time

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.qos import QoSProfile

from sam2_tracker_ros.core.types import Box
from sam2_tracker_ros.messages import stamp_ns_of
from sam2_tracker_ros.msg import Prompt, TargetArray, TargetEvent
from sam2_tracker_ros.ros import qos
from sam2_tracker_ros.ros.processes import check_model

# What the diagnostics say of a number that there is none of yet.
_UNKNOWN = 'unknown'


@dataclass(frozen=True)
class Arrival:
    """
    What the tracker published for one image.

    :param stamp_ns: of the image.
    """

    stamp_ns: int
    arrived_ns: int
    has_target: bool


class Listener(Node):
    """Notes when what the tracker publishes arrives, and points at the target."""

    def __init__(self) -> None:
        super().__init__('node_benchmark')
        self.values: dict[str, str] = {}
        self.ready_ns: int | None = None
        self.arrivals: list[Arrival] = []
        self._prompts = self.create_publisher(Prompt, 'tracker/prompt', qos.PROMPT)
        self.create_subscription(
            DiagnosticArray, '/diagnostics', self._on_diagnostics, qos.DIAGNOSTICS
        )
        self.create_subscription(TargetEvent, 'tracker/events', self._on_event, qos.EVENT)
        self.create_subscription(
            TargetArray, 'tracker/targets', self._on_targets, QoSProfile(depth=100)
        )

    def point_at(self, box: Box) -> None:
        """Prompt with a box."""
        self._prompts.publish(Prompt(box=[box.left, box.top, box.right, box.bottom]))

    def is_reached(self) -> bool:
        """Return whether the tracker would get a prompt."""
        return self._prompts.get_subscription_count() > 0

    def has_processed(self) -> bool:
        """Return whether the tracker has processed an image."""
        return self.knows('frames processed') and self.number('frames processed') > 0.0

    def has_target(self) -> bool:
        """Return whether the target was in the newest frame."""
        return bool(self.arrivals) and self.arrivals[-1].has_target

    def knows(self, key: str) -> bool:
        """Return whether the tracker has reported a value."""
        return self.values.get(key, _UNKNOWN) != _UNKNOWN

    def number(self, key: str) -> float:
        """Return a value, or NaN while it is unknown."""
        return float(self.values[key]) if self.knows(key) else float('nan')

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        check_model(message)
        for status in message.status:
            self.values |= {pair.key: pair.value for pair in status.values}

    def _on_event(self, message: TargetEvent) -> None:
        if message.type == TargetEvent.MODEL_READY and self.ready_ns is None:
            self.ready_ns = stamp_ns_of(message.header)

    def _on_targets(self, message: TargetArray) -> None:
        now_ns = time.time_ns()
        has_target = any(target.measured for target in message.targets)
        self.arrivals.append(Arrival(stamp_ns_of(message.header), now_ns, has_target))
