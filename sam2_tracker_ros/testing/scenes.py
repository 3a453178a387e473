# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Films whose truth is known; the flat one is fast, and exact for a model that knows colours."""

from dataclasses import dataclass
import math
from typing import Protocol

import numpy as np

from sam2_tracker_ros.core.bearing import CameraCalibration
from sam2_tracker_ros.core.geometry import camera_mask, target_mask_of
from sam2_tracker_ros.core.types import (
    NANOSECONDS_PER_SECOND,
    BoolArray,
    Box,
    TargetMask,
    UInt8Array,
)

START_NS = 1_000 * NANOSECONDS_PER_SECOND


@dataclass(frozen=True)
class SceneFrame:
    """
    One image and what is true of the target in it.

    :param image: uint8 BGR [height, width, 3].
    :param target: the visible pixels of the target and their box; None while there are none.
    :param visible_fraction: of the target's pixels, 0..1.
    """

    image: UInt8Array
    stamp_ns: int
    target: TargetMask | None
    visible_fraction: float

    @property
    def box(self) -> Box | None:
        """Tight around the visible pixels; None while there are none."""
        return None if self.target is None else self.target.box

    @property
    def mask(self) -> BoolArray:
        """The visible pixels, boolean [height, width]."""
        size_px = self.image.shape[1], self.image.shape[0]
        if self.target is None:
            return np.zeros((size_px[1], size_px[0]), np.bool_)
        return camera_mask(self.target, size_px)


class Scene(Protocol):
    """A film with truth; the same index gives the same frame."""

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""

    @property
    def rate_hz(self) -> float:
        """Frames in a second."""

    @property
    def frame_count(self) -> int:
        """Frames of the whole film."""

    @property
    def calibration(self) -> CameraCalibration:
        """Intrinsics of the camera."""

    def frame(self, index: int) -> SceneFrame:
        """Render one frame."""


class FlatScene:
    """
    A disc of one colour crosses the image behind a bar, leaves it to the right and comes back.

    :param has_occluder: a bar in the middle hides the disc.
    :param leaves: the disc goes on until it is out of the image; else it turns at the border.
    """

    BACKGROUND_BGR = (96, 128, 104)
    OCCLUDER_BGR = (150, 150, 150)
    TARGET_BGR = (40, 60, 220)

    def __init__(
        self,
        size_px: tuple[int, int] = (160, 120),
        frame_count: int = 90,
        rate_hz: float = 30.0,
        *,
        has_occluder: bool = True,
        leaves: bool = True,
    ) -> None:
        self.size_px = size_px
        self.frame_count = frame_count
        self.rate_hz = rate_hz
        self._has_occluder = has_occluder
        self._leaves = leaves

    @property
    def calibration(self) -> CameraCalibration:
        """Intrinsics of the camera."""
        return pinhole(self.size_px, float(self.size_px[0]))

    def frame(self, index: int) -> SceneFrame:
        """Render one frame."""
        width, height = self.size_px
        radius = height // 10
        y, x = np.mgrid[:height, :width]
        center_x, center_y = self._center(index / max(self.frame_count - 1, 1), radius)
        disc = (x - center_x) ** 2 + (y - center_y) ** 2 <= radius**2
        bar = np.zeros_like(disc)
        if self._has_occluder:
            bar[:, round(0.4 * width) : round(0.4 * width) + 4 * radius] = True
        image = np.empty((height, width, 3), np.uint8)
        image[:] = self.BACKGROUND_BGR
        image[disc] = self.TARGET_BGR
        image[bar] = self.OCCLUDER_BGR
        mask = disc & ~bar
        return SceneFrame(
            image=image,
            stamp_ns=stamp_ns_at(index, self.rate_hz),
            target=target_mask_of(mask),
            visible_fraction=min(np.count_nonzero(mask) / (math.pi * radius**2), 1.0),
        )

    def _center(self, progress: float, radius: int) -> tuple[float, float]:
        """Return the middle of the disc; progress is 0..1 of the film."""
        width, height = self.size_px
        start = 2.0 * radius
        turn = width + 2.0 * radius if self._leaves else width - start
        way = 1.0 - abs(1.0 - 2.0 * progress)
        return start + (turn - start) * way, height * (0.5 + 0.15 * math.sin(5.0 * progress))


def pinhole(size_px: tuple[int, int], focal_px: float) -> CameraCalibration:
    """Return the intrinsics of a camera without distortion that looks through the middle."""
    width, height = size_px
    middle_x, middle_y = (width - 1) / 2.0, (height - 1) / 2.0
    return CameraCalibration(
        size_px=size_px,
        distortion_model='plumb_bob',
        distortion=np.zeros(5),
        matrix=np.array([(focal_px, 0.0, middle_x), (0.0, focal_px, middle_y), (0.0, 0.0, 1.0)]),
    )


def stamp_ns_at(index: int, rate_hz: float) -> int:
    """Return the stamp of a frame."""
    return START_NS + round(index * NANOSECONDS_PER_SECOND / rate_hz)
