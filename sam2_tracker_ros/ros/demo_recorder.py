# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node of the demo that prompts the tracker and keeps everything it publishes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
import math
from typing import Any

import cv2
from diagnostic_msgs.msg import DiagnosticArray
import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage

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
)
from sam2_tracker_ros.messages import event_from_message, seconds_of, stamp_ns_of
from sam2_tracker_ros.msg import Prompt, Target, TargetArray, TargetEvent
from sam2_tracker_ros.ros import qos
from sam2_tracker_ros.ros.processes import ProcessError, check_model

# Deep enough for a recorder that falls behind for some seconds.
EVERYTHING = QoSProfile(depth=1000)


@dataclass
class Recording:
    """
    Messages of one run, by the stamp of the image.

    :param image_stamps: of every image that the camera published.
    :param masks: PNG of each mask.
    """

    image_stamps: list[int] = field(default_factory=list)
    size_px: tuple[int, int] = (0, 0)
    targets: dict[int, Any] = field(default_factory=dict)
    masks: dict[int, bytes] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    frames_processed: int = 0
    frames_dropped: int = 0

    def latencies_s(self) -> Sequence[float]:
        """Return the time from the capture of each image to the publishing of its Target."""
        known = (self.targets[stamp] for stamp in self.image_stamps if stamp in self.targets)
        return [seconds_of(target.latency) for target in known]

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
        png = np.frombuffer(self.masks[stamp_ns], np.uint8)
        pixels = cv2.imdecode(png, cv2.IMREAD_GRAYSCALE)
        return None if pixels is None else target_mask_of(np.asarray(pixels > 0))


class Recorder(Node):
    """
    Keeps what the tracker publishes; sends prompts. Spinning raises when the model fails.

    :param node_arguments: of rclpy's Node.
    """

    def __init__(self, **node_arguments: Any) -> None:
        super().__init__('demo_recorder', **node_arguments)
        self.recording = self._new_recording()
        # Processed and dropped frames, of this tracker and of those before it.
        self._counts = self._counts_before = 0, 0
        self._prompts = self.create_publisher(Prompt, 'tracker/prompt', qos.PROMPT)
        self.create_subscription(Target, 'tracker/target', self._on_target, EVERYTHING)
        self.create_subscription(TargetArray, 'tracker/targets', self._on_targets, EVERYTHING)
        self.create_subscription(TargetEvent, 'tracker/events', self._on_event, qos.EVENT)
        self.create_subscription(
            CompressedImage, 'tracker/mask/compressed', self._on_mask, QoSProfile(depth=10)
        )
        self.create_subscription(DiagnosticArray, '/diagnostics', check_model, qos.DIAGNOSTICS)

    def _new_recording(self) -> Recording:
        return Recording()

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

    def _on_target(self, message: Any) -> None:
        self.recording.targets[stamp_ns_of(message.header)] = message

    def _on_targets(self, message: Any) -> None:
        counts = message.frames_processed, message.frames_dropped
        if counts < self._counts:  # of another tracker
            processed, dropped = self._counts_before
            self._counts_before = processed + self._counts[0], dropped + self._counts[1]
        self._counts = counts
        self.recording.frames_processed = self._counts_before[0] + counts[0]
        self.recording.frames_dropped = self._counts_before[1] + counts[1]

    def _on_event(self, message: Any) -> None:
        event = event_from_message(message)
        self.recording.events.append(event)

    def _on_mask(self, message: CompressedImage) -> None:
        self.recording.masks[stamp_ns_of(message.header)] = bytes(message.data)


class FilmRecorder(Recorder):
    """Also counts the images of a film, each of which comes with a CameraInfo."""

    def __init__(self, **node_arguments: Any) -> None:
        super().__init__(**node_arguments)
        self.create_subscription(CameraInfo, 'camera_info', self._on_camera_info, EVERYTHING)

    def _on_camera_info(self, message: CameraInfo) -> None:
        self.recording.image_stamps.append(stamp_ns_of(message.header))
        self.recording.size_px = message.width, message.height


def check_acquired(recording: Recording) -> None:
    """
    Look at what became of the newest prompt.

    :raises ProcessError: it was rejected.
    """
    answers = (EventType.ACQUIRED, EventType.PROMPT_REJECTED)
    newest = next(event for event in reversed(recording.events) if event.type in answers)
    if newest.type is EventType.PROMPT_REJECTED:
        message = f'no ACQUIRED, the prompt was rejected: {newest.detail}'
        raise ProcessError(message)


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
        time_since_measured_s=seconds_of(message.time_since_measured),
        frames_since_measured=message.frames_since_measured,
    )
