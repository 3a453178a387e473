# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""When a target has a bearing, and what diagnostics says when it has none."""

import math
from typing import Any

import pytest
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, RegionOfInterest

from ros.harness import HEIGHT, WIDTH, Operator, StartTracker, scene, stamped
from sam2_tracker_ros.core.types import TargetState

X = 20
MATRIX = [200.0, 0.0, 79.5, 0.0, 200.0, 59.5, 0.0, 0.0, 1.0]
NAN = math.nan


def camera_info(**changes: Any) -> CameraInfo:
    values = {
        'width': WIDTH,
        'height': HEIGHT,
        'distortion_model': 'plumb_bob',
        'd': [0.0] * 5,
        'k': MATRIX,
    }
    return CameraInfo(**(values | changes))


@pytest.fixture
def started(operator: Operator, start_tracker: StartTracker) -> Operator:
    """Return the operator of a tracker that has a target and no CameraInfo."""
    start_tracker(camera_info_timeout_s=0.0)
    operator.start_target(X)
    operator.wait_until(operator.infos.get_subscription_count, 'the subscription of CameraInfo')
    return operator


def has_bearing(operator: Operator) -> bool:
    """Show the target and return whether its bearing is valid, all its numbers or none."""
    (target,) = operator.show(scene(X)).targets
    assert target.state == TargetState.TRACKING
    numbers = [
        *(target.bearing.x, target.bearing.y, target.bearing.z, target.angle_x, target.angle_y),
        *(target.rate_x, target.rate_y, target.size_x, target.size_y, *target.angle_covariance),
    ]
    assert {math.isfinite(number) for number in numbers} == {target.bearing_valid}
    return bool(target.bearing_valid)


def reason(operator: Operator) -> str:
    return operator.value('input', 'bearings')


def give_bearing(operator: Operator) -> None:
    """Publish what is right, until it has arrived."""

    def is_given() -> bool:
        operator.infos.publish(stamped(camera_info(), operator.next_stamp_ns()))
        return has_bearing(operator)

    operator.wait_until(is_given, 'a bearing')
    operator.wait_until(lambda: reason(operator) == 'valid', 'valid bearings')


def assert_refused(operator: Operator, info: CameraInfo, why: str) -> None:
    """Publish a CameraInfo after a right one, and see that the bearing ends."""
    give_bearing(operator)

    def is_refused() -> bool:
        operator.infos.publish(stamped(info, operator.next_stamp_ns()))
        return not has_bearing(operator)

    operator.wait_until(is_refused, f'no bearing: {why}')
    operator.wait_until(lambda: why in reason(operator), why)
    assert not has_bearing(operator)
    assert operator.value('input', 'frames rejected') == '0'


def test_without_camera_info_there_is_no_bearing(started: Operator) -> None:
    assert not has_bearing(started)
    started.wait_until(lambda: 'no CameraInfo has come' in reason(started), 'the reason')


def test_what_cannot_be_a_calibration_gives_no_bearing(started: Operator) -> None:
    """One tracker takes them all, and every one after a right one that gave bearings."""
    leaves = RegionOfInterest(x_offset=100, y_offset=0, width=100, height=100)
    for info, why in (
        (CameraInfo(), 'no focal length or size'),
        (camera_info(k=[0.0] * 9), 'no focal length or size'),
        (camera_info(k=[NAN] * 9), 'not finite'),
        (camera_info(k=[1.0] * 9), 'k of CameraInfo is not'),
        (camera_info(d=[0.1, NAN, 0.0, 0.0, 0.0]), 'not finite'),
        (camera_info(d=[math.inf] * 5), 'not finite'),
        (camera_info(d=[0.1] * 3), 'plumb_bob with 3 coefficients'),
        (camera_info(d=[0.1] * 1000), 'plumb_bob with 1000 coefficients'),
        (camera_info(distortion_model='double_sphere', d=[0.1] * 6), "model 'double_sphere'"),
        (camera_info(distortion_model='', d=[0.1] * 5), "model ''"),
        (
            camera_info(width=120, height=160),
            'the image is 160 x 120, CameraInfo is for 120 x 160',
        ),
        (camera_info(width=4_294_967_295), 'CameraInfo is for 4294967295 x 120'),
        (camera_info(roi=leaves), 'region of interest 100 x 100 at (100, 0)'),
        (camera_info(binning_x=4_000_000_000), 'binning 4000000000 x 0 leaves nothing'),
    ):
        assert_refused(started, info, why)
    give_bearing(started)


def test_a_camera_that_stops_to_tell_its_focal_length_gives_no_old_bearing(
    operator: Operator, start_tracker: StartTracker
) -> None:
    tracker = start_tracker(camera_info_timeout_s=0.0)
    operator.start_target(X)
    operator.wait_until(operator.infos.get_subscription_count, 'the subscription of CameraInfo')
    give_bearing(operator)
    assert has_bearing(operator)
    tracker.node.set_parameters([Parameter('camera_info_timeout_s', value=0.3)])
    operator.wait_until(lambda: not has_bearing(operator), 'the end of the bearing')
    operator.wait_until(
        lambda: 'no CameraInfo for more than 0.3 s' in reason(operator), 'the reason'
    )
    assert not has_bearing(operator)
    # Another focal length: the new bearing is that of the new one.
    zoomed = camera_info(k=[400.0, 0.0, 79.5, 0.0, 400.0, 59.5, 0.0, 0.0, 1.0])

    def is_zoomed() -> bool:
        operator.infos.publish(stamped(zoomed, operator.next_stamp_ns()))
        return has_bearing(operator)

    operator.wait_until(is_zoomed, 'a bearing of the new focal length')
    (target,) = operator.arrays[-1].targets
    assert target.angle_x == pytest.approx(math.atan2(35 - 80, 400), abs=0.01)


def test_beyond_what_the_lens_shows_there_is_no_bearing(started: Operator) -> None:
    # r (1 - 0.3 r^2) is at most 0.70 at distance 1: 35 pixels from the centre, the target is 45.
    folding = camera_info(
        d=[-0.3, 0.0, 0.0, 0.0, 0.0], k=[50.0, 0.0, 79.5, 0.0, 50.0, 59.5, 0.0, 0.0, 1.0]
    )
    assert_refused(started, folding, 'no direction leads to the target at (35, 55)')
