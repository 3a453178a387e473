# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The topics `image` and `camera_info` of a camera."""

from typing import Any

import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image

from sam2_tracker_ros.core.bearing import CameraCalibration
from sam2_tracker_ros.core.types import UInt8Array
from sam2_tracker_ros.messages import MessageClasses, image_message

# Every CameraInfo arrives, for those who count frames; images may be lost, as a camera's are.
_CAMERA_INFO_QOS = QoSProfile(depth=200)


class CameraOutput:
    """Publishes images with their intrinsics."""

    def __init__(self, node: Node, classes: MessageClasses) -> None:
        self._classes = classes
        self._images = node.create_publisher(Image, 'image', qos_profile_sensor_data)
        self._infos = node.create_publisher(CameraInfo, 'camera_info', _CAMERA_INFO_QOS)

    @property
    def image_subscribers(self) -> int:
        """How many subscribe to the image."""
        return int(self._images.get_subscription_count())

    def is_watched_by(self, subscribers: int) -> bool:
        """Return whether so many subscribe to camera_info and, if not 0, one to the image."""
        infos = self._infos.get_subscription_count()
        return infos >= subscribers and self.image_subscribers >= min(subscribers, 1)

    def publish_info(
        self, header: Any, size_px: tuple[int, int], calibration: CameraCalibration | None
    ) -> None:
        """Publish intrinsics; zeros, as ROS has it, when they are unknown."""
        message = CameraInfo(header=header, width=size_px[0], height=size_px[1])
        if calibration is not None:
            message.distortion_model = calibration.distortion_model
            message.d = calibration.distortion.tolist()
            message.k = calibration.matrix.ravel()
            message.r = np.eye(3).ravel()
            message.p = np.column_stack([calibration.matrix, np.zeros(3)]).ravel()
        self._infos.publish(message)

    def publish_image(self, header: Any, image: UInt8Array) -> None:
        """
        Publish an image.

        :param image: uint8 BGR [height, width, 3].
        """
        self._images.publish(image_message(self._classes, image, 'bgr8', header))
