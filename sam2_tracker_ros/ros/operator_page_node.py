# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node `operator_page`: the tracker's pictures and states to browsers, their prompts back."""

import asyncio
from concurrent.futures import Future
import math
from typing import TYPE_CHECKING, Any

from rclpy.client import Client
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage
from std_srvs.srv import Trigger

from sam2_tracker_ros.core.prompts import LABEL_BACKGROUND, LABEL_FOREGROUND
from sam2_tracker_ros.core.types import (
    NANOSECONDS_PER_SECOND,
    Box,
    Prompt,
    PromptAction,
    PromptAnswer,
    Reason,
    TargetState,
)
from sam2_tracker_ros.errors import Sam2TrackerError
from sam2_tracker_ros.messages import event_from_message, seconds_of, stamp_ns_of
from sam2_tracker_ros.msg import GimbalFollowerStatus, Target, TargetEvent
from sam2_tracker_ros.msg import Prompt as PromptMessage
from sam2_tracker_ros.operator_page.config import PageConfig
from sam2_tracker_ros.operator_page.feed import Feed, TargetView
from sam2_tracker_ros.ros import qos
from sam2_tracker_ros.ros.node_main import ClosingNode, run_node
from sam2_tracker_ros.ros.read_only import read_only_parameter
from sam2_tracker_ros.srv import SetTarget

if TYPE_CHECKING:
    from sam2_tracker_ros.operator_page.server import PageServer

# The tracker answers within 10 s, or says that no frame came.
_ANSWER_TIMEOUT_S = 12.0
_LOOK_FOR_PAGES_S = 0.2
_LOOK_FOR_SIGNALS_S = 0.1
_GIMBAL_MODES = {
    getattr(GimbalFollowerStatus, f'MODE_{name}'): name
    for name in ('IDLE', 'FOLLOWING', 'COASTING', 'HOLDING', 'SEARCHING', 'STALE')
}


class OperatorPageError(Sam2TrackerError):
    """The page cannot be served here."""


class OperatorPageNode(ClosingNode):
    """
    Feeds the web server, which runs in a thread of its own.

    :param node_arguments: of rclpy's Node.
    :raises Sam2TrackerError: the parameters would let anybody in, or aiohttp is missing.
    """

    def __init__(self, **node_arguments: Any) -> None:
        super().__init__('operator_page', **node_arguments)
        config = _page_config(self)
        self._target_id = read_only_parameter(
            self, 'target_id', 'target', 'Name of a target that is selected while there is none.'
        )
        self._set_target: Client[Any, Any] = self.create_client(SetTarget, 'tracker/set_target')
        self._stop: Client[Any, Any] = self.create_client(Trigger, 'tracker/stop')
        self._feed = Feed()
        self._server = _page_server(config, self._feed, self)
        self._pictures: Subscription[Any] | None = None
        self.create_subscription(Target, 'tracker/target', self._on_target, qos.TARGET)
        self.create_subscription(TargetEvent, 'tracker/events', self._on_event, qos.EVENT)
        self.create_subscription(
            GimbalFollowerStatus, 'gimbal_follower/status', self._on_gimbal, qos.TARGET
        )
        # Pages come and go whether or not a simulator's time goes on.
        self.create_timer(
            _LOOK_FOR_PAGES_S,
            self._follow_pages,
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    def start(self) -> int:
        """
        Serve the page, and return its port.

        :raises Sam2TrackerError: the address cannot be listened on.
        """
        port = self._server.start()
        host = self.get_parameter('host').value
        key = '?token= and the token' if self.get_parameter('token').value else ''
        self.get_logger().info(f'the page is at http://{host}:{port}/{key}')
        return port

    def close(self) -> None:
        """Close every page."""
        self._server.stop()

    async def prompt(self, prompt: Prompt) -> PromptAnswer:
        """Ask the tracker, from the server's thread."""
        target_id = self._feed.shown_target_id()
        if prompt.action is PromptAction.ADD:
            # The target that is on the screen starts anew: whoever follows it goes on.
            target_id = target_id or self._target_id
        request = SetTarget.Request(prompt=_prompt_message(prompt, target_id))
        response = await self._call(self._set_target, request)
        if response is None:
            return _no_answer(self._set_target)
        return PromptAnswer(response.accepted, response.message, response.target_id)

    async def stop(self) -> PromptAnswer:
        """Ask the tracker to release every target, from the server's thread."""
        response = await self._call(self._stop, Trigger.Request())
        if response is None:
            return _no_answer(self._stop)
        return PromptAnswer(response.success, response.message)

    async def _call(self, client: 'Client[Any, Any]', request: Any) -> Any:
        """Return the answer of a service; None when it is not there or does not answer."""
        if not client.service_is_ready():
            return None
        answer: Future[Any] = Future()
        pending = client.call_async(request)

        def on_done(done: Any) -> None:
            if answer.set_running_or_notify_cancel():
                answer.set_result(done.result())

        pending.add_done_callback(on_done)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(answer), _ANSWER_TIMEOUT_S)
        except asyncio.TimeoutError:
            client.remove_pending_request(pending)
            return None

    def _on_target(self, message: Target) -> None:
        self._feed.put_target(stamp_ns_of(message.header), _target_view(message))
        self._server.notify()

    def _on_picture(self, message: CompressedImage) -> None:
        self._feed.put_picture(stamp_ns_of(message.header), bytes(message.data))
        self._server.notify()

    def _on_event(self, message: TargetEvent) -> None:
        event = event_from_message(message)
        self._feed.put_event(event)
        self._server.notify()

    def _on_gimbal(self, message: GimbalFollowerStatus) -> None:
        self._feed.put_gimbal(_GIMBAL_MODES.get(message.mode, 'UNKNOWN'), message.detail)

    def _follow_pages(self) -> None:
        """Subscribe to pictures only while somebody looks: the tracker draws them then."""
        is_open = self._server.page_count > 0
        if is_open and self._pictures is None:
            self._pictures = self.create_subscription(
                CompressedImage, 'tracker/overlay/compressed', self._on_picture, qos.IMAGE
            )
        elif not is_open and self._pictures is not None:
            self.destroy_subscription(self._pictures)
            self._pictures = None


def _page_config(node: Node) -> PageConfig:
    """Declare the parameters of the server, and return their values."""
    default = PageConfig()
    host = read_only_parameter(
        node, 'host', default.host, 'Address to listen on; any but this machine needs a token.'
    )
    port = read_only_parameter(node, 'port', default.port, '0 for any free one.', (0, 65535))
    token = read_only_parameter(
        node, 'token', default.token, 'What a browser must show once, 16 characters or more.'
    )
    names = read_only_parameter(
        node, 'allowed_hosts', '', 'Names of this machine in browsers, separated by commas.'
    )
    pages = read_only_parameter(
        node, 'max_pages', default.max_pages, 'Pages that may be open at the same time.', (1, 64)
    )
    rate_hz = read_only_parameter(
        node, 'max_rate_hz', default.max_rate_hz, 'Pictures in a second at most.', (1.0, 120.0)
    )
    allowed_hosts = tuple(name.strip() for name in names.split(',') if name.strip())
    return PageConfig(host, port, token, allowed_hosts, pages, rate_hz)


def _page_server(config: PageConfig, feed: Feed, node: OperatorPageNode) -> 'PageServer':
    """
    Return the server; aiohttp is optional, so it is imported here.

    :raises OperatorPageError: it is not installed.
    """
    try:
        from sam2_tracker_ros.operator_page.server import PageServer  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or '').partition('.')[0] != 'aiohttp':
            raise
        message = "aiohttp is not installed; install it with: pip install '.[operator]'"
        raise OperatorPageError(message) from error
    return PageServer(config, feed, node)


def _target_view(message: Target) -> TargetView:
    sides = [float(side) for side in message.box_normalized]
    return TargetView(
        target_id=message.target_id,
        state=TargetState(message.state),
        reason=Reason(message.reason),
        measured=message.measured,
        box=Box(*sides) if all(map(math.isfinite, sides)) else None,
        confidence=message.confidence,
        latency_s=seconds_of(message.latency),
        unseen_s=seconds_of(message.time_since_measured),
    )


def _prompt_message(prompt: Prompt, target_id: str) -> PromptMessage:
    message = PromptMessage(action=int(prompt.action), target_id=target_id, normalized=True)
    stamp = message.header.stamp
    stamp.sec, stamp.nanosec = divmod(prompt.stamp_ns, NANOSECONDS_PER_SECOND)
    message.point_x = [point.x for point in prompt.points]
    message.point_y = [point.y for point in prompt.points]
    message.point_labels = [
        LABEL_FOREGROUND if point.is_foreground else LABEL_BACKGROUND for point in prompt.points
    ]
    if prompt.box is not None:
        box = prompt.box
        message.box = [box.left, box.top, box.right, box.bottom]
    return message


def _no_answer(client: 'Client[Any, Any]') -> PromptAnswer:
    message = f'{client.service_name} does not answer; is the tracker running and active?'
    return PromptAnswer(accepted=False, message=message)


def _serving_node() -> OperatorPageNode:
    node = OperatorPageNode()
    node.start()
    return node


def main() -> int:
    """Serve the page until SIGINT or SIGTERM."""
    return run_node('operator_page', _serving_node)


if __name__ == '__main__':
    raise SystemExit(main())
