# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A function of this package in a Python process of its own, at the other end of a pipe."""

from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
import os
import subprocess
import sys

from sam2_tracker_ros.replay.interruption import children_deaf_to_ctrl_c

_STOP_TIMEOUT_S = 20.0
_PROGRAM = """
from multiprocessing.connection import Connection
from {module} import {name} as serve
serve(Connection({number}))
"""


class ChildProcess:
    """
    Starts a new interpreter, which has imported nothing that the function does not need.

    `multiprocessing` would run the parent's main program in it first, which costs memory that is
    not the function's, and which programs must be written for.

    :param serve: of a module; it is given its end of the pipe, and should return at its end.
    """

    def __init__(self, serve: Callable[[Connection], None]) -> None:
        self.connection, theirs = Pipe()
        number = theirs.fileno()
        program = _PROGRAM.format(module=serve.__module__, name=serve.__name__, number=number)
        with children_deaf_to_ctrl_c():
            self._popen = subprocess.Popen(  # noqa: S603 - our own function
                [sys.executable, '-c', program],
                pass_fds=[number],
                env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
            )
        theirs.close()

    def stop(self) -> int:
        """Close the pipe, wait for the process, and return its status."""
        self.connection.close()
        try:
            return self._popen.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """End the process at once, whatever it does, and return its status."""
        self.connection.close()
        self._popen.kill()
        return self._popen.wait()
