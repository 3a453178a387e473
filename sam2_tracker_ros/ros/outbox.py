# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Results on their way from the tracker's thread to the middleware.

With an image waiting, a thread publishes while the tracker goes on. Without one the tracker's own
thread does: on a busy machine, waking another takes longer than publishing, and control waits.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
import math
import threading
import time
import traceback
from typing import Protocol

from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND, Event, Frame, StepResult
from sam2_tracker_ros.ros.accounts import Accounts
from sam2_tracker_ros.ros.latest_frame import LatestFrame

# Two seconds of a fast camera; then the tracker waits for the middleware.
CAPACITY = 64
CLOSE_TIMEOUT_S = 2.0
# Errors are logged this often at most; all of them are counted.
COMPLAINT_PERIOD_S = 1.0


@dataclass(frozen=True)
class Publication:
    """
    One frame's result, or one of a time without an image, and the counters at that time.

    :param frames_dropped: that were replaced by newer ones.
    :param is_of_image: false when time passed without an image.
    """

    result: StepResult
    frames_processed: int
    frames_dropped: int
    is_of_image: bool


@dataclass(frozen=True)
class StepTime:
    """
    What a frame took so far.

    :param started_s: time.perf_counter() when the tracker could have looked at it.
    """

    started_s: float
    step_s: float


class Output(Protocol):
    """The middleware, as the outbox sees it."""

    def publish(self, publication: Publication) -> None:
        """Publish what control needs: targets, events, detections."""

    def publish_events(self, events: Sequence[Event]) -> None:
        """Publish events that do not come with a result."""

    def wants_pictures(self) -> bool:
        """Return whether anybody looks at masks or overlays."""

    def publish_pictures(self, result: StepResult, frame: Frame) -> None:
        """Make and publish the masks and overlays that somebody looks at."""


class Outbox:
    """
    Publishes every result and event in order, and in a thread of their own the newest pictures.

    What fails is logged and counted; the tracker never hears of it.

    :param now_ns: the node's clock.
    """

    def __init__(
        self,
        output: Output,
        accounts: Accounts,
        now_ns: Callable[[], int],
        log_error: Callable[[str], None],
    ) -> None:
        self._output = output
        self._accounts = accounts
        self._now_ns = now_ns
        self._log_error = log_error
        self._changed = threading.Condition()
        self._waiting: deque[Callable[[], None]] = deque()
        # Held by whoever publishes.
        self._turn = threading.Lock()
        self._may_wait = True
        self._is_closed = False
        self._complained_s = -math.inf
        # As of the result before: asking takes the tracker's time.
        self._are_pictures_wanted = False
        self._pictures: LatestFrame[tuple[StepResult, Frame]] = LatestFrame()
        self._threads = [
            threading.Thread(target=run, name=name, daemon=True)
            for run, name in (
                (self._run, 'tracker_publisher'),
                (self._run_pictures, 'tracker_pictures'),
            )
        ]
        for thread in self._threads:
            thread.start()

    def publish(
        self,
        result: StepResult,
        frame: Frame | None = None,
        step_time: StepTime | None = None,
        *,
        is_idle: bool = False,
    ) -> None:
        """
        Publish a result after all that came before.

        :param frame: for the pictures; None when time passed without an image.
        :param step_time: of a frame whose duration counts.
        :param is_idle: the caller has nothing else to do; it publishes if nothing else waits.
        """
        publication = Publication(
            result, self._accounts.processed, self._accounts.dropped, frame is not None
        )
        job = partial(self._publish, publication, step_time)
        if not (is_idle and self._do(job)):
            self._put(job)
        if frame is not None and self._are_pictures_wanted:
            self._pictures.put((result, frame))

    def publish_events(self, events: Sequence[Event]) -> None:
        """Publish events after all that came before."""
        self._put(partial(self._output.publish_events, events))

    def hurry(self) -> None:
        """Let nobody wait for the middleware any more: the end is near."""
        with self._changed:
            self._may_wait = False
            self._changed.notify_all()

    def close(self) -> None:
        """Publish what still waits, if the middleware takes it in time; pictures are left out."""
        self.hurry()
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._pictures.wake()
        end_s = time.monotonic() + CLOSE_TIMEOUT_S
        for thread in self._threads:
            thread.join(max(0.0, end_s - time.monotonic()))
        with self._changed:
            unpublished = len(self._waiting)
            self._waiting.clear()
        if unpublished:
            self._log_error(
                f'{unpublished} results were not published within {CLOSE_TIMEOUT_S:.0f} s; '
                'look for a reliable subscriber that has stopped reading'
            )

    def _do(self, job: Callable[[], None]) -> bool:
        """Publish in the caller's thread if nothing else is or waits to be published."""
        if not self._turn.acquire(blocking=False):
            return False
        try:
            if self._waiting:
                return False
            self._guarded(job)
            return True
        finally:
            self._turn.release()

    def _put(self, job: Callable[[], None]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: len(self._waiting) < CAPACITY or not self._may_wait)
            if not self._is_closed:
                self._waiting.append(job)
                self._changed.notify_all()
                return
        self._guarded(job)  # nobody else does it any more

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_closed)
                if not self._waiting:
                    return
            with self._turn:
                self._do_next()

    def _do_next(self) -> None:
        with self._changed:
            if not self._waiting:  # given up meanwhile
                return
            job = self._waiting.popleft()
            self._changed.notify_all()
        self._guarded(job)

    def _run_pictures(self) -> None:
        while True:
            taken = self._pictures.take()
            if self._is_closed:
                return
            if taken is not None:
                self._guarded(partial(self._output.publish_pictures, *taken))
                self._accounts.pictures_skipped(self._pictures.overwritten)
            del taken  # it holds an image

    def _publish(self, publication: Publication, step_time: StepTime | None) -> None:
        started_s = time.perf_counter()
        self._output.publish(publication)
        if step_time is not None:
            ended_s = time.perf_counter()
            capture_ns = publication.result.stamp_ns
            self._accounts.published(
                latency_s=(self._now_ns() - capture_ns) / NANOSECONDS_PER_SECOND,
                step_s=step_time.step_s,
                overhead_s=ended_s - step_time.started_s - step_time.step_s,
                publishing_s=ended_s - started_s,
            )
        self._are_pictures_wanted = self._output.wants_pictures()

    def _guarded(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as error:  # whatever the middleware does, tracking goes on
            self._accounts.publishing_failed(f'{type(error).__name__}: {error}')
            now_s = time.monotonic()
            if now_s - self._complained_s >= COMPLAINT_PERIOD_S:
                self._complained_s = now_s
                self._log_error(f'cannot publish: {traceback.format_exc()}')
