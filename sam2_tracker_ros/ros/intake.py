# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a camera sends, twice for each frame: taken in a thread of its own, past the executor."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
import time
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription

from sam2_tracker_ros.ros.waiting_thread import WaitingThread

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # ROS 2 Humble
    from rclpy.qos_event import SubscriptionEventCallbacks


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
        self._thread = WaitingThread(node, 'tracker_intake', log_error)

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
            callback_group=self._thread.group,
            # Best effort fits every publisher, so there is no event to handle.
            event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
            raw=raw,
        )
        self._thread.add_subscription(subscription, partial(_take, subscription, handler))

    def start(self) -> None:
        """Begin to take messages."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more; the subscriptions stay."""
        self._thread.stop()

    def destroy(self) -> None:
        """Unsubscribe."""
        self._thread.destroy()


def _take(subscription: 'Subscription[Any]', handler: Callable[[Arrival], None]) -> None:
    """Hand on the newest message of those that wait; what comes meanwhile is for next time."""
    message_class, raw = subscription.msg_type, subscription.raw
    newest: Arrival | None = None
    skipped = 0
    for _ in range(subscription.qos_profile.depth):
        started_s = time.perf_counter()
        taken: Any = subscription.handle.take_message(message_class, raw)
        if taken is None:
            break
        if newest is not None:
            skipped += 1
        newest = Arrival(taken[0], skipped, time.perf_counter() - started_s)
    if newest is not None:
        handler(newest)
