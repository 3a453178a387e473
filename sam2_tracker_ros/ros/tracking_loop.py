# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One thread with a tracker of its own: images and prompts in, results out."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
import threading
import time
import traceback

from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.core.last_seen import LastSeen
from sam2_tracker_ros.core.prompt_answers import released
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import (
    Event,
    EventType,
    Frame,
    Reason,
    StepResult,
)
from sam2_tracker_ros.errors import ImageError
from sam2_tracker_ros.ros.desk import Desk, PreparedImage
from sam2_tracker_ros.ros.late_inference import LateInference, unknown_targets
from sam2_tracker_ros.ros.late_prompts import LatePrompts
from sam2_tracker_ros.ros.outbox import StepTime
from sam2_tracker_ros.ros.prompt_queue import Request, with_notes

WORKER_THREAD = 'tracker_worker'
# A model that always takes long is not late before it has taken twice as long.
_LATE_FACTOR = 2.0
_SMOOTHING = 0.1


class _GivenUpError(Exception):
    """The model answered after all, but another loop has taken over."""


class TrackingLoop:
    """
    Runs a tracker from `start` to `end`; public methods are for other threads and return at once.

    :param open_tracker: makes the tracker in the loop's thread; may load a model first.
    :param last_seen: targets that start again.
    :param on_failure: is told why there is no tracker.
    """

    def __init__(
        self,
        desk: Desk,
        config: Config,
        open_tracker: Callable[[], tuple[Tracker, tuple[Event, ...]]],
        last_seen: LastSeen,
        on_failure: Callable[[str], None],
    ) -> None:
        self._desk = desk
        self._config = self._wanted_config = config
        self._open_tracker = open_tracker
        self._last_seen = last_seen
        self._on_failure = on_failure
        self._is_loading = True
        self._tracker: Tracker | None = None
        self._late: LatePrompts | None = None
        self._late_inference = LateInference()
        self._in_hand: Sequence[Request] = ()
        self._is_watchdog_due = False
        self._is_ending = False
        # Held while a result is made what counts and is told; between two results, what is told of
        # a late one.
        self._telling = threading.Lock()
        self._is_given_up = False
        self._busy_since_s: float | None = None
        # The first and the last time in a row that inference failed.
        self._failing_since_s: float | None = None
        self._failed_s = 0.0
        self._usual_step_s = 0.0
        self._idle_since_s = time.perf_counter()
        self._thread = threading.Thread(target=self._run, name=WORKER_THREAD, daemon=True)

    @property
    def is_loading(self) -> bool:
        """Whether the tracker is being made."""
        return self._is_loading

    @property
    def tracker(self) -> Tracker | None:
        """None until it is made and has its targets."""
        return self._tracker

    def start(self) -> None:
        """Begin."""
        self._busy_since_s = time.perf_counter()
        self._thread.start()

    def watch(self) -> None:
        """Look soon whether images still come."""
        self._is_watchdog_due = True
        self._desk.images.wake()

    def reconfigure(self, config: Config) -> None:
        """Use other thresholds from the next frame on."""
        self._wanted_config = config
        self._desk.images.wake()

    def busy_s(self) -> float:
        """Return for how long the model has been asked without an answer."""
        since_s = self._busy_since_s
        return 0.0 if since_s is None else time.perf_counter() - since_s

    def is_late(self) -> bool:
        """Return whether the model takes longer than images may, and than it usually does."""
        usual_s = _LATE_FACTOR * self._usual_step_s
        return self._late_s() > max(self._config.node.input_timeout_s, usual_s)

    def _late_s(self) -> float:
        """Return how late the answer is; a simulation, the node's clock, may wait for it."""
        return min(self.busy_s(), self._desk.input.silence_s())

    def failing_s(self) -> float:
        """Return for how long inference has done nothing but fail."""
        since_s = self._failing_since_s
        return 0.0 if since_s is None else self._failed_s - since_s

    def tell_meanwhile(self) -> None:
        """Publish what is known of the targets while the model has not answered."""
        if not self._telling.acquire(blocking=False):
            return  # it has answered
        try:
            if self._busy_since_s is not None and not self._is_given_up:
                self._tell_meanwhile()
        finally:
            self._telling.release()

    def _tell_meanwhile(self) -> None:
        desk, now_ns = self._desk, self._desk.now_ns()
        tracker = self._tracker
        result = StepResult(now_ns, '', (0, 0))
        epochs = self._last_seen.epochs
        if tracker is not None:
            result = tracker.meanwhile(desk.input.silence_s())
            epochs = {target.target_id: target.epoch for target in result.targets}
        # Longer than it may coast, nothing is known of it.
        if tracker is None or self._late_s() > self._config.status.coast_timeout_s:
            result = replace(result, targets=unknown_targets(epochs, Reason.INFERENCE_STALLED))
        else:
            told = self._late_inference.coasting(result.targets, desk.input.stamp_ns, now_ns)
            result = replace(result, events=told)
        result = replace(result, stamp_ns=now_ns)
        desk.accounts.targets_seen(result, now_ns)
        desk.outbox.publish(result)

    def end(self, timeout_s: float) -> bool:
        """Finish the frame in work; return whether the thread has ended in time."""
        self._is_ending = True
        self._desk.images.wake()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def give_up(self, why: str) -> tuple[LastSeen, int]:
        """
        Let nothing count any more that comes from this loop, and refuse the prompts it is at.

        :return: the targets, and the highest epoch so far.
        """
        with self._telling:
            self._is_given_up = self._is_ending = True
            self._desk.prompts.refuse(self._in_hand, why)
        tracker = self._tracker
        if tracker is None or self._late is None:
            return self._last_seen, 0
        self._late.close(why)
        self._last_seen.keep(tracker.target_ids)
        unseen = tracker.target_ids - self._last_seen.epochs.keys()
        self._desk.outbox.publish_events([tracker.release(target_id) for target_id in unseen])
        return self._last_seen, tracker.epoch

    def tell_unknown(self) -> None:
        """Publish that nothing is known of any target; to be called when it was given up."""
        now_ns = self._desk.now_ns()
        unknown = unknown_targets(self._last_seen.epochs, Reason.INFERENCE_STALLED)
        self._desk.outbox.publish(StepResult(now_ns, '', (0, 0), unknown))

    def release_all(self, why: str) -> tuple[Event, ...]:
        """Forget every target, and refuse what is about to start; to be called after the end."""
        if self._tracker is None:
            return tuple(
                released(target_id, epoch, stamp_ns=0)
                for target_id, epoch in self._last_seen.epochs.items()
            )
        if self._late is not None:
            self._late.close(why)
        return self._tracker.release_all()

    def _run(self) -> None:
        try:
            tracker, late = self._begin()
            while True:
                image = self._desk.images.take(may_wait=not late)
                if self._is_ending:
                    if image is not None:
                        self._desk.images.give_back(image)
                    return
                self._guarded_turn(tracker, late, image)
        except _GivenUpError:
            return

    def _begin(self) -> tuple[Tracker, LatePrompts]:
        desk = self._desk
        try:
            tracker, events = self._open_tracker()
            self._busy_since_s, self._is_loading = time.perf_counter(), False
            events += self._last_seen.start_again(tracker)
        except Exception as error:
            if not self._is_given_up:
                self._on_failure(f'{type(error).__name__}: {error}')
            raise _GivenUpError from error
        now_ns = desk.now_ns()
        with self._answered():
            desk.outbox.publish_events([replace(event, stamp_ns=now_ns) for event in events])
            late = LatePrompts(tracker, desk.history, desk.prompts, desk.outbox.publish_events)
            self._tracker, self._late = tracker, late
        return tracker, late

    def _guarded_turn(
        self, tracker: Tracker, late: LatePrompts, image: PreparedImage | None
    ) -> None:
        try:
            self._turn(tracker, late, image)
        except _GivenUpError:
            raise
        except Exception as error:  # the node's one guard: whatever fails, it lives on
            self._busy_since_s = None
            self._desk.prompts.refuse(self._in_hand, f'{type(error).__name__}: {error}')
            self._desk.accounts.frame_failed(f'{type(error).__name__}: {error}')
            self._desk.complaints.complain(EventType.MODEL_FAILED, traceback.format_exc())

    def _turn(self, tracker: Tracker, late: LatePrompts, image: PreparedImage | None) -> None:
        """Do everything that is due."""
        desk = self._desk
        if self._wanted_config is not self._config:
            self._config = self._wanted_config
            tracker.reconfigure(self._config)
        why_no_image = '' if image else desk.input.why_no_image()
        desk.prompts.sort(tracker, why_no_image, late.cancel)
        in_hand = image.frame if image is not None else None
        in_hand_ns = in_hand.stamp_ns if isinstance(in_hand, Frame) else None
        with self._asking():
            late.begin(in_hand_ns, desk.input.stamp_ns)
        if image is not None:
            self._process(tracker, late, image)
        with self._asking():
            late.advance(desk.input.stamp_ns, self._config)
        if self._is_watchdog_due:
            self._is_watchdog_due = False
            self._check_input(tracker, late)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Ask the model, in a time that is watched."""
        self._busy_since_s = time.perf_counter()
        yield
        with self._answered():
            pass

    @contextmanager
    def _answered(self) -> Iterator[None]:
        """Let the answer of the model count, if it has not been given up meanwhile."""
        with self._telling:
            self._busy_since_s = None
            if self._is_given_up:
                raise _GivenUpError
            yield

    def _process(self, tracker: Tracker, late: LatePrompts, image: PreparedImage) -> None:
        """Take one image through the tracker; its durations start when it could have started."""
        started_s = max(image.arrived_s, self._idle_since_s)
        frame = image.frame
        try:
            if isinstance(frame, ImageError):
                raise frame
            self._desk.input.check(frame)
        except ImageError as error:
            self._desk.accounts.frame_rejected(str(error))
            self._desk.complaints.complain(EventType.FRAME_REJECTED, str(error))
            return
        self._desk.input.note(is_stalled=False)
        self._in_hand = requests = self._desk.prompts.take()
        self._busy_since_s = time.perf_counter()
        try:
            draft = tracker.draft(frame, [request.prompt for request in requests])
        except Exception as error:  # whatever a model does, no result is made up
            with self._answered():
                self._fail(tracker, frame, requests, f'{type(error).__name__}: {error}')
                self._in_hand = ()
            return
        step_started_s = self._busy_since_s
        with self._answered():
            result = tracker.commit(draft)
            step_time = StepTime(started_s, time.perf_counter() - step_started_s)
            dropped = image.skipped + self._desk.images.overwritten
            result = self._tell(with_notes(result, requests), late, frame, step_time, dropped)
            for request, answer in zip(requests, result.answers, strict=True):
                request.answer.set_result(answer)
            self._in_hand = ()
        self._idle_since_s = time.perf_counter()

    def _tell(
        self,
        result: StepResult,
        late: LatePrompts,
        frame: Frame,
        step_time: StepTime,
        dropped: int,
    ) -> StepResult:
        """Note and publish what a frame gave."""
        desk = self._desk
        self._failing_since_s = None
        if not result.answers:  # a prompt takes as long again as a target
            self._usual_step_s += _SMOOTHING * (step_time.step_s - self._usual_step_s)
        self._last_seen.note(frame, result.targets)
        desk.input.seen(frame)
        desk.accounts.frame_processed(result, desk.now_ns(), dropped)
        result = self._late_inference.continued(result)
        result = replace(result, targets=(*result.targets, *late.results()))
        desk.outbox.publish(result, frame, step_time, is_idle=desk.images.is_empty)
        return result

    def _fail(self, tracker: Tracker, frame: Frame, requests: Sequence[Request], why: str) -> None:
        """Say that nothing is known of any target in this frame."""
        self._failed_s = time.perf_counter()
        self._failing_since_s = self._failing_since_s or self._failed_s
        self._desk.accounts.frame_failed(why)
        self._desk.complaints.complain(EventType.MODEL_FAILED, why)
        self._desk.input.seen(frame)
        self._last_seen.keep(tracker.target_ids)
        unknown = unknown_targets(self._last_seen.epochs, Reason.INFERENCE_FAILED)
        result = StepResult(frame.stamp_ns, frame.frame_id, frame.size_px, unknown)
        self._desk.outbox.publish(result, frame)
        self._desk.prompts.refuse(requests, f'inference failed: {why}')

    def _check_input(self, tracker: Tracker, late: LatePrompts) -> None:
        """Repeat the states, without a measurement, while no image comes."""
        desk = self._desk
        silence_s = desk.input.silence_s()
        if silence_s <= self._config.node.input_timeout_s:
            return
        desk.input.note(is_stalled=True)
        desk.prompts.sort(tracker, desk.input.why_no_image(), late.cancel)
        now_ns = desk.now_ns()
        with self._telling:
            result = self._late_inference.continued(tracker.watch(silence_s))
            events = tuple(replace(event, stamp_ns=now_ns) for event in result.events)
            result = replace(result, stamp_ns=now_ns, events=events)
            desk.accounts.targets_seen(result, now_ns)
            desk.outbox.publish(result)
