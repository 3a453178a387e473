# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Results drawn into the image, for people.

A solid box was measured in this frame, a dashed one is predicted, and a lost target has no box,
only a banner.
"""

from itertools import pairwise
import math

import cv2
import numpy as np

from sam2_tracker_ros.core.types import (
    Box,
    Reason,
    StepResult,
    TargetResult,
    TargetState,
    UInt8Array,
)

STATE_COLORS_BGR = {
    TargetState.IDLE: (190, 190, 190),
    TargetState.INITIALIZING: (230, 200, 90),
    TargetState.TRACKING: (96, 220, 70),
    TargetState.COASTING: (40, 180, 250),
    TargetState.LOST: (70, 70, 240),
    TargetState.ERROR: (200, 70, 230),
}
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_WHITE = (245, 245, 245)
_TINT = 0.4


def draw_overlay(image: UInt8Array, result: StepResult, note: str = '') -> UInt8Array:
    """
    Return a copy of the image with every target of the result drawn into it.

    :param image: uint8 BGR [height, width, 3], of the size that the result is about.
    :param note: text for the top left corner; empty for the time that the step took.
    """
    canvas = image.copy()
    scale = _scale_of(canvas)
    banners = []
    for target in result.targets:
        color = STATE_COLORS_BGR[target.state]
        is_shown = target.state in (TargetState.TRACKING, TargetState.COASTING)
        if target.measured:
            _draw_mask(canvas, target, color, scale)
        if is_shown and target.box is not None and _is_drawable(target.box):
            draw_box(canvas, target.box, color, is_dashed=not target.measured)
            _draw_label(canvas, target.box, describe(target), color, scale)
        else:
            banners.append((describe(target), color))
    if not result.targets:
        banners.append(('no target', STATE_COLORS_BGR[TargetState.IDLE]))
    for index, (text, color) in enumerate(banners):
        _draw_banner(canvas, text, color, index, scale)
    if not note and result.timings.total_s > 0.0:
        note = f'{1e3 * result.timings.total_s:.0f} ms'
    return draw_note(canvas, note) if note else canvas


def draw_note(image: UInt8Array, note: str) -> UInt8Array:
    """Return a copy of a BGR image with a text in its top left corner."""
    canvas = image.copy()
    scale = _scale_of(canvas)
    margin = round(10 * scale)
    _draw_text(canvas, note, (margin, margin), _WHITE, scale)
    return canvas


def describe(target: TargetResult) -> str:
    """Return id, state, confidence and reason in one line."""
    words = [target.target_id, target.state.name]
    if target.measured and math.isfinite(target.scores.confidence):
        words.append(f'{target.scores.confidence:.2f}')
    if target.reason is not Reason.NONE:
        words.append(target.reason.name.lower().replace('_', ' '))
    if not target.measured and target.time_since_measured_s > 0.0:
        words.append(f'{target.time_since_measured_s:.1f} s')
    return ' '.join(word for word in words if word)


def draw_box(
    canvas: UInt8Array, box: Box, color: tuple[int, int, int], *, is_dashed: bool
) -> None:
    """Draw the outline of a box into an image in place."""
    thickness = max(1, round(2.4 * _scale_of(canvas)))
    # Pixel coordinates of OpenCV are pixel centres, and right and bottom are exclusive.
    left, top = round(box.left), round(box.top)
    right, bottom = round(box.right) - 1, round(box.bottom) - 1
    if not is_dashed:
        cv2.rectangle(canvas, (left, top), (right, bottom), color, thickness)
        return
    corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
    for start, end in pairwise(corners):
        _draw_dashes(canvas, start, end, color, thickness)


def _scale_of(canvas: UInt8Array) -> float:
    """Return how large letters and lines are, 1 at 720p."""
    return min(max(canvas.shape[0] / 720.0, 0.4), 2.5)


def _is_drawable(box: Box) -> bool:
    """Return whether the numbers are finite and small enough for OpenCV."""
    sides = box.left, box.top, box.right, box.bottom
    return all(math.isfinite(side) and abs(side) < 30_000.0 for side in sides)


def _draw_dashes(
    canvas: UInt8Array,
    start: tuple[int, int],
    end: tuple[int, int],
    color: tuple[int, int, int],
    thickness: int,
) -> None:
    length = math.dist(start, end)
    dash = 5.0 * thickness
    along = (end[0] - start[0]) / max(length, 1.0), (end[1] - start[1]) / max(length, 1.0)
    for index in range(math.ceil(length / (2.0 * dash))):
        first = 2.0 * dash * index
        last = min(first + dash, length)
        ends = [
            (round(start[0] + along[0] * at), round(start[1] + along[1] * at))
            for at in (first, last)
        ]
        cv2.line(canvas, ends[0], ends[1], color, thickness)


def _draw_mask(
    canvas: UInt8Array, target: TargetResult, color: tuple[int, int, int], scale: float
) -> None:
    """Tint the mask and draw its outline."""
    if target.mask is None:
        return
    left, top = int(target.mask.box.left), int(target.mask.box.top)
    height, width = target.mask.region.shape
    part = canvas[top : top + height, left : left + width]
    tint = np.array(color, np.float32) * _TINT
    part[target.mask.region] = part[target.mask.region] * (1.0 - _TINT) + tint
    region = target.mask.region.astype(np.uint8)
    outlines, _ = cv2.findContours(
        region, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE, offset=(left, top)
    )
    cv2.drawContours(canvas, outlines, -1, color, max(1, round(1.5 * scale)), cv2.LINE_AA)


def _draw_label(
    canvas: UInt8Array, box: Box, text: str, color: tuple[int, int, int], scale: float
) -> None:
    """Write above the box, or below it where there is no room."""
    width, height = _text_size(text, scale)
    gap = round(6 * scale)
    top = round(box.top) - height - gap
    if top < 0:
        top = round(box.bottom) + gap
    left = min(max(round(box.left), 0), canvas.shape[1] - width)
    _draw_text(canvas, text, (left, min(top, canvas.shape[0] - height)), color, scale)


def _draw_banner(
    canvas: UInt8Array, text: str, color: tuple[int, int, int], index: int, scale: float
) -> None:
    """Write in the middle of a dark stripe at the bottom; the first banner is the lowest."""
    width, height = _text_size(text, scale)
    top = canvas.shape[0] - (index + 1) * (height + round(4 * scale))
    stripe = canvas[max(top, 0) : max(top + height, 0)]
    stripe //= 2
    _draw_text(canvas, text, ((canvas.shape[1] - width) // 2, top), color, scale)


def _text_size(text: str, scale: float) -> tuple[int, int]:
    """Return width and height of a text with its dark background."""
    (width, height), baseline = cv2.getTextSize(text, _FONT, 0.6 * scale, _weight(scale))
    return width + 2 * round(6 * scale), height + baseline + 2 * round(5 * scale)


def _weight(scale: float) -> int:
    return max(1, round(1.5 * scale))


def _draw_text(
    canvas: UInt8Array,
    text: str,
    corner: tuple[int, int],
    color: tuple[int, int, int],
    scale: float,
) -> None:
    """Write on a dark background whose top left corner is given."""
    width, height = _text_size(text, scale)
    left, top = max(corner[0], 0), max(corner[1], 0)
    background = canvas[top : top + height, left : left + width]
    background //= 3
    (_, letter_height), _ = cv2.getTextSize(text, _FONT, 0.6 * scale, _weight(scale))
    origin = left + round(6 * scale), top + round(5 * scale) + letter_height
    cv2.putText(canvas, text, origin, _FONT, 0.6 * scale, color, _weight(scale), cv2.LINE_AA)
