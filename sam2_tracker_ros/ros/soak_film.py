# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A small film without an end, of as many discs as a tracker may follow, and where they are."""

from dataclasses import dataclass
import math

import cv2
import numpy as np

from sam2_tracker_ros.core.types import Box, UInt8Array

SIZE_PX = (320, 240)
PLACES = 8  # four beside each other, in two rows
_COLUMNS = 4
_PERIOD_FRAMES = 60
_RADIUS_PX = 15.0
_SWAY_PX = 8.0
_SUBPIXEL_BITS = 4
_COLORS_BGR = (
    *((40, 40, 210), (210, 60, 40), (30, 190, 220), (200, 40, 190)),
    *((235, 235, 235), (25, 25, 25), (40, 150, 40), (20, 110, 240)),
)


@dataclass(frozen=True)
class SoakFilm:
    """
    Each disc sways about its place, so that every frame may follow every other.

    :param images: uint8 BGR [height, width, 3].
    """

    images: tuple[UInt8Array, ...]

    def image(self, index: int) -> UInt8Array:
        """Return a frame, however late."""
        return self.images[index % len(self.images)]


def soak_film(seed: int) -> SoakFilm:
    """Draw the film."""
    width, height = SIZE_PX
    rng = np.random.default_rng(seed)
    coarse = rng.integers(90, 150, (height // 8, width // 8, 3), dtype=np.uint8)
    ground = cv2.resize(coarse, SIZE_PX, interpolation=cv2.INTER_CUBIC)
    images = []
    for index in range(_PERIOD_FRAMES):
        image = ground.copy()
        for place, color in enumerate(_COLORS_BGR):
            middle = [round(part * 2**_SUBPIXEL_BITS) for part in middle_of(place, index)]
            radius = round(_RADIUS_PX * 2**_SUBPIXEL_BITS)
            cv2.circle(image, middle, radius, color, -1, cv2.LINE_AA, _SUBPIXEL_BITS)
        images.append(np.asarray(image, np.uint8))
    return SoakFilm(tuple(images))


def middle_of(place: int, index: int) -> tuple[float, float]:
    """Return the middle of a disc in a frame [px]."""
    angle = 2.0 * math.pi * index / _PERIOD_FRAMES + place
    column, row = place % _COLUMNS, place // _COLUMNS
    x = (column + 0.5) * SIZE_PX[0] / _COLUMNS + _SWAY_PX * math.cos(angle)
    y = (row + 0.5) * SIZE_PX[1] / (PLACES // _COLUMNS) + _SWAY_PX * math.sin(angle)
    return x, y


def box_of(place: int, index: int) -> Box:
    """Return the box of a disc in a frame."""
    x, y = middle_of(place, index)
    return Box(x - _RADIUS_PX, y - _RADIUS_PX, x + _RADIUS_PX, y + _RADIUS_PX)
