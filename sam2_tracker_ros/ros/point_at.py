# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Point the running tracker at something: `point_at --box x,y,width,height` or `--point x,y`."""

from argparse import ArgumentParser, ArgumentTypeError
import math
import sys
import time
from typing import Any

import rclpy
from rclpy.client import Client
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.utilities import remove_ros_args

from sam2_tracker_ros.msg import Prompt, TargetArray
from sam2_tracker_ros.ros import qos
from sam2_tracker_ros.srv import SetTarget


class PointAt(Node):
    """Asks the tracker of the same namespace, once it has processed an image."""

    def __init__(self) -> None:
        super().__init__('point_at')
        self._client: Client[Any, Any] = self.create_client(SetTarget, 'tracker/set_target')
        self._has_image = False
        self.create_subscription(TargetArray, 'tracker/targets', self._on_targets, qos.TARGET)

    def ask(self, prompt: Prompt, timeout_s: float) -> bool:
        """
        Start a target and log the tracker's answer.

        :param timeout_s: how long to wait for the tracker, its first image and its answer.
        :return: whether the prompt was accepted.
        """
        deadline_s = time.monotonic() + timeout_s
        while not (self._has_image and self._client.service_is_ready()):
            if time.monotonic() > deadline_s:
                topic = self.resolve_topic_name('tracker/targets')
                self.get_logger().error(
                    f'no processed frame on {topic} within {timeout_s:g} s; check that the '
                    'tracker is active and that its image topic has a publisher'
                )
                return False
            rclpy.spin_once(self, timeout_sec=0.1)
        future = self._client.call_async(SetTarget.Request(prompt=prompt))
        rclpy.spin_until_future_complete(
            self, future, timeout_sec=max(0.1, deadline_s - time.monotonic())
        )
        answer = future.result()
        if answer is None:
            self.get_logger().error('the tracker did not answer; see its log')
            return False
        if not answer.accepted:
            self.get_logger().error(f'not accepted: {answer.message}')
            return False
        self.get_logger().info(f'{answer.target_id}: {answer.message}')
        return True

    def _on_targets(self, targets: TargetArray) -> None:
        self._has_image = self._has_image or targets.frames_processed > 0


def box_of(text: str) -> list[float]:
    """Return left, top, right and bottom of `x,y,width,height`."""
    left, top, width, height = _numbers(text, 'x,y,width,height')
    return [left, top, left + width, top + height]


def point_of(text: str) -> list[float]:
    """Return the two numbers of `x,y`."""
    return _numbers(text, 'x,y')


def main() -> int:
    """Run until the tracker has answered."""
    parser = ArgumentParser(prog='point_at', description='Point the running tracker at something.')
    shape = parser.add_mutually_exclusive_group(required=True)
    shape.add_argument('--box', type=box_of, metavar='X,Y,W,H', help='top left corner and size')
    shape.add_argument('--point', type=point_of, metavar='X,Y', help='a point on the object')
    parser.add_argument(
        '--normalized', action='store_true', help='numbers are 0..1 of the image, not pixels'
    )
    parser.add_argument('--target-id', default='', help='name of the target (default: a free one)')
    parser.add_argument('--timeout-s', type=float, default=30.0, help='default: 30')
    arguments = parser.parse_args(remove_ros_args(sys.argv)[1:])

    prompt = Prompt(target_id=arguments.target_id, normalized=arguments.normalized)
    if arguments.box:
        prompt.box = arguments.box
    else:
        x, y = arguments.point
        prompt.point_x, prompt.point_y = [x], [y]
        prompt.point_labels = [Prompt.LABEL_FOREGROUND]
    rclpy.init()
    node = PointAt()
    try:
        return 0 if node.ask(prompt, arguments.timeout_s) else 1
    except (KeyboardInterrupt, ExternalShutdownException):
        return 1
    finally:
        rclpy.try_shutdown()


def _numbers(text: str, shape: str) -> list[float]:
    try:
        numbers = [float(word) for word in text.split(',')]
    except ValueError:
        numbers = []
    if len(numbers) != shape.count(',') + 1 or not all(map(math.isfinite, numbers)):
        message = f'{text!r} is not of the form {shape}'
        raise ArgumentTypeError(message)
    return numbers
