# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the node counts and measures about itself; written by its threads, read as one snapshot."""

from collections import deque
from dataclasses import dataclass, field
import threading

from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND, Box, StageTimings, StepResult

# Frames over which rates and percentiles are taken.
WINDOW_FRAMES = 200


@dataclass(frozen=True)
class Snapshot:
    """
    The accounts at one moment.

    :param rate_hz: processed frames in a second, over the window; 0 with less than two.
    :param latencies_s: from capture to publishing, oldest first.
    :param steps_s: in Tracker.step.
    :param overheads_s: from the arrival of a frame to its publishing, without Tracker.step and
        without waiting for the frame before it.
    :param takings_s: before the overhead, in which the middleware hands an image message over.
    :param conversions_s: part of the overhead, from an image message to pixels.
    :param publishings_s: part of the overhead, in which messages are made and published.
    :param pictures_skipped: masks and overlays that were replaced by newer ones.
    :param publishing_failures: results, events and pictures that could not be published.
    :param boxes: of the targets, in pixels of the newest image.
    :param measured_age_s: since a target was measured; None when none ever was.
    """

    frames_received: int = 0
    frames_processed: int = 0
    frames_dropped: int = 0
    frames_rejected: int = 0
    frames_failed: int = 0
    model_restarts: int = 0
    rate_hz: float = 0.0
    latencies_s: tuple[float, ...] = ()
    steps_s: tuple[float, ...] = ()
    overheads_s: tuple[float, ...] = ()
    takings_s: tuple[float, ...] = ()
    conversions_s: tuple[float, ...] = ()
    publishings_s: tuple[float, ...] = ()
    timings: StageTimings = field(default_factory=StageTimings)
    image_size_px: tuple[int, int] | None = None
    last_rejection: str = ''
    last_failure: str = ''
    targets: tuple[str, ...] = ()
    boxes: tuple[Box, ...] = ()
    measured_age_s: float | None = None
    is_stalled: bool = False
    pictures_skipped: int = 0
    publishing_failures: int = 0
    last_publishing_failure: str = ''


class Accounts:
    """Thread-safe counters since the activation of the node."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._received = 0
        self._processed = 0
        self._dropped = 0
        self._rejected = 0
        self._failed = 0
        self._restarts = 0
        self._processed_ns: deque[int] = deque(maxlen=WINDOW_FRAMES)
        self._latencies_s: deque[float] = deque(maxlen=WINDOW_FRAMES)
        self._overheads_s: deque[float] = deque(maxlen=WINDOW_FRAMES)
        self._takings_s: deque[float] = deque(maxlen=WINDOW_FRAMES)
        self._conversions_s: deque[float] = deque(maxlen=WINDOW_FRAMES)
        self._publishings_s: deque[float] = deque(maxlen=WINDOW_FRAMES)
        self._steps_s: deque[float] = deque(maxlen=WINDOW_FRAMES)
        self._timings = StageTimings()
        self._image_size_px: tuple[int, int] | None = None
        self._last_rejection = ''
        self._last_failure = ''
        self._targets: tuple[str, ...] = ()
        self._boxes: tuple[Box, ...] = ()
        self._measured_ns: int | None = None
        self._is_stalled = False
        self._pictures_skipped = 0
        self._publishing_failures = 0
        self._last_publishing_failure = ''

    @property
    def processed(self) -> int:
        """Frames that went through the tracker."""
        return self._processed

    @property
    def dropped(self) -> int:
        """Frames that were replaced by newer ones before they were processed."""
        return self._dropped

    def frames_received(self, count: int, taking_s: float) -> None:
        """
        Count images that arrived.

        :param taking_s: how long the middleware took to hand the newest one over.
        """
        with self._lock:
            self._received += count
            self._takings_s.append(taking_s)

    def frame_rejected(self, why: str) -> None:
        """Count an image that could not be used."""
        with self._lock:
            self._rejected += 1
            self._last_rejection = why

    def frame_failed(self, why: str) -> None:
        """Count a frame whose inference failed."""
        with self._lock:
            self._failed += 1
            self._last_failure = why

    def restarted(self) -> None:
        """Count a model that was loaded anew because it no longer served."""
        with self._lock:
            self._restarts += 1

    def frame_processed(self, result: StepResult, now_ns: int, dropped: int) -> None:
        """
        Count a frame that went through the tracker.

        :param dropped: frames that were replaced by newer ones since activation.
        """
        with self._lock:
            self._processed += 1
            self._dropped = dropped
            self._image_size_px = result.size_px
            if self._processed_ns and now_ns < self._processed_ns[-1]:
                self._processed_ns.clear()  # the clock jumped back
            self._processed_ns.append(now_ns)
            self._timings = result.timings
            self._last_rejection = ''
            self._last_failure = ''
        self.targets_seen(result, now_ns)

    def targets_seen(self, result: StepResult, now_ns: int) -> None:
        """Note the states of the targets."""
        with self._lock:
            self._targets = tuple(
                f'{target.target_id}: {target.state.name}' for target in result.targets
            )
            self._boxes = tuple(target.box for target in result.targets if target.box is not None)
            if any(target.measured for target in result.targets):
                self._measured_ns = now_ns

    def published(
        self, latency_s: float, step_s: float, overhead_s: float, publishing_s: float
    ) -> None:
        """Note how long a frame took."""
        with self._lock:
            self._latencies_s.append(latency_s)
            self._steps_s.append(step_s)
            self._overheads_s.append(overhead_s)
            self._publishings_s.append(publishing_s)

    def publishing_failed(self, why: str) -> None:
        """Count what could not be published."""
        with self._lock:
            self._publishing_failures += 1
            self._last_publishing_failure = why

    def pictures_skipped(self, count: int) -> None:
        """Note how many masks and overlays were replaced by newer ones since activation."""
        with self._lock:
            self._pictures_skipped = count

    def converted(self, conversion_s: float) -> None:
        """Note how long an image message took to become pixels."""
        with self._lock:
            self._conversions_s.append(conversion_s)

    def input_stalled(self, *, is_stalled: bool) -> None:
        """Note whether images come."""
        with self._lock:
            self._is_stalled = is_stalled

    def snapshot(self, now_ns: int) -> Snapshot:
        """Return everything at one moment."""
        with self._lock:
            measured_age_s = None
            if self._measured_ns is not None:
                measured_age_s = (now_ns - self._measured_ns) / NANOSECONDS_PER_SECOND
            return Snapshot(
                frames_received=self._received,
                frames_processed=self._processed,
                frames_dropped=self._dropped,
                frames_rejected=self._rejected,
                frames_failed=self._failed,
                model_restarts=self._restarts,
                rate_hz=self._rate_hz(),
                latencies_s=tuple(self._latencies_s),
                overheads_s=tuple(self._overheads_s),
                takings_s=tuple(self._takings_s),
                conversions_s=tuple(self._conversions_s),
                publishings_s=tuple(self._publishings_s),
                steps_s=tuple(self._steps_s),
                timings=self._timings,
                image_size_px=self._image_size_px,
                last_rejection=self._last_rejection,
                last_failure=self._last_failure,
                targets=self._targets,
                boxes=self._boxes,
                measured_age_s=measured_age_s,
                is_stalled=self._is_stalled,
                pictures_skipped=self._pictures_skipped,
                publishing_failures=self._publishing_failures,
                last_publishing_failure=self._last_publishing_failure,
            )

    def _rate_hz(self) -> float:
        if len(self._processed_ns) < 2:
            return 0.0
        duration_ns = self._processed_ns[-1] - self._processed_ns[0]
        if duration_ns == 0:
            return 0.0
        return (len(self._processed_ns) - 1) * NANOSECONDS_PER_SECOND / duration_ns
