# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Results to targets, events, detections and masks; CameraInfo to bearings."""

import array
import math
from typing import Any

import cv2
import numpy as np
import pytest
from rclpy.serialization import deserialize_message

from messages.library import STAMP_NS, Library, rclpy_library, rosbags_library
from sam2_tracker_ros.core.types import (
    Box,
    Edge,
    Event,
    EventType,
    Motion,
    Reason,
    Scores,
    StepResult,
    TargetMask,
    TargetResult,
    TargetState,
)
from sam2_tracker_ros.messages import (
    calibration_from_camera_info,
    detections_message,
    event_message,
    image_message,
    mask_pixels,
    png_message,
    stamp_ns_of,
    target_array_message,
    target_messages,
)


def target(**changes: Any) -> TargetResult:
    values: dict[str, Any] = {
        'target_id': 'car',
        'epoch': 3,
        'state': TargetState.TRACKING,
        'reason': Reason.NONE,
        'measured': True,
        'box': Box(40.0, 20.0, 60.0, 50.0),
        'scores': Scores(0.9, 0.95, 0.92, 0.8),
        'motion': Motion((10.0, -5.0), np.array([[4.0, 1.0], [1.0, 9.0]])),
        'mask': TargetMask(Box(40, 20, 60, 50), np.ones((30, 20), np.bool_)),
        'edges': Edge.LEFT | Edge.BOTTOM,
        'time_since_measured_s': 0.25,
        'frames_since_measured': 4,
    }
    return TargetResult(**(values | changes))


def result_of(*targets: TargetResult) -> StepResult:
    return StepResult(STAMP_NS, 'camera_optical', (160, 120), targets)


def camera_info(library: Library, model: str = 'plumb_bob', distortion: int = 5) -> Any:
    region = library.find('sensor_msgs/msg/RegionOfInterest')(
        x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
    )
    return library.find('sensor_msgs/msg/CameraInfo')(
        header=library.header(),
        height=120,
        width=160,
        distortion_model=model,
        d=array.array('d', [0.0] * distortion),
        k=np.array([100.0, 0.0, 79.5, 0.0, 100.0, 59.5, 0.0, 0.0, 1.0]),
        r=np.eye(3).ravel(),
        p=np.zeros(12),
        binning_x=0,
        binning_y=0,
        roi=region,
    )


def test_a_target_carries_every_number(library: Library) -> None:
    calibration = calibration_from_camera_info(camera_info(library))
    (message,) = target_messages(
        library.classes,
        result_of(target()),
        library.header(),
        calibration=calibration,
        latency_s=0.125,
    )
    assert stamp_ns_of(message.header) == STAMP_NS
    assert message.header.frame_id == 'camera_optical'
    assert (message.target_id, message.epoch, message.state, message.reason) == ('car', 3, 2, 0)
    assert message.measured
    box = [message.box_left, message.box_top, message.box_right, message.box_bottom]
    assert box == [40.0, 20.0, 60.0, 50.0]
    np.testing.assert_allclose(message.box_normalized, [0.25, 1 / 6, 0.375, 5 / 12])
    assert (message.center_x, message.center_y) == (50.0, 35.0)
    assert message.error_x == pytest.approx((50 - 80) / 80)
    assert message.error_y == pytest.approx((35 - 60) / 60)
    assert message.bearing_valid
    assert message.angle_x == pytest.approx(math.atan2(50 - 80, 100))
    assert message.angle_y == pytest.approx(math.atan2(35 - 60, 100))
    ray = np.array([-0.3, -0.25, 1.0]) / math.sqrt(0.3**2 + 0.25**2 + 1.0)
    np.testing.assert_allclose([message.bearing.x, message.bearing.y, message.bearing.z], ray)
    assert message.rate_x == pytest.approx(10.0 / 100 * math.cos(message.angle_x) ** 2, rel=1e-3)
    np.testing.assert_allclose(message.center_covariance, [4.0, 1.0, 1.0, 9.0])
    assert message.angle_covariance[0] == pytest.approx(
        4.0 / 100**2 * math.cos(message.angle_x) ** 4, rel=1e-3
    )
    scores = [
        message.confidence,
        message.object_score,
        message.predicted_iou,
        message.motion_iou,
    ]
    assert scores == [0.9, 0.95, 0.92, 0.8]
    assert (message.mask_area_px, message.edge_flags) == (600, 1 + 8)
    since = message.time_since_measured
    assert (since.sec, since.nanosec, message.frames_since_measured) == (0, 250_000_000, 4)
    assert (message.latency.sec, message.latency.nanosec) == (0, 125_000_000)


def test_what_is_unknown_is_nan(library: Library) -> None:
    unknown = target(box=None, motion=None, measured=False, state=TargetState.ERROR)
    (message,) = target_messages(library.classes, result_of(unknown), library.header())
    numbers = [
        *(message.box_left, message.box_bottom, message.center_x, message.error_x),
        *(message.angle_x, message.rate_x, message.size_x, message.bearing.z),
        *message.box_normalized,
        *message.angle_covariance,
        *message.center_covariance,
    ]
    assert all(math.isnan(number) for number in numbers)
    assert not message.bearing_valid
    assert not message.measured


def test_no_bearing_from_an_uncalibrated_camera(library: Library) -> None:
    info = camera_info(library)
    info.k[0] = 0.0
    calibration = calibration_from_camera_info(info)
    (message,) = target_messages(
        library.classes, result_of(target()), library.header(), calibration=calibration
    )
    assert not message.bearing_valid
    assert math.isnan(message.angle_x)


def test_without_a_target_there_is_one_that_says_idle(library: Library) -> None:
    (message,) = target_messages(library.classes, result_of(), library.header())
    assert (message.state, message.target_id, message.measured) == (0, '', False)
    assert message.confidence == 0.0
    assert math.isnan(message.box_left)
    targets = target_array_message(
        library.classes, [message], library.header(), frames_processed=7, frames_dropped=2
    )
    assert len(targets.targets) == 0
    assert (targets.frames_processed, targets.frames_dropped) == (7, 2)


def test_both_libraries_make_the_same_bytes() -> None:
    native, bags = rclpy_library(), rosbags_library()
    results = result_of(target(), target(target_id='b', state=TargetState.LOST, measured=False))

    def messages(library: Library) -> tuple[Any, Any, Any]:
        targets = target_messages(library.classes, results, library.header())
        event = Event(EventType.REACQUIRED, STAMP_NS, 'car', 3, Reason.OCCLUDED, 1.5, 'back')
        return (
            target_array_message(
                library.classes, targets, library.header(), frames_processed=1, frames_dropped=0
            ),
            event_message(library.classes, event, 'camera_optical'),
            image_message(library.classes, mask_pixels(results), 'mono8', library.header()),
        )

    names = [
        'sam2_tracker_ros/msg/TargetArray',
        'sam2_tracker_ros/msg/TargetEvent',
        'sensor_msgs/msg/Image',
    ]
    for name, first, second in zip(names, messages(native), messages(bags), strict=True):
        read = deserialize_message(bags.to_cdr(second, name), native.find(name))
        assert repr(read) == repr(first)


def test_an_event_tells_what_happened(library: Library) -> None:
    event = Event(EventType.REACQUIRED, STAMP_NS, 'car', 3, Reason.OCCLUDED, 1.5, 'back')
    message = event_message(library.classes, event, 'camera_optical')
    assert stamp_ns_of(message.header) == STAMP_NS
    assert (message.type, message.reason, message.target_id, message.epoch) == (4, 1, 'car', 3)
    assert (message.gap.sec, message.gap.nanosec, message.detail) == (1, 500_000_000, 'back')


def test_the_mask_has_the_size_of_the_camera_image(library: Library) -> None:
    corner = TargetMask(Box(120, 90, 160, 120), np.ones((30, 40), np.bool_))
    ring = np.ones((30, 40), np.bool_)
    ring[10:20, 10:30] = False
    results = result_of(
        target(mask=TargetMask(Box(40, 30, 80, 60), ring)),
        target(target_id='b', mask=corner),
        target(target_id='c', mask=None, measured=False),
    )
    pixels = mask_pixels(results)
    assert pixels.shape == (120, 160)
    assert set(np.unique(pixels)) == {0, 255}
    expected = np.zeros((120, 160), np.uint8)
    expected[30:60, 40:80] = 255
    expected[40:50, 50:70] = 0
    expected[90:, 120:] = 255
    np.testing.assert_array_equal(pixels, expected)
    message = image_message(library.classes, pixels, 'mono8', library.header())
    assert (message.width, message.height, message.step, message.encoding) == (
        160,
        120,
        160,
        'mono8',
    )
    assert bytes(message.data) == pixels.tobytes()
    png = png_message(library.classes, pixels, library.header())
    decoded = cv2.imdecode(np.frombuffer(png.data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded is not None
    np.testing.assert_array_equal(decoded, pixels)
    assert stamp_ns_of(png.header) == stamp_ns_of(message.header) == STAMP_NS


def test_an_unmeasured_target_has_no_mask(library: Library) -> None:
    hidden = target(measured=False, state=TargetState.COASTING)
    assert not mask_pixels(result_of(hidden)).any()


def test_detections_hold_only_what_is_measured() -> None:
    library = rosbags_library()
    vision = library.classes.detection
    assert vision is not None
    hidden = target(target_id='b', measured=False, state=TargetState.COASTING)
    message = detections_message(vision, result_of(target(), hidden), library.header())
    (detection,) = message.detections
    assert detection.id == 'car'
    assert stamp_ns_of(detection.header) == stamp_ns_of(message.header) == STAMP_NS
    center = detection.bbox.center.position
    assert (center.x, center.y) == (50.0, 35.0)
    assert (detection.bbox.size_x, detection.bbox.size_y) == (20.0, 30.0)
    assert detection.results[0].hypothesis.score == 0.9
    empty = detections_message(vision, result_of(hidden), library.header())
    assert len(empty.detections) == 0
    assert library.to_cdr(message, 'vision_msgs/msg/Detection2DArray')


def test_the_region_of_camera_info_is_kept(library: Library) -> None:
    info = camera_info(library, 'equidistant', 4)
    info.roi.x_offset, info.roi.y_offset = 10, 20
    info.roi.width, info.roi.height = 80, 60
    calibration = calibration_from_camera_info(info)
    assert calibration.size_px == (160, 120)
    assert calibration.roi == (10, 20, 80, 60)
    assert calibration.distortion_model == 'equidistant'
    assert calibration.problem() == ''
