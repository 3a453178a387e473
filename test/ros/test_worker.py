# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Every prompt is answered, whatever goes wrong on the way."""

from collections.abc import Iterator, Sequence
from concurrent.futures import wait
import time

import pytest

from ros.harness import DEADLINE_S, scene
from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import Box, Event, Frame, Prompt, StepResult
from sam2_tracker_ros.ros.accounts import Accounts
from sam2_tracker_ros.ros.worker import Worker
from sam2_tracker_ros.testing.fake_model import FakeModel

SQUARE = Prompt(target_id='car', box=Box(20, 40, 50, 70))


class UnreliableOutput:
    """Publishes nothing, and fails where a result has a target."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def start(self, accounts: Accounts) -> None:
        pass

    def publish(self, result: StepResult, frame: Frame | None) -> None:
        if result.targets:
            message = 'the middleware gave up'
            raise RuntimeError(message)

    def publish_events(self, events: Sequence[Event]) -> None:
        self.events += events


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def worker(complaints: list[str]) -> Iterator[Worker]:
    config = Config()
    made = Worker(
        Tracker(FakeModel(), config),
        config,
        UnreliableOutput(),
        decode=lambda stamp_ns: Frame(scene(20), stamp_ns),
        now_ns=lambda: 0,
        log_error=complaints.append,
    )
    yield made
    made.stop()


def test_a_prompt_is_answered_when_its_result_cannot_be_published(
    worker: Worker, complaints: list[str]
) -> None:
    worker.put_image(1)
    answer = worker.ask(SQUARE)
    stamp_ns = 1
    deadline_s = time.monotonic() + DEADLINE_S
    while not (answer.done() and complaints):
        assert time.monotonic() < deadline_s
        stamp_ns += 1
        worker.put_image(stamp_ns)
        wait([answer], timeout=0.01)
    assert answer.result().accepted
    assert 'the middleware gave up' in complaints[0]


def test_a_prompt_after_the_end_is_refused(worker: Worker) -> None:
    worker.stop()
    answer = worker.ask(SQUARE).result(timeout=0.0)
    assert not answer.accepted
    assert 'activate it' in answer.message
