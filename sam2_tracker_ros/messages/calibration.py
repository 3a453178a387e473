# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""CameraInfo to the calibration that gives bearings, for as long as it is believed."""

from collections.abc import Callable, Sequence

import numpy as np

from sam2_tracker_ros.core.bearing import CameraCalibration, bearing_of
from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND, Box
from sam2_tracker_ros.messages.classes import Message


def calibration_from_camera_info(message: Message) -> CameraCalibration:
    """Read a sensor_msgs/CameraInfo; CameraCalibration.problem says whether it can be used."""
    roi = message.roi
    # rclpy names the matrices k, d as the message definition does; so does rosbags.
    return CameraCalibration(
        size_px=(int(message.width), int(message.height)),
        distortion_model=str(message.distortion_model),
        distortion=np.array(message.d, np.float64),
        matrix=np.array(message.k, np.float64).reshape(3, 3),
        roi=(int(roi.x_offset), int(roi.y_offset), int(roi.width), int(roi.height)),
        binning=(int(message.binning_x), int(message.binning_y)),
    )


class NewestCalibration:
    """
    The calibration of the newest CameraInfo, for as long as it is believed.

    A zoom camera that stops telling its focal length must not go on giving the old bearings.

    :param now_ns: the clock by which a CameraInfo ages from its arrival.
    """

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        # Replaced as one, since one thread puts and others get.
        self._newest: tuple[CameraCalibration, int] | None = None

    def put(self, message: Message) -> None:
        """Take a sensor_msgs/CameraInfo in place of the one before."""
        self._newest = (calibration_from_camera_info(message), self._now_ns())

    def get(self, timeout_s: float) -> CameraCalibration | None:
        """
        Return the calibration, or None when there is none to believe.

        :param timeout_s: older ones are not believed; 0 believes for ever.
        """
        newest = self._newest
        return None if newest is None or self._is_stale(newest[1], timeout_s) else newest[0]

    def problem(
        self, timeout_s: float, image_size_px: tuple[int, int] | None, boxes: Sequence[Box] = ()
    ) -> str:
        """
        Return why there are no bearings, or an empty text.

        :param image_size_px: width and height of the image, when one is known.
        :param boxes: of the targets in that image.
        """
        newest = self._newest
        if newest is None:
            return 'no CameraInfo has come; publish it beside the image, or remap camera_info'
        if self._is_stale(newest[1], timeout_s):
            return (
                f'no CameraInfo for more than {timeout_s:g} s; publish it with each image, or set '
                'camera_info_timeout_s to 0 for a calibration that is published once'
            )
        calibration = newest[0]
        problem = calibration.problem(image_size_px)
        if problem or image_size_px is None:
            return problem
        for box in boxes:
            if bearing_of(calibration, box, None, image_size_px) is None:
                x, y = box.center
                return (
                    f'no direction leads to the target at ({x:.0f}, {y:.0f}): the distortion is '
                    'not calibrated as far out; calibrate up to the corners of the image'
                )
        return ''

    def _is_stale(self, arrived_ns: int, timeout_s: float) -> bool:
        # Below 0 the clock was set back, and the age is not known.
        age_s = (self._now_ns() - arrived_ns) / NANOSECONDS_PER_SECOND
        return timeout_s > 0.0 and not 0.0 <= age_s <= timeout_s
