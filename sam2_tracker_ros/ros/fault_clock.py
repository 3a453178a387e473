# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A /clock that may jump and stop."""

import threading
import time

from rclpy.publisher import Publisher
from rosgraph_msgs.msg import Clock

from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND

_PERIOD_S = 0.01


class SimulatedClock:
    """Publishes the time in a thread of its own, from `start` to `end`."""

    def __init__(self, publisher: 'Publisher[Clock]') -> None:
        self._publisher = publisher
        self._lock = threading.Lock()
        self._offset_ns = 0
        self._stopped_ns: int | None = None
        self._is_ending = False
        self._thread = threading.Thread(target=self._run, name='clock', daemon=True)

    def start(self) -> None:
        """Begin to publish."""
        self._thread.start()

    def end(self) -> None:
        """Stop for good."""
        self._is_ending = True
        if self._thread.is_alive():
            self._thread.join()

    def now_ns(self) -> int:
        """Return the time."""
        with self._lock:
            return self._now_ns()

    def jump(self, by_ns: int) -> None:
        """Go on at another time."""
        with self._lock:
            self._offset_ns += by_ns

    def stop(self) -> None:
        """Stand still, and say so as often as before."""
        with self._lock:
            self._stopped_ns = self._now_ns()

    def go_on(self) -> None:
        """Go on where the clock stopped."""
        with self._lock:
            if self._stopped_ns is not None:
                self._offset_ns += self._stopped_ns - (time.time_ns() + self._offset_ns)
                self._stopped_ns = None

    def _now_ns(self) -> int:
        if self._stopped_ns is not None:
            return self._stopped_ns
        return time.time_ns() + self._offset_ns

    def _run(self) -> None:
        while not self._is_ending:
            seconds, nanoseconds = divmod(self.now_ns(), NANOSECONDS_PER_SECOND)
            message = Clock()
            message.clock.sec, message.clock.nanosec = seconds, nanoseconds
            self._publisher.publish(message)
            time.sleep(_PERIOD_S)
