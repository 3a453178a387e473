# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
What a camera and an operator publish: images, CameraInfo, prompts.

CDR is read by our own reader where the node does so, which is for images, and else by rosbags'
type store: rclpy's reader is C++ and only there where ROS is, see `rclpy_messages`.
"""

from functools import cache
import math
import struct
from typing import Any

from fuzz.contract import FindingError, only, quiet_numbers
import numpy as np
from rosbags.serde import SerdeError
from rosbags.typesys.store import Typestore

from sam2_tracker_ros.core.bearing import CameraCalibration, bearing_of
from sam2_tracker_ros.core.prompts import check_prompt, decoder_prompt, mask_logits_of
from sam2_tracker_ros.core.types import Box, Frame
from sam2_tracker_ros.errors import ImageError, PromptError
from sam2_tracker_ros.messages import (
    bgr_image,
    calibration_from_camera_info,
    frame_from_serialized_compressed_image,
    frame_from_serialized_image,
    prompt_from_click,
    prompt_from_message,
    stamp_ns_of,
)
from sam2_tracker_ros.replay.bag_types import ros_types

SIZE_PX = (32, 24)
_MODEL_SIZE_PX = 32
# What rosbags says about CDR that is cut short or makes no sense, which is not our error.
_UNREADABLE = (SerdeError, AssertionError, IndexError, ValueError, struct.error)


def serialized_image(data: bytes) -> None:
    """Read a serialized sensor_msgs/Image."""
    with only(ImageError):
        _check_frame(frame_from_serialized_image(data))


def serialized_compressed_image(data: bytes) -> None:
    """Read a serialized sensor_msgs/CompressedImage."""
    with only(ImageError):
        _check_frame(frame_from_serialized_compressed_image(data))


def serialized_prompt(data: bytes) -> None:
    """Read a serialized Prompt, and check what it means in an image."""
    message = deserialized(data, 'sam2_tracker_ros/msg/Prompt')
    if message is not None:
        check_prompt_message(message)


def serialized_click(data: bytes) -> None:
    """Read a serialized geometry_msgs/PointStamped, as viewers publish a click."""
    message = deserialized(data, 'geometry_msgs/msg/PointStamped')
    if message is not None:
        with only(PromptError):
            check_prompt(prompt_from_click(message.point, stamp_ns_of(message.header)), SIZE_PX)


def serialized_camera_info(data: bytes) -> None:
    """Read a serialized sensor_msgs/CameraInfo behind the four bytes of the image's size."""
    if len(data) < 4:
        return
    size_px = struct.unpack('<HH', data[:4])
    message = deserialized(data[4:], 'sensor_msgs/msg/CameraInfo')
    if message is not None and min(size_px) > 0:
        check_calibration(calibration_from_camera_info(message), size_px)


def rclpy_messages(data: bytes) -> None:
    """Read what the node subscribes to with rclpy; the first byte chooses the type."""
    from rclpy.serialization import deserialize_message  # noqa: PLC0415 - only there with ROS

    if not data:
        return
    kinds = _rclpy_types()
    kind, check = kinds[data[0] % len(kinds)]
    try:
        message = deserialize_message(data[1:], kind)
    except Exception:  # rclpy has no error of its own for this
        return
    check(message)


def check_prompt_message(message: Any) -> None:
    """Turn a Prompt into what the decoder takes: finite numbers within the window."""
    width, height = SIZE_PX
    window = Box(0.0, 0.0, float(width), float(height))
    with only(PromptError), quiet_numbers():
        checked = check_prompt(prompt_from_message(message), SIZE_PX)
        if checked.mask is not None:
            logits = mask_logits_of(checked.mask, window, _MODEL_SIZE_PX)
            _expect(bool(np.isfinite(logits).all()), 'logits that are not finite')
        asked = decoder_prompt(checked, window, _MODEL_SIZE_PX)
        inside = (asked.points >= 0.0) & (asked.points <= _MODEL_SIZE_PX)
        _expect(bool(inside.all()), 'points outside of the image')
        _expect(len(asked.points) == len(asked.labels) < 1000, f'{len(asked.points)} points')


def check_calibration(calibration: CameraCalibration, size_px: tuple[int, ...]) -> None:
    """Compute a direction; a calibration with a problem gives none, another unit vectors."""
    width, height = size_px
    box = Box(0.2 * width, 0.3 * height, 0.5 * width, 0.9 * height)
    with quiet_numbers():
        problem = calibration.problem((width, height))
        bearing = bearing_of(calibration, box, None, (width, height))
    problem.encode()
    if bearing is None:
        return
    _expect(not problem, f'a direction in spite of: {problem}')
    length = math.hypot(*bearing.ray)
    _expect(abs(length - 1.0) < 1e-6, f'a direction of length {length}')
    _expect(all(map(math.isfinite, bearing.angles)), f'angles {bearing.angles}')


def deserialized(data: bytes, name: str) -> Any:
    """Return a message of rosbags' classes; None for what is none."""
    try:
        return _types().deserialize_cdr(data, name)
    except _UNREADABLE:
        return None


@cache
def _types() -> Typestore:
    return ros_types()


def _rclpy_types() -> list[tuple[type[Any], Any]]:
    from geometry_msgs.msg import PointStamped  # noqa: PLC0415 - only there with ROS
    from sensor_msgs.msg import CameraInfo, CompressedImage, Image  # noqa: PLC0415

    from sam2_tracker_ros.messages import (  # noqa: PLC0415
        frame_from_compressed_image,
        frame_from_image,
    )
    from sam2_tracker_ros.msg import Prompt  # noqa: PLC0415

    def image(message: Any) -> None:
        with only(ImageError):
            _check_frame(frame_from_image(message))

    def compressed(message: Any) -> None:
        with only(ImageError):
            _check_frame(frame_from_compressed_image(message))

    def click(message: Any) -> None:
        with only(PromptError):
            check_prompt(prompt_from_click(message.point), SIZE_PX)

    return [
        (Prompt, check_prompt_message),
        (Image, image),
        (CompressedImage, compressed),
        (CameraInfo, lambda it: check_calibration(calibration_from_camera_info(it), SIZE_PX)),
        (PointStamped, click),
    ]


def _check_frame(frame: Frame) -> None:
    width, height = frame.size_px
    _expect(frame.pixels.dtype == np.uint8, f'pixels of {frame.pixels.dtype}')
    _expect(frame.pixels.shape[:2] == (height, width), f'pixels of {frame.pixels.shape}')
    _expect(bgr_image(frame).shape == (height, width, 3), 'a picture without three colours')
    frame.frame_id.encode()


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise FindingError(otherwise)
