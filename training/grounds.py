# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Ground seen from above: fields, roads, roofs, trees and parked vehicles."""

import math

import cv2
import numpy as np

from training.sprites import Sprite, vehicle
from training.textures import (
    Image,
    Random,
    fractal_noise,
    ground_colour,
    leaves,
    mottled,
    patches,
    photograph,
    stamp,
    stripes,
    surface,
    tiles,
)


def ground(random: Random, size_px: int, photos: tuple[str, ...]) -> Image:
    """
    Compose a background, most often an aerial one.

    :param random: source of randomness.
    :param size_px: side.
    :param photos: photographs to choose from.
    :return: [size_px, size_px, 3].
    """
    if random.random() < 0.3:
        return surface(random, size_px, photos)
    image = _fields(random, size_px, photos)
    for _ in range(int(random.integers(0, 4))):
        _add_road(random, image)
    for _ in range(int(random.integers(0, 12))):
        _add_roof(random, image)
    if random.random() < 0.6:
        _add_trees(random, image)
    for _ in range(int(random.integers(0, 9))):
        _park(random, image)
    if random.random() < 0.5:
        shade = 0.75 + 0.5 * fractal_noise(random, size_px, 2)
        image = np.clip(image * shade[..., None], 0, 255).astype(np.uint8)
    return image


def _fields(random: Random, size_px: int, photos: tuple[str, ...]) -> Image:
    """
    Blend two surfaces along the contours of a noise field.

    :param random: source of randomness.
    :param size_px: side.
    :param photos: photographs to choose from.
    :return: [size_px, size_px, 3].
    """
    makers = (mottled, mottled, stripes, patches, tiles, leaves)
    layers = []
    for _ in range(2):
        if random.random() < 0.15:
            layers.append(photograph(random, size_px, photos))
        else:
            layers.append(makers[random.integers(len(makers))](random, size_px, True))
    split = fractal_noise(random, size_px, int(random.integers(2, 8)))
    share = np.clip((split - random.uniform(0.3, 0.7)) * random.uniform(4, 60) + 0.5, 0, 1)
    share = share[..., None]
    blend = layers[0] * share + layers[1] * (1 - share)
    return np.ascontiguousarray(blend.astype(np.uint8))


def _add_road(random: Random, image: Image) -> None:
    """
    Draw a gently bent road with kerbs and a dashed middle.

    :param random: source of randomness.
    :param image: [h, w, 3], drawn on.
    """
    size_px = image.shape[0]
    angle = random.uniform(0, math.pi)
    direction = np.array([math.cos(angle), math.sin(angle)])
    normal = np.array([-direction[1], direction[0]])
    steps = np.linspace(-size_px, size_px, 60)
    bend = random.uniform(-60, 60) * np.sin(steps / random.uniform(60, 250))
    middle = random.uniform(0.2, 0.8, 2) * size_px
    line = middle + steps[:, None] * direction + bend[:, None] * normal
    points = line.astype(np.int32)
    width_px = int(random.integers(14, 80))
    asphalt = (np.full(3, random.uniform(40, 150)) + random.normal(0, 5, 3)).tolist()
    paint = (np.full(3, random.uniform(170, 255)) + random.normal(0, 8, 3)).tolist()
    cv2.polylines(image, [points], False, paint, width_px + int(random.integers(0, 6)))
    cv2.polylines(image, [points], False, asphalt, width_px, cv2.LINE_AA)
    if random.random() < 0.7:
        for start in range(0, len(points) - 1, 2):
            cv2.line(image, points[start].tolist(), points[start + 1].tolist(), paint, 2)


def _add_roof(random: Random, image: Image) -> None:
    """
    Draw a two-sided roof with a shadow.

    :param random: source of randomness.
    :param image: [h, w, 3], drawn on.
    """
    size_px = image.shape[0]
    centre = random.uniform(0, size_px, 2)
    half = random.uniform(8, 45, 2)
    angle = random.uniform(0, math.pi)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half @ turn.T + centre
    colour = ground_colour(random)
    cv2.fillPoly(image, [(corners + random.uniform(2, 9, 2)).astype(np.int32)], [30, 32, 36])
    cv2.fillPoly(image, [corners.astype(np.int32)], colour.tolist(), cv2.LINE_AA)
    middle = (corners[[0, 3]] + corners[[1, 2]]) / 2
    side = np.concatenate([corners[[0]], middle, corners[[3]]]).astype(np.int32)
    cv2.fillPoly(image, [side], (colour * random.uniform(0.6, 0.95)).tolist(), cv2.LINE_AA)


def _add_trees(random: Random, image: Image) -> None:
    """
    Scatter crowns, each a few overlapping discs.

    :param random: source of randomness.
    :param image: [h, w, 3], drawn on.
    """
    green = ground_colour(random) * np.array([0.7, 0.95, 0.6])
    for _ in range(int(random.integers(3, 50))):
        centre = random.integers(0, image.shape[0], 2)
        radius_px = float(random.uniform(4, 24))
        for _ in range(4):
            shade = np.clip(green * random.uniform(0.6, 1.3), 0, 255)
            place = centre + random.normal(0, radius_px / 3, 2).astype(np.int64)
            crown_px = radius_px * random.uniform(0.4, 0.9)
            stamp(random, image, place, crown_px, tuple(shade.tolist()))


def _park(random: Random, image: Image) -> None:
    """
    Leave a vehicle standing on the ground.

    :param random: source of randomness.
    :param image: [h, w, 3], drawn on.
    """
    sprite: Sprite = vehicle(random)
    size_px = image.shape[0]
    scale = random.uniform(14, 44) / sprite.alpha.shape[0]
    turn = cv2.getRotationMatrix2D((0, 0), random.uniform(0, 360), scale)
    centre = np.array(sprite.alpha.shape[::-1]) / 2
    turn[:, 2] = random.uniform(0, size_px, 2) - turn[:, :2] @ centre
    colour = cv2.warpAffine(sprite.colour, turn, (size_px, size_px), flags=cv2.INTER_AREA)
    alpha = cv2.warpAffine(sprite.alpha, turn, (size_px, size_px), flags=cv2.INTER_AREA)
    inside = alpha > 127
    image[inside] = colour[inside]
