# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Broken images, prompts and models: one clear answer each, and the node lives on."""

from collections.abc import Callable
import math
from typing import Any

import cv2
from diagnostic_msgs.msg import DiagnosticStatus
import numpy as np
import pytest
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage, Image

from ros.harness import (
    HEIGHT,
    WIDTH,
    Operator,
    StartTracker,
    SwitchableModel,
    prompt,
    scene,
    stamped,
)
from sam2_tracker_ros.core.types import EventType, UInt8Array
from sam2_tracker_ros.messages import native_bytes, stamp_ns_of
from sam2_tracker_ros.msg import Prompt, Target


def changed(**fields: Any) -> Callable[[Image], None]:
    def change(message: Image) -> None:
        for name, value in fields.items():
            setattr(message, name, value)

    return change


def truncate(message: Image) -> None:
    del message.data[-1]


@pytest.mark.parametrize(
    ('damage', 'complaint'),
    [
        (changed(encoding='rgb16'), 'unknown image encoding'),
        (changed(step=WIDTH * 3 - 1), 'step'),
        (truncate, 'truncated'),
        (changed(width=0), '0 x 120 pixels'),
        (changed(height=0), '160 x 0 pixels'),
    ],
)
def test_a_broken_image_is_dropped_with_its_reason(
    operator: Operator,
    start_tracker: StartTracker,
    damage: Callable[[Image], None],
    complaint: str,
) -> None:
    start_tracker()
    operator.start_target(20)
    broken = operator.image(scene(20))
    damage(broken)
    operator.images.publish(broken)
    assert complaint in operator.wait_for_event(EventType.FRAME_REJECTED).detail
    operator.wait_until(lambda: operator.value('input', 'frames rejected') == '1', 'diagnostics')
    (target,) = operator.show(scene(22)).targets
    assert target.measured
    assert operator.targets_of(stamp_ns_of(broken.header)) == []


@pytest.mark.parametrize(
    ('damaged', 'complaint'),
    [
        (lambda message: message[:40], 'truncated'),
        (lambda message: message[:-1], 'truncated'),
        (lambda message: b'\1\2\3\4' + message[4:], 'expected plain CDR'),
    ],
)
def test_bytes_that_are_no_image_are_dropped_with_their_reason(
    operator: Operator,
    start_tracker: StartTracker,
    damaged: Callable[[bytes], bytes],
    complaint: str,
) -> None:
    start_tracker()
    operator.start_target(20)
    operator.images.publish(damaged(serialize_message(operator.image(scene(20)))))
    assert complaint in operator.wait_for_event(EventType.FRAME_REJECTED).detail
    (target,) = operator.show(scene(22)).targets
    assert target.measured


@pytest.mark.parametrize(('stamp_ns', 'complaint'), [(0, 'no stamp'), (None, 'repeats the stamp')])
def test_an_image_whose_stamp_tells_no_time_is_dropped(
    operator: Operator, start_tracker: StartTracker, stamp_ns: int | None, complaint: str
) -> None:
    start_tracker()
    operator.start_target(20)
    before_ns = stamp_ns_of(operator.show(scene(21)).header)
    told = len(operator.targets_of(before_ns))
    operator.images.publish(
        stamped(operator.image(scene(None)), before_ns if stamp_ns is None else stamp_ns)
    )
    assert complaint in operator.wait_for_event(EventType.FRAME_REJECTED).detail
    (target,) = operator.show(scene(22)).targets
    assert target.measured
    assert len(operator.targets_of(before_ns)) == told
    assert operator.targets_of(0) == []


def test_complaints_about_images_are_rare(operator: Operator, start_tracker: StartTracker) -> None:
    start_tracker()
    operator.show(scene(20))
    for count in range(5):
        operator.publish_image(scene(20), count + 2, encoding='rgb16')
    operator.show(scene(20))
    assert len(operator.events_of(EventType.FRAME_REJECTED)) < 5
    operator.wait_until(lambda: operator.level('input') == DiagnosticStatus.OK, 'health')


def test_a_corrupt_jpeg_is_dropped_with_its_reason(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker(image_transport='compressed')
    data = np.asarray(cv2.imencode('.jpg', scene(20))[1].ravel(), np.uint8)

    def publish(jpeg: UInt8Array) -> int:
        stamp_ns = operator.next_stamp_ns()
        message = CompressedImage(format='jpeg', data=native_bytes(jpeg))
        operator.jpegs.publish(stamped(message, stamp_ns))
        return stamp_ns

    operator.wait_for_frame(publish(data))
    corrupt_ns = publish(data[: data.size // 2])
    assert 'truncated' in operator.wait_for_event(EventType.FRAME_REJECTED).detail
    operator.wait_for_frame(publish(data))
    assert operator.targets_of(corrupt_ns) == []


def test_another_image_size_releases_the_targets(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker()
    operator.start_target(20)
    found = operator.show(scene(20, size=(200, 100)))
    assert len(found.targets) == 0
    event = operator.wait_for_event(EventType.RELEASED)
    assert event.target_id == 'car'
    assert '160 x 120' in event.detail
    assert '200 x 100' in event.detail


NO_MASK = np.zeros((HEIGHT, WIDTH), np.uint8)


def mask_message(pixels: UInt8Array) -> Image:
    height, width = pixels.shape
    return Image(
        height=height, width=width, encoding='mono8', step=width, data=native_bytes(pixels)
    )


@pytest.mark.parametrize(
    ('fields', 'complaint'),
    [
        ({'point_x': [500.0], 'point_y': [10.0], 'point_labels': [1]}, 'outside the image'),
        ({'box': [200.0, 10.0, 300.0, 50.0]}, 'outside the image'),
        ({'box': [1.2, 0.1, 1.5, 0.4], 'normalized': True}, 'outside the image'),
        ({'box': [math.nan, 40.0, 50.0, 70.0]}, 'not finite'),
        ({'point_x': [math.inf], 'point_y': [1.0], 'point_labels': [1]}, 'not finite'),
        ({'box': [50.0, 40.0, 20.0, 70.0]}, 'empty'),
        ({'mask': mask_message(NO_MASK)}, 'mask is empty'),
        ({'mask': mask_message(NO_MASK[:60])}, 'expected the image size'),
        ({}, 'the prompt is empty'),
        ({'action': 77}, 'unknown prompt action'),
        ({'point_x': [1.0]}, 'as many of each'),
        ({'action': Prompt.ACTION_REMOVE, 'target_id': 'ghost'}, "no target 'ghost'"),
        ({'action': Prompt.ACTION_REMOVE}, 'the only target'),
        (
            {
                'action': Prompt.ACTION_REFINE,
                'target_id': 'ghost',
                'box': [20.0, 40.0, 50.0, 70.0],
            },
            "no target 'ghost'",
        ),
    ],
)
def test_a_useless_prompt_is_rejected_on_topic_and_service(
    operator: Operator, start_tracker: StartTracker, fields: dict[str, Any], complaint: str
) -> None:
    start_tracker()
    operator.show(scene(20))
    operator.prompts.publish(prompt(**fields))
    operator.wait_until(
        lambda: operator.show(scene(20)) and operator.events_of(EventType.PROMPT_REJECTED),
        'a rejection',
    )
    (event,) = operator.events_of(EventType.PROMPT_REJECTED)
    assert complaint in event.detail
    answer = operator.select(scene(20), **fields)
    assert not answer.accepted
    assert complaint in answer.message
    assert math.isnan(answer.object_score)
    assert math.isnan(answer.predicted_iou)
    assert len(operator.show(scene(20)).targets) == 0
    assert operator.select(scene(20), box=[20.0, 40.0, 50.0, 70.0]).accepted


def test_a_name_that_is_too_long_is_not_repeated(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker()
    answer = operator.select(scene(20), target_id='n' * 5000, box=[20.0, 40.0, 50.0, 70.0])
    assert 'target_id has 5000 characters; send at most 100' in answer.message
    assert answer.target_id == 'n' * 100
    assert operator.wait_for_event(EventType.PROMPT_REJECTED).target_id == 'n' * 100


def test_a_prompt_before_any_image_is_rejected(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker()
    answer = operator.select(None, box=[20.0, 40.0, 50.0, 70.0])
    assert not answer.accepted
    assert 'no image has arrived' in answer.message
    assert 'no image has arrived' in operator.wait_for_event(EventType.PROMPT_REJECTED).detail
    assert len(operator.show(scene(20)).targets) == 0


def test_a_failing_model_gives_an_error_state_and_no_numbers(
    operator: Operator, start_tracker: StartTracker, model: SwitchableModel
) -> None:
    start_tracker()
    operator.start_target(20)
    epoch = operator.arrays[-1].targets[0].epoch

    model.is_failing = True
    (target,) = operator.show(scene(20)).targets
    assert (target.target_id, target.epoch) == ('car', epoch)
    assert (target.state, target.measured) == (Target.STATE_ERROR, False)
    assert target.confidence == 0.0
    assert math.isnan(target.box_left)
    assert 'the graph gave up' in operator.wait_for_event(EventType.MODEL_FAILED).detail
    operator.wait_until(
        lambda: operator.show(scene(20)) and operator.level('model') == DiagnosticStatus.ERROR,
        'an error on /diagnostics',
    )
    assert 'the graph gave up' in operator.statuses['model'].message
    answer = operator.select(scene(20), box=[20.0, 40.0, 50.0, 70.0])
    assert not answer.accepted
    assert 'the graph gave up' in answer.message

    model.is_failing = False
    (target,) = operator.show(scene(20)).targets
    assert (target.target_id, target.epoch, target.measured) == ('car', epoch, True)


def test_a_failing_model_without_a_target_says_so(
    operator: Operator, start_tracker: StartTracker, model: SwitchableModel
) -> None:
    start_tracker()
    operator.show(scene(20))
    model.is_failing = True
    answer = operator.select(scene(20), box=[20.0, 40.0, 50.0, 70.0])
    assert not answer.accepted
    assert 'the graph gave up' in answer.message
    operator.wait_for_event(EventType.MODEL_FAILED)
    assert Target.STATE_ERROR in {target.state for target in operator.targets}
    assert {target.target_id for target in operator.targets} == {''}
    assert not any(array.targets for array in operator.arrays)
