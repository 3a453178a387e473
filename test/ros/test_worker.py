# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Every prompt is answered and every image counted, whatever goes wrong on the way."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import wait
import time

import pytest

from ros.harness import DEADLINE_S, SwitchableModel, scene
from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.core.types import Box, Event, EventType, Frame, Prompt, StepResult
from sam2_tracker_ros.ros.accounts import Accounts
from sam2_tracker_ros.ros.intake import Arrival
from sam2_tracker_ros.ros.outbox import Publication
from sam2_tracker_ros.ros.worker import Worker
from sam2_tracker_ros.testing.fake_model import FakeModel

SQUARE = Prompt(target_id='car', box=Box(20, 40, 50, 70))


class UnreliableOutput:
    """Publishes nothing, and fails where a result has a target."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def publish(self, publication: Publication) -> None:
        if publication.result.targets:
            message = 'the middleware gave up'
            raise RuntimeError(message)

    def publish_events(self, events: Sequence[Event]) -> None:
        self.events += events

    def wants_pictures(self) -> bool:
        return False

    def publish_pictures(self, result: StepResult, frame: Frame) -> None:
        raise AssertionError


def worker_of(
    complaints: list[str],
    output: UnreliableOutput,
    accounts: Accounts,
    decode: Callable[[int], Frame],
    model: FakeModel,
) -> Worker:
    config = Config()
    return Worker(
        model,
        0,
        config,
        output,
        accounts,
        decode=decode,
        view_of=lambda _: None,
        now_ns=lambda: 0,
        log_error=complaints.append,
        reload_model=lambda: (model, 'loaded anew'),
        give_up=complaints.append,
    )


def square(stamp_ns: int) -> Frame:
    return Frame(scene(20), stamp_ns)


def wait_until(condition: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.001)


@pytest.fixture
def worker(complaints: list[str]) -> Iterator[Worker]:
    made = worker_of(complaints, UnreliableOutput(), Accounts(), square, FakeModel())
    yield made
    made.stop(DEADLINE_S)


def test_a_prompt_is_answered_when_its_result_cannot_be_published(
    worker: Worker, complaints: list[str]
) -> None:
    worker.put_image(Arrival(1))
    answer = worker.ask(SQUARE)
    stamp_ns = 1
    deadline_s = time.monotonic() + DEADLINE_S
    while not (answer.done() and complaints):
        assert time.monotonic() < deadline_s
        stamp_ns += 1
        worker.put_image(Arrival(stamp_ns))
        wait([answer], timeout=0.01)
    assert answer.result().accepted
    assert 'the middleware gave up' in complaints[0]


def test_a_prompt_after_the_end_is_refused(worker: Worker) -> None:
    worker.stop(DEADLINE_S)
    answer = worker.ask(SQUARE).result(timeout=0.0)
    assert not answer.accepted
    assert 'activate it' in answer.message


def test_the_next_image_is_prepared_while_the_tracker_is_at_the_one_before(
    complaints: list[str],
) -> None:
    model, accounts = SwitchableModel(), Accounts()
    prepared: list[int] = []

    def decode(stamp_ns: int) -> Frame:
        prepared.append(stamp_ns)
        return square(stamp_ns)

    worker = worker_of(complaints, UnreliableOutput(), accounts, decode, model)
    try:
        worker.put_image(Arrival(1))
        wait_until(lambda: accounts.processed == 1)
        model.may_run.clear()
        answer = worker.ask(SQUARE)
        worker.put_image(Arrival(2))
        wait_until(model.is_asked.is_set)
        worker.put_image(Arrival(3, skipped=1))
        worker.put_image(Arrival(4, skipped=2))
        assert prepared == [1, 2, 3, 4]
        assert not answer.done()
        model.may_run.set()
        wait_until(lambda: accounts.processed == 3)
    finally:
        model.may_run.set()
        worker.stop(DEADLINE_S)
    assert accounts.dropped == 1 + 3
    assert accounts.snapshot(0).frames_received == 7


def test_bytes_that_a_decoder_chokes_on_are_a_rejected_image(complaints: list[str]) -> None:
    def decode(stamp_ns: int) -> Frame:
        message = f'no such segment in {stamp_ns}'
        raise ValueError(message)

    output = UnreliableOutput()
    worker = worker_of(complaints, output, Accounts(), decode, FakeModel())
    try:
        worker.put_image(Arrival(1))
        wait_until(lambda: output.events)
    finally:
        worker.stop(DEADLINE_S)
    assert output.events[0].type is EventType.FRAME_REJECTED
    assert 'no such segment' in output.events[0].detail
