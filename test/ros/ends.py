# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Processes that are brought into a state, and then told to end."""

from collections.abc import Callable, Sequence
from contextlib import suppress
import os
from pathlib import Path
import signal
import subprocess
import sys
import time
from types import TracebackType

# How long anything may take on a busy machine before a test gives up.
DEADLINE_S = 60.0

_LISTENER = """
from importlib import import_module
import sys
import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy

package, name, topic, reliability = sys.argv[1:]
rclpy.init()
node = Node('listener')
heard = []
message_class = getattr(import_module(package + '.msg'), name)
qos = QoSProfile(depth=10, reliability=ReliabilityPolicy[reliability])
node.create_subscription(message_class, topic, heard.append, qos)
while not heard:
    rclpy.spin_once(node, timeout_sec=0.1)
print('heard', flush=True)
rclpy.spin(node)
"""


class Running:
    """
    A program of this package in a session of its own, so that no child of it is overlooked.

    :param log: takes what it says.
    """

    def __init__(self, command: Sequence[str], log: Path, folder: Path | None = None) -> None:
        self._log = log
        with log.open('wb') as stream:
            self.process = subprocess.Popen(
                command, stdout=stream, stderr=stream, start_new_session=True, cwd=folder
            )

    def __enter__(self) -> 'Running':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    @property
    def said(self) -> str:
        """Everything that it has written so far."""
        return self._log.read_text(errors='replace')

    def wait_until(self, condition: Callable[[], object], what: str) -> None:
        """Wait while the program runs."""
        deadline_s = time.monotonic() + DEADLINE_S
        while not condition():
            assert self.process.poll() is None, f'it ended before {what}: {self.said}'
            assert time.monotonic() < deadline_s, f'waited in vain for {what}: {self.said}'
            time.sleep(0.005)

    def wait_for_text(self, text: str) -> None:
        """Wait until it has written something."""
        self.wait_until(lambda: text in self.said, text)

    def wait_for_library(self, name: str) -> None:
        """Wait until it has loaded a library: it is importing then."""
        maps = Path(f'/proc/{self.process.pid}/maps')
        self.wait_until(lambda: name in maps.read_text(), name)

    def end(self, number: int) -> tuple[int, float]:
        """Send a signal, and return the status and how long the end took."""
        started_s = time.monotonic()
        self.process.send_signal(number)
        status = self.process.wait(DEADLINE_S)
        return status, time.monotonic() - started_s

    def children(self) -> list[str]:
        """Return the other processes of its session."""
        return _of_session(self.process.pid)[1:]

    def left_behind(self) -> list[str]:
        """Return the processes of its session that still run a moment after its end."""
        deadline_s = time.monotonic() + DEADLINE_S
        while found := _of_session(self.process.pid):
            if time.monotonic() > deadline_s:
                break
            time.sleep(0.05)
        return found


def node(executable: str, log: Path, *words: str, **parameters: object) -> Running:
    """Start a node with parameters."""
    assignments = [part for name, value in parameters.items() for part in _pair(name, value)]
    return Running([executable, '--ros-args', *words, *assignments], log)


def listener(message: str, topic: str, log: Path) -> Running:
    """
    Start a process that subscribes, and says `heard` at the first message.

    :param message: such as `std_msgs/Float32`.
    """
    reliability = 'BEST_EFFORT' if message == 'sensor_msgs/Image' else 'RELIABLE'
    words = [*message.split('/'), topic, reliability]
    return Running([sys.executable, '-c', _LISTENER, *words], log)


def _pair(name: str, value: object) -> tuple[str, str]:
    return '-p', f'{name}:={value}'


def _of_session(session: int) -> list[str]:
    """Return the command lines of all processes of a session that are no zombies, oldest first."""
    found = []
    numbers = sorted(int(path.name) for path in Path('/proc').iterdir() if path.name.isdigit())
    for number in numbers:
        folder = Path(f'/proc/{number}')
        with suppress(OSError):
            state, _, _, its_session = (folder / 'stat').read_text().rpartition(')')[2].split()[:4]
            if int(its_session) == session and state != 'Z':
                line = (folder / 'cmdline').read_bytes().replace(b'\0', b' ')
                found.append(line.decode(errors='replace'))
    return found
