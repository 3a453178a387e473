# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
A thread that waits for some topics and services of a node, which the executor leaves alone.

For every message rclpy's executor looks at all entities of the node several times, in Python:
about 1 ms in which the tracker's thread may have to wait for the interpreter. With more threads it
is worse: until one has begun with a callback, MultiThreadedExecutor offers it again and again, and
keeps the interpreter from everybody (rclpy 7 to 9, `_wait_for_ready_callbacks`).
"""

from collections.abc import Callable
import threading
import traceback
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.impl.implementation_singleton import rclpy_implementation as _rclpy
from rclpy.node import Node
from rclpy.service import Service
from rclpy.subscription import Subscription

_FOREVER_NS = -1


class _NotOfTheExecutor(CallbackGroup):
    """Keeps the executor away from what the thread waits for."""

    def can_execute(self, _: object) -> bool:
        return False

    def beginning_execution(self, _: object) -> bool:
        return False

    def ending_execution(self, _: object) -> None:
        pass


class WaitingThread:
    """
    Takes what comes for its entities, one after another, from `start` to `stop`.

    :param name: of the thread.
    :param log_error: is told when something could not be taken or handled.
    """

    def __init__(self, node: Node, name: str, log_error: Callable[[str], None]) -> None:
        self._node = node
        self._log_error = log_error
        # What the thread waits for has to be created in it.
        self.group: CallbackGroup = _NotOfTheExecutor()
        self._subscriptions: list[tuple[Subscription[Any], Callable[[], None]]] = []
        self._services: list[tuple[Service[Any, Any], Callable[[], None]]] = []
        self._woken = node.create_guard_condition(lambda: None, self.group)
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def add_subscription(
        self, subscription: 'Subscription[Any]', take: Callable[[], None]
    ) -> None:
        """Wait for messages; `take` is called when there are some. To be called before `start`."""
        self._subscriptions.append((subscription, take))

    def serve(self, service_class: Any, name: str, callback: Callable[[Any, Any], Any]) -> None:
        """
        Create a service whose answers may take long. To be called before `start`.

        :param callback: takes the request and an empty response, and returns the response.
        """
        service: Service[Any, Any] = self._node.create_service(
            service_class, name, callback, callback_group=self.group
        )
        self._services.append((service, lambda: _answer(service)))

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more, when what is in hand is done; the entities stay."""
        self._is_stopping = True
        if self._thread.is_alive():
            self._woken.trigger()
            self._thread.join()

    def destroy(self) -> None:
        """Stop, and destroy the entities."""
        self.stop()
        for subscription, _ in self._subscriptions:
            self._node.destroy_subscription(subscription)
        for service, _ in self._services:
            self._node.destroy_service(service)
        self._node.destroy_guard_condition(self._woken)

    def _run(self) -> None:
        context: Any = self._node.context.handle
        counts = len(self._subscriptions), 1, 0, 0, len(self._services), 0
        wait_set = _rclpy.WaitSet(*counts, context)
        while not self._is_stopping:
            wait_set.clear_entities()
            for subscription, _ in self._subscriptions:
                wait_set.add_subscription(subscription.handle)
            for service, _ in self._services:
                wait_set.add_service(service.handle)
            wait_set.add_guard_condition(self._woken.handle)
            wait_set.wait(_FOREVER_NS)
            messages = wait_set.get_ready_entities('subscription')
            for subscription, take in self._subscriptions:
                if subscription.handle.pointer in messages:
                    self._guarded(subscription.topic_name, take)
            requests = wait_set.get_ready_entities('service') if self._services else ()
            for service, take in self._services:
                if service.handle.pointer in requests:
                    self._guarded(service.srv_name, take)

    def _guarded(self, name: str, take: Callable[[], None]) -> None:
        """Whatever is wrong with what comes, the thread lives on."""
        try:
            take()
        except Exception:
            self._log_error(f'{name}: {traceback.format_exc()}')


def _answer(service: 'Service[Any, Any]') -> None:
    handle: Any = service.handle
    request, header = handle.service_take_request(service.srv_type.Request)
    if header is not None:
        response = service.callback(request, service.srv_type.Response())
        service.send_response(response, header)
