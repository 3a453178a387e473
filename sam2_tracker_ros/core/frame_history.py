# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The frames of the last second, for prompts that mean one of them."""

from collections import deque
import threading

from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND, Frame

# A stamp that is this far from the oldest or the newest frame still means it: clocks of a video
# link are not exact.
TOLERANCE_NS = 50_000_000


class FrameHistory:
    """
    Keeps frames for a time and a size at most; any thread may call it.

    :param duration_s: between the stamps of the oldest and the newest frame.
    :param max_bytes: of the pixels of all frames.
    """

    def __init__(self, duration_s: float, max_bytes: int) -> None:
        self._duration_ns = round(duration_s * NANOSECONDS_PER_SECOND)
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._frames: deque[Frame] = deque()
        self._bytes = 0

    def append(self, frame: Frame) -> None:
        """Keep a frame, unless it repeats a stamp; one that goes back ends what was kept."""
        if not self._duration_ns:
            return
        with self._lock:
            newest_ns = self._frames[-1].stamp_ns if self._frames else 0
            if frame.stamp_ns == newest_ns:
                return
            if frame.stamp_ns < newest_ns:
                self._frames.clear()
                self._bytes = 0
            self._frames.append(frame)
            self._bytes += frame.pixels.nbytes
            oldest_ns = frame.stamp_ns - self._duration_ns
            while self._frames and (
                self._bytes > self._max_bytes or self._frames[0].stamp_ns < oldest_ns
            ):
                self._bytes -= self._frames.popleft().pixels.nbytes

    def nearest(self, stamp_ns: int) -> Frame | None:
        """Return the frame nearest to a stamp; None when it is not within what is kept."""
        with self._lock:
            if not self._frames:
                return None
            oldest_ns, newest_ns = self._frames[0].stamp_ns, self._frames[-1].stamp_ns
            if not oldest_ns - TOLERANCE_NS <= stamp_ns <= newest_ns + TOLERANCE_NS:
                return None
            return min(self._frames, key=lambda frame: abs(frame.stamp_ns - stamp_ns))

    def next_after(self, stamp_ns: int, skip_to_ns: int, last_ns: int) -> Frame | None:
        """
        Return the next frame on the way to the newest one; None at its end.

        :param stamp_ns: of the frame before.
        :param skip_to_ns: frames up to here may be left out.
        :param last_ns: where the way ends.
        """
        with self._lock:
            ahead = [frame for frame in self._frames if stamp_ns < frame.stamp_ns <= last_ns]
        passed = [frame for frame in ahead if frame.stamp_ns <= skip_to_ns]
        return passed[-1] if passed else ahead[0] if ahead else None
