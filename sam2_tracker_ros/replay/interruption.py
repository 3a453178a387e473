# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""SIGINT and SIGTERM end a program in order, or after a moment without it."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
import os
from pathlib import Path
from queue import SimpleQueue
import signal
import sys
import threading
from types import FrameType
from typing import Any, TypeVar

_Result = TypeVar('_Result')

SIGNALS = (signal.SIGINT, signal.SIGTERM)
# What a program has for its end before it is ended, of 2 s in all.
_ALLOWED_S = 1.4
_POLL_S = 0.1
_NO_SIGNAL = b'\0'
_CALL = 'interruptible call'
# As shells report a program that a signal has ended.
_STATUS_OF_SIGNALS = 128


def status_of(interrupt: KeyboardInterrupt) -> int:
    """
    Return the exit status of a program that was interrupted: 130 or 143.

    Ends the process at once when a call was left behind: what Python and C++ tear down at a usual
    end, it would still be using.
    """
    status = _STATUS_OF_SIGNALS + int(interrupt.args[0] if interrupt.args else signal.SIGINT)
    if any(thread.name == _CALL for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


@contextmanager
def ended_by_signals(*, with_children: bool = False) -> Iterator[None]:
    """
    Let the first signal raise KeyboardInterrupt in the main thread; the others are ignored.

    What does not end then, inside native code for instance, is ended with its child processes. To
    be entered in the main thread.

    :param with_children: after a signal kill every child process that is left, such as one that
        was just being started; not where multiprocessing has helpers of its own.
    """
    noted: list[int] = []

    def interrupt(number: int, _: FrameType | None) -> None:
        noted.append(number)
        for each in SIGNALS:
            signal.signal(each, lambda *_: None)  # not SIG_IGN, which children would inherit
        raise KeyboardInterrupt(number)

    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    fd_before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    has_ended = threading.Event()
    watcher = threading.Thread(target=_end_overdue, args=(reading, has_ended), daemon=True)
    watcher.start()
    try:
        yield
    except Exception as error:
        if noted:  # modules that are importing make errors of their own of it
            raise KeyboardInterrupt(*noted) from error
        raise
    finally:
        if noted and with_children:
            _end_children()
        has_ended.set()
        signal.set_wakeup_fd(fd_before)
        os.write(writing, _NO_SIGNAL)
        watcher.join()
        os.close(writing)
        os.close(reading)
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def children_deaf_to_ctrl_c() -> Iterator[None]:
    """Start processes that leave Ctrl-C to their parent, which ends them; else each complains."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class GentleStop:
    """
    Signals end what is between `with` and its end only where that is in order.

    Inside of `ended_by_signals`, which still sees to it that the program ends in time.
    """

    def __init__(self) -> None:
        self._number = 0
        self._before: dict[signal.Signals, Any] = {}
        # One thread for all calls: CUDA keeps a context for each that ever called it.
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name=_CALL, daemon=True)

    def __enter__(self) -> 'GentleStop':
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._calls.put(None)
        if not self._number:
            self._thread.join()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """
        Go on, unless there was a signal.

        :raises KeyboardInterrupt: there was one.
        """
        if self._number:
            raise KeyboardInterrupt(self._number)

    def call(self, function: Callable[..., _Result], *arguments: object) -> _Result:
        """
        Call a function in another thread, where a signal leaves it behind.

        :raises KeyboardInterrupt: there was a signal, before the call or while it lasted.
        """
        self.check()
        result: Future[_Result] = Future()

        def run() -> None:
            try:
                result.set_result(function(*arguments))
            except BaseException as error:
                result.set_exception(error)

        self._calls.put(run)
        while not wait((result,), _POLL_S).done:
            self.check()
        return result.result()

    def _serve(self) -> None:
        while (run := self._calls.get()) is not None:
            run()

    def _note(self, number: int, _: FrameType | None) -> None:
        self._number = self._number or number


def _end_overdue(reading: int, has_ended: threading.Event) -> None:
    """End this process when it does not by itself, soon after a signal."""
    while (noted := os.read(reading, 1)) != _NO_SIGNAL:
        number = noted[0]
        if number in SIGNALS and not has_ended.wait(_ALLOWED_S):
            _end_children()
            os._exit(_STATUS_OF_SIGNALS + number)


def _end_children() -> None:
    """Kill every process that this one has started and that still runs."""
    for thread in Path('/proc/self/task').iterdir():
        with suppress(OSError):  # the thread has ended, or the kernel does not tell
            for child in (thread / 'children').read_text(encoding='ascii').split():
                os.kill(int(child), signal.SIGKILL)
