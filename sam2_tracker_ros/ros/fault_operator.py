# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Prompts, parameters and lifecycle transitions of the fault campaign."""

from collections.abc import Iterable, Sequence
import time
from typing import Any

from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.client import Client
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from std_srvs.srv import Trigger

from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND, Box
from sam2_tracker_ros.msg import Prompt
from sam2_tracker_ros.ros.processes import ProcessError
from sam2_tracker_ros.srv import SetTarget

_ANSWER_TIMEOUT_S = 15.0
_PROMPTS = QoSProfile(depth=500)


class Operator:
    """Asks a tracker for things; somebody else spins the node."""

    def __init__(self, node: Node) -> None:
        self._prompts = node.create_publisher(Prompt, 'tracker/prompt', _PROMPTS)
        self.set_target: Client[Any, Any] = node.create_client(SetTarget, 'tracker/set_target')
        self.stop: Client[Any, Any] = node.create_client(Trigger, 'tracker/stop')
        self._change_state: Client[Any, Any] = node.create_client(
            ChangeState, 'tracker/change_state'
        )
        self._get_state: Client[Any, Any] = node.create_client(GetState, 'tracker/get_state')
        self._set_parameters: Client[Any, Any] = node.create_client(
            SetParameters, 'tracker/set_parameters'
        )
        self._get_parameters: Client[Any, Any] = node.create_client(
            GetParameters, 'tracker/get_parameters'
        )

    def is_connected(self) -> bool:
        """Return whether a tracker takes prompts and answers."""
        clients = (
            self.set_target,
            self.stop,
            self._change_state,
            self._get_state,
            self._set_parameters,
            self._get_parameters,
        )
        return self._prompts.get_subscription_count() > 0 and all(
            client.service_is_ready() for client in clients
        )

    def prompt(
        self, box: Box | Sequence[float] | None = None, stamp_ns: int = 0, **fields: Any
    ) -> None:
        """Publish a prompt; see Prompt for the fields."""
        self._prompts.publish(prompt_message(box, stamp_ns, **fields))

    def clear(self) -> None:
        """Let the tracker release every target."""
        self.prompt(action=Prompt.ACTION_CLEAR)

    def call(self, client: Any, request: Any, timeout_s: float = _ANSWER_TIMEOUT_S) -> Any:
        """
        Return the answer of a service.

        :raises ProcessError: it does not answer.
        """
        future = client.call_async(request)
        end_s = time.monotonic() + timeout_s
        while not future.done():
            if time.monotonic() > end_s:
                client.remove_pending_request(future)
                message = f'{client.srv_name} has not answered within {timeout_s:.0f} s'
                raise ProcessError(message)
            time.sleep(0.005)
        return future.result()

    def transition(self, number: int) -> bool:
        """Ask for a lifecycle transition; return whether it was made."""
        request = ChangeState.Request()
        request.transition.id = number
        return bool(self.call(self._change_state, request).success)

    def state(self) -> int:
        """Return the number of the lifecycle state."""
        return int(self.call(self._get_state, GetState.Request()).current_state.id)

    def set_parameters(self, parameters: 'Iterable[Parameter[Any]]') -> list[bool]:
        """Set parameters one by one; return which were accepted."""
        request = SetParameters.Request(
            parameters=[parameter.to_parameter_msg() for parameter in parameters]
        )
        results = self.call(self._set_parameters, request).results
        return [bool(result.successful) for result in results]

    def parameters(self, names: list[str]) -> list[Any]:
        """Return the values of parameters as messages."""
        values = self.call(self._get_parameters, GetParameters.Request(names=names)).values
        return list(values)


def prompt_message(
    box: Box | Sequence[float] | None = None, stamp_ns: int = 0, **fields: Any
) -> Prompt:
    """Return a prompt; see Prompt for the fields."""
    message = Prompt(**fields)
    seconds, nanoseconds = divmod(stamp_ns, NANOSECONDS_PER_SECOND)
    message.header.stamp.sec, message.header.stamp.nanosec = seconds, nanoseconds
    if isinstance(box, Box):
        box = box.left, box.top, box.right, box.bottom
    if box is not None:
        message.box = [float(side) for side in box]
    return message
