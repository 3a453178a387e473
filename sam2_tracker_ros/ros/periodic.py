# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Work that is due again and again, whatever keeps the executor."""

from collections.abc import Callable
import threading
import traceback


class Periodic:
    """
    Does its work in a thread of its own, by real time, from now on to `stop`.

    :param name: of the thread.
    :param period_s: from the end of one time to the next.
    :param work: goes on also after it raised.
    :param log_error: is told what was raised.
    """

    def __init__(
        self,
        name: str,
        period_s: float,
        work: Callable[[], None],
        log_error: Callable[[str], None],
    ) -> None:
        self._period_s = period_s
        self._work = work
        self._log_error = log_error
        self._has_stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Begin no more; return when what is in work is done."""
        self._has_stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._has_stopped.wait(self._period_s):
            self._guarded()

    def _guarded(self) -> None:
        try:
            self._work()
        except Exception:
            self._log_error(traceback.format_exc())
