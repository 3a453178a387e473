# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Recordings: bags, clips, masks, images and videos."""

from functools import cache
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
from fuzz.contract import FindingError, edited, only, quiet_numbers
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer

from sam2_tracker_ros.errors import SourceError
from sam2_tracker_ros.replay.bag_types import ros_types
from sam2_tracker_ros.replay.clip_formats import recorded_clips
from sam2_tracker_ros.replay.folder_source import SUFFIXES
from sam2_tracker_ros.replay.open_source import open_source

# Frames that are read of one recording: a file may say that it has any number.
_MAX_FRAMES = 20


def bag_sqlite3(data: bytes) -> None:
    """Read a damaged .db3 file: edits of a good one."""
    _read_file('bag.db3', edited(_bag(StoragePlugin.SQLITE3), data))


def bag_mcap(data: bytes) -> None:
    """Read a damaged .mcap file: edits of a good one."""
    _read_file('bag.mcap', edited(_bag(StoragePlugin.MCAP), data))


def bag_metadata(data: bytes) -> None:
    """Read a bag with this metadata.yaml."""
    with TemporaryDirectory() as folder:
        Path(folder, 'bag.db3').write_bytes(_bag(StoragePlugin.SQLITE3))
        Path(folder, 'metadata.yaml').write_bytes(data)
        _read(Path(folder))


def clip_folder(data: bytes) -> None:
    """Read a clip; meta.json, the truth and a file of absences are separated by a zero byte."""
    meta, truth, absent = (*data.split(b'\0', 2), b'', b'')[:3]
    with TemporaryDirectory() as folder:
        for name, content in (
            ('meta.json', meta),
            ('groundtruth.txt', truth),
            ('out_of_view.txt', absent),
        ):
            if content:
                Path(folder, name).write_bytes(content)
        Path(folder, 'frames').mkdir()
        Path(folder, 'frames', '1.png').write_bytes(_encoded('.png'))
        with only(SourceError), quiet_numbers():
            for clip in recorded_clips(Path(folder)):
                list(islice(clip.frames(), _MAX_FRAMES))
                clip.true_mask(0)


def image_file(data: bytes) -> None:
    """Read an image of a folder; the first byte chooses its suffix."""
    if not data:
        return
    with TemporaryDirectory() as folder:
        name = f'1{SUFFIXES[data[0] % len(SUFFIXES)]}'
        Path(folder, name).write_bytes(data[1:])
        _read(Path(folder))


def mask_file(data: bytes) -> None:
    """Read a clip with this mask."""
    with TemporaryDirectory() as folder:
        for name in ('frames', 'masks'):
            Path(folder, name).mkdir()
        Path(folder, 'meta.json').write_text('{"init_box_xywh": [1, 1, 4, 4]}')
        Path(folder, 'frames', '1.png').write_bytes(_encoded('.png'))
        Path(folder, 'masks', '1.png').write_bytes(data)
        with only(SourceError):
            for clip in recorded_clips(Path(folder)):
                clip.true_mask(0)


def video_file(data: bytes) -> None:
    """Read a damaged video: edits of a good one, which the first byte chooses."""
    if data:
        name = ('clip.mp4', 'clip.avi')[data[0] % 2]
        _read_file(name, edited(_video(name), data[1:]))


def _read_file(name: str, content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        _read(path)


def _read(path: Path) -> None:
    with only(SourceError), quiet_numbers():
        source = open_source(path)
        if not source.rate_hz > 0.0:
            message = f'a rate of {source.rate_hz}'
            raise FindingError(message)
        for item in islice(source.frames(), _MAX_FRAMES):
            item.problem.encode()


@cache
def _bag(storage: StoragePlugin) -> bytes:
    """Return the storage file of a bag with two images and a CameraInfo."""
    types = ros_types()
    kinds: dict[str, Any] = types.types
    stamp = kinds['builtin_interfaces/msg/Time'](sec=1, nanosec=2)
    header = kinds['std_msgs/msg/Header'](stamp=stamp, frame_id='camera')
    pixels = np.arange(48, dtype=np.uint8)
    image = kinds['sensor_msgs/msg/Image'](
        header=header, height=4, width=4, encoding='bgr8', is_bigendian=0, step=12, data=pixels
    )
    region = kinds['sensor_msgs/msg/RegionOfInterest'](
        x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
    )
    info = kinds['sensor_msgs/msg/CameraInfo'](
        header=header, height=4, width=4, distortion_model='plumb_bob', d=np.zeros(5),
        k=np.array([5.0, 0, 2, 0, 5, 2, 0, 0, 1]), r=np.zeros(9), p=np.zeros(12),
        binning_x=0, binning_y=0, roi=region,
    )  # fmt: skip
    with TemporaryDirectory() as folder:
        path = Path(folder, 'bag')
        with Writer(path, version=9, storage_plugin=storage) as writer:
            for topic, kind, messages in (
                ('/camera/image_raw', 'sensor_msgs/msg/Image', [image, image]),
                ('/camera/camera_info', 'sensor_msgs/msg/CameraInfo', [info]),
            ):
                connection = writer.add_connection(topic, kind, typestore=types)
                for index, message in enumerate(messages):
                    writer.write(connection, 1000 + index, types.serialize_cdr(message, kind))
        (file,) = (file for file in path.iterdir() if file.suffix != '.yaml')
        return file.read_bytes()


@cache
def _encoded(suffix: str) -> bytes:
    picture = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    return cv2.imencode(suffix, picture)[1].tobytes()


@cache
def _video(name: str) -> bytes:
    code = cv2.VideoWriter.fourcc(*('mp4v' if name.endswith('.mp4') else 'MJPG'))
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        writer = cv2.VideoWriter(str(path), code, 25.0, (32, 32))
        for index in range(3):
            writer.write(np.full((32, 32, 3), 60 * index, np.uint8))
        writer.release()
        return path.read_bytes()
