# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
When a target is measured, coasting, lost and found again: pure functions.

Time is seconds from stamps. Each decision carries its reason.
"""

from dataclasses import dataclass, replace
import math

from sam2_tracker_ros.core.config import StatusConfig
from sam2_tracker_ros.core.types import Edge, EventType, Reason, TargetState


@dataclass(frozen=True)
class Evidence:
    """
    What one frame says about a target.

    :param mask_area_px: pixels of the camera image; 0 when the mask is empty.
    :param usual_area_px: area when the target was last measured; infinite when it never was.
    :param motion_excess: distance of the box centre from the prediction, divided by the distance
        that is allowed; NaN when nothing is predicted.
    :param exit_edges: borders that the target was about to cross when it was last measured.
    :param is_finite: false when the model gave a number that is not finite, or noise.
    """

    object_score_logit: float
    predicted_iou: float
    mask_area_px: int
    usual_area_px: float
    motion_excess: float
    exit_edges: Edge
    is_finite: bool = True


@dataclass(frozen=True)
class Status:
    """
    Where a target stands; times in seconds.

    :param consistent_frames: of evidence for it in a row while it is not tracked.
    :param consistent_since_s: stamp of the first of them.
    """

    state: TargetState
    last_measured_s: float
    reason: Reason = Reason.NONE
    frames_since_measured: int = 0
    consistent_frames: int = 0
    consistent_since_s: float = math.inf


@dataclass(frozen=True)
class Transition:
    """
    The new status, and what to report when something happened.

    :param gap_s: time without a measurement, for REACQUIRED.
    """

    status: Status
    event: EventType | None = None
    gap_s: float = 0.0


def reason_against(evidence: Evidence, config: StatusConfig) -> Reason:
    """Return why the evidence is no measurement, or NONE when it is one."""
    is_explosion = evidence.mask_area_px > config.max_area_ratio * evidence.usual_area_px
    objections = (
        (not evidence.is_finite, Reason.NON_FINITE),
        (
            evidence.object_score_logit <= config.min_object_score_logit,
            _exit_reason(evidence.exit_edges) or Reason.OCCLUDED,
        ),
        (
            evidence.mask_area_px < config.min_mask_area_px,
            _exit_reason(evidence.exit_edges) or Reason.MASK_VANISHED,
        ),
        (evidence.predicted_iou < config.min_predicted_iou, Reason.LOW_SCORE),
        (is_explosion, Reason.MASK_EXPLODED),
        (evidence.motion_excess > 1.0, Reason.MOTION_MISMATCH),
    )
    return next((reason for objects, reason in objections if objects), Reason.NONE)


def advance(status: Status, reason: Reason, now_s: float, config: StatusConfig) -> Transition:
    """
    Decide the state after one frame, or after some time without one.

    :param reason: NONE when the target was measured now, else why it was not.
    """
    if reason is Reason.NONE:
        return _seen(status, now_s, config)
    status = replace(
        status,
        reason=reason,
        consistent_frames=0,
        consistent_since_s=math.inf,
        frames_since_measured=status.frames_since_measured + 1,
    )
    if status.state is TargetState.TRACKING:
        return Transition(replace(status, state=TargetState.COASTING), EventType.COASTING)
    unseen_s = now_s - status.last_measured_s
    if status.state is TargetState.COASTING and unseen_s > config.coast_timeout_s:
        return Transition(replace(status, state=TargetState.LOST), EventType.LOST)
    return Transition(status)


def _seen(status: Status, now_s: float, config: StatusConfig) -> Transition:
    gap_s = now_s - status.last_measured_s
    frames = status.consistent_frames + 1
    since_s = min(status.consistent_since_s, now_s)
    if _needs_more(status.state, frames, now_s - since_s, config):
        waiting = replace(
            status,
            reason=Reason.REACQUIRING,
            consistent_frames=frames,
            consistent_since_s=since_s,
            frames_since_measured=status.frames_since_measured + 1,
        )
        return Transition(waiting)
    tracking = Status(TargetState.TRACKING, last_measured_s=now_s)
    if status.state is TargetState.TRACKING:
        return Transition(tracking)
    return Transition(tracking, EventType.REACQUIRED, gap_s)


def _needs_more(state: TargetState, frames: int, span_s: float, config: StatusConfig) -> bool:
    """Return whether so much consistent evidence is too little to track again."""
    if state is TargetState.COASTING:
        return frames < config.resume_frames
    if state is TargetState.LOST:
        return frames < config.reacquire_frames or span_s < config.reacquire_time_s
    return False


def _exit_reason(edges: Edge) -> Reason:
    for edge, reason in (
        (Edge.LEFT, Reason.LEFT_FRAME_LEFT),
        (Edge.RIGHT, Reason.LEFT_FRAME_RIGHT),
        (Edge.TOP, Reason.LEFT_FRAME_TOP),
        (Edge.BOTTOM, Reason.LEFT_FRAME_BOTTOM),
    ):
        if edge in edges:
            return reason
    return Reason.NONE
