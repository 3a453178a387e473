# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Images of a ROS 2 bag, sqlite3 or MCAP, read without ROS.

Messages are read as the types that we know, never as those that a bag defines itself: rosbags
makes Python code of a definition and runs it.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
import re

from rosbags.interfaces import Connection
from rosbags.rosbag2 import Reader

from sam2_tracker_ros.core.bearing import CameraCalibration
from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND
from sam2_tracker_ros.errors import ImageError, Sam2TrackerError, SourceError
from sam2_tracker_ros.messages import (
    calibration_from_camera_info,
    frame_from_compressed_image,
    frame_from_image,
    stamp_ns_of,
)
from sam2_tracker_ros.messages.classes import Message
from sam2_tracker_ros.replay.bag_types import ros_types
from sam2_tracker_ros.replay.source import SourceFrame

_DECODERS = {
    'sensor_msgs/msg/Image': frame_from_image,
    'sensor_msgs/msg/CompressedImage': frame_from_compressed_image,
}
_CAMERA_INFO = 'sensor_msgs/msg/CameraInfo'
_DEFAULT_RATE_HZ = 30.0
_ALIAS = re.compile(r'(?:^|[\s,\[])\*\w', re.MULTILINE)
_MAX_ALIASES = 16
_MAX_REASON = 500


class BagSource:
    """
    Reads one image topic of a bag.

    :param path: of the bag's folder, or of one .db3 or .mcap file.
    :param topic: of the images; empty takes the only one.
    :raises SourceError: the bag cannot be read, or does not have that topic.
    """

    def __init__(self, path: Path, topic: str = '') -> None:
        self._path = path
        with self._opened() as reader:
            image = _image_connection(path, reader.connections, topic)
            self._topic = image.topic
            self._frame_count = int(image.msgcount)
            self._rate_hz = _rate_hz(self._frame_count, reader.duration)
            self._info_topics = _camera_info_topics(image.topic, reader.connections)

    @property
    def topic(self) -> str:
        """Topic of the images."""
        return self._topic

    @property
    def is_mcap(self) -> bool:
        """Whether the bag is stored as MCAP instead of sqlite3."""
        return self._path.suffix == '.mcap' or any(self._path.glob('*.mcap*'))

    @property
    def frame_count(self) -> int:
        """Images in the bag."""
        return self._frame_count

    @property
    def rate_hz(self) -> float:
        """Images in a second, on average."""
        return self._rate_hz

    def frames(self) -> Iterator[SourceFrame]:
        """Read the images in the order in which they were recorded, one at a time."""
        calibration: CameraCalibration | None = None
        index = 0
        for kind, message in self._messages({self._topic, *self._info_topics}):
            if kind == _CAMERA_INFO:
                calibration = calibration_from_camera_info(message)
            else:
                yield _source_frame(index, kind, message, calibration)
                index += 1

    def _messages(self, topics: Collection[str]) -> Iterator[tuple[str, Message]]:
        """Read type and message, of the types that we know, on these topics."""
        kinds = (*_DECODERS, _CAMERA_INFO)
        with self._opened() as reader:
            connections = [
                item
                for item in reader.connections
                if item.topic in topics and item.msgtype in kinds
            ]
            for connection, _, data in reader.messages(connections):
                kind = connection.msgtype
                yield kind, ros_types().deserialize_cdr(data, kind)

    @contextmanager
    def _opened(self) -> Iterator[Reader]:
        try:
            _check_metadata(self._path / 'metadata.yaml')
            with Reader(self._path) as reader:
                yield reader
        except Sam2TrackerError:
            raise
        except Exception as error:  # rosbags lets through whatever a damaged file leads to
            why = str(error)[:_MAX_REASON] or type(error).__name__
            message = (
                f'{self._path} is damaged or no ROS 2 bag ({why}); if metadata.yaml is missing, '
                '`ros2 bag reindex` makes it'
            )
            raise SourceError(message) from error


def _check_metadata(path: Path) -> None:
    """Refuse YAML that refers to itself again and again: a line of it can mean gigabytes."""
    if path.is_file() and len(_ALIAS.findall(path.read_text(encoding='utf-8'))) > _MAX_ALIASES:
        message = f'{path} is damaged: it refers to itself; `ros2 bag reindex` makes it anew'
        raise SourceError(message)


def _rate_hz(frame_count: int, duration_ns: int) -> float:
    """Return the images in a second, within what a video of them can have."""
    duration_s = duration_ns / NANOSECONDS_PER_SECOND
    if duration_s <= 0.0 or frame_count <= 1:
        return _DEFAULT_RATE_HZ
    return min(max((frame_count - 1) / duration_s, 1.0), 240.0)


def _source_frame(
    index: int, msgtype: str, message: Message, calibration: CameraCalibration | None
) -> SourceFrame:
    """Convert an image message; one that cannot be used says why."""
    try:
        frame = _DECODERS[msgtype](message)
    except ImageError as error:
        return SourceFrame(index, stamp_ns_of(message.header), problem=str(error))
    return SourceFrame(index, frame.stamp_ns, frame, calibration=calibration)


def _image_connection(path: Path, connections: Sequence[Connection], topic: str) -> Connection:
    """Return the connection of the named image topic, or of the only one."""
    images = [item for item in connections if item.msgtype in _DECODERS and item.msgcount > 0]
    topics = ', '.join(sorted({item.topic for item in images})) or 'none'
    wanted = [item for item in images if not topic or item.topic == topic]
    if topic and not wanted:
        message = f'{path} has no images on {topic}; its image topics are: {topics}'
        raise SourceError(message)
    if not images:
        others = ', '.join(sorted({item.topic for item in connections})) or 'none'
        message = f'{path} holds no images; its topics are: {others}'
        raise SourceError(message)
    if len({item.topic for item in wanted}) > 1:
        message = f'{path} has several image topics: {topics}; choose one with --topic'
        raise SourceError(message)
    return wanted[0]


def _camera_info_topics(image_topic: str, connections: Sequence[Connection]) -> tuple[str, ...]:
    """Return the CameraInfo topic beside the image topic, or the only one of the bag."""
    topics = {item.topic for item in connections if item.msgtype == _CAMERA_INFO}
    folder = image_topic.removesuffix('/compressed').rpartition('/')[0]
    beside = f'{folder}/camera_info'
    if beside in topics:
        return (beside,)
    return tuple(topics) if len(topics) == 1 else ()
