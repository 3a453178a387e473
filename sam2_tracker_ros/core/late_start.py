# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A target that starts in a frame that has passed, and catches up with the newest one."""

from dataclasses import replace

from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.core.frame_history import FrameHistory
from sam2_tracker_ros.core.tracker import STAMPS_WENT_BACK, Tracker
from sam2_tracker_ros.core.types import (
    NANOSECONDS_PER_SECOND,
    Event,
    EventType,
    Frame,
    Prompt,
    PromptAnswer,
)
from sam2_tracker_ros.errors import PromptError

# While catching up, this many seconds of film are passed in one second. Frames are left out where
# the model is slower than that.
_PACE = 2.0


class LateStart:
    """
    Follows the new target alone, beside the tracker that is at the newest frame.

    :param tracker: takes the target over in the end.
    :param prompt: adds a target.
    :param frame: that the prompt means.
    :raises PromptError: no target starts there; the tracker is as it was.
    :raises ModelError: inference failed; the tracker is as it was.
    """

    def __init__(self, tracker: Tracker, prompt: Prompt, frame: Frame) -> None:
        self._tracker = tracker
        self.target_id, self._beside = tracker.beside(prompt.target_id)
        try:
            result = self._beside.step(frame, [replace(prompt, target_id=self.target_id)])
        except Exception:
            self.give_up()
            raise
        (self._answer,) = result.answers
        if not self._answer.accepted:
            self.give_up()
            raise PromptError(self._answer.message)
        self._events = list(result.events)
        self._started_ns = self.stamp_ns = frame.stamp_ns
        self._frames = 0

    @property
    def epoch(self) -> int:
        """Of the target."""
        return self._answer.epoch

    def catch_up(
        self, history: FrameHistory, newest_ns: int, elapsed_s: float, config: Config
    ) -> bool:
        """
        Follow the target through one more frame, and return whether that was the newest one.

        :param newest_ns: stamp of the last frame that the tracker has been through.
        :param elapsed_s: since the step before; the longer, the more frames are left out.
        :param config: what the tracker uses now.
        :raises PromptError: stamps went back, or the image has another size.
        :raises ModelError: inference failed.
        """
        if newest_ns < self.stamp_ns:
            raise PromptError(STAMPS_WENT_BACK)
        passed_ns = round(_PACE * elapsed_s * NANOSECONDS_PER_SECOND)
        frame = history.next_after(self.stamp_ns, self.stamp_ns + passed_ns, newest_ns)
        if frame is None:
            return True
        self._beside.reconfigure(config)
        self._events += self._beside.step(frame).events
        if not self._beside.target_ids:
            raise PromptError(self._events[-1].detail)
        self.stamp_ns = frame.stamp_ns
        self._frames += 1
        return frame.stamp_ns == newest_ns

    def finish(self) -> tuple[PromptAnswer, tuple[Event, ...]]:
        """
        Hand the target over; return the answer, and what happened to it since its frame.

        :raises PromptError: stamps went back.
        """
        self._tracker.adopt(self.target_id, self._beside)
        late_s = (self.stamp_ns - self._started_ns) / NANOSECONDS_PER_SECOND
        message = (
            f'{self._answer.message} on the frame of {late_s:.2f} s before, and followed through '
            f'{self._frames} frames since'
        )
        events = [
            replace(event, detail=message) if event.type is EventType.ACQUIRED else event
            for event in self._events
        ]
        return replace(self._answer, message=message), tuple(events)

    def give_up(self) -> None:
        """Start nothing."""
        self._tracker.forgo(self.target_id)
