# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The landscape around a hovering drone, painted once, with haze that grows with the distance."""

from dataclasses import dataclass
import math

import cv2
import numpy as np

from sam2_tracker_ros.core.types import Float32Array, Float64Array, Int32Array, UInt8Array
from sam2_tracker_ros.testing.aerial_objects import Canvas, House, Tree
from sam2_tracker_ros.testing.aerial_path import CAMERA_HEIGHT_PX, Lane, Layout
from sam2_tracker_ros.testing.ground import (
    ROOF_COLORS_BGR,
    SIDE_ROAD_WIDTH_PX,
    crops,
    noise,
    paint_stripe,
    tree_crown,
)

# Around the drone everything is painted pixel by pixel; further out one pixel is three.
NEAR_SIDE_PX = 2100
_COARSE = 3
_FAR_SIDE_PX = 5250
_MARGIN_PX = (_FAR_SIDE_PX - NEAR_SIDE_PX) // 2
CENTER = (NEAR_SIDE_PX - 1) / 2.0, (NEAR_SIDE_PX - 1) / 2.0
EYE = *CENTER, CAMERA_HEIGHT_PX

HAZE_BGR = (206, 203, 196)
_HAZE_FROM_PX, _HAZE_TO_PX = 950.0, 2600.0

_HOUSES, _TREES, _CROWNS = 46, 900, 10
_COURSE_WIDTH_PX = 186
# Roads that are this near to each other, in widths, have no grass between them.
_PAVED_GAP_WIDTHS = 0.7
_SHOULDER_BGR = (112.0, 138.0, 150.0)
_MARK_BGR = (202.0, 208.0, 211.0)


@dataclass(frozen=True)
class Landscape:
    """
    What the drone sees; world pixels are those of `cover`.

    :param image: uint8 BGR, the near world and what lies around it.
    :param origin: world pixel of its first pixel.
    :param cover: uint8, 255 where a house hides what drives behind it.
    """

    image: UInt8Array
    origin: tuple[float, float]
    cover: UInt8Array


def make_landscape(seed: int, layout: Layout, roads: list[Float64Array], hall: House) -> Landscape:
    """
    Paint the ground; the same arguments give the same pixels.

    :param roads: middles of straight roads [N, 2], beside the course.
    """
    rng = np.random.default_rng((seed, 1))
    far_size = _FAR_SIDE_PX // _COARSE
    coarse = crops(rng, (_FAR_SIDE_PX, _FAR_SIDE_PX), float(_COARSE))
    near_part = slice(_MARGIN_PX // _COARSE, (_MARGIN_PX + NEAR_SIDE_PX) // _COARSE)
    size = NEAR_SIDE_PX, NEAR_SIDE_PX
    smooth = cv2.resize(coarse[near_part, near_part], size, interpolation=cv2.INTER_LINEAR)
    near = np.asarray(smooth + 6.0 * noise(rng, size, 1, 3, 6)[..., None], np.float32)
    middle_of_first = -_MARGIN_PX + (_COARSE - 1) / 2.0
    canvases = [
        Canvas(coarse, (middle_of_first, middle_of_first), 1.0 / _COARSE, EYE),
        Canvas(near, (0.0, 0.0), 1.0, EYE),
    ]
    course = Lane(layout, 0.0).points[::64]
    loop = np.vstack([course, course[:1]])
    lines = [(road, SIDE_ROAD_WIDTH_PX) for road in roads] + [(loop, _COURSE_WIDTH_PX)]
    houses, trees = _standing(rng, lines, hall)
    crowns = [tree_crown(rng, 60) for _ in range(_CROWNS)]
    for canvas in canvases:
        for line, width in lines:
            _paint_road(canvas, line, width, np.random.default_rng((seed, 2)))
        _paint_standing(canvas, houses, trees, crowns, np.random.default_rng((seed, 3)))
        _add_haze(canvas)
    image = cv2.resize(_bytes(coarse), (far_size * _COARSE,) * 2, interpolation=cv2.INTER_LINEAR)
    inner = slice(_MARGIN_PX, _MARGIN_PX + NEAR_SIDE_PX)
    image[inner, inner] = _bytes(canvases[1].image)
    cover = np.zeros((NEAR_SIDE_PX, NEAR_SIDE_PX), np.uint8)
    for house in houses:
        cv2.fillConvexPoly(cover, house.silhouette(EYE), 255)
    return Landscape(np.asarray(image, np.uint8), (-_MARGIN_PX, -_MARGIN_PX), cover)


def haze_at(distance_px: float) -> float:
    """Return how much haze, 0..1, lies before the ground at a distance from below the drone."""
    return float(_haze(np.array(distance_px, np.float32)))


def _haze(distance_px: Float32Array) -> Float32Array:
    depth = np.clip((distance_px - _HAZE_FROM_PX) / (_HAZE_TO_PX - _HAZE_FROM_PX), 0.0, 1.0)
    return np.asarray(depth * (2.0 - depth), np.float32)


def _bytes(image: Float32Array) -> UInt8Array:
    return np.clip(image, 0.0, 255.0, out=image).astype(np.uint8)


def _paint_road(
    canvas: Canvas, line: Float64Array, width_px: int, rng: np.random.Generator
) -> None:
    """Paint asphalt with a shoulder, and marks."""
    pixels = canvas.pixels(line)
    part = canvas.part(pixels, math.ceil(width_px * canvas.scale))
    if part is None:
        return
    rows, columns = part
    image = canvas.image[part]
    points = (pixels - (columns.start, rows.start)).round().astype(np.int32)
    asphalt = 112.0 + 5.0 * noise(rng, image.shape[:2], 2) + 6.0 * noise(rng, image.shape[:2], 45)
    surface = asphalt[..., None] * np.array((1.02, 1.0, 0.98), np.float32)
    wide, narrow = (round((width_px + more) * canvas.scale) for more in (34, 0))
    paint_stripe(image, points, wide, _SHOULDER_BGR, 0.7)
    paint_stripe(image, points, narrow, np.asarray(surface, np.float32), 1.0)
    _pave_gaps(image, points, narrow, np.asarray(surface, np.float32))
    along = np.gradient(line, axis=0)
    right = np.column_stack([-along[:, 1], along[:, 0]])
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    thickness = max(round(4 * canvas.scale), 1)
    for offset in (-width_px / 2 + 9, width_px / 2 - 9):
        edge = canvas.pixels(line + offset * right)
        _paint_mark(canvas, edge, thickness)
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    for start in np.arange(0.0, way[-1], 105.0):
        ends = np.linspace(start, start + 42.0, 6)
        dash = np.column_stack([np.interp(ends, way, values) for values in line.T])
        _paint_mark(canvas, canvas.pixels(dash), thickness)


def _pave_gaps(
    image: Float32Array, points: Int32Array, width_px: int, surface: Float32Array
) -> None:
    """Pave what is left between two parts of a road that come close, as at a fork."""
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.polylines(mask, [points], False, 255, width_px)
    small = cv2.resize(mask, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    reach = max(round(_PAVED_GAP_WIDTHS * width_px / 4.0), 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    closed = cv2.morphologyEx(small, cv2.MORPH_CLOSE, kernel)
    gaps = cv2.resize(closed, mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
    weight = cv2.blur(np.where(mask > 0, np.uint8(0), gaps), (7, 7)).astype(np.float32) / 255.0
    image += weight[..., None] * (surface - image)


def _paint_mark(canvas: Canvas, pixels: Float64Array, thickness: int) -> None:
    fine = (pixels * 16.0).round().astype(np.int32)
    cv2.polylines(canvas.image, [fine], False, _MARK_BGR, thickness, cv2.LINE_AA, shift=4)


def _standing(
    rng: np.random.Generator, lines: list[tuple[Float64Array, int]], hall: House
) -> tuple[list[House], list[Tree]]:
    """Choose places for houses and trees where they hide no road and do not overlap."""
    scale = 1.0 / _COARSE
    blocked = np.zeros((_FAR_SIDE_PX // _COARSE,) * 2, np.uint8)

    def on_map(points: Float64Array) -> Float64Array:
        return (points + _MARGIN_PX) * scale

    for line, width in lines:
        points = on_map(line).round().astype(np.int32)
        cv2.polylines(blocked, [points], False, 255, round((width + 44) * scale))

    def is_free(outline: Float64Array) -> bool:
        points = on_map(outline)
        if points.min() < 0.0 or points.max() >= len(blocked):
            return False
        left, top = points.min(axis=0).astype(int)
        part = blocked[top : int(points[:, 1].max()) + 1, left : int(points[:, 0].max()) + 1]
        mask = np.zeros_like(part)
        cv2.fillConvexPoly(mask, (points - (left, top)).astype(np.int32), 255)
        if (mask & part).any():
            return False
        part |= mask
        return True

    houses = [hall]
    cv2.fillConvexPoly(
        blocked, on_map(hall.silhouette(EYE).astype(np.float64)).astype(np.int32), 255
    )
    for _ in range(_HOUSES):
        x, y = rng.uniform(-900.0, NEAR_SIDE_PX + 900.0, 2)
        house = House(
            x,
            y,
            length=rng.uniform(190, 280),
            depth=rng.uniform(130, 180),
            angle_rad=0.15 * math.sin(x / 300.0) + float(rng.choice([0.0, math.pi / 2.0])),
            height=rng.uniform(60.0, 84.0),
            roof_bgr=ROOF_COLORS_BGR[rng.integers(len(ROOF_COLORS_BGR))],
        )
        if is_free(house.silhouette(EYE).astype(np.float64)):
            houses.append(house)
    trees = []
    ring = np.linspace(0.0, 2.0 * math.pi, 16, endpoint=False)
    for _ in range(_TREES):
        x, y = rng.uniform(-_MARGIN_PX, NEAR_SIDE_PX + _MARGIN_PX, 2)
        tree = Tree(x, y, rng.uniform(30, 66), rng.uniform(0.85, 1.15), int(rng.integers(_CROWNS)))
        middle, axes = tree.outline(EYE)
        # Crowns may touch: only the inner part needs room of its own, but no road is hidden.
        if is_free(middle + np.column_stack([np.cos(ring), np.sin(ring)]) @ axes * 0.9):
            trees.append(tree)
    return houses, trees


def _paint_standing(
    canvas: Canvas,
    houses: list[House],
    trees: list[Tree],
    crowns: list[tuple[Float32Array, Float32Array]],
    rng: np.random.Generator,
) -> None:
    """Paint what stands up, the farthest first, as the near hides the far."""

    def distance(thing: House | Tree) -> float:
        return math.dist((thing.x, thing.y), canvas.eye[:2])

    things: list[House | Tree] = [*houses, *trees]
    for thing in sorted(things, key=distance, reverse=True):
        if isinstance(thing, House):
            thing.paint(canvas, rng)
        else:
            thing.paint(canvas, crowns)


def _add_haze(canvas: Canvas) -> None:
    """Blend the haze in; at the border nothing else is left."""
    height, width = canvas.image.shape[:2]
    x = np.arange(width, dtype=np.float32) / canvas.scale + canvas.origin[0] - canvas.eye[0]
    y = np.arange(height, dtype=np.float32) / canvas.scale + canvas.origin[1] - canvas.eye[1]
    weight = _haze(np.sqrt(np.add.outer(y**2, x**2)))[..., None]
    canvas.image[:] += weight * (np.array(HAZE_BGR, np.float32) - canvas.image)
