# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The two libraries of message classes, and messages made with them."""

import array
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from rclpy.serialization import serialize_message
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from sam2_tracker_ros.core.types import UInt8Array
from sam2_tracker_ros.messages import MessageClasses, native_bytes

INTERFACES = Path(__file__).parents[2] / 'msg'
STAMP_NS = 1_700_000_000_123_456_789
# The field lists of vision_msgs 4, which has no wheel.
VISION_MSGS = {
    'Point2D': 'float64 x\nfloat64 y',
    'Pose2D': 'vision_msgs/Point2D position\nfloat64 theta',
    'BoundingBox2D': 'vision_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y',
    'ObjectHypothesis': 'string class_id\nfloat64 score',
    'ObjectHypothesisWithPose': (
        'vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose'
    ),
    'Detection2D': (
        'std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n'
        'vision_msgs/BoundingBox2D bbox\nstring id'
    ),
    'Detection2DArray': 'std_msgs/Header header\nvision_msgs/Detection2D[] detections',
}


@dataclass(frozen=True)
class Library:
    """A library of message classes: how to find them, what its byte arrays are, and to CDR."""

    find: Callable[[str], type[Any]]
    classes: MessageClasses
    bytes_array: Callable[[UInt8Array], Any]
    to_cdr: Callable[[Any, str], bytes]

    def header(self) -> Any:
        return self.classes.header_of(STAMP_NS, 'camera_optical')

    def image(self, data: UInt8Array, encoding: str, width: int, height: int, step: int) -> Any:
        return self.find('sensor_msgs/msg/Image')(
            header=self.header(),
            height=height,
            width=width,
            encoding=encoding,
            is_bigendian=0,
            step=step,
            data=self.bytes_array(data),
        )

    def image_of(self, pixels: UInt8Array, encoding: str) -> Any:
        height, width = pixels.shape[:2]
        return self.image(pixels.ravel(), encoding, width, height, pixels.size // height)

    def compressed(self, data: UInt8Array, text: str = 'jpeg') -> Any:
        return self.find('sensor_msgs/msg/CompressedImage')(
            header=self.header(), format=text, data=self.bytes_array(data)
        )

    def prompt(self, **fields: Any) -> Any:
        no_mask = self.image(np.zeros(0, np.uint8), '', 0, 0, 0)
        values: dict[str, Any] = {
            'header': self.header(),
            'action': 0,
            'target_id': '',
            'normalized': False,
            'point_x': [],
            'point_y': [],
            'point_labels': [],
            'box': [],
            'mask': no_mask,
        }
        values |= fields
        for name, kind in (
            ('point_x', 'd'),
            ('point_y', 'd'),
            ('box', 'd'),
            ('point_labels', 'i'),
        ):
            values[name] = array.array(kind, values[name])
        return self.find('sam2_tracker_ros/msg/Prompt')(**values)


def rclpy_library() -> Library:
    def find(name: str) -> type[Any]:
        package, kind, class_name = name.split('/')
        found: type[Any] = getattr(import_module(f'{package}.{kind}'), class_name)
        return found

    return Library(
        find,
        MessageClasses.of(find, native_bytes, with_vision_msgs=False),
        native_bytes,
        lambda message, _: bytes(serialize_message(message)),
    )


def rosbags_library() -> Library:
    store = get_typestore(Stores.ROS2_JAZZY)
    for path in sorted(INTERFACES.glob('*.msg')):
        store.register(get_types_from_msg(path.read_text(), f'sam2_tracker_ros/msg/{path.stem}'))
    for name, text in VISION_MSGS.items():
        store.register(get_types_from_msg(text, f'vision_msgs/msg/{name}'))

    def find(name: str) -> type[Any]:
        return store.types[name]

    return Library(
        find,
        MessageClasses.of(find, np.ravel, with_vision_msgs=True),
        np.ravel,
        lambda message, name: bytes(store.serialize_cdr(message, name)),
    )
