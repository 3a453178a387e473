# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Messages past the executor: the newest of those that came, and a thread that lives on."""

from collections.abc import Iterator
from pathlib import Path
import sys
import threading

import pytest
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image

from ros.ends import Running
from ros.harness import DEADLINE_S, Operator, scene
from sam2_tracker_ros.messages import stamp_ns_of
from sam2_tracker_ros.messages.serialized import read_image
from sam2_tracker_ros.ros import qos
from sam2_tracker_ros.ros.intake import Arrival, Intake

# Publishes as fast as it can.
FLOOD = """
import sys
import rclpy
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image

rclpy.init()
node = rclpy.create_node('flood', namespace=sys.argv[1])
publisher = node.create_publisher(Image, 'image', qos_profile_sensor_data)
image = Image(height=10, width=10, encoding='mono8', step=10, data=bytes(100))
while True:
    publisher.publish(image)
"""


@pytest.fixture
def intake(unspun_node: Node, complaints: list[str]) -> Iterator[Intake]:
    made = Intake(unspun_node, complaints.append)
    yield made
    made.destroy()


def test_what_comes_meanwhile_is_skipped_and_counted(operator: Operator, intake: Intake) -> None:
    arrivals: list[Arrival] = []
    may_go_on = threading.Event()

    def handle(arrival: Arrival) -> None:
        arrivals.append(arrival)
        assert may_go_on.wait(DEADLINE_S)

    intake.subscribe(Image, 'image', qos.IMAGE_INPUT, handle, raw=True)
    intake.start()
    operator.wait_until(operator.images.get_subscription_count, 'the subscription')
    operator.images.publish(operator.image(scene(20)))
    operator.wait_until(lambda: arrivals, 'the first image')
    for x in (30, 40, 50):
        newest = operator.image(scene(x))
        operator.images.publish(newest)
    operator.listen()
    may_go_on.set()
    operator.wait_until(
        lambda: sum(1 + arrival.skipped for arrival in arrivals) == 4, 'all images'
    )
    assert arrivals[0].skipped == 0
    assert stamp_ns_of(read_image(arrivals[-1].message).header) == stamp_ns_of(newest.header)
    assert arrivals[-1].taking_s > 0.0


def test_images_that_come_faster_than_they_are_taken_are_handed_on(
    intake: Intake, namespace: str, tmp_path: Path
) -> None:
    """To wait for a moment without another one would take for ever."""
    arrivals: list[Arrival] = []
    are_enough = threading.Event()

    def keep_the_interpreter() -> None:
        while not are_enough.is_set():
            sum(range(1000))

    intake.subscribe(Image, 'image', qos.IMAGE_INPUT, arrivals.append, raw=True)
    busy = threading.Thread(target=keep_the_interpreter)
    try:
        busy.start()
        intake.start()
        with Running([sys.executable, '-c', FLOOD, namespace], tmp_path / 'log') as flooding:
            flooding.wait_until(lambda: len(arrivals) > 20, 'images')
    finally:
        are_enough.set()
        busy.join()


def test_a_handler_that_fails_is_logged_and_called_again(
    operator: Operator, intake: Intake, complaints: list[str]
) -> None:
    called: list[CameraInfo] = []

    def handle(arrival: Arrival) -> None:
        called.append(arrival.message)
        message = 'no such lens'
        raise ValueError(message)

    intake.subscribe(CameraInfo, 'camera_info', qos.CAMERA_INFO_INPUT, handle)
    intake.start()
    operator.wait_until(operator.infos.get_subscription_count, 'the subscription')
    operator.infos.publish(CameraInfo(width=7))
    operator.wait_until(lambda: len(complaints) == 1, 'a complaint')
    operator.infos.publish(CameraInfo(width=7))
    operator.wait_until(lambda: len(complaints) == 2, 'another complaint')
    assert [info.width for info in called] == [7, 7]
    assert 'no such lens' in complaints[0]


def test_the_end_unsubscribes(operator: Operator, unspun_node: Node) -> None:
    for started in (True, False):
        intake = Intake(unspun_node, lambda _: None)
        intake.subscribe(Image, 'image', qos.IMAGE_INPUT, lambda _: None, raw=True)
        if started:
            intake.start()
        operator.wait_until(operator.images.get_subscription_count, 'the subscription')
        intake.stop()
        intake.destroy()
        operator.wait_until(lambda: not operator.images.get_subscription_count(), 'the end')
