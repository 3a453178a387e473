# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Prompt messages and clicks to core prompts; what they mean in an image is checked in core."""

import numpy as np

from sam2_tracker_ros.core.prompts import LABEL_BACKGROUND, LABEL_FOREGROUND
from sam2_tracker_ros.core.types import BoolArray, Box, Point, Prompt, PromptAction
from sam2_tracker_ros.errors import ImageError, PromptError, shown
from sam2_tracker_ros.messages.classes import Message, stamp_ns_of
from sam2_tracker_ros.messages.images import image_bytes

# A click moves this target: clicking again starts it anew instead of adding another one.
CLICK_TARGET_ID = 'click'
# The name of a target is in every message about it.
MAX_TARGET_ID_LENGTH = 100


def prompt_from_message(message: Message) -> Prompt:
    """
    Read a Prompt.

    :raises PromptError: its parts do not fit together.
    """
    try:
        action = PromptAction(message.action)
    except ValueError as error:
        known = ', '.join(f'{item.value} ({item.name})' for item in PromptAction)
        text = f'unknown prompt action {message.action}; expected one of {known}'
        raise PromptError(text) from error
    if len(message.target_id) > MAX_TARGET_ID_LENGTH:
        text = (
            f'the target_id has {len(message.target_id)} characters; '
            f'send at most {MAX_TARGET_ID_LENGTH}'
        )
        raise PromptError(text)
    return Prompt(
        action=action,
        target_id=message.target_id,
        points=_points(message),
        box=_box(message),
        mask=_mask(message.mask),
        normalized=bool(message.normalized),
        stamp_ns=stamp_ns_of(message.header),
    )


def prompt_from_click(point: Message, stamp_ns: int = 0) -> Prompt:
    """
    Read a geometry_msgs/Point in pixels, as rqt_image_view publishes it for a click.

    :param stamp_ns: of the frame that was clicked at; 0 when it is unknown.
    """
    return Prompt(
        action=PromptAction.ADD,
        target_id=CLICK_TARGET_ID,
        points=(Point(float(point.x), float(point.y)),),
        stamp_ns=stamp_ns,
    )


def _points(message: Message) -> tuple[Point, ...]:
    counts = len(message.point_x), len(message.point_y), len(message.point_labels)
    if len(set(counts)) != 1:
        text = (
            f'the prompt has {counts[0]} point_x, {counts[1]} point_y and {counts[2]} '
            'point_labels; send as many of each'
        )
        raise PromptError(text)
    for label in message.point_labels:
        if label not in (LABEL_BACKGROUND, LABEL_FOREGROUND):
            text = (
                f'unknown point label {label}; expected {LABEL_FOREGROUND} (on the object) or '
                f'{LABEL_BACKGROUND} (beside it)'
            )
            raise PromptError(text)
    return tuple(
        Point(float(x), float(y), int(label) == LABEL_FOREGROUND)
        for x, y, label in zip(message.point_x, message.point_y, message.point_labels, strict=True)
    )


def _box(message: Message) -> Box | None:
    if len(message.box) == 0:
        return None
    if len(message.box) != 4:
        text = f'the box has {len(message.box)} numbers; expected left, top, right, bottom'
        raise PromptError(text)
    left, top, right, bottom = (float(value) for value in message.box)
    return Box(left, top, right, bottom)


def _mask(image: Message) -> BoolArray | None:
    if image.width == 0 and image.height == 0:
        return None
    if image.encoding != 'mono8':
        text = f'the mask has the encoding {shown(image.encoding)}; expected mono8'
        raise PromptError(text)
    try:
        pixels = image_bytes(image, channels=1)
    except ImageError as error:
        text = f'the mask cannot be used: {error}'
        raise PromptError(text) from error
    return np.asarray(pixels != 0, np.bool_)
