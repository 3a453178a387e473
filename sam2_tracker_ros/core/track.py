# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One target's own state: memory, motion, status; what a frame's evidence does to it."""

from dataclasses import dataclass, replace
import math

import numpy as np

from sam2_tracker_ros.core import kalman
from sam2_tracker_ros.core.config import StatusConfig
from sam2_tracker_ros.core.geometry import (
    MaskMeasurement,
    box_iou,
    distance_to_segment,
    touched_edges,
)
from sam2_tracker_ros.core.memory_bank import MemoryBank, MemoryEntry
from sam2_tracker_ros.core.target_status import Evidence, Status, advance, reason_against
from sam2_tracker_ros.core.types import (
    NANOSECONDS_PER_SECOND,
    Box,
    Edge,
    Event,
    Float32Array,
    Motion,
    Reason,
    Scores,
    TargetResult,
    TargetState,
)

# A target is leaving when its predicted box is this far out, as a fraction of the box side.
_LEAVING_FRACTION = 0.5
# The usual area follows a shrinking target with this half-life, so that a target that comes out
# from behind something is not taken for an explosion of the sliver that was seen last.
_AREA_HALF_LIFE_S = 1.0
# While a target is not measured its area may double every second, so many times at most.
_MAX_AREA_DOUBLINGS = 2.0


@dataclass(frozen=True)
class Observation:
    """
    What the model found of one target in one frame.

    :param mask_logits: [h, w] of the chosen candidate, small pieces left out.
    :param measurement: None when no pixel of the camera image belongs to the mask.
    :param entry: to be remembered; None when the model gave numbers that are not finite.
    :param is_prompted: the operator said that this is the target.
    """

    mask_logits: Float32Array
    measurement: MaskMeasurement | None
    predicted_iou: float
    object_score_logit: float
    motion_iou: float
    entry: MemoryEntry | None
    is_prompted: bool = False

    def reason_against(
        self,
        config: StatusConfig,
        *,
        usual_area_px: float = math.inf,
        motion_excess: float = math.nan,
        exit_edges: Edge = Edge.NONE,
    ) -> Reason:
        """Return why this is no measurement, or NONE; see Evidence for the parameters."""
        evidence = Evidence(
            object_score_logit=self.object_score_logit,
            predicted_iou=self.predicted_iou,
            mask_area_px=self.measurement.area_px if self.measurement else 0,
            usual_area_px=math.inf if self.is_prompted else usual_area_px,
            motion_excess=math.nan if self.is_prompted else motion_excess,
            exit_edges=exit_edges,
            is_finite=self.entry is not None,
        )
        return reason_against(evidence, config)


# What is left of a frame whose inference gave numbers that are not finite.
UNUSABLE = Observation(
    mask_logits=np.full((1, 1), -1.0, np.float32),
    measurement=None,
    predicted_iou=math.nan,
    object_score_logit=math.nan,
    motion_iou=math.nan,
    entry=None,
)


class Track:
    """
    A target from its prompt on.

    :param first: what the model found in the prompted frame; its entry and measurement are needed.
    """

    def __init__(
        self, target_id: str, epoch: int, first: Observation, capacity: int, stamp_ns: int
    ) -> None:
        if first.entry is None or first.measurement is None:
            message = 'a track starts with a mask that was found and remembered'
            raise ValueError(message)
        self.target_id = target_id
        self.epoch = epoch
        self.bank = MemoryBank(first.entry, capacity)
        self._stamp_ns = stamp_ns
        self._status = Status(TargetState.TRACKING, stamp_ns / NANOSECONDS_PER_SECOND)
        self._motion: kalman.BoxState | None = kalman.initial_state(first.measurement.box)
        self._measured_box = first.measurement.box
        self._usual_area_px = float(first.measurement.area_px)
        self._observation: Observation | None = first

    def predicted_state(self, now_ns: int) -> kalman.BoxState | None:
        """Return where the target should be now; None when its motion is unknown."""
        if self._motion is None:
            return None
        return kalman.predict(self._motion, (now_ns - self._stamp_ns) / NANOSECONDS_PER_SECOND)

    def observe(
        self,
        observation: Observation,
        now_ns: int,
        size_px: tuple[int, int],
        config: StatusConfig,
    ) -> tuple[Event, ...]:
        """Take one frame in: remember it, decide the status, correct the motion."""
        predicted = self.predicted_state(now_ns)
        unseen_s = now_ns / NANOSECONDS_PER_SECOND - self._status.last_measured_s
        doublings = min(unseen_s, _MAX_AREA_DOUBLINGS)
        reason = observation.reason_against(
            config,
            usual_area_px=self._usual_area_px * 2.0**doublings,
            motion_excess=self._motion_excess(observation.measurement, predicted, config),
            exit_edges=_leaving(self._measured_box, predicted, size_px),
        )
        if observation.entry is not None:
            self.bank.remember(observation.entry)
        was_lost = self._status.state is TargetState.LOST
        if observation.is_prompted:
            self._status = replace(self._status, consistent_frames=config.reacquire_frames)
        events = self._advance(reason, now_ns, config)
        self._motion, self._stamp_ns, self._observation = predicted, now_ns, observation
        if self.measured and observation.measurement is not None:
            self._measure(observation.measurement, unseen_s, restart=was_lost)
        return events

    def pass_time(self, now_ns: int, reason: Reason, config: StatusConfig) -> tuple[Event, ...]:
        """Let time pass without a frame: nothing is measured, for that reason."""
        self._observation = None
        return self._advance(reason, now_ns, config)

    def restart_clock(self, now_ns: int, epoch: int) -> None:
        """Forget motion and the order of memory after stamps jumped back."""
        self.epoch = epoch
        self.bank.forget_recent()
        self._motion = None
        self._stamp_ns = now_ns
        self._status = Status(
            self._status.state, now_ns / NANOSECONDS_PER_SECOND, reason=self._status.reason
        )

    @property
    def measured(self) -> bool:
        """Whether the last frame's mask backs the numbers."""
        return self._status.state is TargetState.TRACKING

    def result(self, now_ns: int, size_px: tuple[int, int]) -> TargetResult:
        """Return where the target stands, after a frame or some time later."""
        status, motion = self._status, self.predicted_state(now_ns)
        observation = self._observation
        measurement = observation.measurement if observation and self.measured else None
        coasting = status.state is TargetState.COASTING and motion is not None
        box = motion.box if coasting and motion is not None else self._measured_box
        return TargetResult(
            target_id=self.target_id,
            epoch=self.epoch,
            state=status.state,
            reason=status.reason,
            measured=self.measured,
            box=box,
            scores=self._scores(),
            motion=_motion_of(motion),
            mask_logits=observation.mask_logits if observation and measurement else None,
            mask_area_px=measurement.area_px if measurement else 0,
            edges=touched_edges(box, size_px),
            time_since_measured_s=now_ns / NANOSECONDS_PER_SECOND - status.last_measured_s,
            frames_since_measured=status.frames_since_measured,
        )

    def _advance(self, reason: Reason, now_ns: int, config: StatusConfig) -> tuple[Event, ...]:
        transition = advance(self._status, reason, now_ns / NANOSECONDS_PER_SECOND, config)
        self._status = transition.status
        if transition.event is None:
            return ()
        event = Event(
            type=transition.event,
            stamp_ns=now_ns,
            target_id=self.target_id,
            epoch=self.epoch,
            reason=self._status.reason,
            gap_s=transition.gap_s,
        )
        return (event,)

    def _measure(self, measurement: MaskMeasurement, dt_s: float, *, restart: bool) -> None:
        self._measured_box = measurement.box
        faded_px = self._usual_area_px * 0.5 ** (dt_s / _AREA_HALF_LIFE_S)
        self._usual_area_px = max(float(measurement.area_px), faded_px)
        if restart or self._motion is None:
            self._motion = kalman.initial_state(measurement.box)
        else:
            self._motion = kalman.update(self._motion, measurement.box)

    def _motion_excess(
        self,
        measurement: MaskMeasurement | None,
        predicted: kalman.BoxState | None,
        config: StatusConfig,
    ) -> float:
        """
        Return how far off the expected path a mask is, over the distance that is allowed.

        The path leads from where the target was measured last to where the filter predicts it:
        while it was hidden it may have gone on or stopped. Allowed is a box diagonal and
        motion_gate standard deviations of the prediction.
        """
        if measurement is None or predicted is None or config.motion_gate <= 0.0:
            return math.nan
        expected = predicted.box
        distance_px = distance_to_segment(
            measurement.box.center, self._measured_box.center, expected.center
        )
        std_px = math.sqrt(float(np.trace(predicted.center_covariance)) / 2.0)
        allowed_px = config.motion_gate * std_px + math.hypot(expected.width, expected.height)
        return distance_px / allowed_px

    def _scores(self) -> Scores:
        observation = self._observation
        if observation is None:
            return Scores(confidence=0.0)
        visible = probability(observation.object_score_logit)
        iou = min(max(observation.predicted_iou, 0.0), 1.0)
        confidence = visible * iou if self.measured else 0.0
        return Scores(confidence, visible, iou, observation.motion_iou)


def probability(logit: float) -> float:
    """Return the logistic function of a logit; NaN stays NaN."""
    return 1.0 / (1.0 + math.exp(-max(min(logit, 60.0), -60.0)))


def motion_iou(measurement: MaskMeasurement | None, predicted: kalman.BoxState | None) -> float:
    """Return the overlap of the measured box with the predicted one; NaN when one is missing."""
    if measurement is None or predicted is None:
        return math.nan
    return box_iou(measurement.box, predicted.box)


def _leaving(measured: Box, predicted: kalman.BoxState | None, size_px: tuple[int, int]) -> Edge:
    """Return the borders that the target touched when last measured, or is predicted to cross."""
    edges = touched_edges(measured, size_px)
    if predicted is None:
        return edges
    box = predicted.box
    margin_x, margin_y = box.width * _LEAVING_FRACTION, box.height * _LEAVING_FRACTION
    inner = Box(
        box.left + margin_x, box.top + margin_y, box.right - margin_x, box.bottom - margin_y
    )
    return edges | touched_edges(inner, size_px)


def _motion_of(state: kalman.BoxState | None) -> Motion | None:
    return None if state is None else Motion(state.velocity, state.center_covariance)
