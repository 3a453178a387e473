# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
What a camera sends, taken in a thread of its own instead of the executor's.

For every message, and a camera sends two for each frame, rclpy's executor looks at all entities of
the node several times, in Python: about 1 ms in which the tracker's thread may have to wait for
the interpreter. The thread here waits for its own topics only.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
import threading
import time
import traceback
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.impl.implementation_singleton import rclpy_implementation as _rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # ROS 2 Humble
    from rclpy.qos_event import SubscriptionEventCallbacks

_FOREVER_NS = -1


class _NotOfTheExecutor(CallbackGroup):
    """Keeps the executor away from what the intake waits for."""

    def can_execute(self, _: object) -> bool:
        return False

    def beginning_execution(self, _: object) -> bool:
        return False

    def ending_execution(self, _: object) -> None:
        pass


@dataclass(frozen=True)
class Arrival:
    """
    The newest message of a topic.

    :param skipped: messages that came before it and that nobody gets.
    :param taking_s: how long the middleware took to hand it over.
    :param arrived_s: time.perf_counter() since when it could be looked at.
    """

    message: Any
    skipped: int = 0
    taking_s: float = 0.0
    arrived_s: float = field(default_factory=time.perf_counter)


class Intake:
    """
    Waits for messages of its subscriptions from `start` to `stop`, and hands the newest on.

    :param log_error: is told when a message could not be taken or handled.
    """

    def __init__(self, node: Node, log_error: Callable[[str], None]) -> None:
        self._node = node
        self._log_error = log_error
        self._group = _NotOfTheExecutor()
        self._subscriptions: list[Subscription[Any]] = []
        self._handlers: list[Callable[[Arrival], None]] = []
        self._woken = node.create_guard_condition(lambda: None, self._group)
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name='tracker_intake', daemon=True)

    def subscribe(
        self,
        message_class: type[Any],
        topic: str,
        qos_profile: QoSProfile,
        handler: Callable[[Arrival], None],
        *,
        raw: bool = False,
    ) -> None:
        """
        Take messages of a topic; to be called before `start`.

        :param raw: hand serialized messages on.
        """
        subscription = self._node.create_subscription(
            message_class,
            topic,
            lambda _: None,
            qos_profile,
            callback_group=self._group,
            # Best effort fits every publisher, so there is no event to handle.
            event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
            raw=raw,
        )
        self._subscriptions.append(subscription)
        self._handlers.append(handler)

    def start(self) -> None:
        """Begin to take messages."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more; the subscriptions stay."""
        self._is_stopping = True
        if self._thread.is_alive():
            self._woken.trigger()
            self._thread.join()

    def destroy(self) -> None:
        """Unsubscribe."""
        self.stop()
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._node.destroy_guard_condition(self._woken)

    def _run(self) -> None:
        context: Any = self._node.context.handle
        wait_set = _rclpy.WaitSet(len(self._subscriptions), 1, 0, 0, 0, 0, context)
        while not self._is_stopping:
            wait_set.clear_entities()
            for subscription in self._subscriptions:
                wait_set.add_subscription(subscription.handle)
            wait_set.add_guard_condition(self._woken.handle)
            wait_set.wait(_FOREVER_NS)
            ready = wait_set.get_ready_entities('subscription')
            for subscription, handler in zip(self._subscriptions, self._handlers, strict=True):
                if subscription.handle.pointer in ready:
                    self._take(subscription, handler)

    def _take(self, subscription: 'Subscription[Any]', handler: Callable[[Arrival], None]) -> None:
        """Hand the newest message on; whatever is wrong with it, the thread lives on."""
        message_class, raw = subscription.msg_type, subscription.raw
        newest: Arrival | None = None
        skipped = 0
        try:
            while True:
                started_s = time.perf_counter()
                taken: Any = subscription.handle.take_message(message_class, raw)
                if taken is None:
                    break
                if newest is not None:
                    skipped += 1
                newest = Arrival(taken[0], skipped, time.perf_counter() - started_s)
            if newest is not None:
                handler(newest)
        except Exception:
            self._log_error(f'{subscription.topic_name}: {traceback.format_exc()}')
