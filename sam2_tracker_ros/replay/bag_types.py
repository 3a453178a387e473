# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Message types for bags: those of ROS 2 and, read from their .msg files, our own."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from sam2_tracker_ros.messages import MessageClasses
from sam2_tracker_ros.messages.classes import MessageClass

_PACKAGE = Path(__file__).resolve().parent.parent
# Where the .msg files are: installed, and in a source checkout.
_INTERFACES = (_PACKAGE / 'interfaces' / 'msg', _PACKAGE.parent / 'msg')


@cache
def ros_types() -> Typestore:
    """Return the types of ROS 2 Jazzy with those of this package."""
    typestore = get_typestore(Stores.ROS2_JAZZY)
    folder = next(path for path in _INTERFACES if path.is_dir())
    for path in sorted(folder.glob('*.msg')):
        name = f'sam2_tracker_ros/msg/{path.stem}'
        typestore.register(get_types_from_msg(path.read_text(), name))
    return typestore


def bag_message_classes(typestore: Typestore) -> MessageClasses:
    """Return the classes that the conversions need; rosbags knows no vision_msgs."""
    find = cast('Callable[[str], MessageClass]', typestore.types.__getitem__)
    return MessageClasses.of(find, np.ravel, with_vision_msgs=False)
