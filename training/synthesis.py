# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Synthetic clips with exact truth: two targets, look-alikes, occluders, a moving camera."""

from dataclasses import dataclass
import math

import cv2
import numpy as np
import numpy.typing as npt

from training.library import Library
from training.motion import camera_path
from training.rendering import render
from training.scenes import ClipConfig, cast
from training.textures import Image, Random

MEAN_RGB = (0.485, 0.456, 0.406)
STD_RGB = (0.229, 0.224, 0.225)
LIVELINESS = (0.0, 0.3, 1.0, 1.8)
LIVELINESS_SHARES = (0.25, 0.4, 0.25, 0.1)
NIGHT_SHARE = 0.08


@dataclass
class Clip:
    """Frames and truth."""

    frames: Image
    """[T, S, S, 3], RGB."""
    masks: Image
    """[T, TARGETS, S, S], visible coverage 0..255."""
    presence: npt.NDArray[np.int8]
    """[T, TARGETS]: 1 visible, 0 hidden, -1 too little visible to call."""


def make_clip(random: Random, library: Library, config: ClipConfig) -> Clip:
    """
    Make one clip.

    :param random: source of randomness.
    :param library: stock of grounds and sprites.
    :param config: difficulty.
    :return: frames and truth.
    """
    liveliness = config.speed * float(random.choice(LIVELINESS, p=LIVELINESS_SHARES))
    maps = camera_path(random, config.frames, config.size_px, liveliness)
    layers = cast(random, library, maps, config)
    frames, masks, whole = render(random, library.ground(random), maps, layers, config)
    visible = masks.astype(np.float32).sum((2, 3)) / 255
    share = visible / np.maximum(whole, 1.0)
    presence = np.full(visible.shape, -1, np.int8)
    presence[(share > 0.12) & (visible >= 5)] = 1
    presence[visible < np.maximum(0.015 * whole, 0.75)] = 0
    return Clip(_degrade(random, frames), masks, presence)


def _degrade(random: Random, frames: Image) -> Image:
    """
    Film a clip with a modest camera: blur, night, flicker, noise, low resolution, compression.

    :param random: source of randomness.
    :param frames: [T, S, S, 3].
    :return: the same shape.
    """
    side = frames.shape[1]
    sigma_px = random.uniform(0.35, 1.2) if random.random() < 0.4 else 0.0
    noise = random.uniform(0, 9) if random.random() < 0.6 else 0.0
    gain = random.uniform(0.7, 1.25) * random.uniform(0.92, 1.08, 3)
    if random.random() < NIGHT_SHARE:
        gain, noise = gain * random.uniform(0.25, 0.6), random.uniform(4, 12)
    smear = _motion_kernel(random) if random.random() < 0.25 else None
    coarse_px = round(side / random.uniform(1.5, 5)) if random.random() < 0.4 else side
    flicker = random.uniform(0, 0.06)
    quality = int(random.integers(25, 85)) if random.random() < 0.25 else 0
    grey = random.random() < 0.05
    out = np.empty_like(frames)
    for index, frame in enumerate(frames):
        image = cv2.GaussianBlur(frame, (0, 0), sigma_px) if sigma_px else frame
        image = image if smear is None else cv2.filter2D(image, -1, smear)
        if coarse_px < side:
            image = cv2.resize(image, (coarse_px, coarse_px), interpolation=cv2.INTER_AREA)
            image = cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR)
        scaled = image * (gain * (1 + random.normal(0, flicker))).astype(np.float32)
        if noise:
            cells = random.standard_normal((side, side, 1), np.float32) * noise
            scaled = scaled + cells
        image = np.clip(scaled, 0, 255).astype(np.uint8)
        if grey:
            image = np.repeat(image.mean(2, keepdims=True).astype(np.uint8), 3, 2)
        if quality:
            image = _compressed(image, quality)
        out[index] = image
    return out


def _motion_kernel(random: Random) -> npt.NDArray[np.float32]:
    """
    Make the streak of a point that moves during the exposure.

    :param random: source of randomness.
    :return: [n, n], its sum is 1.
    """
    side = 2 * int(random.integers(1, 6)) + 1
    kernel = np.zeros((side, side), np.float32)
    angle = random.uniform(0, math.pi)
    reach = np.array([math.cos(angle), math.sin(angle)]) * (side // 2)
    start, end = np.round(side // 2 - reach).astype(int), np.round(side // 2 + reach).astype(int)
    cv2.line(kernel, start.tolist(), end.tolist(), 1.0)
    streak: npt.NDArray[np.float32] = kernel / kernel.sum()
    return streak


def _compressed(image: Image, quality: int) -> Image:
    """
    Send a picture through JPEG.

    :param image: [S, S, 3].
    :param quality: 1..100.
    :return: the same shape.
    """
    encoded = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
    if decoded is None:
        raise RuntimeError('OpenCV cannot decode its own JPEG; reinstall opencv-python-headless')
    return decoded.astype(np.uint8)
