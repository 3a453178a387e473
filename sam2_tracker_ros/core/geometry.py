# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From mask logits to boxes and masks of the camera image, and what boxes have in common."""

from dataclasses import dataclass
from functools import lru_cache
import math

import cv2
import numpy as np

from sam2_tracker_ros.core.types import BoolArray, Box, Edge, Float32Array

# A box that comes this close to the image border touches it.
EDGE_MARGIN_PX = 1.0


@dataclass(frozen=True)
class MaskMeasurement:
    """
    A mask as seen in the camera image.

    :param box: tight around the mask, right and bottom exclusive.
    :param region: boolean [box.height, box.width], the mask inside the box.
    :param area_px: pixels of the mask.
    """

    box: Box
    region: BoolArray
    area_px: int


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


def without_small_components(mask_logits: Float32Array, min_fraction: float) -> Float32Array:
    """
    Turn separate pieces off that are small beside the largest piece.

    :param mask_logits: [h, w], object where positive.
    :param min_fraction: of the largest piece's area; smaller pieces are turned off.
    """
    positive = (mask_logits > 0.0).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(positive, connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if count <= 2 or areas.min() >= min_fraction * areas.max():
        return mask_logits
    small = np.zeros(count, np.bool_)
    small[1:] = areas < min_fraction * areas.max()
    return np.where(small[labels], -np.abs(mask_logits), mask_logits)


def measure_mask(mask_logits: Float32Array, size_px: tuple[int, int]) -> MaskMeasurement | None:
    """
    Find the pixels of the camera image whose bilinearly interpolated logit is positive.

    Only the region around positive logits is interpolated, so that a small target costs little.

    :param mask_logits: [h, w] over the whole image.
    :param size_px: width and height of the camera image.
    :return: None when no pixel is positive.
    """
    positive = mask_logits > 0.0
    rows = np.flatnonzero(positive.any(axis=1))
    columns = np.flatnonzero(positive.any(axis=0))
    if not len(rows):
        return None
    (width, height), (grid_height, grid_width) = size_px, mask_logits.shape
    row_cells, row_pixels = _affected(rows[0], rows[-1], grid_height, height)
    column_cells, column_pixels = _affected(columns[0], columns[-1], grid_width, width)
    weights_y = _bilinear_weights(height, grid_height)[row_pixels, row_cells]
    weights_x = _bilinear_weights(width, grid_width)[column_pixels, column_cells]
    mask = weights_y @ mask_logits[row_cells, column_cells] @ weights_x.T > 0.0
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    region = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    left, top = column_pixels.start + int(columns[0]), row_pixels.start + int(rows[0])
    box = Box(left, top, left + region.shape[1], top + region.shape[0])
    return MaskMeasurement(box=box, region=region, area_px=int(np.count_nonzero(region)))


def camera_mask(mask_logits: Float32Array, size_px: tuple[int, int]) -> BoolArray:
    """
    Return the mask at the size of the camera image, boolean [height, width].

    :param mask_logits: [h, w] over the whole image, object where positive.
    :param size_px: width and height of the camera image.
    """
    mask = np.zeros((size_px[1], size_px[0]), np.bool_)
    measurement = measure_mask(mask_logits, size_px)
    if measurement is not None:
        left, top = int(measurement.box.left), int(measurement.box.top)
        height, width = measurement.region.shape
        mask[top : top + height, left : left + width] = measurement.region
    return mask


def _affected(first: int, last: int, cells: int, pixels: int) -> tuple[slice, slice]:
    """Return the cells and the pixels that cells `first` to `last` reach by interpolation."""
    scale = pixels / cells
    start = max(int(np.floor((first - 0.5) * scale - 0.5)), 0)
    stop = min(int(np.ceil((last + 1.5) * scale - 0.5)) + 1, pixels)
    return slice(max(first - 1, 0), min(last + 2, cells)), slice(start, stop)


@lru_cache(maxsize=8)
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
