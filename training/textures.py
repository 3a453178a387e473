# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Procedural surfaces: noise, patches, leaves, stripes, tiles, and ground seen from above."""

from collections.abc import Callable
from functools import cache
import math
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import skimage

Image = npt.NDArray[np.uint8]
Field = npt.NDArray[np.float32]
Random = np.random.Generator

# Photographs in scikit-image's wheel that are public domain or CC0 (see its data/README).
TRAINING_PHOTOS = ('brick.png', 'camera.png', 'chelsea.png', 'coffee.png', 'grass.png')
HELD_OUT_PHOTOS = ('astronaut.png', 'gravel.png', 'rocket.jpg')

GROUND_COLOURS = np.array(
    [
        [92, 94, 96], [130, 130, 128], [60, 62, 66], [176, 172, 164],
        [74, 96, 52], [104, 122, 66], [52, 70, 44], [134, 138, 84],
        [140, 112, 80], [108, 84, 62], [186, 164, 126], [210, 196, 166],
        [66, 88, 100], [150, 92, 74], [226, 228, 232], [40, 46, 40],
    ],
    np.float32,
)  # fmt: skip


def random_colour(random: Random) -> Field:
    """
    Draw any colour.

    :param random: source of randomness.
    :return: [3], 0..255.
    """
    return random.uniform(10, 245, 3).astype(np.float32)


def ground_colour(random: Random) -> Field:
    """
    Draw a colour of asphalt, grass, soil, sand, roofs or snow.

    :param random: source of randomness.
    :return: [3], 0..255.
    """
    base = GROUND_COLOURS[random.integers(len(GROUND_COLOURS))]
    colour = base * random.uniform(0.7, 1.3) + random.normal(0, 9, 3)
    clipped: Field = np.clip(colour, 0, 255).astype(np.float32)
    return clipped


def fractal_noise(random: Random, size_px: int, coarsest_cells: int = 3) -> Field:
    """
    Sum octaves of smooth noise.

    :param random: source of randomness.
    :param size_px: side of the square field.
    :param coarsest_cells: cells a side of the first octave.
    :return: [size_px, size_px], 0..1.
    """
    roughness = random.uniform(0.4, 0.85)
    field = np.zeros((size_px, size_px), np.float32)
    cells, weight = coarsest_cells, 1.0
    while cells < size_px:
        grid = random.random((cells, cells), np.float32)
        field += weight * cv2.resize(grid, (size_px, size_px), interpolation=cv2.INTER_CUBIC)
        cells, weight = cells * 2, weight * roughness
    low, high = float(field.min()), float(field.max())
    return (field - low) / (high - low + 1e-6)


def colour_ramp(random: Random, field: Field, natural: bool) -> Image:
    """
    Paint a field with a random ramp of colours.

    :param random: source of randomness.
    :param field: [h, w], 0..1.
    :param natural: whether colours come from the ground palette.
    :return: [h, w, 3].
    """
    knots = int(random.integers(2, 6))
    base = ground_colour(random)
    contrast = random.uniform(0.15, 1.0)
    colours = []
    for _ in range(knots):
        other = ground_colour(random) if natural else random_colour(random)
        colours.append(base + contrast * (other - base))
    places = np.sort(random.random(knots))
    table = np.stack(
        [np.interp(np.linspace(0, 1, 256), places, np.array(colours)[:, c]) for c in range(3)], 1
    )
    lookup = np.clip(table, 0, 255).astype(np.uint8)
    return lookup[(field * 255).astype(np.uint8)]


def mottled(random: Random, size_px: int, natural: bool) -> Image:
    """
    Make clouds, soil or grass.

    :param random: source of randomness.
    :param size_px: side.
    :param natural: whether colours come from the ground palette.
    :return: [size_px, size_px, 3].
    """
    cells = int(random.integers(2, 40))
    return colour_ramp(random, fractal_noise(random, size_px, cells), natural)


def patches(random: Random, size_px: int, natural: bool) -> Image:
    """
    Tile the plane with Voronoi cells.

    :param random: source of randomness.
    :param size_px: side.
    :param natural: whether colours come from the ground palette.
    :return: [size_px, size_px, 3].
    """
    holes = np.ones((size_px, size_px), np.uint8)
    count = int(np.exp(random.uniform(2.0, 6.0)))
    seeds = random.integers(0, size_px, (count, 2))
    holes[seeds[:, 0], seeds[:, 1]] = 0
    distance_px, labels = cv2.distanceTransformWithLabels(
        holes, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    shades = random.random(int(labels.max()) + 1).astype(np.float32)
    image = colour_ramp(random, shades[labels], natural)
    if random.random() < 0.4:
        rim = np.clip(distance_px / random.uniform(2, 12), 0.3, 1.0)[..., None]
        image = (image * rim).astype(np.uint8)
    return image


def leaves(random: Random, size_px: int, natural: bool) -> Image:
    """
    Drop discs, boxes and triangles of all sizes on each other.

    :param random: source of randomness.
    :param size_px: side.
    :param natural: whether colours come from the ground palette.
    :return: [size_px, size_px, 3].
    """
    image = mottled(random, size_px, natural)
    palette = [ground_colour(random) if natural else random_colour(random) for _ in range(6)]
    smallest_px, largest_px = random.uniform(2, 8), random.uniform(15, 90)
    for _ in range(int(random.integers(80, 350))):
        radius_px = smallest_px * (largest_px / smallest_px) ** (random.random() ** 2)
        centre = random.integers(0, size_px, 2)
        colour = palette[random.integers(6)] + random.normal(0, 18, 3)
        stamp(random, image, centre, radius_px, tuple(np.clip(colour, 0, 255).tolist()))
    return image


def stamp(
    random: Random,
    image: Image,
    centre: npt.NDArray[np.int64],
    radius_px: float,
    colour: tuple[float, ...],
) -> None:
    """
    Draw one disc or convex polygon in place.

    :param random: source of randomness.
    :param image: [h, w, 3], drawn on.
    :param centre: x and y.
    :param radius_px: size.
    :param colour: three values, 0..255.
    """
    if random.random() < 0.4:
        middle = (int(centre[0]), int(centre[1]))
        cv2.circle(image, middle, int(radius_px), colour, -1, cv2.LINE_AA)
        return
    corners = int(random.integers(3, 6))
    angles = random.uniform(0, 2 * math.pi) + np.arange(corners) * 2 * math.pi / corners
    stretch = random.uniform(0.35, 1.0)
    offsets = radius_px * np.stack([np.cos(angles), stretch * np.sin(angles)], 1)
    cv2.fillPoly(image, [(centre + offsets).astype(np.int32)], colour, cv2.LINE_AA)


def stripes(random: Random, size_px: int, natural: bool) -> Image:
    """
    Make wavy furrows or hard stripes.

    :param random: source of randomness.
    :param size_px: side.
    :param natural: whether colours come from the ground palette.
    :return: [size_px, size_px, 3].
    """
    rows, columns = np.mgrid[:size_px, :size_px].astype(np.float32)
    angle = random.uniform(0, math.pi)
    along = columns * math.cos(angle) + rows * math.sin(angle)
    along += random.uniform(0, 25) * fractal_noise(random, size_px)
    wave = 0.5 + 0.5 * np.sin(along * 2 * math.pi / random.uniform(4, 60))
    if random.random() < 0.5:
        wave = (wave > random.uniform(0.2, 0.8)).astype(np.float32)
    blend = random.uniform(0.1, 0.5)
    field = (1 - blend) * wave + blend * fractal_noise(random, size_px, 8)
    return colour_ramp(random, np.clip(field, 0, 1).astype(np.float32), natural)


def tiles(random: Random, size_px: int, natural: bool) -> Image:
    """
    Make a grid of tiles, windows or parking bays.

    :param random: source of randomness.
    :param size_px: side.
    :param natural: whether colours come from the ground palette.
    :return: [size_px, size_px, 3].
    """
    across, down = random.integers(6, 60, 2)
    shades = random.random((size_px // down + 2, size_px // across + 2)).astype(np.float32)
    shades = 0.5 + random.uniform(0.05, 1.0) * (shades - 0.5)
    field = np.kron(shades, np.ones((down, across), np.float32))[:size_px, :size_px]
    image = colour_ramp(random, np.ascontiguousarray(field), natural)
    line = ground_colour(random).tolist()
    thickness = int(random.integers(1, 4))
    for start in range(0, size_px, int(across)):
        cv2.line(image, (start, 0), (start, size_px), line, thickness)
    for start in range(0, size_px, int(down)):
        cv2.line(image, (0, start), (size_px, start), line, thickness)
    return image


@cache
def _photo(name: str) -> Image:
    """
    Read a bundled photograph.

    :param name: file name in scikit-image's data folder.
    :return: [h, w, 3], RGB.
    """
    image = cv2.imread(str(Path(skimage.__file__).parent / 'data' / name), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise FileNotFoundError(f'{name} is not in the installed scikit-image; reinstall it')
    return image.astype(np.uint8)


def photograph(random: Random, size_px: int, names: tuple[str, ...]) -> Image:
    """
    Crop a bundled photograph at a random scale, turn and tint it.

    :param random: source of randomness.
    :param size_px: side.
    :param names: photographs to choose from.
    :return: [size_px, size_px, 3].
    """
    image = _photo(names[random.integers(len(names))])
    scale = size_px / min(image.shape[:2]) * random.uniform(1.0, 3.0)
    turn = cv2.getRotationMatrix2D((0, 0), random.uniform(0, 360), scale)
    middle = np.array([image.shape[1], image.shape[0]]) * random.uniform(0.3, 0.7, 2)
    turn[:, 2] = size_px / 2 - turn[:, :2] @ middle
    crop = cv2.warpAffine(image, turn, (size_px, size_px), borderMode=cv2.BORDER_REFLECT_101)
    if random.random() < 0.6:
        crop = crop[..., random.permutation(3)] * random.uniform(0.6, 1.2, 3)
    return np.ascontiguousarray(np.clip(crop, 0, 255).astype(np.uint8))


Maker = Callable[[Random, int, bool], Image]
SURFACES: tuple[Maker, ...] = (mottled, mottled, patches, leaves, stripes, tiles)


def surface(random: Random, size_px: int, photos: tuple[str, ...]) -> Image:
    """
    Make any surface.

    :param random: source of randomness.
    :param size_px: side.
    :param photos: photographs to choose from.
    :return: [size_px, size_px, 3].
    """
    if random.random() < 0.12:
        return photograph(random, size_px, photos)
    return SURFACES[random.integers(len(SURFACES))](random, size_px, bool(random.random() < 0.6))
