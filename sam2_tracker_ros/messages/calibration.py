# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""CameraInfo to the calibration that gives bearings."""

import numpy as np

from sam2_tracker_ros.core.bearing import CameraCalibration
from sam2_tracker_ros.messages.classes import Message


def calibration_from_camera_info(message: Message) -> CameraCalibration:
    """
    Read a sensor_msgs/CameraInfo.

    Binning needs no reading: it is the ratio of the calibrated region to the image.
    """
    roi = message.roi
    # rclpy names the matrices k, d as the message definition does; so does rosbags.
    return CameraCalibration(
        size_px=(int(message.width), int(message.height)),
        distortion_model=str(message.distortion_model),
        distortion=np.array(message.d, np.float64),
        matrix=np.array(message.k, np.float64).reshape(3, 3),
        roi=(int(roi.x_offset), int(roi.y_offset), int(roi.width), int(roi.height)),
    )
