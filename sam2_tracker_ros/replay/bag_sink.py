# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A bag with the messages that the node publishes, under the topics of a node named tracker."""

from collections.abc import Sequence
from pathlib import Path
import shutil
from typing import Literal

from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import StoragePlugin, Writer

from sam2_tracker_ros.core.types import Event, StepResult
from sam2_tracker_ros.errors import SourceError
from sam2_tracker_ros.messages import (
    event_message,
    mask_pixels,
    png_message,
    target_array_message,
    target_messages,
)
from sam2_tracker_ros.messages.classes import Message
from sam2_tracker_ros.replay.bag_types import bag_message_classes, ros_types
from sam2_tracker_ros.replay.source import SourceFrame

_TYPES = {
    '/tracker/target': 'sam2_tracker_ros/msg/Target',
    '/tracker/targets': 'sam2_tracker_ros/msg/TargetArray',
    '/tracker/events': 'sam2_tracker_ros/msg/TargetEvent',
    '/tracker/mask/compressed': 'sensor_msgs/msg/CompressedImage',
}
# Readers from Humble (metadata version 5) to newer ones understand this version.
_METADATA_VERSION: Literal[8] = 8
_BAG_FILES = ('*.db3', '*.mcap', 'metadata.yaml')


class BagSink:
    """
    Writes the bag as results come; messages are recorded at their stamps.

    Latencies are 0 in it: a replay has none. Masks are lossless PNG to keep the bag small.

    :param path: of the bag's folder; a bag that is there already is replaced.
    :param is_mcap: store as MCAP instead of sqlite3.
    """

    def __init__(self, path: Path, *, is_mcap: bool) -> None:
        _remove_bag(path)
        self._types = ros_types()
        self._classes = bag_message_classes(self._types)
        plugin = StoragePlugin.MCAP if is_mcap else StoragePlugin.SQLITE3
        self._writer = Writer(path, version=_METADATA_VERSION, storage_plugin=plugin)
        self._writer.open()
        self._connections = {
            topic: self._writer.add_connection(
                topic,
                msgtype,
                typestore=self._types,
                offered_qos_profiles=[_qos(is_latched=topic.endswith('/events'))],
            )
            for topic, msgtype in _TYPES.items()
        }
        self._processed = 0

    def write(self, source_frame: SourceFrame, result: StepResult) -> None:
        """Write targets, events and mask of one frame."""
        self._processed += 1
        classes, stamp_ns = self._classes, result.stamp_ns
        header = classes.header_of(stamp_ns, result.frame_id)
        targets = target_messages(classes, result, header, calibration=source_frame.calibration)
        for target in targets:
            self._put('/tracker/target', stamp_ns, target)
        array = target_array_message(
            classes, targets, header, frames_processed=self._processed, frames_dropped=0
        )
        self._put('/tracker/targets', stamp_ns, array)
        self.write_events(source_frame, result.events)
        mask = png_message(classes, mask_pixels(result), header)
        self._put('/tracker/mask/compressed', stamp_ns, mask)

    def write_events(self, source_frame: SourceFrame, events: Sequence[Event]) -> None:
        """Write events."""
        frame = source_frame.frame
        frame_id = frame.frame_id if frame is not None else ''
        for event in events:
            message = event_message(self._classes, event, frame_id)
            self._put('/tracker/events', event.stamp_ns, message)

    def close(self) -> None:
        """Finish the bag."""
        self._writer.close()

    def _put(self, topic: str, stamp_ns: int, message: Message) -> None:
        data = self._types.serialize_cdr(message, _TYPES[topic])
        self._writer.write(self._connections[topic], stamp_ns, data)


def _remove_bag(path: Path) -> None:
    """
    Make room for a bag.

    :raises SourceError: something else than a bag is there.
    """
    if not path.exists():
        return
    bag_files = {file for pattern in _BAG_FILES for file in path.glob(pattern)}
    if not path.is_dir() or set(path.iterdir()) != bag_files:
        message = f'{path} is in the way of the bag to write; move it, or choose another --out'
        raise SourceError(message)
    shutil.rmtree(path)


def _qos(*, is_latched: bool) -> Qos:
    """Return the profile that the node offers: reliable; late joiners get the last events."""
    durability = QosDurability.TRANSIENT_LOCAL if is_latched else QosDurability.VOLATILE
    forever = QosTime(sec=9223372036, nsec=854775807)
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=20 if is_latched else 10,
        reliability=QosReliability.RELIABLE,
        durability=durability,
        deadline=forever,
        lifespan=forever,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=forever,
        avoid_ros_namespace_conventions=False,
    )
