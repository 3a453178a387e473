# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Houses and trees for a camera that turns but never moves.

What stands up is painted on the ground where the camera, above the middle of the world, sees it:
a point at a height hides the point of the ground behind it. From there, the picture is right.
"""

from dataclasses import dataclass
import math

import cv2
import numpy as np

from sam2_tracker_ros.core.types import Float32Array, Float64Array, Int32Array, UInt8Array
from sam2_tracker_ros.testing.ground import SUN_SHADOW, darken, noise

_RIDGE_PX = 26.0
_EAVES_PX = 6.0
# Of the middle of a crown, in radii.
_CROWN_HEIGHT = 0.9
_WALL_BGR = np.array((176.0, 188.0, 196.0))
_WINDOW_HEIGHT_PX = 26.0
_WINDOW_BGR = (92.0, 82.0, 74.0)
_SUN = np.array(SUN_SHADOW) / math.hypot(*SUN_SHADOW)


@dataclass(frozen=True)
class Canvas:
    """
    A picture of a part of the world, seen from a height above a point.

    :param image: float32 BGR.
    :param origin: world pixel of the middle of the first pixel.
    :param scale: pixels of the picture for one of the world.
    :param eye: x, y and height of the camera in the world.
    """

    image: Float32Array
    origin: tuple[float, float]
    scale: float
    eye: tuple[float, float, float]

    def pixels(self, points: Float64Array) -> Float64Array:
        """Return where points of the ground [N, 2] or of the air [N, 3] are in the picture."""
        return (seen_on_ground(points, self.eye) - self.origin) * self.scale

    def part(self, pixels: Float64Array, margin_px: int) -> tuple[slice, slice] | None:
        """Return rows and columns around points [N, 2] of the picture, if any are in it."""
        height, width = self.image.shape[:2]
        left, top = np.floor(pixels.min(axis=0)).astype(int) - margin_px
        right, bottom = np.ceil(pixels.max(axis=0)).astype(int) + margin_px
        rows = slice(max(top, 0), min(bottom, height))
        columns = slice(max(left, 0), min(right, width))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return None
        return rows, columns


def seen_on_ground(points: Float64Array, eye: tuple[float, float, float]) -> Float64Array:
    """Return the points of the ground [N, 2] that points [N, 2 or 3] hide."""
    if points.shape[1] == 2:
        return points
    stretch = eye[2] / (eye[2] - points[:, 2:])
    return np.asarray(eye[:2] + (points[:, :2] - eye[:2]) * stretch)


@dataclass(frozen=True)
class House:
    """
    A house with a gabled roof.

    :param angle_rad: of its long side, clockwise from east.
    """

    x: float
    y: float
    length: float
    depth: float
    angle_rad: float
    height: float
    roof_bgr: tuple[int, int, int]

    def corners(self, height: float, grow_px: float = 0.0) -> Float64Array:
        """Return the corners [4, 3] of its outline at a height; the first side is a long one."""
        half = np.array([self.length, self.depth]) / 2.0 + grow_px
        signs = np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)])
        return self._placed(signs * half, height)

    def ridge(self) -> Float64Array:
        """Return the ends of the roof's ridge [2, 3], from the first corner to the second."""
        half = self.length / 2.0 + _EAVES_PX
        return self._placed(np.array([(-half, 0.0), (half, 0.0)]), self.height + _RIDGE_PX)

    def silhouette(self, eye: tuple[float, float, float]) -> Int32Array:
        """Return the outline of the ground that it hides, its own included."""
        points = np.vstack(
            [self.corners(0.0), self.corners(self.height, _EAVES_PX), self.ridge()],
        )
        hull = cv2.convexHull(seen_on_ground(points, eye).astype(np.float32))
        return np.asarray(hull[:, 0].round(), np.int32)

    def paint(self, canvas: Canvas, rng: np.random.Generator) -> None:
        """Paint it, shadow first."""
        shadow_tip = self.corners(0.0)[:, :2] + np.array(SUN_SHADOW) * self.height
        hull = cv2.convexHull(np.vstack([self.corners(0.0)[:, :2], shadow_tip]).astype(np.float32))
        _shade(canvas, np.asarray(hull[:, 0], np.float64), 0.5)
        base, top = self.corners(0.0), self.corners(self.height)
        ridge, eaves = self.ridge(), self.corners(self.height, _EAVES_PX)
        for side in range(4):
            ends = [side, (side + 1) % 4]
            outward = (base[ends].mean(axis=0) - (self.x, self.y, 0.0))[:2]
            outward /= np.linalg.norm(outward)
            if outward @ (base[ends].mean(axis=0)[:2] - canvas.eye[:2]) >= 0.0:
                continue
            color = _WALL_BGR * (0.74 - 0.3 * float(outward @ _SUN))
            wall = np.vstack([base[ends], top[ends[::-1]]])
            if side % 2:  # a gable: the wall goes up to the ridge
                wall = np.vstack([base[ends], top[ends[1]], ridge[side // 2 - 1], top[ends[0]]])
            _fill(canvas, wall, color)
            self._paint_windows(canvas, base[ends], color)
        self._paint_roof(canvas, rng, eaves, ridge)

    def _paint_roof(
        self, canvas: Canvas, rng: np.random.Generator, eaves: Float64Array, ridge: Float64Array
    ) -> None:
        """Paint the two sides of the roof, the nearer one last, and its tiles."""
        halves = [np.vstack([eaves[[0, 1]], ridge[::-1]]), np.vstack([eaves[[3, 2]], ridge[::-1]])]
        halves.sort(key=lambda half: -float(np.linalg.norm(half[:2, :2].mean(0) - canvas.eye[:2])))
        for half in halves:
            slope = half[:2, :2].mean(axis=0) - (self.x, self.y)
            light = 1.0 - 0.2 * float(slope @ _SUN) / (self.depth / 2.0)
            tiles = 1.0 + 0.08 * float(rng.standard_normal())
            _fill(canvas, half, np.array(self.roof_bgr) * light * tiles, grain=7.0, rng=rng)

    def _paint_windows(self, canvas: Canvas, base: Float64Array, wall_bgr: Float64Array) -> None:
        along = base[1] - base[0]
        count = max(int(np.linalg.norm(along) / 55.0), 1)
        for level in range(max(int(self.height / 60.0), 1)):
            low = 18.0 + 58.0 * level
            for index in range(count):
                left, right = ((index + part) / count for part in (0.36, 0.64))
                bottom = base[0] + np.outer([left, right], along) + (0.0, 0.0, low)
                top = bottom[::-1] + np.array((0.0, 0.0, _WINDOW_HEIGHT_PX))
                window = np.vstack([bottom, top])
                _fill(canvas, window, np.array(_WINDOW_BGR) * (wall_bgr[0] / _WALL_BGR[0]) ** 0.5)

    def _placed(self, offsets: Float64Array, height: float) -> Float64Array:
        cos, sin = math.cos(self.angle_rad), math.sin(self.angle_rad)
        x = self.x + cos * offsets[:, 0] - sin * offsets[:, 1]
        y = self.y + sin * offsets[:, 0] + cos * offsets[:, 1]
        return np.column_stack([x, y, np.full(len(x), height)])


@dataclass(frozen=True)
class Tree:
    """
    A round tree.

    :param crown: which of the crowns it has.
    """

    x: float
    y: float
    radius: float
    light: float
    crown: int

    def outline(self, eye: tuple[float, float, float]) -> tuple[Float64Array, Float64Array]:
        """Return the middle [2] of its crown on the ground, and the half axes [2, 2] as rows."""
        height = _CROWN_HEIGHT * self.radius
        middle = seen_on_ground(np.array([(self.x, self.y, height)]), eye)[0]
        offset = np.array([self.x - eye[0], self.y - eye[1]])
        distance = float(np.linalg.norm(offset))
        radius = self.radius * eye[2] / (eye[2] - height)
        away = offset / max(distance, 1.0)
        stretch = math.hypot(1.0, distance / (eye[2] - height))
        return middle, radius * np.array([away * stretch, (-away[1], away[0])])

    def paint(self, canvas: Canvas, crowns: list[tuple[Float32Array, Float32Array]]) -> None:
        """Lay the crown over its shadow."""
        color, alpha = crowns[self.crown]
        foot = np.array([self.x, self.y]) + _CROWN_HEIGHT * self.radius * np.array(SUN_SHADOW)
        round_axes = self.radius * np.array([(1.0, 0.0), (0.0, 1.0)])
        found = _laid(canvas, alpha, foot, round_axes)
        if found is not None:
            part, (shadow,) = found
            canvas.image[part] *= (1.0 - 0.5 * shadow)[..., None]
        # The light part of the crown stays towards the sun, whichever way it is stretched.
        middle, axes = self.outline(canvas.eye)
        scale = np.linalg.norm(axes, axis=1)
        away = axes[0] / scale[0]
        turn = np.array([away, (-away[1], away[0])])
        oval = turn.T @ np.diag(scale) @ turn
        found = _laid(canvas, alpha, middle, oval, color)
        if found is not None:
            part, (cover, paint) = found
            canvas.image[part] += cover[..., None] * (paint * self.light - canvas.image[part])


def _laid(
    canvas: Canvas,
    alpha: Float32Array,
    middle: Float64Array,
    axes: Float64Array,
    *colors: Float32Array,
) -> tuple[tuple[slice, slice], list[Float32Array]] | None:
    """Return a part of the canvas, and a round picture warped to an oval there."""
    side = alpha.shape[0] / 2.0
    center = canvas.pixels(middle[None])[0]
    reach = np.abs(axes).sum(axis=0) * canvas.scale
    part = canvas.part(np.array([center - reach, center + reach]), 1)
    if part is None:
        return None
    rows, columns = part
    linear = axes.T * (canvas.scale / side)
    origin = center - (columns.start, rows.start) - linear @ np.full(2, side - 0.5)
    matrix = np.column_stack([linear, origin])
    size = columns.stop - columns.start, rows.stop - rows.start
    return part, [
        np.asarray(cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR), np.float32)
        for picture in (alpha, *colors)
    ]


def _shade(canvas: Canvas, outline: Float64Array, strength: float) -> None:
    pixels = canvas.pixels(outline)
    part = canvas.part(pixels, 8)
    if part is not None:
        darken(canvas.image[part], _mask(pixels, part), strength, 5)


def _fill(
    canvas: Canvas,
    outline: Float64Array,
    color: Float64Array,
    grain: float = 0.0,
    rng: np.random.Generator | None = None,
) -> None:
    pixels = canvas.pixels(outline)
    part = canvas.part(pixels, 2)
    if part is None:
        return
    weight = _mask(pixels, part).astype(np.float32)[..., None] / 255.0
    surface = np.asarray(color, np.float32)
    if rng is not None:
        surface = surface + grain * noise(rng, weight.shape[:2], 3, 11)[..., None]
    canvas.image[part] += weight * (surface - canvas.image[part])


def _mask(pixels: Float64Array, part: tuple[slice, slice]) -> UInt8Array:
    """Return the inside of an outline with smooth borders, uint8 of the part's shape."""
    rows, columns = part
    mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
    moved = (pixels - (columns.start, rows.start)) * 16.0
    cv2.fillPoly(mask, [moved.round().astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    return mask
