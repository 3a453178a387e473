# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Nodes of this package in processes of their own, for the demo and the benchmark."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
import os
from pathlib import Path
import signal
import subprocess
import time
from typing import NoReturn

from ament_index_python import get_search_paths
from ament_index_python.packages import get_package_prefix, get_package_share_directory
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
import rclpy
from rclpy.node import Node

from sam2_tracker_ros.errors import Sam2TrackerError

PACKAGE = 'sam2_tracker_ros'
# Who interrupts a program sees it end within 2 s, its nodes included.
STOP_TIMEOUT_S = 0.9


class ProcessError(Sam2TrackerError):
    """A process did not do what it was started for."""


class NodeProcess:
    """A node in a process of its own, which runs until it ends or is stopped."""

    def __init__(self, executable: str, log: Path, parameters: Sequence[str]) -> None:
        self.name = executable
        self._log = log
        path = Path(get_package_prefix(PACKAGE)) / 'lib' / PACKAGE / executable
        if not path.exists():
            message = f'{path} does not exist; build the package'
            raise ProcessError(message)
        assignments = [word for text in parameters for word in ('-p', text)]
        with log.open('wb') as stream:
            self._popen = subprocess.Popen(  # noqa: S603 - our own executable
                [str(path), '--ros-args', *assignments], stdout=stream, stderr=stream
            )

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._popen.pid

    def has_ended(self) -> bool:
        """
        Return whether the process ended as it should.

        :raises ProcessError: it failed; shows the last line of its log.
        """
        status = self._popen.poll()
        if status:
            self._fail(f'ended with status {status}')
        return status == 0

    def begin_to_stop(self) -> None:
        """Ask the process to end if it still runs."""
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGINT)

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """End the process if it still runs."""
        self.begin_to_stop()
        try:
            self._popen.wait(max(timeout_s, 0.0))
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()

    def kill(self) -> None:
        """End the process as a crash would."""
        self._popen.kill()
        self._popen.wait()

    def _fail(self, what: str) -> NoReturn:
        lines = self._log.read_text(errors='replace').strip().splitlines()
        last = lines[-1] if lines else 'it wrote nothing'
        message = f'{self.name} {what}: {last} (all of it: {self._log})'
        raise ProcessError(message)


def use_own_domain() -> None:
    """Talk in a domain of this process; set before rclpy starts, and kept by its children."""
    os.environ.setdefault('ROS_DOMAIN_ID', str(1 + os.getpid() % 100))
    profiles = Path(get_package_share_directory(PACKAGE)) / 'config' / 'fastdds.xml'
    # Fast DDS 2, in Humble and Jazzy, reads another variable; read twice, the file is an error.
    is_old = any((Path(path) / 'share' / 'fastrtps').is_dir() for path in get_search_paths())
    name = 'FASTRTPS' if is_old else 'FASTDDS'
    os.environ.setdefault(f'{name}_DEFAULT_PROFILES_FILE', str(profiles))


def check_model(diagnostics: DiagnosticArray) -> None:
    """
    Look at what a tracker says of its model.

    :raises ProcessError: it cannot be loaded, or fails.
    """
    for status in diagnostics.status:
        if status.name.endswith(': model') and status.level == DiagnosticStatus.ERROR:
            raise ProcessError(status.message)


def wait_until(
    node: Node,
    running: Sequence[NodeProcess],
    what: str,
    is_done: Callable[[], bool],
    timeout_s: float,
) -> None:
    """
    Let messages of a node in until something is the case.

    :param running: processes that must not end meanwhile.
    :param what: did not happen, for the error.
    :raises ProcessError: it did not come in time, or a process that should run has ended.
    """
    end_s = time.monotonic() + timeout_s
    while not is_done():
        rclpy.spin_once(node, timeout_sec=0.02)
        for process in running:
            if process.has_ended():
                message = f'{process.name} ended too early'
                raise ProcessError(message)
        if time.monotonic() > end_s:
            message = f'{what} within {timeout_s:.0f} s; see the logs beside the results'
            raise ProcessError(message)


@contextmanager
def stopping() -> Iterator[list[NodeProcess]]:
    """Give a list for processes, all of which are stopped at the end, whatever happens."""
    processes: list[NodeProcess] = []
    try:
        yield processes
    finally:
        end_s = time.monotonic() + STOP_TIMEOUT_S
        for process in processes:
            process.begin_to_stop()
        for process in processes:
            process.stop(end_s - time.monotonic())
