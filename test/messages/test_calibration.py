# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What of CameraInfo is read, and for how long a calibration is believed."""

from typing import Any

import numpy as np
import pytest

from messages.library import Library
from sam2_tracker_ros.core.types import Box
from sam2_tracker_ros.messages import calibration_from_camera_info
from sam2_tracker_ros.messages.calibration import NewestCalibration

SECOND_NS = 1_000_000_000
SIZE_PX = (160, 120)


def camera_info(library: Library, **changes: Any) -> Any:
    region = {'x_offset': 0, 'y_offset': 0, 'width': 0, 'height': 0, 'do_rectify': False}
    region |= changes.pop('roi', {})
    values: dict[str, Any] = {
        'header': library.header(),
        'width': 160,
        'height': 120,
        'distortion_model': 'plumb_bob',
        'd': np.array([-0.3, 0.0, 0.0, 0.0, 0.0]),
        'k': np.array([100.0, 0.0, 79.5, 0.0, 100.0, 59.5, 0.0, 0.0, 1.0]),
        'r': np.eye(3).ravel(),
        'p': np.zeros(12),
        'binning_x': 0,
        'binning_y': 0,
        'roi': library.find('sensor_msgs/msg/RegionOfInterest')(**region),
    }
    return library.find('sensor_msgs/msg/CameraInfo')(**(values | changes))


class Clock:
    """The time that a test sets."""

    def __init__(self) -> None:
        self.now_ns = 100 * SECOND_NS

    def __call__(self) -> int:
        return self.now_ns


def test_everything_that_bearings_need_is_read(library: Library) -> None:
    region = {'x_offset': 10, 'y_offset': 20, 'width': 80, 'height': 60}
    calibration = calibration_from_camera_info(
        camera_info(library, roi=region, binning_x=2, binning_y=3)
    )
    assert calibration.size_px == SIZE_PX
    assert calibration.distortion_model == 'plumb_bob'
    assert calibration.distortion.tolist() == [-0.3, 0.0, 0.0, 0.0, 0.0]
    assert calibration.matrix.tolist() == [[100, 0, 79.5], [0, 100, 59.5], [0, 0, 1]]
    assert calibration.roi == (10, 20, 80, 60)
    assert calibration.binning == (2, 3)
    assert calibration.problem((40, 20)) == ''


def test_the_calibration_of_a_silent_camera_grows_stale(library: Library) -> None:
    clock = Clock()
    newest = NewestCalibration(clock)
    assert newest.get(2.0) is None
    assert newest.get(0.0) is None
    assert 'no CameraInfo has come' in newest.problem(2.0, SIZE_PX)
    newest.put(camera_info(library))
    clock.now_ns += 2 * SECOND_NS
    assert newest.get(2.0) is not None
    assert newest.problem(2.0, SIZE_PX) == newest.problem(2.0, None) == ''
    clock.now_ns += 1
    assert newest.get(2.0) is None
    problem = newest.problem(2.0, SIZE_PX)
    assert 'no CameraInfo for more than 2 s' in problem
    assert 'camera_info_timeout_s to 0' in problem
    newest.put(camera_info(library))
    assert newest.get(2.0) is not None


def test_without_a_timeout_a_calibration_is_believed_for_ever(library: Library) -> None:
    clock = Clock()
    newest = NewestCalibration(clock)
    newest.put(camera_info(library))
    for now_s in (10**6, 0):
        clock.now_ns = now_s * SECOND_NS
        assert newest.get(0.0) is not None
        assert newest.problem(0.0, SIZE_PX) == ''


def test_when_the_clock_is_set_back_only_a_new_calibration_is_believed(library: Library) -> None:
    clock = Clock()
    newest = NewestCalibration(clock)
    newest.put(camera_info(library))
    clock.now_ns -= 50 * SECOND_NS
    assert newest.get(2.0) is None
    newest.put(camera_info(library))
    assert newest.get(2.0) is not None


def test_the_problem_is_that_of_the_calibration_or_of_a_target(library: Library) -> None:
    newest = NewestCalibration(Clock())
    newest.put(camera_info(library, k=np.zeros(9)))
    assert 'no focal length' in newest.problem(2.0, SIZE_PX)
    newest.put(camera_info(library))
    assert 'CameraInfo is for 160 x 120' in newest.problem(2.0, (120, 160))
    # r (1 - 0.3 r^2) is at most 0.70 at distance 1, 70 pixels from the centre.
    inside, outside = Box(90.0, 50.0, 100.0, 60.0), Box(150.0, 50.0, 160.0, 60.0)
    assert newest.problem(2.0, SIZE_PX, [inside]) == ''
    problem = newest.problem(2.0, SIZE_PX, [inside, outside])
    assert 'no direction leads to the target at (155, 55)' in problem
    assert newest.problem(2.0, None, [outside]) == ''


@pytest.mark.parametrize('distortion', [[], [0.0] * 4, [0.0] * 5])
def test_a_camera_without_distortion(library: Library, distortion: list[float]) -> None:
    calibration = calibration_from_camera_info(camera_info(library, d=np.array(distortion)))
    assert calibration.problem(SIZE_PX) == ''
