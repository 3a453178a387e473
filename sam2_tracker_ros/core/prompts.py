# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Check what an operator pointed at, and turn it into what the decoder takes."""

from dataclasses import dataclass
import math

import cv2
import numpy as np

from sam2_tracker_ros.core.geometry import target_mask_of
from sam2_tracker_ros.core.model import DecoderPrompt
from sam2_tracker_ros.core.types import (
    BoolArray,
    Box,
    Float32Array,
    Point,
    Prompt,
    PromptAction,
)
from sam2_tracker_ros.errors import PromptError

LABEL_PADDING = -1
LABEL_BACKGROUND = 0
LABEL_FOREGROUND = 1
LABEL_TOP_LEFT = 2
LABEL_BOTTOM_RIGHT = 3

MIN_BOX_SIDE_PX = 2.0
# Each point is a token of the decoder, and every token attends to every other.
MAX_POINTS = 100
# Logit of a mask that is certain (SAM 2: scale 20, bias -10).
CERTAIN_LOGIT = 10.0

NO_PROMPT = DecoderPrompt(
    points=np.zeros((1, 2), np.float32), labels=np.array([LABEL_PADDING], np.int32)
)


@dataclass(frozen=True)
class CheckedPrompt:
    """A prompt that fits the image; coordinates in pixels of the camera image."""

    points: tuple[Point, ...] = ()
    box: Box | None = None
    mask: BoolArray | None = None

    @property
    def object_box(self) -> Box | None:
        """Box that the operator drew, or that of the mask; None when there are only points."""
        if self.mask is None:
            return self.box
        marked = target_mask_of(self.mask)
        return None if marked is None else marked.box

    @property
    def extent(self) -> Box | None:
        """The object's box, grown to hold every point; None when there are only points."""
        box = self.object_box
        if box is None:
            return None
        xs, ys = [point.x for point in self.points], [point.y for point in self.points]
        return Box(
            min([box.left, *xs]),
            min([box.top, *ys]),
            max([box.right, *xs]),
            max([box.bottom, *ys]),
        )


def check_prompt(prompt: Prompt, size_px: tuple[int, int]) -> CheckedPrompt:
    """
    Refuse a prompt that cannot mean anything in an image of that width and height.

    A box that reaches over the border is cut there.

    :raises PromptError: says what was wrong and what is expected.
    """
    if prompt.mask is not None:
        if prompt.points or prompt.box is not None:
            message = 'a mask excludes points and box; send the mask alone'
            raise PromptError(message)
        return CheckedPrompt(mask=_checked_mask(prompt.mask, size_px))
    if len(prompt.points) > MAX_POINTS:
        message = f'the prompt has {len(prompt.points)} points; send at most {MAX_POINTS}'
        raise PromptError(message)
    scale = size_px if prompt.normalized else (1, 1)
    points = tuple(_checked_point(point, scale, size_px) for point in prompt.points)
    box = None if prompt.box is None else _checked_box(prompt.box, scale, size_px)
    if box is None and not points:
        message = 'the prompt is empty; give points, a box or a mask'
        raise PromptError(message)
    only_background = not any(point.is_foreground for point in points)
    if prompt.action is PromptAction.ADD and box is None and only_background:
        message = 'all points are background; give at least one point on the object, or a box'
        raise PromptError(message)
    return CheckedPrompt(points=points, box=box)


def decoder_prompt(prompt: CheckedPrompt, window: Box, model_size_px: int) -> DecoderPrompt:
    """
    Scale to the square model image; box corners come first, as in SAM 2.

    A mask prompt is given to the decoder as its box.

    :param window: the part of the camera image that the model image shows.
    """
    box = prompt.object_box
    points: list[tuple[float, float]] = []
    labels: list[int] = []
    if box is not None:
        points += [(box.left, box.top), (box.right, box.bottom)]
        labels += [LABEL_TOP_LEFT, LABEL_BOTTOM_RIGHT]
    points += [(point.x, point.y) for point in prompt.points]
    labels += [
        LABEL_FOREGROUND if point.is_foreground else LABEL_BACKGROUND for point in prompt.points
    ]
    origin = np.array([window.left, window.top])
    scale = model_size_px / np.array([window.width, window.height])
    scaled = (np.array(points) - origin) * scale
    return DecoderPrompt(points=scaled.astype(np.float32), labels=np.array(labels, np.int32))


def mask_logits_of(mask: BoolArray, window: Box, size_px: int) -> Float32Array:
    """
    Return the logits of a certain mask, float32 [size_px, size_px].

    :param mask: boolean [height, width] of the camera image.
    :param window: the part of it that the logits cover, in whole pixels.
    """
    rows = slice(round(window.top), round(window.bottom))
    mask = mask[rows, round(window.left) : round(window.right)]
    shrinks = min(mask.shape) >= size_px
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    coverage = cv2.resize(mask.astype(np.float32), (size_px, size_px), interpolation=interpolation)
    return ((coverage * 2.0 - 1.0) * CERTAIN_LOGIT).astype(np.float32)


def _checked_mask(mask: BoolArray, size_px: tuple[int, int]) -> BoolArray:
    expected = (size_px[1], size_px[0])
    if mask.shape != expected:
        message = (
            f'the mask is {mask.shape[1]} x {mask.shape[0]} pixels; '
            f'expected the image size {expected[1]} x {expected[0]}'
        )
        raise PromptError(message)
    if not mask.any():
        message = 'the mask is empty; mark the pixels of the object'
        raise PromptError(message)
    return mask


def _checked_point(point: Point, scale: tuple[int, int], size_px: tuple[int, int]) -> Point:
    x, y = point.x * scale[0], point.y * scale[1]
    if not (math.isfinite(x) and math.isfinite(y)):
        message = f'the point ({point.x}, {point.y}) is not finite; give numbers'
        raise PromptError(message)
    if not (0.0 <= x <= size_px[0] and 0.0 <= y <= size_px[1]):
        message = (
            f'the point ({x:g}, {y:g}) is outside the image; '
            f'expected x in 0..{size_px[0]} and y in 0..{size_px[1]} pixels'
        )
        raise PromptError(message)
    return Point(x, y, point.is_foreground)


def _checked_box(box: Box, scale: tuple[int, int], size_px: tuple[int, int]) -> Box:
    corners = (
        box.left * scale[0],
        box.top * scale[1],
        box.right * scale[0],
        box.bottom * scale[1],
    )
    text = '({:g}, {:g}, {:g}, {:g})'.format(*corners)
    if not all(math.isfinite(value) for value in corners):
        message = f'the box {text} is not finite; give left, top, right, bottom as numbers'
        raise PromptError(message)
    if corners[0] >= corners[2] or corners[1] >= corners[3]:
        message = f'the box {text} is empty; expected left < right and top < bottom'
        raise PromptError(message)
    cut = Box(
        max(corners[0], 0.0),
        max(corners[1], 0.0),
        min(corners[2], float(size_px[0])),
        min(corners[3], float(size_px[1])),
    )
    if cut.width <= 0.0 or cut.height <= 0.0:
        message = f'the box {text} is outside the image of {size_px[0]} x {size_px[1]} pixels'
        raise PromptError(message)
    if min(cut.width, cut.height) < MIN_BOX_SIDE_PX:
        message = f'the box {text} is too small; expected sides of {MIN_BOX_SIDE_PX:g} pixels'
        raise PromptError(message)
    return cut
