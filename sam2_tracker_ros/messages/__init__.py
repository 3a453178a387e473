# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
ROS messages to core types and back.

Nothing here imports a ROS package: the message classes are passed in as MessageClasses, so that
the same code serves rclpy's classes in the node and rosbags' classes in replay.
"""

from sam2_tracker_ros.messages.calibration import calibration_from_camera_info
from sam2_tracker_ros.messages.classes import (
    MessageClasses,
    native_bytes,
    seconds_of,
    stamp_ns_of,
)
from sam2_tracker_ros.messages.images import (
    bgr_image,
    frame_from_compressed_image,
    frame_from_image,
    image_message,
    jpeg_message,
    mask_pixels,
    png_message,
)
from sam2_tracker_ros.messages.prompts import prompt_from_click, prompt_from_message
from sam2_tracker_ros.messages.serialized import (
    frame_from_serialized_compressed_image,
    frame_from_serialized_image,
)
from sam2_tracker_ros.messages.targets import (
    detections_message,
    event_from_message,
    event_message,
    no_target,
    target_array_message,
    target_message,
    target_messages,
)

__all__ = [
    'MessageClasses',
    'bgr_image',
    'calibration_from_camera_info',
    'detections_message',
    'event_from_message',
    'event_message',
    'frame_from_compressed_image',
    'frame_from_image',
    'frame_from_serialized_compressed_image',
    'frame_from_serialized_image',
    'image_message',
    'jpeg_message',
    'mask_pixels',
    'native_bytes',
    'no_target',
    'png_message',
    'prompt_from_click',
    'prompt_from_message',
    'seconds_of',
    'stamp_ns_of',
    'target_array_message',
    'target_message',
    'target_messages',
]
