# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the camera of the fault campaign sees: three cars that drive in circles for ever."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
import math

import numpy as np

from sam2_tracker_ros.core.bearing import CameraCalibration
from sam2_tracker_ros.core.types import Box, Float64Array, UInt8Array
from sam2_tracker_ros.testing.ground import make_ground
from sam2_tracker_ros.testing.scenes import pinhole
from sam2_tracker_ros.testing.vehicle import Pose, Vehicle

SIZE_PX = (320, 240)
RATE_HZ = 20.0
# The one that is tracked; it is red, the others are nothing like it.
CAR = 'car'
_FOCAL_PX = 300.0
# Of the world, whose middle is that of the image.
_SCALE = 0.5
_FRAMES = 280
_NOISE_SIGMA = 2.0


@dataclass(frozen=True)
class View:
    """
    One image and what is true of it.

    :param image: uint8 BGR [height, width, 3]; not to be written to.
    :param boxes: around the visible pixels of each car, by name.
    """

    image: UInt8Array
    boxes: Mapping[str, Box]


@dataclass(frozen=True)
class _Lap:
    """
    A car's way around the middle of the image.

    :param phase: of its start, in laps.
    """

    radius_x_px: float
    radius_y_px: float
    phase: float

    def pose(self, progress: float) -> Pose:
        """Return where the car is; progress is 0..1 of a lap."""
        angle = 2.0 * math.pi * (progress + self.phase)
        x, y = self.radius_x_px * math.cos(angle), self.radius_y_px * math.sin(angle)
        heading = math.atan2(
            self.radius_y_px * math.cos(angle), -self.radius_x_px * math.sin(angle)
        )
        return Pose(SIZE_PX[0] / 2 / _SCALE + x, SIZE_PX[1] / 2 / _SCALE + y, heading)


class FaultScene:
    """A film without beginning and end, whose frames are rendered once."""

    def __init__(self, seed: int = 0) -> None:
        width, height = (round(side / _SCALE) for side in SIZE_PX)
        ground = make_ground(seed, 4 * width, 3.0 * width).image[:height, :width]
        self._noise = np.random.default_rng(seed)
        self._matrix: Float64Array = np.diag([_SCALE, _SCALE, 1.0])
        self._ground = np.ascontiguousarray(ground[:: round(1 / _SCALE), :: round(1 / _SCALE)])
        self._cover = np.zeros((height, width), np.uint8)
        self._cars = {
            CAR: (Vehicle((44, 40, 176)), _Lap(210.0, 145.0, 0.0)),
            'white': (Vehicle((196, 200, 202)), _Lap(90.0, 50.0, 0.25)),
            'blue': (Vehicle((150, 80, 30)), _Lap(90.0, 50.0, 0.75)),
        }
        self.view = lru_cache(maxsize=None)(self._view)

    @property
    def calibration(self) -> CameraCalibration:
        """Intrinsics of the camera."""
        return pinhole(SIZE_PX, _FOCAL_PX)

    def _view(self, index: int, *, is_hidden: bool = False) -> View:
        """Render one frame; hidden leaves the red car out."""
        if index >= _FRAMES:
            return self.view(index % _FRAMES, is_hidden=is_hidden)
        image = self._ground.copy()
        boxes = {}
        for name, (vehicle, lap) in self._cars.items():
            if is_hidden and name == CAR:
                continue
            seen = vehicle.draw(image, self._matrix, lap.pose(index / _FRAMES), self._cover)
            if seen.mask is not None:
                boxes[name] = seen.mask.box
        noise = self._noise.normal(0.0, _NOISE_SIGMA, image.shape)
        return View(np.clip(image + noise, 0, 255).astype(np.uint8), boxes)
