# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The generated classes of this ROS installation."""

from importlib import import_module
from importlib.util import find_spec

from sam2_tracker_ros.messages import MessageClasses, native_bytes
from sam2_tracker_ros.messages.classes import MessageClass


def installed_message_classes() -> MessageClasses:
    """Return what the conversions need; detections only where vision_msgs is installed."""
    return MessageClasses.of(
        _find, native_bytes, with_vision_msgs=find_spec('vision_msgs') is not None
    )


def _find(name: str) -> MessageClass:
    package, kind, class_name = name.split('/')
    found: MessageClass = getattr(import_module(f'{package}.{kind}'), class_name)
    return found
