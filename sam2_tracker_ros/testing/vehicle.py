# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A car from above, laid into an image with its shadow."""

from dataclasses import dataclass
import math

import cv2
import numpy as np

from sam2_tracker_ros.core.geometry import target_mask_of
from sam2_tracker_ros.core.types import (
    BoolArray,
    Float32Array,
    Float64Array,
    TargetMask,
    UInt8Array,
)

LENGTH_PX, WIDTH_PX = 104, 46

# The picture of a car has this many pixels for one of the world, and this margin.
_SCALE = 3
_MARGIN_PX = 14
_SHADOW_SHIFT_PX = (7.0, 5.0)
_SHADOW_STRENGTH = 0.55


@dataclass(frozen=True)
class Pose:
    """Place of a car in world pixels; it points along `heading_rad`, + clockwise."""

    x: float
    y: float
    heading_rad: float


@dataclass(frozen=True)
class Seen:
    """
    What is seen of a car in an image.

    :param mask: its visible pixels; None when there are none.
    :param visible_fraction: of the car's pixels, 0..1; cover and the image border take from it.
    """

    mask: TargetMask | None = None
    visible_fraction: float = 0.0


class Vehicle:
    """
    A car of one colour.

    :param body_bgr: colour of its paint.
    """

    def __init__(self, body_bgr: tuple[int, int, int]) -> None:
        self._color, self._coverage = _paint(body_bgr)
        blurred = cv2.blur(self._coverage, (4 * _SCALE, 4 * _SCALE))
        self._shadow = np.asarray(blurred * _SHADOW_STRENGTH, np.float32)

    def draw(
        self, image: UInt8Array, image_from_world: Float64Array, pose: Pose, cover: UInt8Array
    ) -> Seen:
        """
        Lay the car into an image in place, where the cover leaves it visible.

        :param image_from_world: [3, 3].
        :param cover: of the world, 255 where something hides the car.
        """
        to_image = image_from_world @ _world_from_picture(pose, (0.0, 0.0))
        height, width = self._coverage.shape
        shift = _SHADOW_SHIFT_PX
        corners = np.array([(0, 0, 1), (width, 0, 1), (width, height, 1), (0, height, 1)]).T
        footprint = (to_image @ corners)[:2]
        low = np.floor(footprint.min(axis=1)).astype(int)
        high = np.ceil(footprint.max(axis=1)).astype(int) + 1
        size = int(high[0] - low[0]), int(high[1] - low[1])
        inside = _overlap(low, size, (image.shape[1], image.shape[0]))
        if inside is None:
            return Seen()
        to_region = np.array([(1, 0, -low[0]), (0, 1, -low[1]), (0, 0, 1)], np.float64)
        open_part = 1.0 - _warp(cover, to_region @ image_from_world, size) / 255.0
        shadow_to_image = image_from_world @ _world_from_picture(pose, shift)
        shadow = _warp(self._shadow, to_region @ shadow_to_image, size) * open_part
        whole = _warp(self._coverage, to_region @ to_image, size)
        alpha = whole * open_part
        color = _warp(self._color, to_region @ to_image, size)
        rows, columns = inside
        part = image[low[1] + rows.start : low[1] + rows.stop, low[0] + columns.start :]
        part = part[:, : columns.stop - columns.start]
        blended = part * (1.0 - shadow[inside][..., None])
        blended += alpha[inside][..., None] * (color[inside] - blended)
        part[:] = blended
        return _seen(whole, alpha[inside] > 0.5, (low[0] + columns.start, low[1] + rows.start))


def _seen(whole: Float32Array, visible: BoolArray, origin: tuple[int, int]) -> Seen:
    mask = target_mask_of(visible, origin)
    if mask is None:
        return Seen()
    return Seen(mask, float(mask.area_px / np.count_nonzero(whole > 0.5)))


def _overlap(
    low: Float64Array, size: tuple[int, int], image_size: tuple[int, int]
) -> tuple[slice, slice] | None:
    """Return rows and columns of a region at `low` that lie in the image, if any."""
    slices = []
    for axis in (1, 0):
        start = max(-int(low[axis]), 0)
        stop = min(image_size[axis] - int(low[axis]), size[axis])
        if start >= stop:
            return None
        slices.append(slice(start, stop))
    return slices[0], slices[1]


def _warp(
    source: UInt8Array | Float32Array, matrix: Float64Array, size: tuple[int, int]
) -> Float32Array:
    warped = cv2.warpAffine(source, matrix[:2], size, flags=cv2.INTER_LINEAR)
    return np.asarray(warped, np.float32)


def _world_from_picture(pose: Pose, shift_px: tuple[float, float]) -> Float64Array:
    """Return the [3, 3] matrix from the car's picture to the world."""
    cos, sin = math.cos(pose.heading_rad) / _SCALE, math.sin(pose.heading_rad) / _SCALE
    middle_x = (LENGTH_PX / 2 + _MARGIN_PX) * _SCALE - 0.5
    middle_y = (WIDTH_PX / 2 + _MARGIN_PX) * _SCALE - 0.5
    x = pose.x + shift_px[0] - cos * middle_x + sin * middle_y
    y = pose.y + shift_px[1] - sin * middle_x - cos * middle_y
    return np.array([(cos, -sin, x), (sin, cos, y), (0.0, 0.0, 1.0)])


def _paint(body_bgr: tuple[int, int, int]) -> tuple[Float32Array, Float32Array]:
    """Return colour [h, w, 3] and coverage 0..1 [h, w] of a car that points to the right."""
    height = (WIDTH_PX + 2 * _MARGIN_PX) * _SCALE
    width = (LENGTH_PX + 2 * _MARGIN_PX) * _SCALE
    body = np.array(body_bgr, np.float64)
    picture = np.empty((height, width, 3), np.float32)
    picture[:] = body
    coverage = np.zeros((height, width), np.float32)
    _rounded(coverage, (0, 0, LENGTH_PX, WIDTH_PX), 13, 1.0)
    for x in (64, 66):  # mirrors
        _rounded(coverage, (x, -3, 5, WIDTH_PX + 6), 2, 1.0)
    across = np.abs(np.linspace(-1.0, 1.0, height, dtype=np.float32)) * height / WIDTH_PX / _SCALE
    picture *= (1.06 - 0.3 * across**4)[:, None, None].astype(np.float32)
    _rounded(picture, (76, 4, 24, WIDTH_PX - 8), 8, (body * 1.08).tolist())
    glass = (58.0, 48.0, 42.0)
    _rounded(picture, (12, 5, 64, WIDTH_PX - 10), 9, glass)
    _rounded(picture, (62, 6, 12, WIDTH_PX - 12), 5, (96.0, 82.0, 70.0))
    _rounded(picture, (22, 8, 38, WIDTH_PX - 16), 6, (np.minimum(body * 1.16, 255)).tolist())
    for y in (3, WIDTH_PX - 11):
        _rounded(picture, (LENGTH_PX - 7, y, 6, 8), 2, (225.0, 236.0, 238.0))
        _rounded(picture, (1, y, 4, 8), 1, (36.0, 32.0, 150.0))
    return picture, np.asarray(cv2.blur(coverage, (_SCALE, _SCALE)), np.float32)


def _rounded(
    picture: Float32Array,
    rectangle: tuple[int, int, int, int],
    radius_px: int,
    value: float | list[float] | tuple[float, ...],
) -> None:
    """Fill a rectangle (x, y, width, height of the car, without margin) with round corners."""
    x, y, width, height = rectangle
    inset = [(x + radius_px, y + radius_px), (x + width - radius_px, y + height - radius_px)]
    (left, top), (right, bottom) = (
        ((px + _MARGIN_PX) * _SCALE, (py + _MARGIN_PX) * _SCALE) for px, py in inset
    )
    radius = radius_px * _SCALE
    color = list(value) if isinstance(value, (list, tuple)) else [value]
    cv2.rectangle(picture, (left - radius, top), (right + radius, bottom), color, cv2.FILLED)
    cv2.rectangle(picture, (left, top - radius), (right, bottom + radius), color, cv2.FILLED)
    for corner in ((left, top), (right, top), (left, bottom), (right, bottom)):
        cv2.circle(picture, corner, radius, color, cv2.FILLED, cv2.LINE_AA)
