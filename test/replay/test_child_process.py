# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A function in a process of its own."""

import os

import pytest
from replay.served import serve_facts, serve_nothing

from sam2_tracker_ros.replay.child_process import ChildProcess


def test_child_runs_the_function_alone() -> None:
    child = ChildProcess(serve_facts)
    process, main = child.connection.recv()
    child.connection.send('go on')
    assert process != os.getpid()
    assert main is None
    assert child.stop() == 0


def test_child_that_ends_is_noticed() -> None:
    child = ChildProcess(serve_nothing)
    with pytest.raises((EOFError, ConnectionError)):
        child.connection.recv()
    assert child.stop() == 3
