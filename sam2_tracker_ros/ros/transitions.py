# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Lifecycle transitions that the state of a node does not allow.

Since Kilted, rclpy answers such a request with a failure. Before, in Humble and Jazzy, it raises
in the executor: anybody's request to configure a node that is configured would end its process.
"""

from collections.abc import Callable
from typing import Any

from rclpy.impl.implementation_singleton import rclpy_implementation as _rclpy
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn


def refuse_out_of_order(node: LifecycleNode) -> None:
    """Let the node's service answer what the state does not allow, whatever rclpy does."""
    service: Any = node._service_change_state
    change_state: Callable[[Any, Any], Any] = service.callback

    def answer(request: Any, response: Any) -> Any:
        try:
            return change_state(request, response)
        except _rclpy.RCLError as error:
            node.get_logger().error(f'refused a transition: {error}')
            response.success = False
            return response

    service.callback = answer


def succeeds(trigger: Callable[[], TransitionCallbackReturn]) -> bool:
    """Run a transition; return false also where the state does not allow it."""
    try:
        return trigger() is TransitionCallbackReturn.SUCCESS
    except _rclpy.RCLError:
        return False
