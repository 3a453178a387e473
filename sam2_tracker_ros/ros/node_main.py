# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The main function of a node that has one thread and something to do at its end."""

from collections.abc import Callable
import signal
import threading

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from sam2_tracker_ros.errors import Sam2TrackerError

_LOOK_FOR_SIGNALS_S = 0.1
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class ClosingNode(Node):
    """A node that ends in order."""

    def close(self) -> None:
        """Say and free what has to be, while the node can still publish."""


def exit_on_signals() -> None:
    """Let SIGINT and SIGTERM raise SystemExit: for a node that takes seconds to make."""

    def leave(*_: object) -> None:
        raise SystemExit(0)

    for number in _SIGNALS:
        signal.signal(number, leave)


def set_by_signals(stop: threading.Event) -> None:
    """
    Let SIGINT and SIGTERM set an event from now on.

    rclpy's own handlers end the context under whoever uses it: it is initialised without them.
    """
    for number in _SIGNALS:
        signal.signal(number, lambda *_: stop.set())


def run_node(name: str, make_node: Callable[[], ClosingNode]) -> int:
    """
    Run a node until SIGINT or SIGTERM.

    :return: the exit status; 1 and one line when the node cannot be made.
    """
    stop = threading.Event()
    set_by_signals(stop)
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = make_node()
    except Sam2TrackerError as error:
        rclpy.logging.get_logger(name).fatal(str(error))
        rclpy.shutdown()
        return 1
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        while not stop.is_set():
            executor.spin_once(timeout_sec=_LOOK_FOR_SIGNALS_S)
    finally:
        node.close()
        executor.shutdown()
        node.destroy_node()
        rclpy.shutdown()
    return 0
