# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Prompts that mean a frame which has passed: what the operator saw through a slow video link."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
import time

from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.core.frame_history import FrameHistory
from sam2_tracker_ros.core.late_start import LateStart
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import (
    Event,
    Frame,
    Prompt,
    PromptAction,
    TargetResult,
    TargetState,
)
from sam2_tracker_ros.messages import no_target
from sam2_tracker_ros.ros.prompt_queue import PromptQueue, Request

_REPLACED = 'a newer prompt or release of this target came before it had caught up'
_NOT_KEPT = (
    'applied to the newest frame: the stamped one is not among those that are kept '
    '(frame_history_s, frame_history_mib)'
)
_NOT_STARTED = 'applied to the newest frame: only a new target can start in an older one'
_ENDS = (PromptAction.ADD, PromptAction.REMOVE, PromptAction.CLEAR)


@dataclass
class _Late:
    request: Request
    start: LateStart
    stepped_s: float


class LatePrompts:
    """
    Starts targets in the frames that their prompts mean; they catch up between two frames.

    Owned by the worker's thread.

    :param report: publishes events that do not come from the newest frame.
    """

    def __init__(
        self,
        tracker: Tracker,
        history: FrameHistory,
        prompts: PromptQueue,
        report: Callable[[Sequence[Event]], None],
    ) -> None:
        self._tracker = tracker
        self._history = history
        self._prompts = prompts
        self._report = report
        self._late: list[_Late] = []
        self._in_hand: list[Request] = []
        self._is_closed = False

    def __bool__(self) -> bool:
        """Return whether a target has not caught up yet."""
        return bool(self._late)

    def begin(self, in_hand_ns: int | None, processed_ns: int) -> None:
        """
        Start what means a frame that has passed; the other prompts go on waiting.

        :param in_hand_ns: stamp of the frame that comes next; None while there is none.
        :param processed_ns: of the last frame.
        """
        self._in_hand = self._prompts.take()
        while self._in_hand and not self._is_closed:
            request = self._in_hand[0]
            prompt = request.prompt
            self.cancel(prompt)
            frame = self._history.nearest(prompt.stamp_ns) if prompt.stamp_ns else None
            if not prompt.stamp_ns or request.note:
                self._prompts.wait(request)
            elif prompt.action is not PromptAction.ADD:
                self._prompts.wait(replace(request, note=_NOT_STARTED))
            elif frame is None:
                self._prompts.wait(replace(request, note=_NOT_KEPT))
            elif frame.stamp_ns > processed_ns and in_hand_ns in (None, frame.stamp_ns):
                self._prompts.wait(request)  # its frame is still to come
            else:
                self._start(request, frame)
            self._in_hand = self._in_hand[1:]

    def _start(self, request: Request, frame: Frame) -> None:
        if request.prompt.target_id:
            # Else the older prompt, which needs not catch up, would get the higher epoch.
            self._prompts.give_up(request.prompt.target_id, _REPLACED)
        try:
            start = LateStart(self._tracker, request.prompt, frame)
        except Exception as error:  # of the prompt, or whatever a model does
            if not self._is_closed:
                self._prompts.refuse([request], str(error))
            return
        if not self._is_closed:
            self._late.append(_Late(request, start, time.perf_counter()))

    def advance(self, newest_ns: int, config: Config) -> None:
        """
        Follow one target through one more frame; hand over the one that has caught up.

        :param newest_ns: stamp of the last frame that the tracker has been through.
        """
        if not self._late:
            return
        late = self._late[0]
        now_s = time.perf_counter()
        try:
            elapsed_s = now_s - late.stepped_s
            has_caught_up = late.start.catch_up(self._history, newest_ns, elapsed_s, config)
            if self._is_closed:
                return
            finished = late.start.finish() if has_caught_up else None
        except Exception as error:
            if not self._is_closed:
                self._drop(late, str(error))
            return
        late.stepped_s = now_s
        if finished is not None:
            self._late.remove(late)
            answer, events = finished
            self._report(events)
            late.request.answer.set_result(answer)

    def cancel(self, prompt: Prompt) -> bool:
        """Give up what a newer prompt replaces or removes; return whether there was any."""
        if prompt.action not in _ENDS:
            return False
        everything = prompt.action is PromptAction.CLEAR
        found = [
            late for late in self._late if everything or late.start.target_id == prompt.target_id
        ]
        for late in found:
            self._drop(late, _REPLACED)
        return bool(found)

    def close(self, why: str) -> None:
        """Give up everything, also what another thread may be at."""
        self._is_closed = True
        self._prompts.refuse(self._in_hand, why)
        for late in tuple(self._late):
            self._drop(late, why)

    def results(self) -> tuple[TargetResult, ...]:
        """Return what is to be told of targets that have not caught up."""
        unknown = no_target(TargetState.INITIALIZING)
        return tuple(
            replace(unknown, target_id=late.start.target_id, epoch=late.start.epoch)
            for late in self._late
            if late.start.target_id not in self._tracker.target_ids
        )

    def _drop(self, late: _Late, why: str) -> None:
        self._late.remove(late)
        late.start.give_up()
        self._prompts.refuse([late.request], why)
