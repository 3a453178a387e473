# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A node of the fault campaign in a process of its own, and what it takes of the machine."""

from collections.abc import Sequence
from dataclasses import dataclass
import json
from pathlib import Path
import signal
import subprocess
import time

from ament_index_python.packages import get_package_prefix

from sam2_tracker_ros.ros.processes import PACKAGE, ProcessError

_KIB_PER_MIB = 1024.0


@dataclass(frozen=True)
class Usage:
    """What a process holds."""

    resident_mib: float
    threads: int
    descriptors: int


class FaultProcess:
    """
    A node that may be told, killed and asked how it ended.

    :param log: is written on from its end.
    :param arguments: after --ros-args.
    """

    def __init__(self, executable: str, log: Path, arguments: Sequence[str]) -> None:
        self.name = executable
        path = Path(get_package_prefix(PACKAGE)) / 'lib' / PACKAGE / executable
        if not path.exists():
            message = f'{path} does not exist; build the package'
            raise ProcessError(message)
        with log.open('ab') as stream:
            self._popen = subprocess.Popen(  # noqa: S603 - our own executable
                [str(path), '--ros-args', *arguments],
                stdin=subprocess.PIPE,
                stdout=stream,
                stderr=stream,
            )

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._popen.pid

    @property
    def status(self) -> int | None:
        """How it ended; None while it runs."""
        return self._popen.poll()

    def tell(self, **fields: object) -> None:
        """Write a line of JSON to its standard input."""
        if self._popen.stdin is None or self.status is not None:
            return
        self._popen.stdin.write(json.dumps(fields).encode() + b'\n')
        self._popen.stdin.flush()

    def kill(self) -> None:
        """End it as a crash would."""
        self._popen.kill()
        self._popen.wait()

    def end(self, timeout_s: float, number: signal.Signals = signal.SIGINT) -> float:
        """
        End it as an operator would; return how long that took.

        :return: infinite when it did not end in time and was killed.
        """
        started_s = time.monotonic()
        self._popen.send_signal(number)
        try:
            self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return float('inf')
        return time.monotonic() - started_s

    def usage(self) -> Usage:
        """
        Return what it holds now.

        :raises ProcessError: it has ended.
        """
        folder = Path('/proc') / str(self.pid)
        try:
            lines = (folder / 'status').read_text().splitlines()
            descriptors = sum(1 for _ in (folder / 'fd').iterdir())
        except OSError as error:
            message = f'{self.name} has ended with status {self.status}; see its log'
            raise ProcessError(message) from error
        values = dict(line.split(':', 1) for line in lines if ':' in line)
        return Usage(
            resident_mib=float(values.get('VmRSS', '0 kB').split()[0]) / _KIB_PER_MIB,
            threads=int(values.get('Threads', '0')),
            descriptors=descriptors,
        )
