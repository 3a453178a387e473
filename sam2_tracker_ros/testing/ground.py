# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the simulated drone looks down on: fields, roads, houses, trees and a bridge."""

from dataclasses import dataclass
import math

import cv2
import numpy as np

from sam2_tracker_ros.core.types import Float32Array, Int32Array, UInt8Array

ROAD_WIDTH_PX = 160
SIDE_ROAD_WIDTH_PX = 110
# From the middle of the main road to the middle of the side road, downwards.
SIDE_ROAD_OFFSET_PX = 265
BRIDGE_WIDTH_PX = 282
HEIGHT_PX = 1600

# The sun stands at the top left: where a shadow of an object one pixel high falls.
SUN_SHADOW = (0.55, 0.4)

_FIELD_COLORS_BGR = (
    *((60, 104, 92), (66, 118, 108), (58, 94, 86), (88, 138, 150), (104, 144, 166)),
    *((56, 98, 78), (80, 120, 116), (96, 128, 142)),
)
ROOF_COLORS_BGR = ((62, 78, 142), (70, 92, 120), (88, 90, 96), (54, 66, 118))
_TREE_COLORS_BGR = ((38, 78, 52), (44, 92, 66), (52, 98, 84), (36, 70, 58))
_CROWNS = 10


@dataclass(frozen=True)
class Ground:
    """
    What lies below the drone, in world pixels.

    :param image: uint8 BGR [HEIGHT_PX, width, 3], the bridge included.
    :param cover: uint8 [HEIGHT_PX, width], 255 where the bridge hides what drives below it.
    """

    image: UInt8Array
    cover: UInt8Array


def road_y(x: Float32Array | float) -> Float32Array:
    """Return the middle of the main road for world x."""
    wave = 115.0 * np.sin(np.asarray(x) / 410.0) + 35.0 * np.sin(np.asarray(x) / 173.0 + 1.0)
    return np.asarray(HEIGHT_PX * 0.44 + wave, np.float32)


def make_ground(seed: int, width_px: int, bridge_x: float) -> Ground:
    """Paint the ground; the same arguments give the same pixels."""
    rng = np.random.default_rng(seed)
    image = _fields(rng, width_px)
    blocked = np.zeros(image.shape[:2], np.uint8)
    _paint_roads(rng, image, blocked)
    cover = np.zeros_like(blocked)
    left, right = round(bridge_x - BRIDGE_WIDTH_PX / 2), round(bridge_x + BRIDGE_WIDTH_PX / 2)
    cover[:, left:right] = 255
    cv2.rectangle(blocked, (left - 60, 0), (right + 150, HEIGHT_PX), 255, cv2.FILLED)
    _paint_houses(rng, image, blocked)
    _paint_trees(rng, image, blocked)
    _paint_bridge(rng, image, left, right)
    return Ground(np.clip(image, 0, 255).astype(np.uint8), cover)


def noise(rng: np.random.Generator, shape: tuple[int, ...], *cells_px: int) -> Float32Array:
    """Return smooth noise, about -1..1, summed over cells of these sizes."""
    total = np.zeros(shape, np.float32)
    for cell in cells_px:
        coarse_shape = shape[0] // cell + 2, shape[1] // cell + 2
        coarse = rng.standard_normal(coarse_shape, np.float32)
        fine = cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
        total += np.asarray(fine, np.float32)
    return np.asarray(total / (1.6 * math.sqrt(len(cells_px))), np.float32)


def darken(image: Float32Array, mask: UInt8Array, strength: float, blur_px: int) -> None:
    """Darken an image in place under a soft mask."""
    soft = cv2.blur(mask, (blur_px, blur_px)).astype(np.float32) * (strength / 255.0)
    image *= (1.0 - soft)[..., None]


def paint_stripe(
    image: Float32Array,
    line: Int32Array,
    width_px: int,
    color: tuple[float, float, float] | Float32Array,
    opacity: float,
) -> None:
    """Blend a colour or a surface of the image's shape in along a line, with soft borders."""
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.polylines(mask, [line.astype(np.int32)], False, 255, width_px, cv2.LINE_AA)
    weight = cv2.blur(mask, (7, 7)).astype(np.float32) * (opacity / 255.0)
    image += weight[..., None] * (np.asarray(color, np.float32) - image)


def tree_crown(rng: np.random.Generator, radius_px: int) -> tuple[Float32Array, Float32Array]:
    """Return colour [2 r, 2 r, 3] and coverage 0..1 [2 r, 2 r] of a tree from above."""
    side = 2 * radius_px
    y, x = (np.mgrid[:side, :side].astype(np.float32) - radius_px + 0.5) / radius_px
    angle, distance = np.arctan2(y, x), np.hypot(x, y)
    rim = np.full_like(angle, 0.82)
    for lobes in (3, 5, 9):
        rim += 0.045 * np.sin(lobes * angle + rng.uniform(0.0, 6.3))
    alpha = np.clip((rim + 0.05 * noise(rng, (side, side), 4) - distance) * 14.0, 0.0, 1.0)
    light = 1.0 - 0.32 * (x * SUN_SHADOW[0] + y * SUN_SHADOW[1]) / 0.7 - 0.25 * distance**2
    leaves = 0.2 * noise(rng, (side, side), 12, 5, 3)
    base = np.array(_TREE_COLORS_BGR[rng.integers(len(_TREE_COLORS_BGR))], np.float32)
    color = base * np.clip(light + leaves + 0.1, 0.25, 1.8)[..., None]
    return np.asarray(color, np.float32), np.asarray(alpha, np.float32)


def crops(rng: np.random.Generator, size_px: tuple[int, int], step_px: float) -> Float32Array:
    """
    Return parcels with crop rows, clumps of grass and bare patches, but without fine grain.

    :param size_px: width and height of the world.
    :param step_px: of the world for a pixel of the result [height, width, 3].
    """
    shape = int(size_px[1] / step_px), int(size_px[0] / step_px)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32) * np.float32(step_px)
    bend = noise(rng, shape, 96)
    along = 0.96 * x + 0.28 * y + 22.0 * bend
    across = 0.96 * y - 0.28 * x + 22.0 * bend
    row, column = np.floor(across / 520.0).astype(int), np.floor(along / 760.0).astype(int)
    parcel = (row * 31 + column * 17) % 64
    palette = np.array(_FIELD_COLORS_BGR, np.float32)
    colors = palette[rng.integers(len(palette), size=64)]
    furrow = rng.choice(np.array([0.0, 5.0, 9.0], np.float32), size=64)
    period = rng.uniform(11.0, 24.0, size=64).astype(np.float32)
    stripes = np.sin(2.0 * math.pi * across / period[parcel]) * furrow[parcel]
    patches = noise(rng, shape, 170, 60, 24)
    coarse = colors[parcel] * (1.0 + 0.13 * patches[..., None])
    coarse += (stripes + 5.0 * noise(rng, shape, 9, 4))[..., None]
    coarse[..., 2] += 9.0 * noise(rng, shape, 130)
    return np.asarray(coarse, np.float32)


def _fields(rng: np.random.Generator, width_px: int) -> Float32Array:
    """Return crops with grain."""
    coarse = crops(rng, (width_px, HEIGHT_PX), 2.0)
    image = cv2.resize(coarse, (width_px, HEIGHT_PX), interpolation=cv2.INTER_LINEAR)
    grain = 6.0 * noise(rng, (HEIGHT_PX, width_px), 1, 3, 6)
    return np.asarray(image + grain[..., None], np.float32)


def _line(width_px: int, offset_px: float) -> Int32Array:
    """Return points along the main road, shifted downwards."""
    x = np.arange(-40, width_px + 60, 20, dtype=np.float32)
    return np.column_stack([x, road_y(x) + offset_px]).astype(np.int32)


def _paint_roads(rng: np.random.Generator, image: Float32Array, blocked: UInt8Array) -> None:
    """Paint two parallel roads with their shoulders, and lane marks on the main one."""
    width = image.shape[1]
    for offset, road_width in ((0, ROAD_WIDTH_PX), (SIDE_ROAD_OFFSET_PX, SIDE_ROAD_WIDTH_PX)):
        line = _line(width, offset)
        top = int(line[:, 1].min()) - road_width
        band = image[top : int(line[:, 1].max()) + road_width]
        asphalt = 112.0 + 5.0 * noise(rng, band.shape[:2], 2)
        asphalt += 6.0 * noise(rng, band.shape[:2], 90, 21)
        paint_stripe(band, line - (0, top), road_width + 34, (112.0, 138.0, 150.0), 0.7)
        surface = asphalt[..., None] * np.array((1.02, 1.0, 0.98), np.float32)
        paint_stripe(band, line - (0, top), road_width, surface, 1.0)
        cv2.polylines(blocked, [line], False, 255, road_width + 20)
    for offset in (-ROAD_WIDTH_PX // 2 + 9, ROAD_WIDTH_PX // 2 - 9):
        cv2.polylines(image, [_line(width, offset)], False, (205, 210, 212), 4, cv2.LINE_AA)
    middle = _line(width, 0)
    for index in range(0, len(middle) - 3, 5):
        cv2.polylines(image, [middle[index : index + 3]], False, (200, 206, 210), 4, cv2.LINE_AA)


def _free_place(
    rng: np.random.Generator, blocked: UInt8Array, radius_px: int
) -> tuple[int, int] | None:
    """Return a place where nothing else stands, or None after some tries."""
    height, width = blocked.shape
    for _ in range(12):
        x = int(rng.integers(radius_px, width - radius_px))
        y = int(rng.integers(radius_px, height - radius_px))
        if not blocked[y - radius_px : y + radius_px, x - radius_px : x + radius_px].any():
            return x, y
    return None


def _paint_houses(rng: np.random.Generator, image: Float32Array, blocked: UInt8Array) -> None:
    for _ in range(image.shape[1] // 260):
        length, depth = rng.uniform(190, 280), rng.uniform(130, 180)
        place = _free_place(rng, blocked, 140)
        if place is None:
            continue
        color = np.array(ROOF_COLORS_BGR[rng.integers(len(ROOF_COLORS_BGR))], np.float64)
        angle = math.degrees(0.15 * math.sin(place[0] / 300.0)) + float(rng.choice([0, 90]))
        rows, columns = _around(place, 260, blocked.shape)
        part = image[rows, columns]
        center = place[0] - columns.start, place[1] - rows.start
        outline = np.asarray(cv2.boxPoints((center, (length, depth), angle)), np.float32)
        shadow = np.zeros(part.shape[:2], np.uint8)
        cv2.fillConvexPoly(shadow, _shadow_of(outline, 60.0), 255)
        darken(part, shadow, 0.55, 9)
        low, high = (outline[0] + outline[1]) / 2, (outline[2] + outline[3]) / 2
        for corners, light in (((1, 2), 1.18), ((0, 3), 0.82)):
            half = np.array([outline[corners[0]], outline[corners[1]], high, low])
            shade = (color * light).tolist()
            cv2.fillConvexPoly(part, half.round().astype(np.int32), shade, cv2.LINE_AA)
        roof = np.zeros(part.shape[:2], np.uint8)
        cv2.fillConvexPoly(roof, outline.round().astype(np.int32), 1)
        part += (7.0 * noise(rng, roof.shape, 3, 11) * roof)[..., None]
        blocked[rows, columns] |= np.asarray(cv2.dilate(roof, np.ones((25, 25))), np.uint8)


def _paint_trees(rng: np.random.Generator, image: Float32Array, blocked: UInt8Array) -> None:
    crowns = [tree_crown(rng, int(rng.integers(34, 74))) for _ in range(_CROWNS)]
    for _ in range(image.shape[1] // 22):
        color, alpha = crowns[rng.integers(_CROWNS)]
        radius = alpha.shape[0] // 2
        place = _free_place(rng, blocked, radius)
        if place is None:
            continue
        x, y = place
        shift_x, shift_y = (round(0.9 * radius * part) for part in SUN_SHADOW)
        height, width = blocked.shape
        bottom, right = min(y + shift_y + radius, height), min(x + shift_x + radius, width)
        top, left = y + shift_y - radius, x + shift_x - radius
        shadow = (alpha[: bottom - top, : right - left] * 255).astype(np.uint8)
        darken(image[top:bottom, left:right], shadow, 0.5, 7)
        part = image[y - radius : y + radius, x - radius : x + radius]
        part += alpha[..., None] * (color * rng.uniform(0.85, 1.15) - part)
        core = radius // 2
        blocked[y - core : y + core, x - core : x + core] = 255


def _paint_bridge(rng: np.random.Generator, image: Float32Array, left: int, right: int) -> None:
    """Paint a motorway bridge from top to bottom, with its shadow on what lies to the right."""
    shadow = np.zeros(image.shape[:2], np.uint8)
    shadow[:, left + 30 : right + 62] = 255
    darken(image[:, left - 20 : right + 90], shadow[:, left - 20 : right + 90], 0.5, 11)
    shape = image.shape[0], right - left
    deck = 136.0 + 5.0 * noise(rng, shape, 2) + 6.0 * noise(rng, shape, 80, 19)
    image[:, left:right] = deck[..., None] * np.array((1.0, 1.01, 1.02), np.float32)
    for edge, shade in ((left, 188), (right - 12, 168)):
        image[:, edge : edge + 12] = shade + 4.0 * noise(rng, (shape[0], 12), 2)[..., None]
    middle = (left + right) // 2
    image[:, middle - 5 : middle + 5] = (150, 158, 160)
    for lane in ((left + middle) // 2, (right + middle) // 2):
        for top in range(0, shape[0], 110):
            image[top : top + 45, lane - 2 : lane + 2] = (214, 218, 220)
    for top in range(0, shape[0], 240):
        image[top : top + 3, left:right] *= 0.8


def _shadow_of(points: Float32Array, height_px: float) -> Int32Array:
    """Return where the shadow of points at a height falls."""
    moved = points + np.array(SUN_SHADOW, np.float32) * height_px
    return np.asarray(moved.round(), np.int32)


def _around(place: tuple[int, int], radius_px: int, shape: tuple[int, ...]) -> tuple[slice, slice]:
    x, y = place
    return (
        slice(max(y - radius_px, 0), min(y + radius_px, shape[0])),
        slice(max(x - radius_px, 0), min(x + radius_px, shape[1])),
    )
