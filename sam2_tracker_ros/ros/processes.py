# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Nodes of this package in processes of their own, for the demo and the benchmark."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
import os
from pathlib import Path
import signal
import subprocess
from typing import NoReturn

from ament_index_python.packages import get_package_prefix, get_package_share_directory

from sam2_tracker_ros.errors import Sam2TrackerError

PACKAGE = 'sam2_tracker_ros'
STOP_TIMEOUT_S = 10.0


class ProcessError(Sam2TrackerError):
    """A process did not do what it was started for."""


class NodeProcess:
    """A node in its own process, which ends with this one."""

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

    def has_ended(self) -> bool:
        """
        Return whether the process ended as it should.

        :raises ProcessError: it failed; shows the last line of its log.
        """
        status = self._popen.poll()
        if status:
            self._fail(f'ended with status {status}')
        return status == 0

    def stop(self) -> None:
        """End the process if it still runs."""
        if self._popen.poll() is not None:
            return
        self._popen.send_signal(signal.SIGINT)
        try:
            self._popen.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
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
    os.environ.setdefault('FASTDDS_DEFAULT_PROFILES_FILE', str(profiles))


@contextmanager
def stopping() -> Iterator[list[NodeProcess]]:
    """Give a list for processes, all of which are stopped at the end, whatever happens."""
    processes: list[NodeProcess] = []
    try:
        yield processes
    finally:
        for process in processes:
            process.stop()
