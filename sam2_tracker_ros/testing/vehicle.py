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
_PICTURE_MIDDLE = (
    (LENGTH_PX / 2 + _MARGIN_PX) * _SCALE - 0.5,
    (WIDTH_PX / 2 + _MARGIN_PX) * _SCALE - 0.5,
    1.0,
)
_SHADOW_SHIFT_PX = (7.0, 5.0)
_SHADOW_STRENGTH = 0.55
# Heights at which a car that is not flat is drawn: its sides, then its picture.
_LEVELS_PX = (4.0, 10.0, 16.0, 22.0)
_SIDE_TONES = (0.5, 0.6, 0.7)


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
        color, coverage = _paint(body_bgr)
        # Colour and coverage, warped together.
        self._picture = np.dstack([color, coverage])
        self._side = np.array(body_bgr, np.float32)
        blurred = cv2.blur(coverage, (4 * _SCALE, 4 * _SCALE))
        self._shadow = np.asarray(blurred * _SHADOW_STRENGTH, np.float32)

    def draw(
        self,
        image: UInt8Array,
        image_from_world: Float64Array,
        pose: Pose,
        cover: UInt8Array,
        *,
        lift: Float64Array | None = None,
        opacity: float = 1.0,
    ) -> Seen:
        """
        Lay the car into an image in place, where the cover leaves it visible.

        :param image_from_world: [3, 3], of the ground.
        :param cover: of the world, 255 where something hides the car.
        :param lift: [3], added to the last column of image_from_world for every pixel of height,
            gives the car its height; without it the car is as flat as its picture.
        :param opacity: less than 1 in haze.
        """
        flat = _world_from_picture(pose, (0.0, 0.0))
        levels = (0.0,) if lift is None else _LEVELS_PX
        bodies = [_raised(image_from_world, lift, level) @ flat for level in levels]
        region = _region(bodies, self._picture.shape, image.shape)
        if region is None:
            return Seen()
        low, size, inside = region
        to_region = np.array([(1, 0, -low[0]), (0, 1, -low[1]), (0, 0, 1)], np.float64)
        open_part = np.full((size[1], size[0]), opacity, np.float32)
        if _around(cover, pose).any():
            open_part *= 1.0 - _warp(cover, to_region @ image_from_world, size) / 255.0
        shadow_to_image = image_from_world @ _world_from_picture(pose, _SHADOW_SHIFT_PX)
        shadow = _warp(self._shadow, to_region @ shadow_to_image, size) * open_part
        picture = _warp(self._picture, to_region @ bodies[-1], size)
        top = picture[..., 3]
        rows, columns = inside
        part = image[low[1] + rows.start : low[1] + rows.stop, low[0] + columns.start :]
        part = part[:, : columns.stop - columns.start]
        blended = part * (1.0 - shadow[inside][..., None])
        whole = top
        if len(bodies) > 1:
            sides, tone = _sides(top, _shifts(bodies))
            alpha = (sides * open_part)[inside][..., None]
            blended += alpha * (tone[inside][..., None] * self._side - blended)
            whole = np.maximum(top, sides)
        alpha = (top * open_part)[inside][..., None]
        blended += alpha * (picture[inside][..., :3] - blended)
        part[:] = blended
        visible = (whole * open_part)[inside] > 0.5 * opacity
        return _seen(whole, visible, (low[0] + columns.start, low[1] + rows.start))


def _around(cover: UInt8Array, pose: Pose) -> UInt8Array:
    """Return the part of a cover that may hide a car."""
    left, top = (max(round(middle) - LENGTH_PX, 0) for middle in (pose.x, pose.y))
    right, bottom = (max(round(middle) + LENGTH_PX, 0) for middle in (pose.x, pose.y))
    return cover[top:bottom, left:right]


def _sides(top: Float32Array, shifts: list[tuple[int, int]]) -> tuple[Float32Array, Float32Array]:
    """Return coverage and brightness of what is below the top, lighter upwards."""
    sides = np.zeros_like(top)
    tone = np.full_like(top, _SIDE_TONES[0])
    for brightness, shift in zip(_SIDE_TONES, shifts, strict=True):
        level = np.roll(top, shift, (0, 1))
        tone += level * (np.float32(brightness) - tone)
        np.maximum(sides, level, out=sides)
    return sides, tone


def _shifts(bodies: list[Float64Array]) -> list[tuple[int, int]]:
    """Return by how many rows and columns each level lies off the topmost one."""
    middle = np.array(_PICTURE_MIDDLE)
    places = [body @ middle for body in bodies]
    offsets = [place[:2] / place[2] - places[-1][:2] / places[-1][2] for place in places[:-1]]
    return [(round(float(y)), round(float(x))) for x, y in offsets]


def _raised(
    image_from_world: Float64Array, lift: Float64Array | None, height_px: float
) -> Float64Array:
    """Return the view of a plane above the ground."""
    if lift is None:
        return image_from_world
    raised = image_from_world.copy()
    raised[:, 2] += height_px * lift
    return raised


def _region(
    bodies: list[Float64Array], picture_shape: tuple[int, ...], image_shape: tuple[int, ...]
) -> tuple[list[int], tuple[int, int], tuple[slice, slice]] | None:
    """Return where the car's pictures are: corner, size, and what of that is in the image."""
    height, width = picture_shape[:2]
    corners = np.array([(0, 0, 1), (width, 0, 1), (width, height, 1), (0, height, 1)]).T
    projected = np.hstack([body @ corners for body in bodies])
    if (projected[2] <= 0.0).any():  # behind the camera
        return None
    footprint = projected[:2] / projected[2]
    low = np.floor(footprint.min(axis=1)).astype(int).tolist()
    high = np.ceil(footprint.max(axis=1)).astype(int).tolist()
    size = high[0] + 1 - low[0], high[1] + 1 - low[1]
    inside = _overlap(low, size, (image_shape[1], image_shape[0]))
    return None if inside is None else (low, size, inside)


def _seen(whole: Float32Array, visible: BoolArray, origin: tuple[int, int]) -> Seen:
    mask = target_mask_of(visible, origin)
    if mask is None:
        return Seen()
    return Seen(mask, float(mask.area_px / np.count_nonzero(whole > 0.5)))


def _overlap(
    low: list[int], size: tuple[int, int], image_size: tuple[int, int]
) -> tuple[slice, slice] | None:
    """Return rows and columns of a region at `low` that lie in the image, if any."""
    slices = []
    for axis in (1, 0):
        start = max(-low[axis], 0)
        stop = min(image_size[axis] - low[axis], size[axis])
        if start >= stop:
            return None
        slices.append(slice(start, stop))
    return slices[0], slices[1]


def _warp(
    source: UInt8Array | Float32Array, matrix: Float64Array, size: tuple[int, int]
) -> Float32Array:
    if matrix[2, 0] or matrix[2, 1]:
        warped = cv2.warpPerspective(source, matrix, size, flags=cv2.INTER_LINEAR)
    else:
        warped = cv2.warpAffine(source, matrix[:2], size, flags=cv2.INTER_LINEAR)
    return np.asarray(warped, np.float32)


def _world_from_picture(pose: Pose, shift_px: tuple[float, float]) -> Float64Array:
    """Return the [3, 3] matrix from the car's picture to the world."""
    cos, sin = math.cos(pose.heading_rad) / _SCALE, math.sin(pose.heading_rad) / _SCALE
    middle_x, middle_y, _ = _PICTURE_MIDDLE
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
