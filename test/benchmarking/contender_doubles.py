# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Contenders whose behaviour is known; they are sent to processes, so they need a module."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
import os
import threading

from sam2_tracker_ros.benchmarking.contenders import Found, Running
from sam2_tracker_ros.core.types import Box, Frame


class ChildThread:
    """A ChildProcess that is none: it starts at once and talks through the same pipe."""

    def __init__(self, serve: Callable[[Connection], None]) -> None:
        self.connection, self._theirs = Pipe()
        self._thread = threading.Thread(target=self._run, args=[serve], daemon=True)
        self._thread.start()

    def _run(self, serve: Callable[[Connection], None]) -> None:
        with self._theirs:
            serve(self._theirs)

    def stop(self) -> int:
        self.connection.close()
        self._thread.join()
        return 0

    def kill(self) -> int:
        return self.stop()


@dataclass(frozen=True)
class Still:
    """
    Always finds the same box, ten pixels wide; leaves a line for every step.

    :param left: of the box.
    :param fails_at: step in which it raises; `dies_at`: in which its process ends.
    """

    name: str
    left: float = 0.0
    fails_at: int = -1
    dies_at: int = -1
    log: str = ''
    opens: bool = True

    def open(self) -> Running:
        if not self.opens:
            message = 'no model\nof that name'
            raise LookupError(message)
        return _StillRunning(self)


class _StillRunning:
    def __init__(self, contender: Still) -> None:
        self.facts: Mapping[str, object] = {'process': os.getpid()}
        self._contender = contender
        self._step = 0

    def step(self, frame: Frame, start: Box | None = None) -> Found:
        step, self._step = self._step, self._step + 1
        contender = self._contender
        if contender.log:
            with open(contender.log, 'a', encoding='utf-8') as file:  # noqa: PTH123
                file.write(f'{contender.name}{step}{"!" if start else ""}\n')
        if step == contender.fails_at:
            message = 'out of luck'
            raise RuntimeError(message)
        if step == contender.dies_at:
            os._exit(9)
        return Found(Box(contender.left, 0.0, contender.left + 10.0, 10.0), None)
