# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Attitudes of a gimbal to views of the camera; and in the node, over DDS."""

import math

from geometry_msgs.msg import Quaternion, QuaternionStamped
import numpy as np
import pytest
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo

from ros.harness import HEIGHT, WIDTH, Operator, StartTracker, scene, stamped
from sam2_tracker_ros.core.types import Float64Array, Frame
from sam2_tracker_ros.msg import Target
from sam2_tracker_ros.ros.camera_attitude import CameraAttitude
from sam2_tracker_ros.testing.pan_tilt import OPTICAL_FROM_GIMBAL, Attitude
from sam2_tracker_ros.testing.scenes import pinhole

PIXELS = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
CAMERA = pinhole((WIDTH, HEIGHT), 160.0)
START_NS, STEP_NS = 10**18, 16_000_000


def message(attitude: Attitude, stamp_ns: int) -> QuaternionStamped:
    x, y, z, w = attitude.quaternion
    turn = QuaternionStamped(quaternion=Quaternion(x=x, y=y, z=z, w=w))
    stamped(turn, stamp_ns)
    return turn


def yawing(index: float) -> Attitude:
    return Attitude(yaw=3.0 + 0.02 * index, pitch=-1.2 - 0.005 * index, roll=0.01)


def fed(count: int) -> CameraAttitude:
    attitude = CameraAttitude()
    for index in range(count):
        attitude.put(message(yawing(index), START_NS + index * STEP_NS))
    return attitude


def orientation(attitude: CameraAttitude, index: float) -> Float64Array | None:
    view = attitude.view(Frame(PIXELS, START_NS + round(index * STEP_NS)), CAMERA)
    return None if view is None else view.orientation


@pytest.mark.parametrize('index', [3.0, 3.5, 12.25, 19.0, 20.5])
def test_the_orientation_is_that_of_the_stamp(index: float) -> None:
    expected = yawing(index).level_from_gimbal @ OPTICAL_FROM_GIMBAL.T
    found = orientation(fed(20), index)
    assert found is not None
    np.testing.assert_allclose(found, expected, atol=5e-4)


@pytest.mark.parametrize('index', [-1.0, 30.0])
def test_far_from_every_attitude_nothing_is_known(index: float) -> None:
    assert orientation(fed(20), index) is None
    assert orientation(CameraAttitude(), index) is None


def test_what_is_no_rotation_is_left_out_and_a_clock_that_goes_back_starts_anew() -> None:
    attitude = fed(20)
    for w in (math.nan, 0.0, 7.0):
        broken = QuaternionStamped(quaternion=Quaternion(w=w))
        attitude.put(stamped(broken, START_NS + 21 * STEP_NS))
    assert orientation(attitude, 10.0) is not None
    attitude.put(message(yawing(0), START_NS - 10**9))
    assert orientation(attitude, 10.0) is None


def test_without_a_calibration_of_the_image_there_is_no_view() -> None:
    frame = Frame(PIXELS, START_NS + 5 * STEP_NS)
    assert fed(20).view(frame, None) is None
    assert fed(20).view(frame, pinhole((WIDTH, WIDTH), 160.0)) is None


@pytest.mark.parametrize('is_attitude_told', [True, False])
def test_the_node_expects_a_target_where_the_camera_has_turned(
    operator: Operator, start_tracker: StartTracker, is_attitude_told: bool
) -> None:
    """The image jumps by four lengths of the target, because the gimbal did."""
    start_tracker()
    attitudes = operator.create_publisher(
        QuaternionStamped, 'gimbal/attitude', qos_profile_sensor_data
    )
    operator.wait_until(attitudes.get_subscription_count, 'the tracker')
    info = CameraInfo(width=WIDTH, height=HEIGHT, distortion_model='plumb_bob', d=[0.0] * 5)
    info.k = CAMERA.matrix.ravel()
    operator.infos.publish(info)
    operator.wait_until(
        lambda: 'CameraInfo' not in operator.value('input', 'bearings'), 'the calibration'
    )
    operator.start_target(100)
    jump_px = 90
    middle = 100 + 15 - WIDTH / 2
    turn = math.atan2(middle, 160.0) - math.atan2(middle - jump_px, 160.0)
    yaw = 0.0
    states = []
    for x in (100, 100, 100, 100 - jump_px):
        yaw += turn if x != 100 else 0.0
        picture = operator.image(scene(x))
        stamp_ns = picture.header.stamp.sec * 10**9 + picture.header.stamp.nanosec
        if is_attitude_told:
            for before_ns in (20_000_000, 10_000_000, 0):
                was = yaw if before_ns == 0 or x == 100 else 0.0
                attitudes.publish(message(Attitude(was, 0.0), stamp_ns - before_ns))
                operator.listen()
        operator.images.publish(picture)
        states.append(operator.wait_for_frame(stamp_ns).targets[0].state)
    assert states[:3] == [Target.STATE_TRACKING] * 3
    expected = Target.STATE_TRACKING if is_attitude_told else Target.STATE_COASTING
    assert states[3] == expected
