# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Things to track: vehicles from above, blobs, polygons, limbed figures, optional clip art."""

from dataclasses import dataclass, replace
from functools import cache
import math
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from training.textures import Image, Random, random_colour, surface

SPRITE_PX = 112
BODY_COLOURS = np.array(
    [
        [236, 236, 234], [236, 236, 234], [150, 154, 158], [92, 96, 102], [34, 34, 38],
        [178, 30, 34], [40, 62, 130], [28, 92, 160], [214, 186, 60], [46, 92, 58],
        [120, 78, 52], [226, 112, 36],
    ],
    np.float32,
)  # fmt: skip


@dataclass(frozen=True)
class Sprite:
    """A square picture with its coverage; the shape fills most of the square."""

    colour: Image
    """[h, w, 3], RGB."""
    alpha: Image
    """[h, w], 0..255."""
    rigid: bool
    """Whether the outline keeps its shape."""
    painted: bool
    """Whether the colours go on behind the outline."""

    def tinted(self, random: Random, strength: float) -> 'Sprite':
        """
        Make a look-alike.

        :param random: source of randomness.
        :param strength: 0 for a twin, 1 for a clearly different tint.
        :return: the same shape in a shifted colour.
        """
        gain = 1 + strength * random.uniform(-0.35, 0.35, 3)
        shift = strength * random.uniform(-30, 30)
        colour = np.clip(self.colour * gain + shift, 0, 255).astype(np.uint8)
        return replace(self, colour=colour)


def _empty() -> tuple[Image, Image]:
    """
    Start a blank picture.

    :return: colour and alpha of a sprite.
    """
    alpha = np.zeros((SPRITE_PX, SPRITE_PX), np.uint8)
    return np.repeat(alpha[..., None], 3, axis=2), alpha


def _rounded(image: Image, low: tuple[int, int], high: tuple[int, int], radius_px: int,
             colour: tuple[float, ...]) -> None:  # fmt: skip
    """
    Fill a rectangle with round corners.

    :param image: drawn on.
    :param low: top left corner, x and y.
    :param high: bottom right corner, x and y.
    :param radius_px: corner radius.
    :param colour: one value a channel.
    """
    (left, top), (right, bottom) = low, high
    radius_px = max(0, min(radius_px, (right - left) // 2, (bottom - top) // 2))
    cv2.rectangle(image, (left + radius_px, top), (right - radius_px, bottom), colour, -1)
    cv2.rectangle(image, (left, top + radius_px), (right, bottom - radius_px), colour, -1)
    for x in (left + radius_px, right - radius_px):
        for y in (top + radius_px, bottom - radius_px):
            cv2.circle(image, (x, y), radius_px, colour, -1, cv2.LINE_AA)


def vehicle(random: Random) -> Sprite:
    """
    Draw a car, van or lorry from above: body, windows, roof, lights.

    :param random: source of randomness.
    :return: the sprite, nose up.
    """
    colour, alpha = _empty()
    half_px = int(SPRITE_PX * random.uniform(0.17, 0.30))
    middle = SPRITE_PX // 2
    low, high = (middle - half_px, 4), (middle + half_px, SPRITE_PX - 5)
    radius_px = int(half_px * random.uniform(0.1, 0.75))
    body = BODY_COLOURS[random.integers(len(BODY_COLOURS))]
    if random.random() < 0.3:
        body = random_colour(random)
    body = np.clip(body * random.uniform(0.75, 1.1) + random.normal(0, 6, 3), 0, 255)
    _rounded(alpha, low, high, radius_px, (255,))
    colour[:] = body.astype(np.uint8)
    glass = tuple((body * 0.1 + random.uniform(15, 70)).tolist())
    length_px = high[1] - low[1]
    inset = max(2, int(half_px * random.uniform(0.1, 0.3)))
    inner_left, inner_right = low[0] + inset, high[0] - inset
    for place, height in ((random.uniform(0.2, 0.32), 0.13), (random.uniform(0.72, 0.82), 0.09)):
        if random.random() < 0.88:
            top = low[1] + int(place * length_px)
            bottom = top + max(2, int(height * length_px))
            _rounded(colour, (inner_left, top), (inner_right, bottom), 3, glass)
    if random.random() < 0.5:
        roof = tuple(np.clip(body * random.uniform(0.7, 1.25), 0, 255).tolist())
        top, bottom = low[1] + int(0.42 * length_px), low[1] + int(0.7 * length_px)
        _rounded(colour, (inner_left, top), (inner_right, bottom), 4, roof)
    if random.random() < 0.25:
        load = tuple(random_colour(random).tolist())
        _rounded(colour, (inner_left, middle), (inner_right, high[1] - 4), 2, load)
    for x in (low[0] + 5, high[0] - 5):
        cv2.circle(colour, (x, low[1] + 4), 3, (250, 246, 220), -1)
        cv2.circle(colour, (x, high[1] - 4), 3, (190, 30, 30), -1)
    _light(random, colour)
    return Sprite(colour, alpha, rigid=True, painted=False)


def person(random: Random) -> Sprite:
    """
    Draw somebody standing, walking or riding: head, shirt, trousers, arms, now and then a bag.

    :param random: source of randomness.
    :return: the sprite, head up.
    """
    colour, alpha = _empty()
    middle, unit_px = SPRITE_PX // 2, SPRITE_PX / 16
    shirt, trousers, bag = (random_colour(random) for _ in range(3))
    skin = np.array([225, 172, 135]) * random.uniform(0.25, 1.05)
    hair = np.array([70, 50, 35]) * random.uniform(0.1, 2.2)

    def limb(
        start: tuple[float, float],
        end: tuple[float, float],
        width: float,
        paint: npt.NDArray[np.floating],
    ) -> None:
        low, high = [(round(middle + x * unit_px), round(y * unit_px)) for x, y in (start, end)]
        width_px = max(2, round(width * unit_px))
        cv2.line(colour, low, high, tuple(paint.tolist()), width_px)
        cv2.line(alpha, low, high, (255.0,), width_px)

    girth = random.uniform(1.0, 1.7)
    stride, swing = random.uniform(-2.5, 2.5), random.uniform(-3.0, 3.0)
    limb((-0.6, 9), (-0.6 - stride, 15), girth, trousers)
    limb((0.6, 9), (0.6 + stride, 15), girth, trousers)
    limb((0, 5), (0, 9), 2.2 * girth, shirt)
    for side, reach in ((-1, -swing), (1, swing)):
        limb((side * girth, 5), (side * girth + reach, 9), 0.8 * girth, shirt)
    if random.random() < 0.3:
        limb((0, 5.5), (0, 8), 1.4 * girth, bag)
    limb((0, 2.6), (0, 2.9), 2.2, skin)
    limb((0, 1.9), (0, 2.1), 2.0, hair)
    return Sprite(colour, alpha, rigid=False, painted=False)


def _light(random: Random, colour: Image) -> None:
    """
    Shade a picture from one side.

    :param random: source of randomness.
    :param colour: [h, w, 3], changed in place.
    """
    slope = random.uniform(-0.3, 0.3, 2)
    axis = np.linspace(-1, 1, colour.shape[0], dtype=np.float32)
    gain = 1 + slope[0] * axis[:, None] + slope[1] * axis[None, :]
    colour[:] = np.clip(colour * gain[..., None], 0, 255).astype(np.uint8)


def _outline(random: Random) -> npt.NDArray[np.int32]:
    """
    Draw a smooth or angular closed outline.

    :param random: source of randomness.
    :return: [n, 2], x and y.
    """
    count = int(random.integers(3, 9)) if random.random() < 0.4 else 48
    angles = np.sort(random.uniform(0, 2 * math.pi, count)) if count < 48 else np.linspace(
        0, 2 * math.pi, count, endpoint=False
    )  # fmt: skip
    radii = np.full(count, 1.0)
    if count == 48:
        for harmonic in range(2, 6):
            phase = random.uniform(0, 2 * math.pi)
            radii += random.uniform(0, 0.35) / (harmonic - 1) * np.sin(harmonic * angles + phase)
    stretch = random.uniform(0.4, 1.0)
    points = np.stack([radii * np.cos(angles) * stretch, radii * np.sin(angles)], 1)
    points -= (points.min(0) + points.max(0)) / 2
    points *= (SPRITE_PX / 2 - 4) / np.abs(points).max()
    return (points + SPRITE_PX / 2).astype(np.int32)


def _limbs(random: Random, alpha: Image) -> None:
    """
    Draw a trunk, a head and limbs.

    :param random: source of randomness.
    :param alpha: [h, w], drawn on.
    """
    middle = SPRITE_PX // 2
    hip, neck = (middle, int(SPRITE_PX * 0.58)), (middle, int(SPRITE_PX * 0.28))
    thickness = int(random.integers(12, 30))
    cv2.line(alpha, hip, neck, 255, thickness)
    cv2.circle(alpha, (middle, int(SPRITE_PX * 0.15)), int(random.integers(8, 14)), 255, -1)
    for start, spread in ((hip, 1.0), (hip, -1.0), (neck, 1.4), (neck, -1.4)):
        angle = math.pi / 2 - spread * random.uniform(0.05, 0.9)
        length_px = SPRITE_PX * random.uniform(0.25, 0.4)
        end = (
            int(start[0] + length_px * math.cos(angle)),
            int(start[1] + length_px * math.sin(angle)),
        )
        cv2.line(alpha, start, end, 255, max(4, thickness // 2))


def shape(random: Random, photos: tuple[str, ...]) -> Sprite:
    """
    Draw a blob, polygon or limbed figure, often in parts of strong contrast.

    :param random: source of randomness.
    :param photos: photographs to choose textures from.
    :return: the sprite.
    """
    _, alpha = _empty()
    limbed = random.random() < 0.3
    if limbed:
        _limbs(random, alpha)
    else:
        cv2.fillPoly(alpha, [_outline(random)], 255, cv2.LINE_AA)
    colour = _skin(random, photos)
    for _ in range(int(random.integers(0, 4))):
        part = np.zeros_like(alpha)
        if random.random() < 0.5:
            edge = int(random.integers(20, SPRITE_PX - 20))
            part[edge:] = 255
        else:
            centre = random.integers(10, SPRITE_PX - 10, 2).tolist()
            axes = random.integers(8, 40, 2).tolist()
            cv2.ellipse(part, centre, axes, random.uniform(0, 180), 0, 360, 255, -1)
        inside = part > 0
        colour[inside] = _skin(random, photos)[inside]
    _light(random, colour)
    return Sprite(colour, alpha, rigid=bool(random.random() < 0.3), painted=True)


def assembly(random: Random, photos: tuple[str, ...]) -> Sprite:
    """
    Put unlike parts together that move as one, as a rider and a bicycle do.

    :param random: source of randomness.
    :param photos: photographs for paint.
    :return: the sprite.
    """
    colour, alpha = _empty()
    for _ in range(int(random.integers(2, 5))):
        part = person(random) if random.random() < 0.25 else shape(random, photos)
        side_px = round(SPRITE_PX * random.uniform(0.35, 0.75))
        left, top = np.clip(random.normal(0.5, 0.13, 2) * SPRITE_PX - side_px / 2, 0, None).astype(
            int
        )
        width_px, height_px = min(side_px, SPRITE_PX - left), min(side_px, SPRITE_PX - top)
        piece = np.dstack([part.colour, part.alpha])
        piece = cv2.resize(piece, (side_px, side_px), interpolation=cv2.INTER_AREA).astype(
            np.uint8
        )
        piece = piece[:height_px, :width_px]
        covered = piece[..., 3] > 127
        colour[top : top + height_px, left : left + width_px][covered] = piece[covered, :3]
        alpha[top : top + height_px, left : left + width_px][covered] = 255
    return Sprite(colour, alpha, rigid=bool(random.random() < 0.4), painted=False)


def _skin(random: Random, photos: tuple[str, ...]) -> Image:
    """
    Fill a sprite's square with a plain colour or a surface.

    :param random: source of randomness.
    :param photos: photographs to choose from.
    :return: [SPRITE_PX, SPRITE_PX, 3].
    """
    if random.random() < 0.4:
        plain = np.full((SPRITE_PX, SPRITE_PX, 3), random_colour(random))
        return plain.astype(np.uint8)
    return surface(random, SPRITE_PX, photos)


@cache
def clip_art_files(folder: Path) -> tuple[Path, ...]:
    """
    List the pictures of a clip-art folder in a fixed order.

    :param folder: for example /usr/share/openclipart/png.
    :return: PNG files.
    """
    return tuple(sorted(folder.rglob('*.png')))


def clip_art(random: Random, files: tuple[Path, ...]) -> Sprite | None:
    """
    Read a picture with transparency.

    :param random: source of randomness.
    :param files: pictures to choose from.
    :return: the sprite, or None when the file has no usable shape.
    """
    image = cv2.imread(str(files[random.integers(len(files))]), cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim != 3 or image.shape[2] != 4:
        return None
    rows, columns = np.nonzero(image[..., 3] > 127)
    if len(rows) < 200:
        return None
    image = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = (SPRITE_PX - 8) / max(image.shape[:2])
    size = (max(8, int(image.shape[1] * scale)), max(8, int(image.shape[0] * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    square = np.zeros((SPRITE_PX, SPRITE_PX, 4), np.uint8)
    top, left = (SPRITE_PX - size[1]) // 2, (SPRITE_PX - size[0]) // 2
    square[top : top + size[1], left : left + size[0]] = small
    if float((square[..., 3] > 127).mean()) < 0.12:
        return None
    colour = np.ascontiguousarray(square[..., 2::-1])
    alpha = np.ascontiguousarray(square[..., 3])
    return Sprite(colour, alpha, rigid=bool(random.random() < 0.5), painted=False)
