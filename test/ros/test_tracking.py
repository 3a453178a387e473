# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node from image to target, over DDS."""

import array
import math
from typing import Any

import cv2
from geometry_msgs.msg import Point, PointStamped
import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_srvs.srv import Trigger

from ros.harness import (
    HEIGHT,
    RELIABLE,
    WIDTH,
    Operator,
    StartTracker,
    prompt,
    scene,
    square_prompt,
    stamped,
)
from sam2_tracker_ros.core.types import EventType, UInt8Array
from sam2_tracker_ros.messages import native_bytes, stamp_ns_of
from sam2_tracker_ros.msg import Prompt, Target


def box_of(target: Target) -> list[float]:
    return [target.box_left, target.box_top, target.box_right, target.box_bottom]


def test_an_idle_node_answers_every_frame(operator: Operator, start_tracker: StartTracker) -> None:
    start_tracker()
    for number in range(1, 4):
        message = operator.image(scene(20))
        operator.images.publish(message)
        found = operator.wait_for_frame(stamp_ns_of(message.header))
        assert found.header == message.header
        assert len(found.targets) == 0
        assert (found.frames_processed, found.frames_dropped) == (number, 0)
        (target,) = operator.targets_of(stamp_ns_of(message.header))
        assert (target.state, target.measured) == (Target.STATE_IDLE, False)
        assert math.isnan(target.box_left)


def test_a_box_starts_a_target_that_is_followed(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker()
    operator.start_target(20)
    assert operator.wait_for_event(EventType.ACQUIRED).target_id == 'car'
    for x in (22, 25, 28, 31):
        found = operator.show(scene(x))
        (target,) = found.targets
        assert (target.target_id, target.state) == ('car', Target.STATE_TRACKING)
        assert target.measured
        assert target.header == found.header
        np.testing.assert_allclose(box_of(target), [x, 40, x + 30, 70], atol=2.0)
        (alone,) = operator.targets_of(stamp_ns_of(found.header))
        assert repr(alone) == repr(target)


def test_clicks_and_points_move_one_target(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker()
    pixels = scene(20)
    pixels[80:110, 100:130] = (30, 40, 220)
    operator.show(pixels)
    operator.clicks.publish(Point(x=35.0, y=55.0))
    operator.wait_until(lambda: operator.show(pixels).targets, 'a target')
    (first,) = operator.arrays[-1].targets
    np.testing.assert_allclose(box_of(first), [20, 40, 50, 70], atol=2.0)
    operator.points.publish(stamped(PointStamped(point=Point(x=115.0, y=95.0)), 5_000_000_000))
    operator.wait_until(
        lambda: operator.show(pixels).targets[0].epoch > first.epoch, 'another epoch'
    )
    (second,) = operator.arrays[-1].targets
    assert second.target_id == first.target_id
    np.testing.assert_allclose(box_of(second), [100, 80, 130, 110], atol=2.0)


def test_a_mask_prompt_starts_a_target(operator: Operator, start_tracker: StartTracker) -> None:
    start_tracker()
    pixels = scene(20)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[40:70, 20:50] = 255
    image = Image(
        height=HEIGHT, width=WIDTH, encoding='mono8', step=WIDTH, data=native_bytes(mask)
    )
    operator.show(pixels)
    answer = operator.select(pixels, mask=image)
    assert answer.accepted, answer.message
    (target,) = operator.show(pixels).targets
    np.testing.assert_allclose(box_of(target), [20, 40, 50, 70], atol=2.0)


def test_the_service_answers_with_target_and_scores(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker()
    pixels = scene(20)
    operator.show(pixels)
    answer = operator.select(pixels, box=[0.125, 1 / 3, 0.3125, 7 / 12], normalized=True)
    assert answer.accepted, answer.message
    assert answer.object_score == pytest.approx(1 / (1 + math.exp(-10)))
    assert answer.predicted_iou == pytest.approx(0.95)
    (target,) = operator.show(pixels).targets
    assert (target.target_id, target.epoch) == (answer.target_id, answer.epoch)
    np.testing.assert_allclose(box_of(target), [20, 40, 50, 70], atol=2.0)


def test_several_targets_are_one_message_each(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker()
    pixels = scene(20)
    pixels[80:110, 100:130] = (30, 40, 220)
    operator.show(pixels)
    assert operator.select(pixels, box=[20.0, 40.0, 50.0, 70.0], target_id='red').accepted
    assert operator.select(pixels, box=[100.0, 80.0, 130.0, 110.0], target_id='blue').accepted
    found = operator.show(pixels)
    assert [target.target_id for target in found.targets] == ['red', 'blue']
    alone = operator.targets_of(stamp_ns_of(found.header))
    assert [target.target_id for target in alone] == ['red', 'blue']
    np.testing.assert_allclose(box_of(found.targets[1]), [100, 80, 130, 110], atol=2.0)

    answer = operator.select(pixels, action=Prompt.ACTION_REMOVE, target_id='red')
    assert answer.accepted, answer.message
    assert [target.target_id for target in operator.show(pixels).targets] == ['blue']
    assert operator.wait_for_event(EventType.RELEASED).target_id == 'red'
    answer = operator.select(pixels, action=Prompt.ACTION_REMOVE)
    assert (answer.accepted, answer.target_id) == (True, 'blue'), 'the only target'


def test_a_refinement_keeps_the_target(operator: Operator, start_tracker: StartTracker) -> None:
    start_tracker()
    pixels = scene(20)
    first = operator.start_target(20)
    answer = operator.select(
        pixels,
        action=Prompt.ACTION_REFINE,
        point_x=[35.0],
        point_y=[55.0],
        point_labels=[Prompt.LABEL_FOREGROUND],
    )
    assert answer.accepted, answer.message
    (target,) = operator.show(pixels).targets
    assert (target.target_id, target.epoch) == ('car', first.epoch)
    assert target.measured


@pytest.mark.parametrize('way', ['stop', 'clear'])
def test_stop_and_clear_release_everything(
    operator: Operator, start_tracker: StartTracker, way: str
) -> None:
    start_tracker()
    operator.start_target(20)
    if way == 'stop':
        answer = operator.ask(operator.stop, Trigger.Request(), None)
        assert answer.success, answer.message
    else:
        operator.prompts.publish(prompt(action=Prompt.ACTION_CLEAR))
    assert operator.wait_for_event(EventType.RELEASED).target_id == 'car'
    found = operator.show(scene(20))
    assert len(found.targets) == 0
    (target,) = operator.targets_of(stamp_ns_of(found.header))
    assert target.state == Target.STATE_IDLE


def test_a_hidden_target_coasts_is_lost_and_comes_back(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker(coast_timeout_s=0.1, reacquire_frames=2)
    operator.start_target(20)
    for _ in range(6):
        (target,) = operator.show(scene(None)).targets
        assert not target.measured
        assert target.state in (Target.STATE_COASTING, Target.STATE_LOST)
    assert target.state == Target.STATE_LOST
    assert target.confidence == 0.0
    assert target.frames_since_measured == 6
    # Four frames at 30 Hz span 0.1 s, which is longer than reacquire_time_s.
    for _ in range(4):
        (target,) = operator.show(scene(24)).targets
    assert target.state == Target.STATE_TRACKING
    assert target.measured
    operator.wait_for_event(EventType.REACQUIRED)
    names = [EventType(event.type) for event in operator.events if event.target_id == 'car']
    assert names == [
        EventType.ACQUIRED,
        EventType.COASTING,
        EventType.LOST,
        EventType.REACQUIRED,
    ]
    gap = operator.events[-1].gap
    assert 0.2 <= gap.sec + gap.nanosec * 1e-9 <= 0.4


def test_camera_info_gives_the_bearing(operator: Operator, start_tracker: StartTracker) -> None:
    start_tracker()
    operator.start_target(20)
    assert not operator.show(scene(20)).targets[0].bearing_valid
    info = CameraInfo(
        height=HEIGHT,
        width=WIDTH,
        distortion_model='plumb_bob',
        d=[0.0] * 5,
        k=[200.0, 0.0, 79.5, 0.0, 200.0, 59.5, 0.0, 0.0, 1.0],
    )
    operator.wait_until(operator.infos.get_subscription_count, 'the subscription of CameraInfo')
    operator.infos.publish(stamped(info, operator.next_stamp_ns()))
    operator.wait_until(
        lambda: operator.show(scene(20)).targets[0].bearing_valid, 'a valid bearing'
    )
    (target,) = operator.arrays[-1].targets
    assert target.angle_x == pytest.approx(math.atan2(35 - 80, 200), abs=0.01)
    assert target.angle_y == pytest.approx(math.atan2(55 - 60, 200), abs=0.01)
    assert math.hypot(target.bearing.x, target.bearing.y, target.bearing.z) == pytest.approx(1.0)


def test_masks_and_overlays_come_with_the_header_of_the_image(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker()
    received: dict[str, Any] = {}
    for topic, kind in (
        ('mask', Image),
        ('mask/compressed', CompressedImage),
        ('overlay', Image),
        ('overlay/compressed', CompressedImage),
    ):
        operator.create_subscription(
            kind,
            f'tracker/{topic}',
            lambda message, topic=topic: received.update({topic: message}),
            RELIABLE,
        )
    operator.start_target(20)
    operator.wait_until(lambda: operator.show(scene(20)) and len(received) == 4, 'all images')
    found = operator.show(scene(20))
    operator.wait_until(
        lambda: all(message.header == found.header for message in received.values()),
        'the images of one frame',
    )
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[40:70, 20:50] = 255
    mask = pixels_of(received['mask'], 1)
    assert set(np.unique(mask)) == {0, 255}
    assert np.count_nonzero(mask != expected) < 150
    np.testing.assert_array_equal(decoded(received['mask/compressed'], 1), mask)
    overlay = pixels_of(received['overlay'], 3)
    assert overlay.shape == (HEIGHT, WIDTH, 3)
    assert decoded(received['overlay/compressed'], 3).shape == (HEIGHT, WIDTH, 3)


def test_compressed_images_are_tracked(operator: Operator, start_tracker: StartTracker) -> None:
    start_tracker(image_transport='compressed')
    data = cv2.imencode('.jpg', scene(20)[..., ::-1])[1].ravel()

    def show() -> Any:
        message = CompressedImage(format='jpeg', data=native_bytes(np.asarray(data, np.uint8)))
        stamp_ns = operator.next_stamp_ns()
        operator.jpegs.publish(stamped(message, stamp_ns))
        return operator.wait_for_frame(stamp_ns)

    show()
    operator.prompts.publish(square_prompt(20))
    operator.wait_until(lambda: show().targets, 'a target')
    np.testing.assert_allclose(box_of(operator.arrays[-1].targets[0]), [20, 40, 50, 70], atol=2.0)


def pixels_of(message: Image, channels: int) -> UInt8Array:
    assert isinstance(message.data, array.array)
    pixels = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
    return pixels if channels == 1 else pixels.reshape(message.height, message.width, channels)


def decoded(message: CompressedImage, channels: int) -> UInt8Array:
    pixels = cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    assert pixels.ndim == (2 if channels == 1 else 3)
    return np.asarray(pixels, np.uint8)
