# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
A camera that costs next to nothing: images drawn and serialised beforehand, in its own process.

It plays at a rate, as a camera does, or as fast as a tracker answers, which is a rate that no
camera has but shows what the tracker can take.
"""

from dataclasses import dataclass
from multiprocessing.connection import Connection
import struct
import time
from typing import Any

import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from rclpy.serialization import serialize_message
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image

from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND, Box
from sam2_tracker_ros.messages import image_message, stamp_ns_of
from sam2_tracker_ros.msg import TargetArray
from sam2_tracker_ros.replay.child_process import ChildProcess
from sam2_tracker_ros.ros.message_classes import installed_message_classes
from sam2_tracker_ros.ros.processes import ProcessError
from sam2_tracker_ros.testing.drone_scene import DroneScene

DRAWN_FRAMES = 60
_FRAME_ID = 'camera_optical_frame'
# An image on its way while the one before it is processed: the tracker never waits for one.
_IN_FLIGHT = 2
_ANSWER_TIMEOUT_S = 0.5
# CDR: four bytes that tell the order of bytes, then the header's stamp.
_STAMP = struct.Struct('<iI')
_STAMP_OFFSET = 4


@dataclass(frozen=True)
class Play:
    """
    Show so many frames; the film goes forwards and backwards.

    :param rate_hz: 0 as fast as the tracker answers.
    :param is_held: show the first frame again and again.
    """

    frame_count: int
    rate_hz: float
    is_held: bool = False


@dataclass(frozen=True)
class Played:
    """
    What was shown.

    :param stamps_ns: of the images; stamped when they were published.
    :param late: of them, more than half a period after their time.
    """

    stamps_ns: tuple[int, ...]
    duration_s: float
    late: int


class SimulatedCameraPlayer:
    """The process; the film's first frame shows the target at `start`."""

    def __init__(self) -> None:
        self._process = ChildProcess(serve)
        self._connection = self._process.connection
        self.start: Box = self._receive()

    def begin(self, play: Play) -> None:
        """Start to show frames."""
        self._connection.send(play)

    def result(self) -> Played | None:
        """
        Return what was shown; None while it goes on.

        :raises ProcessError: the process is gone.
        """
        return self._receive() if self._connection.poll() else None

    def stop(self) -> None:
        """End the process, which shows nothing more."""
        self._process.stop()

    def kill(self) -> None:
        """End the process, whatever it shows."""
        self._process.kill()

    def _receive(self) -> Any:
        try:
            return self._connection.recv()
        except (EOFError, OSError) as error:
            message = 'the process that plays images ended too early; see what it wrote above'
            raise ProcessError(message) from error


class _PlayerNode(Node):
    def __init__(self, images: list[bytearray]) -> None:
        super().__init__('simulated_camera')
        self._images = images
        self._answered_ns = 0
        self._publisher = self.create_publisher(Image, 'image', qos_profile_sensor_data)
        self.create_subscription(
            TargetArray, 'tracker/targets', self._on_targets, QoSProfile(depth=10)
        )

    def play(self, play: Play) -> Played:
        start_s = time.monotonic()
        stamps_ns: list[int] = []
        late = 0
        for index in range(play.frame_count):
            if play.rate_hz:
                due_s = start_s + index / play.rate_hz
                self._spin_until(due_s)
                late += time.monotonic() - due_s > 0.5 / play.rate_hz
            elif index >= _IN_FLIGHT:
                self._await_answer(stamps_ns[index - _IN_FLIGHT])
            stamps_ns.append(self._publish(0 if play.is_held else index))
        return Played(tuple(stamps_ns), time.monotonic() - start_s, late)

    def _publish(self, index: int) -> int:
        last = len(self._images) - 1
        phase = index % (2 * last)
        image = self._images[min(phase, 2 * last - phase)]
        stamp_ns = time.time_ns()
        _STAMP.pack_into(image, _STAMP_OFFSET, *divmod(stamp_ns, NANOSECONDS_PER_SECOND))
        self._publisher.publish(bytes(image))
        return stamp_ns

    def _await_answer(self, stamp_ns: int) -> None:
        """Wait until the tracker has published for an image, but not for ever: it may be lost."""
        end_s = time.monotonic() + _ANSWER_TIMEOUT_S
        while self._answered_ns < stamp_ns and time.monotonic() < end_s:
            rclpy.spin_once(self, timeout_sec=0.05)

    def _spin_until(self, end_s: float) -> None:
        while (rest_s := end_s - time.monotonic()) > 0.0:
            rclpy.spin_once(self, timeout_sec=rest_s)

    def _on_targets(self, message: TargetArray) -> None:
        self._answered_ns = max(self._answered_ns, stamp_ns_of(message.header))


def serve(connection: Connection) -> None:
    """Draw, then play what is asked for until nobody asks any more."""
    scene = DroneScene()
    frames = [scene.frame(index) for index in range(DRAWN_FRAMES)]
    classes = installed_message_classes()
    header = classes.header_of(0, _FRAME_ID)
    images = [
        bytearray(serialize_message(image_message(classes, frame.image, 'bgr8', header)))
        for frame in frames
    ]
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = _PlayerNode(images)
    try:
        connection.send(frames[0].box)
        while True:
            connection.send(node.play(connection.recv()))
    except (EOFError, ConnectionError, KeyboardInterrupt):
        return
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
