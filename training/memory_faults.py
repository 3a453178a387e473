# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Wrong memories, written on purpose so that training meets the drift of long videos."""

import torch
from torch import Tensor
from torch.nn import functional

FAULT_SHARE = 0.6
SURE_LOGIT = 10.0


def with_faults(
    truth: Tensor, mask: Tensor, score: Tensor, faulty: Tensor
) -> tuple[Tensor, Tensor]:
    """
    Replace what some sequences remember by a plausible mistake.

    A mistake is the other target of the clip, both targets, the target with a stray region,
    or a part of it; the tracker believes in it.

    :param truth: [N, h, w], 0..1; neighbours 2k and 2k + 1 are the targets of one clip.
    :param mask: [N, 1, h, w] logits to be remembered.
    :param score: [N, 1] logits to be remembered.
    :param faulty: [N], sequences that are prone to mistakes.
    :return: mask and score with mistakes.
    """
    wrong = faulty & (torch.rand(len(truth)) < FAULT_SHARE)
    if not bool(wrong.any()):
        return mask, score
    other = truth.reshape(-1, 2, *truth.shape[1:]).flip(1).reshape(truth.shape)
    region = _stray_regions(truth)
    part = truth * (1 - region)
    both, stray = torch.maximum(truth, other), torch.maximum(truth, region)
    choices = torch.stack([other, both, stray, part, part])
    kind = torch.randint(0, len(choices), (len(truth),))
    mistaken = choices[kind, torch.arange(len(truth))]
    wrong = wrong & (mistaken.amax((1, 2)) > 0.5)
    logits = (mistaken.unsqueeze(1) - 0.5) * 2 * SURE_LOGIT
    believed = torch.full_like(score, SURE_LOGIT)
    kept = ~wrong
    return (
        torch.where(kept[:, None, None, None], mask, logits),
        torch.where(kept[:, None], score, believed),
    )


def _stray_regions(truth: Tensor) -> Tensor:
    """
    Draw a few smooth random regions.

    :param truth: [N, h, w], for the shape.
    :return: [N, h, w], 0 or 1.
    """
    coarse = torch.rand(len(truth), 1, 4, 4)
    smooth = functional.interpolate(
        coarse, size=truth.shape[1:], mode='bicubic', align_corners=False
    )
    return (smooth.squeeze(1) > 0.72).float()
