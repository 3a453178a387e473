# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Films without an end, drawn before anything is timed, and what is pointed at in them."""

from collections.abc import Iterable
from dataclasses import dataclass
import math

import cv2
import numpy as np

from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND, Box, Frame, PixelFormat, UInt8Array
from sam2_tracker_ros.errors import SourceError
from sam2_tracker_ros.parity.clip import scenarios, seeded_clip
from sam2_tracker_ros.testing.drone_scene import DroneScene

CLIPS = ('drone', 'textures')
_PERIOD_NS = NANOSECONDS_PER_SECOND // 30
_DRAWN_FRAMES = 60
_GRID = (4, 2)  # cars of a crowd, across and down
_SWAY_PX = 12.0


@dataclass(frozen=True)
class Clip:
    """
    A film that is played forwards and backwards, so that its targets stay in it.

    :param starts: a box for each target in the first frame.
    """

    name: str
    images: tuple[UInt8Array, ...]
    starts: tuple[Box, ...]
    pixel_format: PixelFormat

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.images[0].shape[1], self.images[0].shape[0]

    def frame(self, index: int) -> Frame:
        """Return a frame, however late; stamps rise at 30 Hz."""
        last = len(self.images) - 1
        phase = index % max(2 * last, 1)
        image = self.images[min(phase, 2 * last - phase)]
        return Frame(image, index * _PERIOD_NS, self.pixel_format)


def open_clip(name: str, size_px: int) -> Clip:
    """
    Draw a film by name.

    :param name: `drone`, a car in 720p, or `textures`, the square clip of `sam2-tracker parity`.
    :param size_px: side of the square clip: of the model image, so that nothing is resized.
    """
    if name == 'drone':
        return drone_clip()
    images = seeded_clip(size_px, _DRAWN_FRAMES)
    start = scenarios(images)['box'].prompts[0].box
    return _clip(name, images, [start], PixelFormat.RGB)


def drone_clip(width_px: int | None = None, frame_count: int = _DRAWN_FRAMES) -> Clip:
    """
    Draw the scene of the demo.

    :param width_px: of the camera image; None for its own 1280.
    :param frame_count: that are drawn; all of them are kept in memory.
    """
    scene = DroneScene()
    frames = [scene.frame(index) for index in range(frame_count)]
    start, scale = frames[0].box, 1.0
    images = [frame.image for frame in frames]
    if width_px is not None:
        scale = width_px / scene.size_px[0]
        images = [_scaled(image, scale) for image in images]
    if start is not None:
        start = Box(*(scale * side for side in (start.left, start.top, start.right, start.bottom)))
    return _clip(f'drone {images[0].shape[1]}x{images[0].shape[0]}', images, [start])


def crowd_clip() -> Clip:
    """Draw eight cars, each swaying about its place, as far apart as a 720p image allows."""
    scene = DroneScene().frame(0)
    seen, box = scene.target, scene.box
    if seen is None or box is None:
        raise SourceError(_NOT_IN_VIEW)
    car = scene.image[round(box.top) : round(box.bottom), round(box.left) : round(box.right)]
    height, width = seen.region.shape
    ground = cv2.GaussianBlur(np.ascontiguousarray(scene.image[:, ::-1]), (0, 0), 9.0)
    images, starts = [], []
    for index in range(_DRAWN_FRAMES):
        image = ground.copy()
        for number in range(_GRID[0] * _GRID[1]):
            left, top = _place(number, index, (image.shape[1], image.shape[0]), (width, height))
            image[top : top + height, left : left + width][seen.region] = car[seen.region]
            if index == 0:
                starts.append(Box(left, top, left + width, top + height))
        images.append(np.asarray(image, np.uint8))
    return _clip('eight cars', images, starts)


_NOT_IN_VIEW = 'the target of the scene is not in view in its first frame; use another seed'


def _clip(
    name: str,
    images: Iterable[UInt8Array],
    starts: Iterable[Box | None],
    pixel_format: PixelFormat = PixelFormat.BGR,
) -> Clip:
    boxes = tuple(start for start in starts if start is not None)
    if not boxes:
        raise SourceError(_NOT_IN_VIEW)
    return Clip(name, tuple(images), boxes, pixel_format)


def _scaled(image: UInt8Array, scale: float) -> UInt8Array:
    interpolation = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    scaled = cv2.resize(image, None, fx=scale, fy=scale, interpolation=interpolation)
    return np.asarray(scaled, np.uint8)


def _place(
    number: int, index: int, size_px: tuple[int, int], car_px: tuple[int, int]
) -> tuple[int, int]:
    """Return the top left corner of a car of the crowd."""
    column, row = number % _GRID[0], number // _GRID[0]
    angle = 2.0 * math.pi * index / _DRAWN_FRAMES + number
    x = (column + 0.5) * size_px[0] / _GRID[0] - car_px[0] / 2.0 + _SWAY_PX * math.cos(angle)
    y = (row + 0.5) * size_px[1] / _GRID[1] - car_px[1] / 2.0 + _SWAY_PX * math.sin(angle)
    return round(x), round(y)
