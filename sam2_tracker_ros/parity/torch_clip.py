# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What every reference in PyTorch needs: the clip as it takes it, its run as we compare it."""

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional

from sam2_tracker_ros.core.types import Float32Array, UInt8Array
from sam2_tracker_ros.parity.clip import ClipPrompt
from sam2_tracker_ros.parity.runs import TargetRun

# ImageNet, of pixels in 0..1; stated again, so that a wrong number in an export shows.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def normalised(frames: UInt8Array) -> torch.Tensor:
    """Return what the encoder takes, float32 [frames, 3, S, S], of uint8 RGB [frames, S, S, 3]."""
    pixels = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255.0
    mean, std = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)
    return (pixels - mean) / std


def prompt_points(prompt: ClipPrompt) -> tuple[Float32Array, list[int]]:
    """Return coordinates [N, 2] in pixels and labels; corners of the box come first."""
    points = [(point.x, point.y) for point in prompt.points]
    labels = [int(point.is_foreground) for point in prompt.points]
    if prompt.box is not None:
        box = prompt.box
        points = [(box.left, box.top), (box.right, box.bottom), *points]
        labels = [2, 3, *labels]
    return np.array(points, np.float32), labels


def target_run(
    logits: Sequence[torch.Tensor],
    scores: Sequence[torch.Tensor],
    pointers: Sequence[torch.Tensor],
    size_px: int,
) -> TargetRun:
    """
    Return a run, from what was found in each frame.

    The mask at the size of the image is the bilinear enlargement that the processors make.
    """
    maps = [one.float().squeeze() for one in logits]
    masks = np.stack([_enlarged(one, size_px) > 0.0 for one in maps])
    return TargetRun(
        logits=torch.stack(maps).numpy(),
        scores=np.array([score.item() for score in scores], np.float32),
        pointers=torch.stack([pointer.float().flatten() for pointer in pointers]).numpy(),
        masks=masks,
    )


def _enlarged(logits: torch.Tensor, size_px: int) -> Float32Array:
    large = functional.interpolate(
        logits[None, None], size=(size_px, size_px), mode='bilinear', align_corners=False
    )
    return np.asarray(large[0, 0], np.float32)
