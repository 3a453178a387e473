# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is made of the measured seconds."""

from collections.abc import Mapping, Sequence

import numpy as np

from sam2_tracker_ros.core.geometry import box_iou, camera_mask
from sam2_tracker_ros.core.types import Box, TargetMask

# Stages of core.types.StageTimings that run graphs; the others are the tracker's own.
MODEL_STAGES = ('encode', 'track', 'attend', 'decode', 'remember')


def median_ratio(values: Sequence[float], baseline: Sequence[float]) -> float:
    """
    Return the median over frames of value / baseline.

    Both belong to the same frames, measured one after the other: whatever slows the machine down
    for a while slows both.
    """
    return float(np.median(np.asarray(values) / np.asarray(baseline)))


def model_seconds(stages_s: Mapping[str, float]) -> float:
    """Return the seconds of a step that graphs took; 0 where nobody measured."""
    return sum(stages_s.get(stage, 0.0) for stage in MODEL_STAGES)


def slope_per_thousand(frames: Sequence[int], values: Sequence[float]) -> float:
    """Return the growth for every 1,000 frames, least squares over the second half."""
    half = len(frames) // 2
    return float(np.polyfit(frames[half:], values[half:], 1)[0]) * 1000.0


def mask_overlap(
    first: TargetMask | None, second: TargetMask | None, size_px: tuple[int, int]
) -> float:
    """
    Return the IoU of two masks, 1 when both are empty.

    :param size_px: width and height of the image they are in.
    """
    if first is None or second is None:
        return float(first is second)
    pixels = [camera_mask(mask, size_px) for mask in (first, second)]
    union = np.count_nonzero(pixels[0] | pixels[1])
    return float(np.count_nonzero(pixels[0] & pixels[1]) / union) if union else 1.0


def box_overlap(first: Box | None, second: Box | None) -> float:
    """Return the IoU of two boxes, 1 when both are missing."""
    if first is None or second is None:
        return float(first is second)
    return box_iou(first, second)
