# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A contender in a process of its own: its own threads, its own memory, its own clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
import time
from typing import Any, TypeVar

from sam2_tracker_ros.benchmarking.contenders import Contender, Found
from sam2_tracker_ros.core.types import Box, Frame
from sam2_tracker_ros.errors import Sam2TrackerError
from sam2_tracker_ros.replay.child_process import ChildProcess
from sam2_tracker_ros.replay.measuring import peak_mib, resident_mib

_REASON_LENGTH = 400

_Answer = TypeVar('_Answer')


class ContenderError(Sam2TrackerError):
    """A contender cannot run; the others can."""


@dataclass(frozen=True)
class Opened:
    """
    A contender is ready.

    :param facts: what runs.
    :param resident_mib: with the model loaded.
    """

    facts: Mapping[str, object]
    resident_mib: float


@dataclass(frozen=True)
class Timed:
    """
    One step, measured where it ran.

    :param cpu_s: of all threads, during the step.
    :param idle_s: since the step before; `idle_cpu_s` what its threads used of a core meanwhile.
    """

    found: Found
    step_s: float
    cpu_s: float
    idle_s: float
    idle_cpu_s: float


@dataclass(frozen=True)
class Usage:
    """Memory over the whole life of the process."""

    resident_mib: float
    peak_mib: float


@dataclass(frozen=True)
class _Failure:
    message: str


@dataclass(frozen=True)
class _Step:
    frame: Frame
    start: Box | None


@dataclass(frozen=True)
class _Stop:
    pass


class ContenderProcess:
    """
    Starts a contender, and waits until it is ready.

    :raises ContenderError: it cannot run; its process is gone then.
    """

    def __init__(self, contender: Contender) -> None:
        self.name = contender.name
        start_s = time.monotonic()
        self._process = ChildProcess(serve)
        try:
            self._send(contender)
            self.opened = self._receive(Opened)
        except KeyboardInterrupt:
            self.kill()
            raise
        self.load_s = time.monotonic() - start_s

    def step(self, frame: Frame, start: Box | None) -> Timed:
        """
        Let it find the target in a frame.

        :raises ContenderError: it failed.
        """
        self._send(_Step(frame, start))
        return self._receive(Timed)

    def stop(self) -> Usage:
        """
        End the process.

        :raises ContenderError: it was gone already.
        """
        self._send(_Stop())
        usage = self._receive(Usage)
        self._process.stop()
        return usage

    def kill(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()

    def _send(self, message: object) -> None:
        try:
            self._process.connection.send(message)
        except OSError as error:
            raise self._gone() from error

    def _receive(self, kind: type[_Answer]) -> _Answer:
        try:
            answer = self._process.connection.recv()
        except (EOFError, OSError) as error:
            raise self._gone() from error
        if isinstance(answer, _Failure):
            self._process.stop()
            raise ContenderError(answer.message)
        assert isinstance(answer, kind)
        return answer

    def _gone(self) -> ContenderError:
        message = (
            f'the process of {self.name} ended with status {self._process.stop()}; -9 is often '
            'too little memory: compare fewer at a time, or a smaller model'
        )
        return ContenderError(message)


def serve(connection: Connection) -> None:
    """Work for the process that compares, until it says stop or is gone."""
    try:
        running = connection.recv().open()
        connection.send(Opened(dict(running.facts), resident_mib()))
        _answer_steps(connection, running)
    except (EOFError, ConnectionError, KeyboardInterrupt):
        return
    # Runtimes, compilers and drivers raise what they like, and the others are to be compared.
    except Exception as error:
        connection.send(_Failure(_reason(error)))


def _answer_steps(connection: Connection, running: Any) -> None:
    ended_s, ended_cpu_s = time.perf_counter(), time.process_time()
    while True:
        connection.poll(None)  # waits for the next frame; to read it is not idling
        idle_s, idle_cpu_s = time.perf_counter() - ended_s, time.process_time() - ended_cpu_s
        message = connection.recv()
        if not isinstance(message, _Step):
            connection.send(Usage(resident_mib(), peak_mib()))
            return
        start_s, start_cpu_s = time.perf_counter(), time.process_time()
        found = running.step(message.frame, message.start)
        step_s, cpu_s = time.perf_counter() - start_s, time.process_time() - start_cpu_s
        connection.send(Timed(found, step_s, cpu_s, idle_s, idle_cpu_s))
        ended_s, ended_cpu_s = time.perf_counter(), time.process_time()


def _reason(error: Exception) -> str:
    if isinstance(error, Sam2TrackerError):
        return str(error)
    return f'{type(error).__name__}: {" ".join(str(error).split())}'[:_REASON_LENGTH]
