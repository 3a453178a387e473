# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The message classes that conversions need, and the parts that every message shares."""

from __future__ import annotations

import array
from collections.abc import Callable
from dataclasses import dataclass
import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND, Float64Array, UInt8Array

# Generated classes have no common base; their fields are checked where they are read.
Message: TypeAlias = Any
MessageClass: TypeAlias = type[Any]

_MAX_SECONDS = 2**31 - 1


@dataclass(frozen=True)
class MessageClasses:
    """
    Message classes, and what makes the array that holds bytes in them.

    :param bytes_array: makes the value of a uint8[] field from a flat uint8 array.
    :param detection: the classes of vision_msgs; None where it is not installed.
    """

    time: MessageClass
    duration: MessageClass
    header: MessageClass
    vector3: MessageClass
    image: MessageClass
    compressed_image: MessageClass
    target: MessageClass
    target_array: MessageClass
    target_event: MessageClass
    bytes_array: Callable[[NDArray[np.uint8]], object]
    detection: DetectionClasses | None = None

    @classmethod
    def of(
        cls,
        find: Callable[[str], MessageClass],
        bytes_array: Callable[[NDArray[np.uint8]], object],
        *,
        with_vision_msgs: bool,
    ) -> MessageClasses:
        """
        Look every class up by its full name, such as `sensor_msgs/msg/Image`.

        For a rosbags type store `find` is `typestore.types.__getitem__` and `bytes_array` is
        `numpy.ravel`; for rclpy they import the generated class and are `native_bytes`.
        """
        return cls(
            time=find('builtin_interfaces/msg/Time'),
            duration=find('builtin_interfaces/msg/Duration'),
            header=find('std_msgs/msg/Header'),
            vector3=find('geometry_msgs/msg/Vector3'),
            image=find('sensor_msgs/msg/Image'),
            compressed_image=find('sensor_msgs/msg/CompressedImage'),
            target=find('sam2_tracker_ros/msg/Target'),
            target_array=find('sam2_tracker_ros/msg/TargetArray'),
            target_event=find('sam2_tracker_ros/msg/TargetEvent'),
            bytes_array=bytes_array,
            detection=DetectionClasses.of(find) if with_vision_msgs else None,
        )

    def header_of(self, stamp_ns: int, frame_id: str) -> Message:
        """Return a header with exactly that stamp."""
        seconds, nanoseconds = divmod(stamp_ns, NANOSECONDS_PER_SECOND)
        return self.header(stamp=self.time(sec=seconds, nanosec=nanoseconds), frame_id=frame_id)

    def duration_of(self, duration_s: float) -> Message:
        """Return a duration; one that is not finite or too long becomes the longest."""
        if not math.isfinite(duration_s) or abs(duration_s) >= _MAX_SECONDS:
            return self.duration(sec=_MAX_SECONDS, nanosec=0)
        seconds, nanoseconds = divmod(
            round(duration_s * NANOSECONDS_PER_SECOND), NANOSECONDS_PER_SECOND
        )
        return self.duration(sec=seconds, nanosec=nanoseconds)

    def vector_of(self, vector: Float64Array) -> Message:
        """Return a Vector3 from an array [3]."""
        return self.vector3(x=float(vector[0]), y=float(vector[1]), z=float(vector[2]))


@dataclass(frozen=True)
class DetectionClasses:
    """The classes of vision_msgs."""

    array: MessageClass
    detection: MessageClass
    hypothesis_with_pose: MessageClass
    hypothesis: MessageClass
    bounding_box: MessageClass
    pose_2d: MessageClass
    point_2d: MessageClass
    pose_with_covariance: MessageClass
    pose: MessageClass
    point: MessageClass
    quaternion: MessageClass

    @classmethod
    def of(cls, find: Callable[[str], MessageClass]) -> DetectionClasses:
        """Look every class up by its full name."""
        return cls(
            array=find('vision_msgs/msg/Detection2DArray'),
            detection=find('vision_msgs/msg/Detection2D'),
            hypothesis_with_pose=find('vision_msgs/msg/ObjectHypothesisWithPose'),
            hypothesis=find('vision_msgs/msg/ObjectHypothesis'),
            bounding_box=find('vision_msgs/msg/BoundingBox2D'),
            pose_2d=find('vision_msgs/msg/Pose2D'),
            point_2d=find('vision_msgs/msg/Point2D'),
            pose_with_covariance=find('geometry_msgs/msg/PoseWithCovariance'),
            pose=find('geometry_msgs/msg/Pose'),
            point=find('geometry_msgs/msg/Point'),
            quaternion=find('geometry_msgs/msg/Quaternion'),
        )


def native_bytes(pixels: UInt8Array) -> object:
    """Return what rclpy's uint8[] fields take without looking at every element."""
    values = array.array('B')
    values.frombytes(np.ascontiguousarray(pixels).data.cast('B'))
    return values


def stamp_ns_of(header: Message) -> int:
    """Return a header's stamp in nanoseconds."""
    return int(header.stamp.sec) * NANOSECONDS_PER_SECOND + int(header.stamp.nanosec)


def seconds_of(duration: Message) -> float:
    """Return a builtin_interfaces/Duration in seconds."""
    return float(duration.sec) + float(duration.nanosec) / NANOSECONDS_PER_SECOND
