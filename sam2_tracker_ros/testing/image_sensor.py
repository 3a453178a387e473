# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""An image sensor whose pixels are noisy."""

import cv2
import numpy as np

from sam2_tracker_ros.core.types import UInt8Array

_SPARE_PX = 64


class ImageSensor:
    """
    Adds a part of one large noise picture to each image, another for each index.

    :param rng: what the noise is drawn from.
    :param sigma: of the noise, in grey levels.
    """

    def __init__(
        self, seed: int, rng: np.random.Generator, size_px: tuple[int, int], sigma: float
    ) -> None:
        self._seed = seed
        shape = size_px[1] + _SPARE_PX, size_px[0] + _SPARE_PX, 3
        grain = rng.normal(128.0, sigma, shape)
        self._grain = np.clip(grain.round(), 0, 255).astype(np.uint8)

    def expose(self, image: UInt8Array, index: int, gain: float) -> UInt8Array:
        """Return the image as the sensor sees it: brighter by the gain, and noisy."""
        top, left = np.random.default_rng((self._seed, index)).integers(0, _SPARE_PX, 2)
        height, width = image.shape[:2]
        grain = self._grain[top : top + height, left : left + width]
        return np.asarray(cv2.addWeighted(image, gain, grain, 1.0, -128.0), np.uint8)
