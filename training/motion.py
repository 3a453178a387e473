# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Paths of the camera and of the things it sees."""

from dataclasses import dataclass
import math

import numpy as np
import numpy.typing as npt

from training.textures import Random

Floats = npt.NDArray[np.float64]


@dataclass
class Track:
    """Pose of one thing in every frame, in image pixels."""

    centres_px: Floats
    """[T, 2], x and y."""
    lengths_px: Floats
    """[T], size of the sprite's square."""
    angles_rad: Floats
    """[T]."""
    stretch: Floats
    """[T], width divided by the drawn width."""
    shown: npt.NDArray[np.bool_]
    """[T], false where the thing is taken out of the scene."""

    def moved_to(self, centres_px: Floats) -> 'Track':
        """
        Give another thing the same pose elsewhere.

        :param centres_px: [T, 2].
        :return: a copy.
        """
        return Track(
            centres_px,
            self.lengths_px.copy(),
            self.angles_rad.copy(),
            self.stretch.copy(),
            np.ones_like(self.shown),
        )


def drift(random: Random, frames: int, speed: float, wobble: float) -> Floats:
    """
    Walk at a steady speed with some noise.

    :param random: source of randomness.
    :param frames: number of frames T.
    :param speed: scale of the steady part per frame.
    :param wobble: scale of the noise per frame.
    :return: [T], zero in the first frame.
    """
    steps = random.normal(0, speed) + random.normal(0, wobble, frames)
    steps[0] = 0
    return np.cumsum(steps)


def camera_path(random: Random, frames: int, size_px: int, liveliness: float) -> Floats:
    """
    Pan, zoom and roll.

    :param random: source of randomness.
    :param frames: number of frames T.
    :param size_px: image side.
    :param liveliness: 0 for a camera on a stand, 1 for a lively one.
    :return: [T, 2, 3] maps from the first image to the others.
    """
    zoom = np.exp(drift(random, frames, 0.03 * liveliness, 0.012 * liveliness))
    roll = drift(random, frames, 0.03 * liveliness, 0.015 * liveliness)
    pan = np.stack(
        [drift(random, frames, *(np.array([0.03, 0.012]) * size_px * liveliness)) for _ in 'xy'], 1
    )
    cos, sin = zoom * np.cos(roll), zoom * np.sin(roll)
    maps = np.zeros((frames, 2, 3))
    maps[:, 0, 0], maps[:, 0, 1], maps[:, 1, 0], maps[:, 1, 1] = cos, -sin, sin, cos
    middle = size_px / 2
    maps[:, :, 2] = middle + pan - (maps[:, :, :2] @ np.full(2, middle))
    return maps


def apply(maps: Floats, points_px: Floats) -> Floats:
    """
    Move points with the camera.

    :param maps: [T, 2, 3].
    :param points_px: [2] or [T, 2] in the first image.
    :return: [T, 2] in each image.
    """
    points = np.broadcast_to(points_px, (len(maps), 2))
    moved: Floats = np.einsum('tij,tj->ti', maps[:, :, :2], points) + maps[:, :, 2]
    return moved


def pose(random: Random, maps: Floats, start_px: Floats, length_px: float, speed: float) -> Track:
    """
    Let something roam, carried along by the camera's motion only in part.

    :param random: source of randomness.
    :param maps: [T, 2, 3] camera path.
    :param start_px: [2], where it starts.
    :param length_px: its size in the first frame.
    :param speed: own speed in pixels a frame; 0 for a fixed thing.
    :return: its track.
    """
    frames = len(maps)
    own = np.stack([drift(random, frames, speed, 0.35 * speed) for _ in 'xy'], 1)
    zoom = np.hypot(maps[:, 0, 0], maps[:, 1, 0])
    roll = np.arctan2(maps[:, 1, 0], maps[:, 0, 0])
    lively = 1.0 if speed > 0 else 0.0
    turn = lively * drift(random, frames, 0.05, 0.04)
    grow = np.exp(lively * drift(random, frames, 0.02, 0.015))
    stretch = np.exp(lively * drift(random, frames, 0.02, 0.02))
    return Track(
        apply(maps, start_px + own),
        np.maximum(length_px * zoom * grow, 4.0),
        random.uniform(0, 2 * math.pi) + roll + turn,
        stretch,
        np.ones(frames, np.bool_),
    )


def hide_window(random: Random, frames: int) -> tuple[int, int]:
    """
    Choose the frames in which a target is away.

    :param random: source of randomness.
    :param frames: number of frames T, at least 3.
    :return: first hidden frame and first frame after, leaving the first frame visible.
    """
    first = int(random.integers(1, max(2, frames - 1)))
    if random.random() < 0.25:
        return first, frames
    return first, int(random.integers(first + 1, frames + 1))


def leave_view(random: Random, track: Track, window: tuple[int, int], size_px: int) -> None:
    """
    Take a track out of the picture during a window, at times cut by the border before.

    :param random: source of randomness.
    :param track: changed in place.
    :param window: first hidden frame and first frame after.
    :param size_px: image side.
    """
    angle = random.uniform(0, 2 * math.pi)
    away = np.array([math.cos(angle), math.sin(angle)])
    reach_px = size_px * 0.75 + track.lengths_px.max()
    step = np.zeros(len(track.shown))
    if random.random() < 0.5:
        step[max(1, window[0] - 1)] = random.uniform(0.2, 0.5)
    step[window[0] : window[1]] = 1
    track.centres_px = track.centres_px + step[:, None] * reach_px * away


def pass_through(random: Random, track: Track, window: tuple[int, int], size_px: int) -> float:
    """
    Bend a track so that it passes one place during a window, steadily or in jumps.

    :param random: source of randomness.
    :param track: changed in place; its first position stays.
    :param window: first hidden frame and first frame after.
    :param size_px: image side.
    :return: radius in pixels that an occluder at the crossing needs to hide the target.
    """
    frames = len(track.centres_px)
    first, after = window
    radius_px = 0.62 * float(track.lengths_px[first:after].max()) + 2.0
    start = track.centres_px[0]
    towards = random.uniform(0.25, 0.75, 2) * size_px - start
    direction = towards / (np.linalg.norm(towards) + 1e-6)
    leg_px = radius_px + 0.6 * float(track.lengths_px.max()) + random.uniform(2, 0.12 * size_px)
    if random.random() < 0.6:
        middle = max(0.5, (first + after - 1) / 2)
        rate = max(1.0 / middle, random.uniform(0.15, 0.6))
        place = 1 + rate * (np.arange(frames) - middle)
    else:
        place = np.empty(frames)
        place[:first] = np.linspace(0, random.uniform(0, 0.3), first)
        place[first:after] = 1 + random.uniform(-0.1, 0.1, after - first)
        place[after:] = np.linspace(2, 2 + random.uniform(0, 0.5), frames - after)
    track.centres_px = start + (place - place[0])[:, None] * leg_px * direction
    return radius_px + leg_px * float(np.ptp(place[first:after])) / 2
