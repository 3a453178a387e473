# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One thread that owns the tracker: images and prompts in, results out."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
import threading
import time
import traceback
from typing import Any

from sam2_tracker_ros.core.camera_view import CameraView
from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.core.frame_history import FrameHistory
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import (
    NANOSECONDS_PER_SECOND,
    Event,
    EventType,
    Frame,
    Prompt,
    PromptAnswer,
    Reason,
    StepResult,
    TargetState,
)
from sam2_tracker_ros.errors import ImageError
from sam2_tracker_ros.messages import no_target
from sam2_tracker_ros.ros.accounts import Accounts
from sam2_tracker_ros.ros.intake import Arrival
from sam2_tracker_ros.ros.late_prompts import LatePrompts
from sam2_tracker_ros.ros.latest_frame import LatestFrame
from sam2_tracker_ros.ros.outbox import Outbox, Output, StepTime
from sam2_tracker_ros.ros.prompt_queue import PromptQueue, Request, with_notes

# The same complaint about broken input is repeated this often at most.
COMPLAINT_PERIOD_S = 1.0
MEBIBYTE = 2**20
NO_IMAGE = (
    'no image has arrived yet; check the image topic and, for large images, the shared memory of '
    'DDS (README), and prompt when images come'
)
STALLED = 'images have stopped; check the image topic, and prompt when images come again'
STOPPED = 'the node was deactivated before a frame answered; activate it and prompt again'


@dataclass(frozen=True)
class _Image:
    """
    An image that waits for the tracker, or why it cannot be used.

    :param arrived_s: time.perf_counter() when its message could be looked at.
    """

    frame: Frame | ImageError
    arrived_s: float


class Worker:
    """
    Runs the tracker in its own thread; the public methods return at once, except `stop`.

    Images are prepared, JPEG decoded, by the thread that brings them, while the tracker is at the
    image before; what has to be published does not keep it from the next.

    :param decode: turns an image message into a frame, or raises ImageError.
    :param view_of: tells how the camera looked when it took a frame, if that is known.
    :param now_ns: the node's clock.
    :param log_error: is told what went wrong.
    """

    def __init__(
        self,
        tracker: Tracker,
        config: Config,
        output: Output,
        accounts: Accounts,
        *,
        decode: Callable[[Any], Frame],
        view_of: Callable[[Frame], CameraView | None],
        now_ns: Callable[[], int],
        log_error: Callable[[str], None],
    ) -> None:
        self._tracker = tracker
        self._config = config
        self._outbox = Outbox(output, accounts, now_ns, log_error)
        self._accounts = accounts
        self._decode = decode
        self._view_of = view_of
        self._now_ns = now_ns
        self._log_error = log_error
        self._images: LatestFrame[_Image] = LatestFrame()
        self._skipped = 0
        self._prompts = PromptQueue(self._outbox.publish_events, now_ns)
        kept = config.node
        self._history = FrameHistory(kept.frame_history_s, kept.frame_history_mib * MEBIBYTE)
        self._late = LatePrompts(
            tracker, self._history, self._prompts, self._outbox.publish_events
        )
        self._wanted_config = config
        self._is_watchdog_due = False
        self._is_stopping = False
        self._has_seen_frame = False
        self._stamp_ns = 0
        self._is_stalled = False
        self._epochs: dict[str, int] = {}
        self._complained_ns: dict[EventType, int] = {}
        # End of the last frame: by the node's clock for silence, by perf_counter for durations.
        self._frame_ns = now_ns()
        self._idle_since_s = time.perf_counter()
        self._thread = threading.Thread(target=self._run, name='tracker_worker', daemon=True)
        self._thread.start()

    def put_image(self, arrival: Arrival) -> None:
        """Prepare an image; it replaces one that still waits."""
        self._accounts.frames_received(1 + arrival.skipped, arrival.taking_s)
        self._skipped += arrival.skipped
        started_s = time.perf_counter()
        frame: Frame | ImageError
        try:
            decoded = self._decode(arrival.message)
            frame = replace(decoded, view=self._view_of(decoded))
        except ImageError as error:
            frame = error
        except Exception as error:  # a decoder that met bytes nobody has thought of
            frame = ImageError(f'the image cannot be read: {type(error).__name__}: {error}')
        self._accounts.converted(time.perf_counter() - started_s)
        if isinstance(frame, Frame):
            self._history.append(frame)
        self._images.put(_Image(frame, arrival.arrived_s))

    def ask(self, prompt: Prompt) -> 'Future[PromptAnswer]':
        """
        Take a prompt; it is answered with the next frame, or at once where that is clear.

        One that means a frame which has passed is answered when its target has caught up.
        """
        answer = self._prompts.put(prompt)
        self._images.wake()
        return answer

    def watch(self) -> None:
        """Look whether images still come; to be called at the watchdog's rate."""
        self._is_watchdog_due = True
        self._images.wake()

    def reconfigure(self, config: Config) -> None:
        """Use other thresholds from the next frame on."""
        self._wanted_config = config
        self._images.wake()

    def stop(self) -> int:
        """
        Finish the frame in work, refuse prompts that still wait, release every target.

        :return: the highest epoch of the targets so far.
        """
        self._is_stopping = True
        self._images.wake()
        self._outbox.hurry()
        self._thread.join()
        self._late.close(STOPPED)
        self._prompts.close(STOPPED)
        now_ns = self._now_ns()
        events = tuple(replace(event, stamp_ns=now_ns) for event in self._tracker.release_all())
        self._outbox.publish(StepResult(now_ns, '', (0, 0), events=events))
        self._outbox.close()
        return self._tracker.epoch

    def _run(self) -> None:
        while True:
            image = self._images.take(may_wait=not self._late)
            if self._is_stopping:
                return
            try:
                self._turn(image)
            except Exception as error:  # the node's one guard: whatever fails, it lives on
                self._accounts.frame_failed(f'{type(error).__name__}: {error}')
                self._complain(EventType.MODEL_FAILED, traceback.format_exc())

    def _turn(self, image: _Image | None) -> None:
        """Do everything that is due."""
        wanted_config = self._wanted_config
        if wanted_config is not self._config:
            self._config = wanted_config
            self._tracker.reconfigure(wanted_config)
        self._prompts.sort(self._tracker, '' if image else self._why_no_image(), self._late.cancel)
        in_hand = image.frame if image is not None else None
        in_hand_ns = in_hand.stamp_ns if isinstance(in_hand, Frame) else None
        self._late.begin(in_hand_ns, self._stamp_ns)
        if image is not None:
            self._process(image)
        self._late.advance(self._stamp_ns, self._config)
        if self._is_watchdog_due:
            self._is_watchdog_due = False
            self._check_input()

    def _process(self, image: _Image) -> None:
        """Take one image through the tracker; its durations start when it could have started."""
        started_s = max(image.arrived_s, self._idle_since_s)
        try:
            frame = self._usable(image.frame)
        except ImageError as error:
            self._accounts.frame_rejected(str(error))
            self._complain(EventType.FRAME_REJECTED, str(error))
            return
        self._note_input(is_stalled=False)
        self._track(frame, started_s)
        self._has_seen_frame = True
        self._stamp_ns = frame.stamp_ns
        self._frame_ns = self._now_ns()
        self._idle_since_s = time.perf_counter()

    def _usable(self, frame: Frame | ImageError) -> Frame:
        """Refuse an image whose stamp tells no time: nothing would ever coast or be lost."""
        if isinstance(frame, ImageError):
            raise frame
        if frame.stamp_ns == 0:
            message = 'the image has no stamp; set header.stamp in the camera driver'
            raise ImageError(message)
        if frame.stamp_ns == self._stamp_ns:
            message = (
                f'the image repeats the stamp {frame.stamp_ns} ns of the one before; '
                'set header.stamp to the time of capture in the camera driver'
            )
            raise ImageError(message)
        return frame

    def _track(self, frame: Frame, started_s: float) -> None:
        requests = self._prompts.take()
        step_started_s = time.perf_counter()
        try:
            result = self._tracker.step(frame, [request.prompt for request in requests])
        except Exception as error:  # whatever a model does, no result is made up
            self._fail(frame, requests, f'{type(error).__name__}: {error}')
            return
        step_s = time.perf_counter() - step_started_s
        self._epochs = {target.target_id: target.epoch for target in result.targets}
        dropped = self._skipped + self._images.overwritten
        self._accounts.frame_processed(result, self._now_ns(), dropped)
        step_time = StepTime(started_s, step_s)
        result = with_notes(result, requests)
        result = replace(result, targets=(*result.targets, *self._late.results()))
        self._outbox.publish(result, frame, step_time, is_idle=self._images.is_empty)
        for request, answer in zip(requests, result.answers, strict=True):
            request.answer.set_result(answer)

    def _fail(self, frame: Frame, requests: Sequence[Request], why: str) -> None:
        """Say that nothing is known of any target in this frame."""
        self._accounts.frame_failed(why)
        self._complain(EventType.MODEL_FAILED, why)
        unknown = no_target(TargetState.ERROR)
        targets = tuple(
            replace(unknown, target_id=target_id, epoch=self._epochs.get(target_id, 0))
            for target_id in self._tracker.target_ids
        )
        result = StepResult(frame.stamp_ns, frame.frame_id, frame.size_px, targets or (unknown,))
        self._outbox.publish(result, frame)
        self._prompts.refuse(requests, f'inference failed: {why}')

    def _check_input(self) -> None:
        """Repeat the states, without a measurement, while no image comes."""
        now_ns = self._now_ns()
        # A clock that jumped back starts the silence anew.
        self._frame_ns = min(self._frame_ns, now_ns)
        silence_s = (now_ns - self._frame_ns) / NANOSECONDS_PER_SECOND
        if silence_s <= self._config.node.input_timeout_s:
            return
        self._note_input(is_stalled=True)
        self._prompts.sort(self._tracker, self._why_no_image(), self._late.cancel)
        result = self._tracker.watch(silence_s)
        events = tuple(replace(event, stamp_ns=now_ns) for event in result.events)
        result = replace(result, stamp_ns=now_ns, events=events)
        self._accounts.targets_seen(result, now_ns)
        self._outbox.publish(result)

    def _why_no_image(self) -> str:
        if not self._has_seen_frame:
            return NO_IMAGE
        return STALLED if self._is_stalled else ''

    def _note_input(self, *, is_stalled: bool) -> None:
        """Tell when images stop, and when they come again."""
        if is_stalled == self._is_stalled:
            return
        self._is_stalled = is_stalled
        self._accounts.input_stalled(is_stalled=is_stalled)
        if is_stalled:
            detail = STALLED if self._has_seen_frame else NO_IMAGE
            event = Event(
                EventType.INPUT_STALLED,
                self._now_ns(),
                reason=Reason.INPUT_STALLED,
                detail=detail,
            )
        else:
            event = Event(EventType.INPUT_RESUMED, self._now_ns())
        self._outbox.publish_events([event])

    def _complain(self, event_type: EventType, why: str) -> None:
        now_ns = self._now_ns()
        period_ns = COMPLAINT_PERIOD_S * NANOSECONDS_PER_SECOND
        last_ns = self._complained_ns.get(event_type)
        if last_ns is not None and 0 <= now_ns - last_ns < period_ns:
            return
        self._complained_ns[event_type] = now_ns
        self._log_error(f'{event_type.name}: {why}')
        self._outbox.publish_events([Event(event_type, now_ns, detail=why)])
