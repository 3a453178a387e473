# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A slowly renewed stock of grounds and sprites, so that clips are cheap to make."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.grounds import ground
from training.sprites import Sprite, assembly, clip_art, clip_art_files, person, shape, vehicle
from training.textures import HELD_OUT_PHOTOS, TRAINING_PHOTOS, Image, Random


@dataclass(frozen=True)
class LibraryConfig:
    """What the stock holds."""

    grounds: int = 160
    sprites: int = 320
    ground_px: int = 416
    clip_art_folder: Path | None = None
    held_out: bool = False


class Library:
    """Grounds and sprites; drawing from the stock now and then replaces an item."""

    def __init__(self, config: LibraryConfig, random: Random) -> None:
        """
        Fill the stock.

        :param config: what it holds.
        :param random: source of randomness.
        """
        self._config = config
        self._photos = HELD_OUT_PHOTOS if config.held_out else TRAINING_PHOTOS
        folder = config.clip_art_folder
        files = clip_art_files(folder) if folder is not None else ()
        # Every eighth picture is held out.
        self._clip_art = tuple(
            file for index, file in enumerate(files) if (index % 8 == 0) == config.held_out
        )
        self._grounds = [self._new_ground(random) for _ in range(config.grounds)]
        self._sprites = [self._new_sprite(random) for _ in range(config.sprites)]

    def ground(self, random: Random) -> Image:
        """
        Draw a background.

        :param random: source of randomness.
        :return: [ground_px, ground_px, 3].
        """
        index = int(random.integers(len(self._grounds)))
        if random.random() < 0.2:
            self._grounds[index] = self._new_ground(random)
        image = self._grounds[index]
        return np.ascontiguousarray(np.rot90(image, int(random.integers(4))))

    def sprite(self, random: Random) -> Sprite:
        """
        Draw something to track.

        :param random: source of randomness.
        :return: a sprite.
        """
        index = int(random.integers(len(self._sprites)))
        if random.random() < 0.3:
            self._sprites[index] = self._new_sprite(random)
        return self._sprites[index]

    def _new_ground(self, random: Random) -> Image:
        """
        Make a background.

        :param random: source of randomness.
        :return: [ground_px, ground_px, 3].
        """
        return ground(random, self._config.ground_px, self._photos)

    def _new_sprite(self, random: Random) -> Sprite:
        """
        Make a vehicle, a person, something of many parts or a shape, or read clip art.

        :param random: source of randomness.
        :return: a sprite.
        """
        choice = random.random()
        if choice < 0.25:
            return vehicle(random)
        if choice < 0.4:
            return person(random)
        if choice < 0.62:
            return assembly(random, self._photos)
        if self._clip_art and choice < 0.82:
            read = clip_art(random, self._clip_art)
            if read is not None:
                return read
        return shape(random, self._photos)
