# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Every way to point at a target: topics, clicks and services."""

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, TypeAlias

from geometry_msgs.msg import Point, PointStamped
from rclpy.node import Node
from std_srvs.srv import Trigger

from sam2_tracker_ros.core.types import Prompt, PromptAction, PromptAnswer
from sam2_tracker_ros.errors import PromptError
from sam2_tracker_ros.messages import prompt_from_click, prompt_from_message, stamp_ns_of
from sam2_tracker_ros.messages.prompts import MAX_TARGET_ID_LENGTH
from sam2_tracker_ros.msg import Prompt as PromptMessage
from sam2_tracker_ros.ros import qos
from sam2_tracker_ros.ros.waiting_thread import WaitingThread
from sam2_tracker_ros.srv import SetTarget

Answer: TypeAlias = 'Future[PromptAnswer]'

# A frame answers within one step of the model; images that stop are answered by the watchdog.
ANSWER_TIMEOUT_S = 10.0
# Nobody points faster than that; of a flood, every prompt is in the events.
_LOG_PERIOD_S = 0.1


class PromptInputs:
    """
    Turns messages and service calls into prompts, and answers them.

    :param ask: hands a prompt to the tracker, or raises PromptError.
    :param reject: publishes that a prompt was not accepted, given the reason and the target id.
    """

    def __init__(
        self, node: Node, ask: Callable[[Prompt], Answer], reject: Callable[[str, str], None]
    ) -> None:
        self._logger = node.get_logger()
        self._ask = ask
        self._reject = reject
        node.create_subscription(PromptMessage, '~/prompt', self._on_prompt, qos.PROMPT)
        node.create_subscription(Point, '~/prompt/click', self._on_click, qos.PROMPT)
        node.create_subscription(PointStamped, '~/prompt/point', self._on_point, qos.PROMPT)
        # They wait for a frame: in a thread of their own they hold nothing else up.
        self._services = WaitingThread(node, 'tracker_services', self._log_failure)
        self._services.serve(SetTarget, '~/set_target', self._on_set_target)
        self._services.serve(Trigger, '~/stop', self._on_stop)
        self._services.start()

    def close(self) -> None:
        """Serve no more; to be called when whoever is asked answers nothing but refusals."""
        self._services.stop()

    def _on_prompt(self, message: Any) -> None:
        self._ask_and_log(lambda: prompt_from_message(message), _short(message.target_id))

    def _on_click(self, message: Point) -> None:
        self._ask_and_log(lambda: prompt_from_click(message), '')

    def _on_point(self, message: PointStamped) -> None:
        stamp_ns = stamp_ns_of(message.header)
        self._ask_and_log(lambda: prompt_from_click(message.point, stamp_ns), '')

    def _ask_and_log(self, read: Callable[[], Prompt], target_id: str) -> None:
        try:
            answer = self._ask(read())
        except PromptError as error:
            self._reject(str(error), target_id)
            self._log_rejection(str(error))
            return
        answer.add_done_callback(lambda done: self._log(done.result()))

    def _log(self, answer: PromptAnswer) -> None:
        if answer.accepted:
            self._logger.info(f'{answer.target_id}: {answer.message}')
        else:
            self._log_rejection(answer.message)

    def _log_failure(self, text: str) -> None:
        self._logger.error(text, throttle_duration_sec=_LOG_PERIOD_S)

    def _log_rejection(self, why: str) -> None:
        self._logger.warning(f'prompt rejected: {why}', throttle_duration_sec=_LOG_PERIOD_S)

    def _on_set_target(self, request: Any, response: Any) -> Any:
        target_id = _short(request.prompt.target_id)
        answer = self._wait_for_answer(lambda: prompt_from_message(request.prompt), target_id)
        response.accepted = answer.accepted
        response.message = answer.message
        response.target_id = answer.target_id
        response.epoch = answer.epoch
        response.object_score = float(answer.object_score)
        response.predicted_iou = float(answer.predicted_iou)
        return response

    def _on_stop(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        answer = self._wait_for_answer(lambda: Prompt(PromptAction.CLEAR), '')
        response.success = answer.accepted
        response.message = answer.message
        return response

    def _wait_for_answer(self, read: Callable[[], Prompt], target_id: str) -> PromptAnswer:
        try:
            return self._ask(read()).result(timeout=ANSWER_TIMEOUT_S)
        except PromptError as error:
            why = str(error)
            self._reject(why, target_id)
        except FutureTimeoutError:
            why = (
                f'no frame answered within {ANSWER_TIMEOUT_S:g} s; the prompt may still take '
                'effect; see /diagnostics for the rate of the node'
            )
        return PromptAnswer(accepted=False, message=why, target_id=target_id)


def _short(target_id: str) -> str:
    """Return the name in an answer: one that is too long to be used is not repeated in full."""
    return target_id[:MAX_TARGET_ID_LENGTH]
