# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node of the demo that prompts the tracker and keeps everything it publishes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
import math
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image

from sam2_tracker_ros.core.geometry import target_mask_of
from sam2_tracker_ros.core.types import (
    NANOSECONDS_PER_SECOND,
    Box,
    Edge,
    Event,
    EventType,
    Reason,
    Scores,
    StepResult,
    TargetMask,
    TargetResult,
    TargetState,
    UInt8Array,
)
from sam2_tracker_ros.messages import stamp_ns_of
from sam2_tracker_ros.msg import Prompt, Target, TargetArray, TargetEvent
from sam2_tracker_ros.ros import qos
from sam2_tracker_ros.ros.processes import check_model

# Deep enough for a recorder that falls behind for some seconds.
_EVERYTHING = QoSProfile(depth=1000)


@dataclass
class Recording:
    """
    Messages of one run, by the stamp of the image.

    :param image_stamps: of every image that the camera published.
    :param masks: packed bits of each mask and its size, width and height.
    """

    image_stamps: list[int] = field(default_factory=list)
    size_px: tuple[int, int] = (0, 0)
    targets: dict[int, Any] = field(default_factory=dict)
    masks: dict[int, tuple[UInt8Array, tuple[int, int]]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    frames_processed: int = 0
    frames_dropped: int = 0

    def latencies_s(self) -> Sequence[float]:
        """Return the time from the capture of each image to the publishing of its Target."""
        known = (self.targets[stamp] for stamp in self.image_stamps if stamp in self.targets)
        return [_seconds(target.latency) for target in known]

    def result(self, stamp_ns: int) -> StepResult | None:
        """Return what the tracker published for an image; None when it did not process it."""
        message = self.targets.get(stamp_ns)
        if message is None:
            return None
        target = _target_result(message, self._mask(stamp_ns))
        return StepResult(
            stamp_ns=stamp_ns,
            frame_id=message.header.frame_id,
            size_px=self.size_px,
            targets=(target,) if target.target_id else (),
            events=tuple(event for event in self.events if event.stamp_ns == stamp_ns),
        )

    def _mask(self, stamp_ns: int) -> TargetMask | None:
        if stamp_ns not in self.masks:
            return None
        bits, (width, height) = self.masks[stamp_ns]
        mask = np.unpackbits(bits, count=width * height).reshape(height, width).astype(np.bool_)
        return target_mask_of(mask)


class Recorder(Node):
    """
    Keeps what the tracker publishes; sends the prompt. Spinning raises when the model fails.

    :param node_arguments: of rclpy's Node.
    """

    def __init__(self, **node_arguments: Any) -> None:
        super().__init__('demo_recorder', **node_arguments)
        self.recording = Recording()
        self._prompts = self.create_publisher(Prompt, 'tracker/prompt', qos.PROMPT)
        self.create_subscription(CameraInfo, 'camera_info', self._on_camera_info, _EVERYTHING)
        self.create_subscription(Target, 'tracker/target', self._on_target, _EVERYTHING)
        self.create_subscription(TargetArray, 'tracker/targets', self._on_targets, _EVERYTHING)
        self.create_subscription(TargetEvent, 'tracker/events', self._on_event, qos.EVENT)
        self.create_subscription(Image, 'tracker/mask', self._on_mask, QoSProfile(depth=10))
        self.create_subscription(DiagnosticArray, '/diagnostics', check_model, qos.DIAGNOSTICS)

    def has_event(self, *types: EventType) -> bool:
        """Return whether an event of one of the types came."""
        return any(event.type in types for event in self.recording.events)

    def prompt(self, box: Box, stamp_ns: int) -> None:
        """Ask the tracker to follow what is in a box of the image with that stamp."""
        message = Prompt(action=Prompt.ACTION_ADD, target_id='demo')
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(
            stamp_ns, NANOSECONDS_PER_SECOND
        )
        message.box = [float(side) for side in (box.left, box.top, box.right, box.bottom)]
        self._prompts.publish(message)

    def _on_camera_info(self, message: CameraInfo) -> None:
        self.recording.image_stamps.append(stamp_ns_of(message.header))
        self.recording.size_px = message.width, message.height

    def _on_target(self, message: Any) -> None:
        self.recording.targets[stamp_ns_of(message.header)] = message

    def _on_targets(self, message: Any) -> None:
        self.recording.frames_processed = message.frames_processed
        self.recording.frames_dropped = message.frames_dropped

    def _on_event(self, message: Any) -> None:
        event = Event(
            type=EventType(message.type),
            stamp_ns=stamp_ns_of(message.header),
            target_id=message.target_id,
            epoch=message.epoch,
            reason=Reason(message.reason),
            gap_s=_seconds(message.gap),
            detail=message.detail,
        )
        self.recording.events.append(event)

    def _on_mask(self, message: Image) -> None:
        bits = np.packbits(np.frombuffer(message.data, np.uint8))
        size_px = message.width, message.height
        self.recording.masks[stamp_ns_of(message.header)] = bits, size_px


def _seconds(duration: Any) -> float:
    return float(duration.sec + duration.nanosec / NANOSECONDS_PER_SECOND)


def _target_result(message: Any, mask: TargetMask | None) -> TargetResult:
    """Read a Target message."""
    box = Box(message.box_left, message.box_top, message.box_right, message.box_bottom)
    return TargetResult(
        target_id=message.target_id,
        epoch=message.epoch,
        state=TargetState(message.state),
        reason=Reason(message.reason),
        measured=message.measured,
        box=box if math.isfinite(box.left) else None,
        scores=Scores(
            confidence=message.confidence,
            object_score=message.object_score,
            predicted_iou=message.predicted_iou,
            motion_iou=message.motion_iou,
        ),
        motion=None,
        mask=mask if message.measured else None,
        edges=Edge(message.edge_flags),
        time_since_measured_s=_seconds(message.time_since_measured),
        frames_since_measured=message.frames_since_measured,
    )
