# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Results of the tracker to Target, TargetArray, TargetEvent and Detection2DArray."""

from collections.abc import Sequence
import math

import numpy as np

from sam2_tracker_ros.core.bearing import Bearing, CameraCalibration, bearing_of
from sam2_tracker_ros.core.types import (
    Box,
    Edge,
    Event,
    EventType,
    Float64Array,
    Reason,
    Scores,
    StepResult,
    TargetResult,
    TargetState,
)
from sam2_tracker_ros.messages.classes import (
    DetectionClasses,
    Message,
    MessageClasses,
    seconds_of,
    stamp_ns_of,
)

_UNKNOWN = math.nan
_UNKNOWN_BOX = Box(_UNKNOWN, _UNKNOWN, _UNKNOWN, _UNKNOWN)
_UNKNOWN_BEARING = Bearing(
    ray=np.full(3, _UNKNOWN),
    angles=(_UNKNOWN, _UNKNOWN),
    rates=(_UNKNOWN, _UNKNOWN),
    size=(_UNKNOWN, _UNKNOWN),
    covariance=np.full((2, 2), _UNKNOWN),
)
_UNKNOWN_COVARIANCE = np.full((2, 2), _UNKNOWN)


def target_message(
    classes: MessageClasses,
    target: TargetResult,
    size_px: tuple[int, int],
    header: Message,
    *,
    calibration: CameraCalibration | None = None,
    latency_s: float = 0.0,
) -> Message:
    """
    Return one target as a Target.

    :param size_px: width and height of the camera image; zeros when no image was seen.
    :param calibration: gives the bearing; None leaves it unknown.
    :param latency_s: from the capture to the publishing of this message.
    """
    bearing = None
    if calibration is not None and target.box is not None:
        bearing = bearing_of(calibration, target.box, target.motion, size_px)
    known_bearing = bearing or _UNKNOWN_BEARING
    box = target.box or _UNKNOWN_BOX
    normalized = _normalized(box, size_px)
    center_x, center_y = box.center
    motion = target.motion
    covariance = _UNKNOWN_COVARIANCE if motion is None else motion.center_covariance
    return classes.target(
        header=header,
        target_id=target.target_id,
        epoch=target.epoch,
        state=int(target.state),
        reason=int(target.reason),
        measured=target.measured,
        box_left=float(box.left),
        box_top=float(box.top),
        box_right=float(box.right),
        box_bottom=float(box.bottom),
        box_normalized=normalized,
        center_x=float(center_x),
        center_y=float(center_y),
        error_x=float(normalized[0] + normalized[2] - 1.0),
        error_y=float(normalized[1] + normalized[3] - 1.0),
        bearing_valid=bearing is not None,
        bearing=classes.vector_of(known_bearing.ray),
        angle_x=known_bearing.angles[0],
        angle_y=known_bearing.angles[1],
        rate_x=known_bearing.rates[0],
        rate_y=known_bearing.rates[1],
        size_x=known_bearing.size[0],
        size_y=known_bearing.size[1],
        angle_covariance=known_bearing.covariance.ravel(),
        center_covariance=covariance.ravel(),
        confidence=float(target.scores.confidence),
        object_score=float(target.scores.object_score),
        predicted_iou=float(target.scores.predicted_iou),
        motion_iou=float(target.scores.motion_iou),
        mask_area_px=0 if target.mask is None else target.mask.area_px,
        edge_flags=int(target.edges),
        time_since_measured=classes.duration_of(target.time_since_measured_s),
        frames_since_measured=int(target.frames_since_measured),
        latency=classes.duration_of(latency_s),
    )


def target_messages(
    classes: MessageClasses,
    result: StepResult,
    header: Message,
    *,
    calibration: CameraCalibration | None = None,
    latency_s: float = 0.0,
) -> list[Message]:
    """Return a Target for every target of a frame; without any, one that says IDLE."""
    targets = result.targets or (no_target(TargetState.IDLE),)
    return [
        target_message(
            classes,
            target,
            result.size_px,
            header,
            calibration=calibration,
            latency_s=latency_s,
        )
        for target in targets
    ]


def no_target(state: TargetState) -> TargetResult:
    """Return a result that names no target and gives no numbers, only a state."""
    return TargetResult(
        target_id='',
        epoch=0,
        state=state,
        reason=Reason.NONE,
        measured=False,
        box=None,
        scores=Scores(confidence=0.0),
        motion=None,
        mask=None,
        edges=Edge.NONE,
        time_since_measured_s=0.0,
        frames_since_measured=0,
    )


def target_array_message(
    classes: MessageClasses,
    targets: Sequence[Message],
    header: Message,
    *,
    frames_processed: int,
    frames_dropped: int,
) -> Message:
    """Return a TargetArray of Target messages; those without a target are left out."""
    return classes.target_array(
        header=header,
        targets=[target for target in targets if target.target_id],
        frames_processed=frames_processed,
        frames_dropped=frames_dropped,
    )


def event_message(classes: MessageClasses, event: Event, frame_id: str) -> Message:
    """Return a TargetEvent."""
    return classes.target_event(
        header=classes.header_of(event.stamp_ns, frame_id),
        target_id=event.target_id,
        epoch=event.epoch,
        type=int(event.type),
        reason=int(event.reason),
        gap=classes.duration_of(event.gap_s),
        detail=event.detail,
    )


def detections_message(vision: DetectionClasses, result: StepResult, header: Message) -> Message:
    """Return a Detection2DArray of the measured targets; empty when there is none."""
    return vision.array(
        header=header,
        detections=[
            _detection(vision, target, target.box, header)
            for target in result.targets
            if target.measured and target.box is not None
        ],
    )


def _detection(
    vision: DetectionClasses, target: TargetResult, box: Box, header: Message
) -> Message:
    x, y = box.center
    hypothesis = vision.hypothesis(class_id='target', score=float(target.scores.confidence))
    return vision.detection(
        header=header,
        results=[vision.hypothesis_with_pose(hypothesis=hypothesis, pose=_no_pose(vision))],
        bbox=vision.bounding_box(
            center=vision.pose_2d(position=vision.point_2d(x=float(x), y=float(y)), theta=0.0),
            size_x=float(box.width),
            size_y=float(box.height),
        ),
        id=target.target_id,
    )


def _no_pose(vision: DetectionClasses) -> Message:
    """Return the pose of an object whose place in space is unknown: NaN."""
    position = vision.point(x=_UNKNOWN, y=_UNKNOWN, z=_UNKNOWN)
    orientation = vision.quaternion(x=_UNKNOWN, y=_UNKNOWN, z=_UNKNOWN, w=_UNKNOWN)
    return vision.pose_with_covariance(
        pose=vision.pose(position=position, orientation=orientation),
        covariance=np.full(36, _UNKNOWN),
    )


def _normalized(box: Box, size_px: tuple[int, int]) -> Float64Array:
    """Return left, top, right, bottom over the image size; NaN without an image."""
    width, height = size_px
    if not (width and height):
        return np.full(4, _UNKNOWN)
    corners = np.array([box.left, box.top, box.right, box.bottom], np.float64)
    return corners / np.array([width, height, width, height], np.float64)


def event_from_message(message: Message) -> Event:
    """Read a TargetEvent."""
    return Event(
        type=EventType(message.type),
        stamp_ns=stamp_ns_of(message.header),
        target_id=message.target_id,
        epoch=message.epoch,
        reason=Reason(message.reason),
        gap_s=seconds_of(message.gap),
        detail=message.detail,
    )
