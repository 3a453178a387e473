# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From mask logits to boxes and masks of the camera image, and what boxes have in common."""

from functools import lru_cache
import math
from typing import TypeAlias

import cv2
import numpy as np

from sam2_tracker_ros.core.types import (
    BoolArray,
    Box,
    Edge,
    Float32Array,
    Float64Array,
    Int32Array,
    TargetMask,
)

# Left, top, right and bottom of the positive cells of a mask, right and bottom exclusive;
# zeros when there are none.
Extent: TypeAlias = tuple[int, int, int, int]
# A box that comes this close to the image border touches it.
EDGE_MARGIN_PX = 1.0
_NOISE_SHARE = 0.25


def box_iou(first: Box, second: Box) -> float:
    """Return intersection over union, 0..1; 0 when both are empty."""
    width = min(first.right, second.right) - max(first.left, second.left)
    height = min(first.bottom, second.bottom) - max(first.top, second.top)
    intersection = max(width, 0.0) * max(height, 0.0)
    union = first.area + second.area - intersection
    return intersection / union if union > 0.0 else 0.0


def distance_to_segment(
    point: tuple[float, float], start: tuple[float, float], end: tuple[float, float]
) -> float:
    """Return the distance of a point from the segment between two others."""
    along_x, along_y = end[0] - start[0], end[1] - start[1]
    from_x, from_y = point[0] - start[0], point[1] - start[1]
    length_squared = along_x**2 + along_y**2
    fraction = 0.0
    if length_squared > 0.0:
        projection = (from_x * along_x + from_y * along_y) / length_squared
        fraction = min(max(projection, 0.0), 1.0)
    return math.hypot(from_x - fraction * along_x, from_y - fraction * along_y)


def touched_edges(box: Box, size_px: tuple[int, int]) -> Edge:
    """Return the borders of an image of that width and height which the box touches."""
    width, height = size_px
    edges = Edge.NONE
    if box.left <= EDGE_MARGIN_PX:
        edges |= Edge.LEFT
    if box.right >= width - EDGE_MARGIN_PX:
        edges |= Edge.RIGHT
    if box.top <= EDGE_MARGIN_PX:
        edges |= Edge.TOP
    if box.bottom >= height - EDGE_MARGIN_PX:
        edges |= Edge.BOTTOM
    return edges


def extent_of(mask_logits: Float32Array) -> Extent:
    """Return left, top, right and bottom of the positive cells, zeros when there are none."""
    positive = mask_logits > 0.0
    rows, columns = np.flatnonzero(positive.any(axis=1)), np.flatnonzero(positive.any(axis=0))
    if not len(rows):
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def is_noise(mask_logits: Float32Array) -> bool:
    """
    Return whether a mask changes from cell to cell all over, as no object does.

    It is what inference gives that computes with the wrong memory. Of all neighbouring cells half
    differ in noise, and 0.03 at most in masks of `nano` on three clips with thin targets; masks of
    untrained networks are noise, too (0.38 on average).

    :param mask_logits: [h, w], object where positive.
    """
    inside = mask_logits > 0.0
    changes = np.count_nonzero(inside[1:] != inside[:-1])
    changes += np.count_nonzero(inside[:, 1:] != inside[:, :-1])
    return bool(changes > _NOISE_SHARE * 2 * inside.size)


def target_pieces(
    mask_logits: Float32Array,
    extent: Extent,
    window: Box,
    expected: Box | None,
    min_fraction: float,
    *,
    growth: float,
) -> tuple[Float32Array, Extent]:
    """
    Turn off the separate pieces of a mask that are not the target.

    Pieces with their middle in the grown expected box are the target, and all others belong to
    look-alikes; where there are none, the nearest piece is. Pieces that are small beside the
    largest are specks.

    :param mask_logits: [h, w], object where positive.
    :param extent: of the positive ones.
    :param window: the part of the camera image that the logits cover.
    :param expected: where the target should be, in pixels; None when nothing is expected.
    :param min_fraction: of the largest piece's area; smaller pieces are specks. 0 keeps every
        piece, wherever it is.
    :param growth: of the expected box, which may be off: 1 for none, 2 for twice its size.
    :return: the logits and the extent of what is left.
    """
    left, top, right, bottom = extent
    if min_fraction == 0.0 or right <= left:
        return mask_logits, extent
    part = mask_logits[top:bottom, left:right]
    positive = (part > 0.0).astype(np.uint8)
    count, labels, found, _ = cv2.connectedComponentsWithStats(positive, connectivity=8)
    if count <= 2:
        return mask_logits, extent
    stats = np.asarray(found, np.int32)
    stats[:, cv2.CC_STAT_LEFT] += left
    stats[:, cv2.CC_STAT_TOP] += top
    areas = stats[1:, cv2.CC_STAT_AREA]
    is_target: BoolArray = areas >= min_fraction * areas.max()
    if expected is not None:
        gaps = _gaps(stats[1:], _grown(expected, growth), window, mask_logits.shape)
        is_target |= gaps == 0.0
        is_target &= gaps <= gaps[is_target].min()
        is_target &= areas >= min_fraction * areas[is_target].max()
    keep = np.concatenate([[True], is_target])
    pieces = mask_logits.copy()
    pieces[top:bottom, left:right] = np.where(keep[labels], part, -np.abs(part))
    return pieces, extent_of(pieces)


def box_of(mask_logits: Float32Array, window: Box) -> Box | None:
    """
    Return the box around the positive cells of a mask, without interpolating between them.

    :param mask_logits: [h, w], object where positive.
    :param window: the part of the camera image that the logits cover.
    :return: in pixels of the camera image; None when no cell is positive.
    """
    left, top, right, bottom = extent_of(mask_logits)
    if right <= left:
        return None
    scale_x, scale_y = window.width / mask_logits.shape[1], window.height / mask_logits.shape[0]
    return Box(
        window.left + left * scale_x,
        window.top + top * scale_y,
        window.left + right * scale_x,
        window.top + bottom * scale_y,
    )


def mask_of(mask_logits: Float32Array, extent: Extent, window: Box) -> TargetMask | None:
    """
    Find the pixels of the camera image whose bilinearly interpolated logit is positive.

    Only the region around positive logits is interpolated, so that a small target costs little.

    :param mask_logits: [h, w], object where positive.
    :param extent: of the positive ones.
    :param window: the part of the camera image that the logits cover, in whole pixels.
    :return: None when no pixel is positive.
    """
    left, top, right, bottom = extent
    if right <= left:
        return None
    width, height = round(window.width), round(window.height)
    grid_height, grid_width = mask_logits.shape
    row_cells, row_pixels = _affected(top, bottom - 1, grid_height, height)
    column_cells, column_pixels = _affected(left, right - 1, grid_width, width)
    weights_y = _bilinear_weights(height, grid_height)[row_pixels, row_cells]
    weights_x = _bilinear_weights(width, grid_width)[column_pixels, column_cells]
    mask = weights_y @ mask_logits[row_cells, column_cells] @ weights_x.T > 0.0
    origin = round(window.left) + column_pixels.start, round(window.top) + row_pixels.start
    return target_mask_of(mask, origin)


def target_mask_of(pixels: BoolArray, origin: tuple[int, int] = (0, 0)) -> TargetMask | None:
    """
    Cut a mask to its object.

    :param pixels: boolean [height, width], a part of the camera image or all of it.
    :param origin: x and y of its first pixel in the camera image.
    :return: None when no pixel is set.
    """
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    if not len(rows):
        return None
    region = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    left, top = origin[0] + int(columns[0]), origin[1] + int(rows[0])
    return TargetMask(Box(left, top, left + region.shape[1], top + region.shape[0]), region)


def camera_mask(mask: TargetMask, size_px: tuple[int, int]) -> BoolArray:
    """
    Return a mask at the size of the camera image, boolean [height, width].

    :param size_px: width and height of the camera image.
    """
    pixels = np.zeros((size_px[1], size_px[0]), np.bool_)
    left, top = int(mask.box.left), int(mask.box.top)
    height, width = mask.region.shape
    pixels[top : top + height, left : left + width] = mask.region
    return pixels


def _grown(box: Box, growth: float) -> Box:
    (x, y), half = box.center, growth / 2.0
    return Box(
        x - half * box.width, y - half * box.height, x + half * box.width, y + half * box.height
    )


def _gaps(stats: Int32Array, box: Box, window: Box, shape: tuple[int, ...]) -> Float64Array:
    """Return how far the middles of pieces are from a box, in cells."""
    scale_x, scale_y = shape[1] / window.width, shape[0] / window.height
    middle_x = stats[:, cv2.CC_STAT_LEFT] + stats[:, cv2.CC_STAT_WIDTH] / 2.0
    middle_y = stats[:, cv2.CC_STAT_TOP] + stats[:, cv2.CC_STAT_HEIGHT] / 2.0
    left, right = (box.left - window.left) * scale_x, (box.right - window.left) * scale_x
    top, bottom = (box.top - window.top) * scale_y, (box.bottom - window.top) * scale_y
    gap_x = np.maximum(np.maximum(left - middle_x, middle_x - right), 0.0)
    gap_y = np.maximum(np.maximum(top - middle_y, middle_y - bottom), 0.0)
    gaps: Float64Array = np.hypot(gap_x, gap_y)
    return gaps


def _affected(first: int, last: int, cells: int, pixels: int) -> tuple[slice, slice]:
    """Return the cells and the pixels that cells `first` to `last` reach by interpolation."""
    scale = pixels / cells
    start = max(int(np.floor((first - 0.5) * scale - 0.5)), 0)
    stop = min(int(np.ceil((last + 1.5) * scale - 0.5)) + 1, pixels)
    return slice(max(first - 1, 0), min(last + 2, cells)), slice(start, stop)


@lru_cache(maxsize=16)
def _bilinear_weights(pixels: int, cells: int) -> Float32Array:
    """Return the [pixels, cells] matrix of bilinear interpolation, pixel centres aligned."""
    position = (np.arange(pixels) + 0.5) * cells / pixels - 0.5
    position = np.clip(position, 0.0, cells - 1.0)
    low = np.minimum(position.astype(np.int64), cells - 1)
    high = np.minimum(low + 1, cells - 1)
    fraction = position - low
    weights = np.zeros((pixels, cells), np.float32)
    index = np.arange(pixels)
    weights[index, low] += 1.0 - fraction
    weights[index, high] += fraction
    return weights
