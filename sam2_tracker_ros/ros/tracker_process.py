# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The process of the tracker: it ends within two seconds, and with a status that says why.

Everything that may take long runs in threads beside the main one, which so always hears a signal.
What does not end in time, a model that is being built or that hangs, ends with the process.
"""

from collections.abc import Callable
from concurrent.futures import Future, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
import faulthandler
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from sam2_tracker_ros.errors import Sam2TrackerError
from sam2_tracker_ros.ros.tracking_loop import WORKER_THREAD

if TYPE_CHECKING:
    from sam2_tracker_ros.ros.tracker_node import TrackerNode

_END_TIMEOUT_S = 1.2
_LOOK_PERIOD_S = 0.5
# Code that keeps the interpreter's lock keeps every thread from running, and from noticing it.
# Building an engine may do so for long.
_FROZEN_AFTER_S = 20.0
_FROZEN_BUILD_AFTER_S = 3600.0


def run_tracker_process(make_node: 'Callable[[Callable[[], None]], TrackerNode]') -> int:
    """
    Run a node until SIGINT or SIGTERM, until a callback raises or no model can serve.

    :param make_node: is given what the node calls when it cannot serve any more.
    :return: the exit status; the process may also be ended with it.
    """
    stop, is_hopeless = threading.Event(), threading.Event()

    def give_up() -> None:
        is_hopeless.set()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    # The default handlers would end the context while the worker still publishes.
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = make_node(give_up)
    except Sam2TrackerError as error:
        rclpy.logging.get_logger('tracker').fatal(str(error))
        rclpy.shutdown()
        return 1
    has_ended = _run(node, stop)
    status = 1 if is_hopeless.is_set() else 0
    if not has_ended or _has_left_workers():
        # Taking a model apart at the interpreter's end would wait for the threads within it.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


class Spinning:
    """
    Does what a node's executor has to do in a thread of its own, from now on to `end`.

    :param at_end: is called when it ends, also because a callback raised.
    :param done: has what a callback raised.
    """

    def __init__(self, node: Node, at_end: Callable[[], None] = lambda: None) -> None:
        self._is_ending = threading.Event()
        self._executor = SingleThreadedExecutor(context=node.context)
        self._executor.add_node(node)
        self.done = _begin(self._run, at_end)

    def end(self) -> None:
        """Return when the callback in work is done; only then may what it uses be destroyed."""
        self._is_ending.set()
        self._executor.create_task(lambda: None)  # so that it need not wait for anything else
        wait([self.done])
        self._executor.shutdown()

    def _run(self) -> None:
        while not self._is_ending.is_set():
            self._executor.spin_once()


def _run(node: 'TrackerNode', stop: threading.Event) -> bool:
    """Run the node, and end it; return whether everything ended in time."""
    # A callback that raises ends spinning: the process ends with it instead of living on deaf.
    spinning = Spinning(node, stop.set)
    starting = _begin(node.start)
    _watch_for_frost(node)
    while not stop.wait(_LOOK_PERIOD_S):
        if starting.done() and starting.exception():
            break
        _watch_for_frost(node)
    faulthandler.cancel_dump_traceback_later()

    def end() -> None:
        node.close()
        spinning.end()
        wait([starting])
        node.close()  # what a transition began meanwhile
        node.destroy_node()
        rclpy.shutdown()

    end_s = time.monotonic() + _END_TIMEOUT_S
    try:
        for running in (_begin(end), spinning.done, starting):
            running.result(max(0.0, end_s - time.monotonic()))
    except FutureTimeoutError:
        what = 'what did not end in time was left: a model that loads or hangs'
        rclpy.logging.get_logger('tracker').warning(what)
        return False
    return True


def _watch_for_frost(node: 'TrackerNode') -> None:
    """Let the process end with every thread's traceback unless this is called again soon."""
    after_s = _FROZEN_AFTER_S if node.is_active else _FROZEN_BUILD_AFTER_S
    faulthandler.dump_traceback_later(after_s, exit=True)


def _begin(work: Callable[[], None], at_end: Callable[[], None] = lambda: None) -> 'Future[None]':
    """Start a thread that nothing waits for at the end of the process."""
    done: Future[None] = Future()

    def run() -> None:
        try:
            work()
        except BaseException as error:
            done.set_exception(error)
        else:
            done.set_result(None)
        at_end()

    threading.Thread(target=run, name='tracker_process', daemon=True).start()
    return done


def _has_left_workers() -> bool:
    """Return whether a thread still runs that may be within a model."""
    return any(thread.name == WORKER_THREAD for thread in threading.enumerate())
