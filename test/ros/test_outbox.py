# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Results in order whatever the middleware does, and only the newest picture when it is slow."""

from collections.abc import Callable, Iterator, Sequence
import threading
import time

import pytest

from ros.harness import DEADLINE_S, scene
from sam2_tracker_ros.core.types import Event, EventType, Frame, StepResult
from sam2_tracker_ros.ros import outbox as module
from sam2_tracker_ros.ros.accounts import Accounts, Snapshot
from sam2_tracker_ros.ros.outbox import CAPACITY, Outbox, Publication, StepTime


class SlowOutput:
    """Remembers what it is given; publishes while `may_publish`, draws while `may_draw`."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.drawn: list[int] = []
        self.is_failing = False
        self.may_publish, self.may_draw = threading.Event(), threading.Event()
        self.may_publish.set()
        self.may_draw.set()

    def publish(self, publication: Publication) -> None:
        assert self.may_publish.wait(DEADLINE_S)
        if self.is_failing:
            message = 'the middleware gave up'
            raise RuntimeError(message)
        self.told.append(str(publication.result.stamp_ns))

    def publish_events(self, events: Sequence[Event]) -> None:
        self.told += [event.type.name for event in events]

    def wants_pictures(self) -> bool:
        return True

    def publish_pictures(self, result: StepResult, frame: Frame) -> None:
        self.drawn.append(result.stamp_ns)
        assert self.may_draw.wait(DEADLINE_S)


def result(stamp_ns: int) -> StepResult:
    return StepResult(stamp_ns, 'camera', (160, 120))


def wait_until(condition: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.001)


@pytest.fixture
def output() -> SlowOutput:
    return SlowOutput()


@pytest.fixture
def accounts() -> Accounts:
    return Accounts()


@pytest.fixture
def outbox(output: SlowOutput, accounts: Accounts, complaints: list[str]) -> Iterator[Outbox]:
    made = Outbox(output, accounts, lambda: 0, complaints.append)
    yield made
    output.may_publish.set()
    output.may_draw.set()
    made.close()


def snapshot(accounts: Accounts) -> Snapshot:
    return accounts.snapshot(0)


def test_every_result_and_event_is_published_in_order(
    outbox: Outbox, output: SlowOutput, accounts: Accounts
) -> None:
    for stamp_ns in range(10):
        outbox.publish(result(stamp_ns), step_time=StepTime(time.perf_counter(), 0.0))
        if stamp_ns == 4:
            outbox.publish_events([Event(EventType.INPUT_STALLED, 4)])
    outbox.close()
    assert output.told == [*'01234', 'INPUT_STALLED', *'56789']
    assert len(snapshot(accounts).overheads_s) == len(snapshot(accounts).publishings_s) == 10
    assert output.drawn == []


def test_an_idle_tracker_publishes_itself_unless_something_waits(
    outbox: Outbox, output: SlowOutput
) -> None:
    outbox.publish(result(1), is_idle=True)
    assert output.told == ['1']
    output.may_publish.clear()
    outbox.publish(result(2))
    outbox.publish(result(3), is_idle=True)
    assert output.told == ['1']
    output.may_publish.set()
    outbox.close()
    assert output.told == ['1', '2', '3']


def test_the_newest_picture_wins_and_the_others_are_counted(
    outbox: Outbox, output: SlowOutput, accounts: Accounts
) -> None:
    outbox.publish(result(0))  # finds out that pictures are wanted
    outbox.publish(result(0))
    wait_until(lambda: output.told == ['0', '0'])
    output.may_draw.clear()
    frame = Frame(scene(20), 1)
    outbox.publish(result(1), frame)
    wait_until(lambda: output.drawn == [1])
    for stamp_ns in (2, 3, 4):
        outbox.publish(result(stamp_ns), frame)
    wait_until(lambda: output.told == [*'001234'])
    assert output.drawn == [1]
    output.may_draw.set()
    wait_until(lambda: output.drawn == [1, 4])
    wait_until(lambda: snapshot(accounts).pictures_skipped == 2)


def test_what_fails_is_logged_and_counted_and_the_rest_goes_on(
    outbox: Outbox, output: SlowOutput, accounts: Accounts, complaints: list[str]
) -> None:
    output.is_failing = True
    outbox.publish(result(1))
    outbox.publish(result(2))
    wait_until(lambda: snapshot(accounts).publishing_failures == 2)
    output.is_failing = False
    outbox.publish(result(3))
    wait_until(lambda: output.told == ['3'])
    assert 'the middleware gave up' in complaints[0]
    assert 'the middleware gave up' in snapshot(accounts).last_publishing_failure


def test_a_full_outbox_makes_the_tracker_wait_and_loses_nothing(
    outbox: Outbox, output: SlowOutput
) -> None:
    output.may_publish.clear()
    count = CAPACITY + 2  # one is being published, and one finds no room

    def publish() -> None:
        for stamp_ns in range(count):
            outbox.publish(result(stamp_ns))

    publishing = threading.Thread(target=publish)
    publishing.start()
    publishing.join(timeout=0.1)
    assert publishing.is_alive()
    output.may_publish.set()
    publishing.join(timeout=DEADLINE_S)
    assert not publishing.is_alive()
    outbox.close()
    assert output.told == [str(stamp_ns) for stamp_ns in range(count)]


def test_closing_gives_a_stuck_middleware_up(
    outbox: Outbox, output: SlowOutput, complaints: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, 'CLOSE_TIMEOUT_S', 0.05)
    output.may_publish.clear()
    for stamp_ns in range(CAPACITY + 1):
        outbox.publish(result(stamp_ns))
    outbox.hurry()
    outbox.publish(result(99))  # does not wait for room
    outbox.close()
    assert 'results were not published' in complaints[0]
    output.may_publish.set()
    wait_until(lambda: output.told == ['0'])


def test_what_comes_after_the_end_is_published_at_once(outbox: Outbox, output: SlowOutput) -> None:
    outbox.close()
    outbox.publish_events([Event(EventType.PROMPT_REJECTED, 1)])
    assert output.told == ['PROMPT_REJECTED']
