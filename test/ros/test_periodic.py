# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Work that goes on after it failed, and ends when it is told to."""

import threading
import time

from ros.harness import DEADLINE_S
from sam2_tracker_ros.ros.periodic import Periodic


def test_work_that_fails_is_logged_and_goes_on() -> None:
    complaints: list[str] = []
    done: list[int] = []
    has_come_back = threading.Event()

    def work() -> None:
        done.append(len(done))
        if len(done) == 3:
            has_come_back.set()
        message = f'failure {len(done)}'
        raise ValueError(message)

    periodic = Periodic('worker', 0.001, work, complaints.append)
    assert has_come_back.wait(DEADLINE_S)
    periodic.stop()
    assert len(complaints) == len(done) >= 3
    assert 'ValueError: failure 1' in complaints[0]


def test_nothing_begins_after_the_end() -> None:
    has_begun = threading.Event()
    done: list[int] = []

    def work() -> None:
        has_begun.set()
        time.sleep(0.01)
        done.append(len(done))

    periodic = Periodic('worker', 0.001, work, lambda _: None)
    assert has_begun.wait(DEADLINE_S)
    periodic.stop()
    count = len(done)
    assert count >= 1, 'what was in work is done'
    time.sleep(0.05)
    assert len(done) == count
