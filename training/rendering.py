# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Drawing a scene: ground, shadows and sprites, with the truth about what stays visible."""

import math

import cv2
import numpy as np

from training.motion import Floats
from training.scenes import ClipConfig, Layer
from training.textures import Image, Random

TARGETS = 2
UNSEEN_AREA_PX = 1e4
"""Stands for the area of a target that is taken out of the scene."""


def render(
    random: Random, ground: Image, maps: Floats, layers: list[Layer], config: ClipConfig
) -> tuple[Image, Image, Floats]:
    """
    Draw every frame.

    :param random: source of randomness.
    :param ground: the background picture.
    :param maps: [T, 2, 3] camera path.
    :param layers: the cast in drawing order.
    :param config: difficulty.
    :return: frames, visible masks, and [T, TARGETS] areas if nothing were in the way.
    """
    size_px = config.size_px
    frames = np.empty((config.frames, size_px, size_px, 3), np.uint8)
    masks = np.zeros((config.frames, TARGETS, size_px, size_px), np.uint8)
    whole = np.zeros((config.frames, TARGETS))
    view = _view(random, ground.shape[0], size_px)
    stamps = [_prepared(layer, size_px) for layer in layers]
    for index in range(config.frames):
        full = np.vstack([maps[index], [0, 0, 1]]) @ view
        frame = cv2.warpAffine(
            ground, full[:2], (size_px, size_px), borderMode=cv2.BORDER_REFLECT_101
        ).astype(np.uint8)
        for layer, picture in zip(layers, stamps, strict=True):
            if layer.track.shown[index]:
                area = _draw(frame, masks[index], layer, picture, index)
                if layer.target >= 0:
                    whole[index, layer.target] = area
            elif layer.target >= 0:
                whole[index, layer.target] = UNSEEN_AREA_PX
        frames[index] = frame
    return frames, masks, whole


def _view(random: Random, ground_px: int, size_px: int) -> Floats:
    """
    Choose which part of the ground the first image shows.

    :param random: source of randomness.
    :param ground_px: side of the ground picture.
    :param size_px: image side.
    :return: [3, 3] from ground to image.
    """
    scale = random.uniform(0.5, 1.3)
    aspect = float(random.choice([0.5625, 1.0, 1.3], p=[0.5, 0.35, 0.15]))
    angle = random.uniform(0, 2 * math.pi)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    matrix = np.eye(3)
    matrix[:2, :2] = np.diag([scale * aspect, scale]) @ turn
    middle = random.uniform(0.35, 0.65, 2) * ground_px
    matrix[:2, 2] = size_px / 2 - matrix[:2, :2] @ middle
    return matrix


def _prepared(layer: Layer, size_px: int) -> Image:
    """
    Shrink a sprite once to about its drawn size, so that drawing does not alias.

    :param layer: the sprite and its track.
    :param size_px: image side.
    :return: [n, n, 4] colour and coverage.
    """
    picture = np.dstack([layer.sprite.colour, layer.sprite.alpha])
    wanted_px = int(np.clip(1.15 * layer.track.lengths_px.max(), 8, picture.shape[0]))
    return cv2.resize(picture, (wanted_px, wanted_px), interpolation=cv2.INTER_AREA).astype(
        np.uint8
    )


def _draw(frame: Image, masks: Image, layer: Layer, picture: Image, index: int) -> float:
    """
    Draw one sprite over a frame and over the masks of what lies below.

    :param frame: [S, S, 3], drawn on.
    :param masks: [TARGETS, S, S], drawn on.
    :param layer: the sprite's pose.
    :param picture: [n, n, 4] from `_prepared`.
    :param index: frame number.
    :return: area in pixels the sprite would show if nothing lay above it or cut it.
    """
    track, side = layer.track, frame.shape[0]
    scale = float(track.lengths_px[index]) / picture.shape[0]
    cos, sin = math.cos(track.angles_rad[index]) * scale, math.sin(track.angles_rad[index]) * scale
    stretch = float(track.stretch[index])
    matrix = np.array([[cos * stretch, -sin, 0], [sin * stretch, cos, 0]])
    centre = track.centres_px[index]
    reach = 0.75 * track.lengths_px[index] * max(1.0, stretch) + 2
    left, top = np.maximum(np.floor(centre - reach), 0).astype(int)
    right, bottom = np.minimum(np.ceil(centre + reach), side).astype(int)
    area = float(picture[..., 3].sum()) / 255 * scale * scale * stretch
    if right - left < 1 or bottom - top < 1:
        return area
    matrix[:, 2] = centre - (left, top) - matrix[:, :2] @ np.full(2, picture.shape[0] / 2)
    patch = cv2.warpAffine(_bent(layer, picture, index), matrix, (right - left, bottom - top))
    alpha = patch[..., 3:].astype(np.float32) / 255
    if layer.shadow_share is not None:
        matrix[:, 2] += layer.shadow_share * track.lengths_px[index]
        shade = cv2.warpAffine(picture[..., 3], matrix, (right - left, bottom - top))
        darker = frame[top:bottom, left:right] * (1 - 0.5 / 255 * shade[..., None])
        frame[top:bottom, left:right] = darker.astype(np.uint8)
    below = frame[top:bottom, left:right]
    below[:] = (below * (1 - alpha) + patch[..., :3] * alpha).astype(np.uint8)
    covered = masks[:, top:bottom, left:right]
    covered[:] = (covered * (1 - alpha[..., 0])).astype(np.uint8)
    if layer.target >= 0:
        masks[layer.target, top:bottom, left:right] = patch[..., 3]
    return area


def _bent(layer: Layer, picture: Image, index: int) -> Image:
    """
    Fade or slide a sprite's paint and bend it by a travelling wave.

    :param layer: how it fades, slides and bends.
    :param picture: [n, n, 4].
    :param index: frame number.
    :return: [n, n, 4].
    """
    phase, amplitude, speed = layer.wobble
    side = picture.shape[0]
    if layer.fade_to is not None:
        other = cv2.resize(layer.fade_to, (side, side), interpolation=cv2.INTER_AREA)
        share = min(0.8, layer.fade_share * index)
        colour = cv2.addWeighted(picture[..., :3], 1 - share, other, share, 0)
        picture = np.dstack([colour, picture[..., 3]])
    if layer.slide_px:
        offset = round(layer.slide_px * index * side / layer.sprite.alpha.shape[0])
        colour = np.roll(picture[..., :3], offset, axis=1)
        picture = np.dstack([colour, picture[..., 3]])
    if amplitude == 0:
        return picture
    axis = np.arange(side, dtype=np.float32)
    shift = amplitude * side * np.sin(axis / side * 5 + phase + speed * index)
    columns = np.broadcast_to(axis, (side, side)) + shift[:, None].astype(np.float32)
    rows = np.broadcast_to(axis[:, None], (side, side)).astype(np.float32)
    return cv2.remap(picture, columns.astype(np.float32), rows, cv2.INTER_LINEAR).astype(np.uint8)
