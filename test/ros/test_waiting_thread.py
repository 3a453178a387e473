# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Services that take their time, past the executor."""

from collections.abc import Iterator
import threading
from typing import Any

import pytest
from rclpy.node import Node
from std_srvs.srv import Trigger

from ros.harness import DEADLINE_S, Operator
from sam2_tracker_ros.ros.waiting_thread import WaitingThread


@pytest.fixture
def thread(unspun_node: Node, complaints: list[str]) -> Iterator[WaitingThread]:
    made = WaitingThread(unspun_node, 'services', complaints.append)
    yield made
    made.destroy()


def test_answers_come_one_after_another(operator: Operator, thread: WaitingThread) -> None:
    may_answer = threading.Event()
    asked: list[int] = []

    def answer(_: Any, response: Trigger.Response) -> Trigger.Response:
        asked.append(len(asked))
        response.message = f'answer {asked[-1]}'
        assert may_answer.wait(DEADLINE_S)
        response.success = True
        return response

    thread.serve(Trigger, 'tracker/slow', answer)
    thread.start()
    client = operator.client(Trigger, 'slow')
    futures = [client.call_async(Trigger.Request()) for _ in range(3)]
    operator.wait_until(lambda: asked, 'the first request')
    operator.listen()
    assert asked == [0], 'the others wait'
    may_answer.set()
    operator.wait_until(lambda: all(future.done() for future in futures), 'the answers')
    answers = [future.result() for future in futures]
    assert sorted(each.message for each in answers if each) == ['answer 0', 'answer 1', 'answer 2']


def test_a_callback_that_fails_is_logged_and_the_next_is_answered(
    operator: Operator, thread: WaitingThread, complaints: list[str]
) -> None:
    def answer(_: Any, response: Trigger.Response) -> Trigger.Response:
        if not complaints:
            message = 'not today'
            raise ValueError(message)
        response.success = True
        return response

    thread.serve(Trigger, 'tracker/moody', answer)
    thread.start()
    client = operator.client(Trigger, 'moody')
    client.call_async(Trigger.Request())
    operator.wait_until(lambda: complaints, 'a complaint')
    assert 'not today' in complaints[0]
    assert 'moody' in complaints[0]
    second = client.call_async(Trigger.Request())
    operator.wait_until(second.done, 'an answer')
    answered = second.result()
    assert answered is not None
    assert answered.success


def test_the_end_takes_the_services_away(operator: Operator, unspun_node: Node) -> None:
    thread = WaitingThread(unspun_node, 'services', lambda _: None)
    thread.serve(Trigger, 'tracker/slow', lambda _, response: response)
    thread.start()
    client = operator.client(Trigger, 'slow')
    thread.destroy()
    operator.wait_until(lambda: not client.service_is_ready(), 'the end of the service')
