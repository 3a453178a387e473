# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The seeded clip on which implementations are compared, and what is pointed at in it.

A textured target and its look-alike move over a textured, drifting background. In the middle of
its way the target is hidden by a pillar for a few frames.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np

from sam2_tracker_ros.core.types import Box, Point, UInt8Array

# Frames from one side of the picture to the other; longer clips go back and forth.
PASSAGE_FRAMES = 24
# Everything below is a fraction of the side of the picture.
_WIDTH, _HEIGHT = 0.22, 0.19
_START_X, _TRAVEL_X, _TOP, _TRAVEL_Y = 0.08, 0.62, 0.30, 0.12
_OTHER_TOP, _OTHER_START_X, _OTHER_TRAVEL_X = 0.68, 0.62, -0.45
_PILLAR_LEFT, _PILLAR_RIGHT = 0.34, 0.66
_DRIFT = 0.008  # of the background, per frame


@dataclass(frozen=True)
class ClipPrompt:
    """
    What is pointed at in one frame, in pixels.

    :param target: number of the target, from 0; its first prompt starts it, later ones correct.
    """

    frame: int
    target: int
    points: tuple[Point, ...] = ()
    box: Box | None = None


@dataclass(frozen=True)
class Scenario:
    """
    A clip, and everything that is pointed at in it.

    :param frames: uint8 RGB [count, S, S, 3].
    :param prompts: every target is started in frame 0.
    """

    name: str
    frames: UInt8Array
    prompts: tuple[ClipPrompt, ...]

    @property
    def target_count(self) -> int:
        """Targets that are tracked."""
        return 1 + max(prompt.target for prompt in self.prompts)

    def prompts_in(self, frame: int) -> tuple[ClipPrompt, ...]:
        """Return the prompts of one frame."""
        return tuple(prompt for prompt in self.prompts if prompt.frame == frame)


def seeded_clip(size_px: int, frame_count: int, seed: int = 3) -> UInt8Array:
    """
    Draw the clip; the same numbers give the same pixels.

    :return: uint8 RGB [frame_count, size_px, size_px, 3].
    """
    rng = np.random.default_rng(seed)
    background = _texture(rng, size_px, size_px, low=40, high=190)
    pillar = _texture(rng, round(size_px * (_PILLAR_RIGHT - _PILLAR_LEFT)), size_px, 90, 120)
    width, height = round(size_px * _WIDTH), round(size_px * _HEIGHT)
    target = _texture(rng, width, height, low=0, high=255)
    other = np.ascontiguousarray(target[:, ::-1])
    frames = np.empty((frame_count, size_px, size_px, 3), np.uint8)
    for index in range(frame_count):
        image = np.roll(background, round(index * _DRIFT * size_px), axis=1)
        _paste(image, target, *_target_corner(size_px, index))
        left = round(size_px * _PILLAR_LEFT)
        image[: size_px * 3 // 5, left : left + pillar.shape[1]] = pillar[: size_px * 3 // 5]
        _paste(image, other, *_other_corner(size_px, index))
        frames[index] = image
    return frames


def scenarios(frames: UInt8Array) -> Mapping[str, Scenario]:
    """
    Return what can be pointed at in the seeded clip, by name.

    point and box start the target; two starts its look-alike as well; correction starts with a box
    and corrects with a point three quarters into the clip.

    :param frames: from seeded_clip.
    """
    size_px = frames.shape[1]
    box, other = _box(size_px, *_target_corner(size_px, 0)), _other_box(size_px)
    late = len(frames) * 3 // 4
    late_box = _box(size_px, *_target_corner(size_px, late))
    start = ClipPrompt(0, 0, box=box)
    prompts = {
        'point': (ClipPrompt(0, 0, points=(_centre(box),)),),
        'box': (start,),
        'two': (start, ClipPrompt(0, 1, box=other)),
        'correction': (start, ClipPrompt(late, 0, points=(_centre(late_box),))),
    }
    return MappingProxyType(
        {name: Scenario(name, frames, given) for name, given in prompts.items()}
    )


def _texture(rng: np.random.Generator, width: int, height: int, low: int, high: int) -> UInt8Array:
    """Return coarse and fine noise, uint8 [height, width, 3]."""
    picture = np.zeros((height, width, 3), np.float32)
    for cells, weight in ((4, 0.5), (16, 0.3), (48, 0.2)):
        noise = rng.random((cells, cells, 3), np.float32)
        picture += weight * cv2.resize(noise, (width, height), interpolation=cv2.INTER_NEAREST)
    return (low + picture * (high - low)).astype(np.uint8)


def _progress(index: int) -> float:
    """Return 0 on one side and 1 on the other, back and forth."""
    steps = PASSAGE_FRAMES - 1
    phase = index % (2 * steps)
    return min(phase, 2 * steps - phase) / steps


def _target_corner(size_px: int, index: int) -> tuple[int, int]:
    way = _progress(index)
    return round(size_px * (_START_X + _TRAVEL_X * way)), round(size_px * (_TOP - _TRAVEL_Y * way))


def _other_corner(size_px: int, index: int) -> tuple[int, int]:
    left = _OTHER_START_X + _OTHER_TRAVEL_X * _progress(index)
    return round(size_px * left), round(size_px * _OTHER_TOP)


def _other_box(size_px: int) -> Box:
    return _box(size_px, *_other_corner(size_px, 0))


def _box(size_px: int, left: int, top: int) -> Box:
    return Box(left, top, left + round(size_px * _WIDTH), top + round(size_px * _HEIGHT))


def _centre(box: Box) -> Point:
    return Point(*box.center)


def _paste(image: UInt8Array, patch: UInt8Array, left: int, top: int) -> None:
    height, width = patch.shape[:2]
    image[top : top + height, left : left + width] = patch
