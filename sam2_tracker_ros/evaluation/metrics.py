# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Figures of the benchmarks, from one number per frame.

A frame counts where the target is in view. The answer of a frame is the measured or, while
coasting, the predicted box; a tracker that says LOST has no answer, and the frame counts as 0.
"""

from collections.abc import Sequence
import math

import cv2
import numpy as np

from sam2_tracker_ros.core.types import BoolArray, Box, UInt8Array

PRECISION_PX = 20.0
_OVERLAPS = np.linspace(0.0, 1.0, 21)
_NORMALIZED_ERRORS = np.linspace(0.0, 0.5, 51)
_BOUNDARY_FRACTION = 0.008


def success_auc(ious: Sequence[float]) -> float:
    """
    Return the area 0..1 under the success curve: Wu et al., OTB (CVPR 2013); LaSOT (CVPR 2019).

    :param ious: of answer and truth for each frame; 0 without an answer. At least one.
    :return: mean over 21 thresholds 0..1 of the fraction of frames above the threshold.
    """
    return float(np.mean(np.asarray(ious)[:, None] > _OVERLAPS))


def precision(errors_px: Sequence[float]) -> float:
    """
    Return the fraction of frames whose centre is within 20 px: Wu et al., OTB (CVPR 2013).

    :param errors_px: distance of the centres; infinite without an answer. At least one.
    """
    return float(np.mean(np.asarray(errors_px) <= PRECISION_PX))


def normalized_precision(errors: Sequence[float]) -> float:
    """
    Return the area 0..1 under the normalised precision curve: Mueller et al., TrackingNet; LaSOT.

    :param errors: see `normalized_error`; infinite without an answer. At least one.
    :return: mean over thresholds 0..0.5 of the fraction of frames within the threshold.
    """
    return float(np.mean(np.asarray(errors)[:, None] <= _NORMALIZED_ERRORS))


def center_error_px(answer: Box, truth: Box) -> float:
    """Return the distance of the centres in pixels."""
    return math.dist(answer.center, truth.center)


def normalized_error(answer: Box, truth: Box) -> float:
    """Return the distance of the centres in widths and heights of the true box."""
    off = np.subtract(answer.center, truth.center)
    return math.hypot(off[0] / truth.width, off[1] / truth.height)


def region_similarity(answer: BoolArray, truth: BoolArray) -> float:
    """
    Return J, the IoU of two masks: Perazzi et al., DAVIS (CVPR 2016).

    :param answer: boolean [height, width], as `truth`; 1 when both are empty.
    """
    union = np.count_nonzero(answer | truth)
    return np.count_nonzero(answer & truth) / union if union else 1.0


def contour_accuracy(answer: BoolArray, truth: BoolArray) -> float:
    """
    Return F, the harmonic mean of precision and recall of the outlines: DAVIS 2016 and 2017.

    Outlines match within 0.008 of the image diagonal, as discs that are grown around each pixel.

    :param answer: boolean [height, width], as `truth`; 1 when both are empty.
    """
    ours, true = _outline(answer), _outline(truth)
    if not ours.any() or not true.any():
        return float(ours.any() == true.any())
    radius = math.ceil(_BOUNDARY_FRACTION * math.hypot(*truth.shape))
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disc = (x**2 + y**2 <= radius**2).astype(np.uint8)
    matched = np.count_nonzero(cv2.dilate(true, disc)[ours > 0]) / np.count_nonzero(ours)
    found = np.count_nonzero(cv2.dilate(ours, disc)[true > 0]) / np.count_nonzero(true)
    return 2.0 * matched * found / (matched + found) if matched + found > 0.0 else 0.0


def _outline(mask: BoolArray) -> UInt8Array:
    """Return 1 where a pixel differs from that to the right, below or right below, else 0."""
    edges = np.zeros(mask.shape, np.bool_)
    edges[:, :-1] |= mask[:, :-1] ^ mask[:, 1:]
    edges[:-1] |= mask[:-1] ^ mask[1:]
    edges[:-1, :-1] |= mask[:-1, :-1] ^ mask[1:, 1:]
    return edges.astype(np.uint8)
