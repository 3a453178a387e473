# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Whether a model in fewer digits still finds the same masks: both follow the same short film.

Each goes on from what it remembers itself, so that errors add up as they would in use. Nothing is
left out as a bad measurement: what matters is that the masks are the same, not that they are good.
"""

from collections.abc import Iterator
from dataclasses import replace
import math

import numpy as np

from sam2_tracker_ros.core.geometry import camera_mask
from sam2_tracker_ros.core.model import AnyModel
from sam2_tracker_ros.core.plain_sam2 import PLAIN_SAM2
from sam2_tracker_ros.core.types import (
    NANOSECONDS_PER_SECOND,
    BoolArray,
    Box,
    Float64Array,
    Frame,
    Prompt,
    Reason,
    UInt8Array,
)
from sam2_tracker_ros.errors import ModelError

FRAMES = 12
_HIDDEN = range(5, 8)  # frames in which a post stands before half of the blob
_RATE_HZ = 30
# Never lost, so that a mask is never held back for long.
_STATUS = replace(PLAIN_SAM2.status, coast_timeout_s=60.0, resume_frames=2)
_CONFIG = replace(PLAIN_SAM2, status=_STATUS)


def worst_mask_iou(reference: AnyModel, candidate: AnyModel) -> float:
    """
    Return the lowest IoU 0..1 of two models' masks in any frame of the film.

    :return: NaN when the candidate gives numbers that are not finite.
    :raises ModelError: the film's blob is nothing to the reference, so that nothing can be said.
    """
    expected = [mask for mask, _ in _followed(reference)]
    if not expected[0].any():
        message = (
            'the model in fp32 finds nothing in the film by which precisions are compared; '
            'set precision to fp32'
        )
        raise ModelError(message)
    worst = 1.0
    for wanted, (found, is_finite) in zip(expected, _followed(candidate), strict=True):
        if not is_finite:
            return math.nan
        union = np.count_nonzero(wanted | found)
        if union:
            worst = min(worst, np.count_nonzero(wanted & found) / union)
    return worst


def film(side_px: int) -> Iterator[tuple[UInt8Array, Box]]:
    """
    Return images and the blob's box: a textured blob on textured ground, once half hidden.

    :return: uint8 RGB [side_px, side_px, 3], and the box of the whole blob.
    """
    random = np.random.default_rng(7)
    ground = 60.0 + 70.0 * _texture(random, side_px)[..., None] * np.array([0.7, 1.0, 0.6])
    skin = 120.0 + 130.0 * _texture(random, side_px)[..., None] * np.array([1.0, 0.4, 0.3])
    rows, columns = np.mgrid[:side_px, :side_px] / side_px
    for index in range(FRAMES):
        x, y = 0.30 + 0.03 * index, 0.45 + 0.08 * math.sin(0.5 * index)
        half_width, half_height = 0.15, 0.11 + 0.002 * index
        blob = ((columns - x) / half_width) ** 2 + ((rows - y) / half_height) ** 2 < 1.0
        moved = np.roll(skin, round(0.03 * index * side_px), axis=1)
        image = np.where(blob[..., None], moved, ground)
        if index in _HIDDEN:
            image[:, (columns[0] > x) & (columns[0] < x + half_width)] = (70.0, 60.0, 50.0)
        box = Box(x - half_width, y - half_height, x + half_width, y + half_height)
        yield image.astype(np.uint8), box


def _texture(random: np.random.Generator, side_px: int) -> Float64Array:
    """Return patches of random brightness, float64 [side_px, side_px] in 0..1."""
    cells = random.random((24, 24))
    index = np.arange(side_px) * 24 // side_px
    return np.asarray(cells[np.ix_(index, index)])


def _followed(model: AnyModel) -> Iterator[tuple[BoolArray, bool]]:
    """Return the mask in each frame, boolean [side, side], and whether all was finite."""
    # Slow to import, and only what is built anew is compared.
    from sam2_tracker_ros.core.tracker import Tracker  # noqa: PLC0415

    tracker = Tracker(model, _CONFIG)
    side_px = model.spec.image_size_px
    for index, (image, box) in enumerate(film(side_px)):
        prompts = [Prompt(box=box, normalized=True)] if index == 0 else []
        frame = Frame(image, index * NANOSECONDS_PER_SECOND // _RATE_HZ)
        result = tracker.step(frame, prompts)
        mask: BoolArray = np.zeros((side_px, side_px), np.bool_)
        is_finite = not any(Reason.NON_FINITE.name in answer.message for answer in result.answers)
        for target in result.targets:
            is_finite &= target.reason is not Reason.NON_FINITE
            if target.mask is not None:
                mask = camera_mask(target.mask, (side_px, side_px))
        yield mask, is_finite
