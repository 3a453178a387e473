# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One target's own state: memory, motion, status; what a frame's evidence does to it."""

from copy import copy
from dataclasses import dataclass, replace
import math

from sam2_tracker_ros.core import kalman
from sam2_tracker_ros.core.config import StatusConfig
from sam2_tracker_ros.core.geometry import (
    box_iou,
    touched_edges,
)
from sam2_tracker_ros.core.memory_bank import MemoryBank, MemoryEntry
from sam2_tracker_ros.core.target_motion import Moved, TargetMotion
from sam2_tracker_ros.core.target_status import Evidence, Status, advance, reason_against
from sam2_tracker_ros.core.types import (
    NANOSECONDS_PER_SECOND,
    Box,
    Edge,
    Event,
    Motion,
    Reason,
    Scores,
    TargetMask,
    TargetResult,
    TargetState,
)


@dataclass(frozen=True)
class Observation:
    """
    What the model found of one target in one frame.

    :param mask: None when no pixel of the camera image belongs to it.
    :param entry: to be remembered; None when the model gave numbers that are not finite.
    :param is_prompted: the operator said that this is the target.
    :param is_noise: the mask changes from cell to cell all over.
    """

    mask: TargetMask | None
    predicted_iou: float
    object_score_logit: float
    motion_iou: float
    entry: MemoryEntry | None
    is_prompted: bool = False
    is_noise: bool = False

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
            mask_area_px=self.mask.area_px if self.mask else 0,
            usual_area_px=math.inf if self.is_prompted else usual_area_px,
            motion_excess=math.nan if self.is_prompted else motion_excess,
            exit_edges=exit_edges,
            is_finite=self.entry is not None,
        )
        return reason_against(evidence, config)


# What is left of a frame whose inference gave numbers that are not finite, or noise.
UNUSABLE = Observation(
    mask=None,
    predicted_iou=math.nan,
    object_score_logit=math.nan,
    motion_iou=math.nan,
    entry=None,
)


class Track:
    """
    A target from its prompt on.

    :param first: what the model found in the prompted frame; its entry and mask are needed.
    :param remembers_unmeasured: see TrackerConfig.remember_unmeasured.
    """

    def __init__(
        self,
        target_id: str,
        epoch: int,
        first: Observation,
        capacity: int,
        stamp_ns: int,
        *,
        remembers_unmeasured: bool = False,
    ) -> None:
        if first.entry is None or first.mask is None:
            message = 'a track starts with a mask that was found and remembered'
            raise ValueError(message)
        self.target_id = target_id
        self.epoch = epoch
        # As those of untrained networks; of others, noise is a failure.
        self.began_as_noise = first.is_noise
        self.bank = MemoryBank(first.entry, capacity)
        self._remembers_unmeasured = remembers_unmeasured
        self._status = Status(TargetState.TRACKING, stamp_ns / NANOSECONDS_PER_SECOND)
        self._motion = TargetMotion(first.mask, stamp_ns)
        self._exit_edges = Edge.NONE
        self._observation: Observation | None = first
        self._frame_index = 0

    @property
    def next_frame_index(self) -> int:
        """Of the frame after the last one; the prompted frame is 0."""
        return self._frame_index + 1

    @property
    def measured(self) -> bool:
        """Whether the last frame's mask backs the numbers."""
        return self._status.state is TargetState.TRACKING

    def predicted(self, now_ns: int) -> kalman.BoxState | None:
        """Return where the target should be now; None when its motion is unknown."""
        return self._motion.predicted(now_ns)

    def is_steady(self, now_ns: int) -> bool:
        """Return whether the target was measured for long enough to rely on its motion."""
        return self.measured and self._motion.is_steady(now_ns)

    def where_to_look(self, now_ns: int) -> tuple[Box, float] | None:
        """
        Return where the target should be, and the room to leave around it in pixels.

        An unseen target is looked for around its expected place and everywhere in turns, so that
        look-alikes are known to be elsewhere before they come near; what may be the target again
        is followed until that is decided.

        :return: None for everywhere.
        """
        status = self._status
        if not self.measured and status.consistent_frames and self._observation:
            mask = self._observation.mask
            return None if mask is None else (mask.box, 0.0)
        if not self.measured and status.frames_since_measured % 2 == 0:
            return None
        return self._motion.where_to_look(now_ns, is_seen=self.measured)

    def observe(
        self,
        observation: Observation,
        now_ns: int,
        size_px: tuple[int, int],
        config: StatusConfig,
    ) -> tuple[Event, ...]:
        """Take one frame in: remember it, decide the status, correct the motion."""
        self._frame_index += 1
        if self.measured:
            self._exit_edges = self._motion.leaving(now_ns, size_px)
        unseen_s = now_ns / NANOSECONDS_PER_SECOND - self._status.last_measured_s
        reason = observation.reason_against(
            config,
            usual_area_px=self._motion.believed_area_px(unseen_s),
            motion_excess=self._motion.excess(observation.mask, now_ns, config.motion_gate),
            exit_edges=self._exit_edges,
        )
        if reason is Reason.MOTION_MISMATCH and observation.mask is not None:
            self._motion.note_other(observation.mask, now_ns)
        was_lost = self._status.state is TargetState.LOST
        if observation.is_prompted:
            enough_frames = max(config.resume_frames, config.reacquire_frames)
            self._status = replace(
                self._status, consistent_frames=enough_frames, consistent_since_s=-math.inf
            )
        was_measured = self.measured
        events = self._advance(reason, now_ns, config)
        if was_measured and not self.measured:
            self.bank.doubt_newest(now_ns)
        self._observation = observation
        if observation.entry is not None and self._is_worth_remembering(observation):
            self.bank.remember(observation.entry)
        if self.measured and observation.mask is not None:
            self._motion.measure(observation.mask, now_ns, was_lost=was_lost)
        else:
            self._motion.coast(now_ns)
        if self._status.state is TargetState.LOST:
            self._motion.rest()
        return events

    def _is_worth_remembering(self, observation: Observation) -> bool:
        if self._remembers_unmeasured or observation.is_prompted:
            return True
        mask = observation.mask
        return self.measured and mask is not None and not self._motion.has_swollen(mask)

    def pass_time(self, now_ns: int, reason: Reason, config: StatusConfig) -> tuple[Event, ...]:
        """Let time pass without a frame: nothing is measured, for that reason."""
        frames = self._status.frames_since_measured
        self._observation = None
        events = self._advance(reason, now_ns, config)
        self._status = replace(self._status, frames_since_measured=frames)
        if self._status.state is TargetState.LOST:
            self._motion.rest()
        return events

    def waiting(self) -> 'Track':
        """Return this target as it is told of while the model has not answered: unmeasured."""
        track = copy(self)
        track._observation = None
        if self.measured:
            track._status = replace(
                self._status, state=TargetState.COASTING, reason=Reason.INFERENCE_STALLED
            )
        return track

    def restarted(self, now_ns: int, epoch: int) -> 'Track':
        """Return this target without motion and recent memory, for stamps that jumped back."""
        track = copy(self)
        track.epoch = epoch
        track.bank = self.bank.without_recent()
        track._motion = self._motion.forgotten(now_ns)
        track._status = Status(
            self._status.state, now_ns / NANOSECONDS_PER_SECOND, reason=self._status.reason
        )
        return track

    def turned(self, moved: Moved | None, elapsed_s: float) -> 'Track':
        """
        Return this target as a camera sees it that has turned; see TargetMotion.

        :param moved: None when the camera's turning is not known.
        """
        track = copy(self)
        if moved is None:
            track._motion = self._motion.turning_unknown()
        else:
            track._motion = self._motion.turned(moved, elapsed_s)
        return track

    def result(self, now_ns: int, size_px: tuple[int, int]) -> TargetResult:
        """Return where the target stands, after a frame or some time later."""
        status, state = self._status, self.predicted(now_ns)
        velocity = self._motion.velocity(now_ns)
        box = self._motion.measured_box if self.measured or state is None else state.box
        return TargetResult(
            target_id=self.target_id,
            epoch=self.epoch,
            state=status.state,
            reason=status.reason,
            measured=self.measured,
            box=box,
            scores=self._scores(),
            motion=(
                None
                if state is None or velocity is None
                else Motion(velocity, state.center_covariance)
            ),
            mask=self._observation.mask if self._observation and self.measured else None,
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


def motion_iou(mask: TargetMask | None, predicted: kalman.BoxState | None) -> float:
    """Return the overlap of the measured box with the predicted one; NaN when one is missing."""
    if mask is None or predicted is None:
        return math.nan
    return box_iou(mask.box, predicted.box)
