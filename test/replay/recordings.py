# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The flat scene as a bag, a video and a folder, and what replay makes of it."""

from collections.abc import Iterable
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import Prompt, UInt8Array
from sam2_tracker_ros.testing.fake_model import FakeModel
from sam2_tracker_ros.testing.scenes import FlatScene, Scene

FRAME_ID = 'camera_optical'
TYPES = get_typestore(Stores.ROS2_HUMBLE)
RAW, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
CAMERA_INFO = 'sensor_msgs/msg/CameraInfo'


def flat_scene() -> FlatScene:
    """Return a scene in which the disc is hidden, leaves and comes back."""
    return FlatScene((192, 144), frame_count=120)


def new_tracker() -> Tracker:
    return Tracker(FakeModel(), Config())


def prompt(scene: Scene) -> dict[int, list[Prompt]]:
    """Return a box around the target in the first frame."""
    return {0: [Prompt(box=scene.frame(0).box)]}


def json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def header(stamp_ns: int) -> Any:
    seconds, nanoseconds = divmod(stamp_ns, 10**9)
    stamp = TYPES.types['builtin_interfaces/msg/Time'](sec=seconds, nanosec=nanoseconds)
    return TYPES.types['std_msgs/msg/Header'](stamp=stamp, frame_id=FRAME_ID)


def image_message(image: UInt8Array, stamp_ns: int) -> Any:
    height, width = image.shape[:2]
    return TYPES.types[RAW](
        header=header(stamp_ns),
        height=height,
        width=width,
        encoding='bgr8',
        is_bigendian=0,
        step=3 * width,
        data=image.ravel(),
    )


def compressed_message(image: UInt8Array, stamp_ns: int) -> Any:
    _, data = cv2.imencode('.png', image)
    return TYPES.types[COMPRESSED](
        header=header(stamp_ns), format='bgr8; png compressed bgr8', data=np.asarray(data).ravel()
    )


def camera_info_message(scene: Scene, stamp_ns: int) -> Any:
    calibration = scene.calibration
    roi = TYPES.types['sensor_msgs/msg/RegionOfInterest'](
        x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
    )
    return TYPES.types[CAMERA_INFO](
        header=header(stamp_ns),
        height=calibration.size_px[1],
        width=calibration.size_px[0],
        distortion_model=calibration.distortion_model,
        d=calibration.distortion,
        k=calibration.matrix.ravel(),
        r=np.eye(3).ravel(),
        p=np.eye(3, 4).ravel(),
        binning_x=0,
        binning_y=0,
        roi=roi,
    )


def write_bag(
    path: Path, storage: StoragePlugin, messages: Iterable[tuple[str, str, Any]]
) -> Path:
    """
    Write a bag.

    :param messages: topic, type and message; recorded a little after the message's stamp.
    """
    with Writer(path, version=8, storage_plugin=storage) as writer:
        connections: dict[str, Any] = {}
        for topic, msgtype, message in messages:
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, msgtype, typestore=TYPES)
            stamp = message.header.stamp
            recorded_ns = stamp.sec * 10**9 + stamp.nanosec + 2_000_000
            data = TYPES.serialize_cdr(message, msgtype)
            writer.write(connections[topic], recorded_ns, data)
    return path


def scene_messages(
    scene: Scene, *, is_compressed: bool, topic: str = '/camera/image_raw'
) -> Iterable[tuple[str, str, Any]]:
    """Return CameraInfo and image of every frame."""
    for index in range(scene.frame_count):
        frame = scene.frame(index)
        info = camera_info_message(scene, frame.stamp_ns)
        yield '/camera/camera_info', CAMERA_INFO, info
        if is_compressed:
            message = compressed_message(frame.image, frame.stamp_ns)
            yield f'{topic}/compressed', COMPRESSED, message
        else:
            yield topic, RAW, image_message(frame.image, frame.stamp_ns)


def write_scene_bag(
    path: Path, scene: Scene, storage: StoragePlugin, *, is_compressed: bool
) -> Path:
    return write_bag(path, storage, scene_messages(scene, is_compressed=is_compressed))


def write_video(path: Path, scene: Scene) -> Path:
    code = cv2.VideoWriter.fourcc(*'mp4v')
    writer = cv2.VideoWriter(str(path), code, scene.rate_hz, scene.size_px)
    for index in range(scene.frame_count):
        writer.write(scene.frame(index).image)
    writer.release()
    return path


def write_folder(path: Path, scene: Scene) -> Path:
    """Write images whose natural order differs from that of their names."""
    path.mkdir()
    for index in range(scene.frame_count):
        cv2.imwrite(str(path / f'frame_{index}.png'), scene.frame(index).image)
    return path
