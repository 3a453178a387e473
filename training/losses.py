# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What training minimises, and the figures it reports."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from training.decoder import Decoded
from training.rollout import Sequences

MASK_WEIGHT = 1.5
DICE_WEIGHT = 1.0
SCORE_WEIGHT = 0.6
IOU_WEIGHT = 0.3
HIDDEN_EMPHASIS = 1.2
"""Hidden frames are the rarer ones."""
RETURN_EMPHASIS = 4.0
"""Frames that show a target again are rarer still, and a target not taken up stays lost."""
INSIDE_EMPHASIS = 2.0
"""Losing a part of the target is the commoner drift; much more lets every look-alike in."""
SPARE_CELLS = 24.0
"""Added to the target's area, so that errors on tiny targets are not blown up."""


@dataclass
class Figures:
    """Sums over a batch, from which means are reported."""

    tracked_iou: float = 0.0
    tracked: int = 0
    prompted_iou: float = 0.0
    prompted: int = 0
    hidden_right: float = 0.0
    hidden: int = 0
    visible_right: float = 0.0
    visible: int = 0

    def add(self, other: 'Figures') -> None:
        """
        Accumulate.

        :param other: figures of another batch.
        """
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def means(self) -> dict[str, float]:
        """
        Average.

        :return: IoU on tracked and prompted frames, presence accuracy when hidden and visible.
        """
        return {
            'tracked_iou': self.tracked_iou / max(1, self.tracked),
            'prompted_iou': self.prompted_iou / max(1, self.prompted),
            'hidden_accuracy': self.hidden_right / max(1, self.hidden),
            'visible_accuracy': self.visible_right / max(1, self.visible),
        }


def clip_loss(decoded: list[Decoded], sequences: Sequences) -> tuple[Tensor, Figures]:
    """
    Score a rollout.

    Sequences whose target is not clearly visible when prompted are left out.

    :param decoded: one decoding per frame.
    :param sequences: truth.
    :return: scalar loss and figures.
    """
    valid = sequences.presence[:, 0] == 1
    lost = torch.zeros_like(valid)
    first_area = sequences.masks[:, 0].sum((1, 2))
    total = torch.zeros(())
    figures = Figures()
    for time, result in enumerate(decoded):
        truth = sequences.masks[:, time : time + 1]
        presence = sequences.presence[:, time]
        visible, hidden = valid & (presence == 1), valid & (presence == 0)
        area = torch.maximum(truth.sum((1, 2, 3)), first_area * hidden)
        emphasis = torch.where(lost, RETURN_EMPHASIS, 1.0) * visible + HIDDEN_EMPHASIS * hidden
        lost = lost | hidden
        total = total + _frame_loss(result, truth, area, visible, hidden)
        total = total + _score_loss(result.object_score, visible, emphasis) / _count(valid)
        with torch.no_grad():
            figures.add(_frame_figures(result, truth, visible, hidden, prompted=time == 0))
    return total / len(decoded), figures


def soft_iou(mask: Tensor, truth: Tensor) -> Tensor:
    """
    Overlap of a thresholded mask with fractional truth.

    :param mask: [N, 1, h, w] logits.
    :param truth: [N, 1, h, w], 0..1.
    :return: [N].
    """
    inside = (mask > 0).float()
    shared = torch.minimum(inside, truth).sum((1, 2, 3))
    return shared / (torch.maximum(inside, truth).sum((1, 2, 3)) + 1e-6)


def hard_iou(mask: Tensor, truth: Tensor) -> Tensor:
    """
    Overlap of two thresholded masks at stride 4.

    :param mask: [N, 1, h, w] logits.
    :param truth: [N, 1, h, w], 0..1; where nothing reaches one half, half its peak counts.
    :return: [N].
    """
    inside = mask > 0
    target = truth > truth.amax((1, 2, 3), keepdim=True).clamp(max=1.0) / 2
    shared = (inside & target).sum((1, 2, 3)).float()
    return shared / ((inside | target).sum((1, 2, 3)).float() + 1e-6)


def _frame_loss(
    result: Decoded, truth: Tensor, area: Tensor, visible: Tensor, hidden: Tensor
) -> Tensor:
    """
    Loss of one frame, relative to the target's area.

    :param result: decoding.
    :param truth: [N, 1, h, w], 0..1.
    :param area: [N], cells the target covers, or covered when prompted if it is hidden.
    :param visible: [N], sequences with a visible target.
    :param hidden: [N], sequences with a hidden one.
    :return: scalar.
    """
    seen, gone = visible.float(), hidden.float()
    count = (seen.sum() + gone.sum()).clamp(min=1)
    cross = functional.binary_cross_entropy_with_logits(result.raw_mask, truth, reduction='none')
    weighted = cross * (1 + (INSIDE_EMPHASIS - 1) * truth)
    relative = (weighted.sum((1, 2, 3)) / (area + SPARE_CELLS)).clamp(max=20.0)
    chance = result.raw_mask.sigmoid()
    overlap = 2 * (chance * truth).sum((1, 2, 3)) + 1
    dice = 1 - overlap / (chance.square().sum((1, 2, 3)) + truth.square().sum((1, 2, 3)) + 1)
    mask_loss = (MASK_WEIGHT * relative * (seen + gone) + DICE_WEIGHT * dice * seen).sum()
    reached = soft_iou(result.raw_mask.detach(), truth)
    iou_loss = (result.iou.squeeze(1) - reached).square()
    return (mask_loss + IOU_WEIGHT * (iou_loss * seen).sum()) / count


def _score_loss(object_score: Tensor, visible: Tensor, emphasis: Tensor) -> Tensor:
    """
    Loss of the object score, summed over sequences.

    :param object_score: [N, 1] logits.
    :param visible: [N], sequences with a visible target.
    :param emphasis: [N], weight of each sequence; zero where the truth is undecided.
    :return: scalar.
    """
    loss = functional.binary_cross_entropy_with_logits(
        object_score.squeeze(1), visible.float(), reduction='none'
    )
    return SCORE_WEIGHT * (loss * emphasis).sum()


def _count(valid: Tensor) -> Tensor:
    """
    Count sequences, at least one.

    :param valid: [N].
    :return: scalar.
    """
    return valid.float().sum().clamp(min=1)


def _frame_figures(
    result: Decoded, truth: Tensor, visible: Tensor, hidden: Tensor, prompted: bool
) -> Figures:
    """
    Figures of one frame.

    :param result: decoding.
    :param truth: [N, 1, h, w], 0..1.
    :param visible: [N], sequences with a visible target.
    :param hidden: [N], sequences with a hidden one.
    :param prompted: whether this is the prompted frame.
    :return: sums.
    """
    overlap = float(hard_iou(result.mask, truth)[visible].sum())
    count = int(visible.sum())
    present = result.object_score.squeeze(1) > 0
    figures = Figures(
        hidden_right=float((~present)[hidden].sum()),
        hidden=int(hidden.sum()),
        visible_right=float(present[visible].sum()),
        visible=count,
    )
    if prompted:
        figures.prompted_iou, figures.prompted = overlap, count
    else:
        figures.tracked_iou, figures.tracked = overlap, count
    return figures
