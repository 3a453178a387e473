# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
What both families do between their networks: which mask counts, absence, masks for the memory.

Source: `_use_multimask`, `_forward_sam_heads` and `_encode_new_memory` of the public SAM 2 code
(Apache-2.0), which transformers and EfficientTAM follow.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sam2_tracker_ros.core.prompts import LABEL_PADDING
from sam2_tracker_ros.errors import ModelError

NO_OBJECT_LOGIT = -1024.0
# Settings that decide which mask counts, with the values that `candidates` is right for.
MASK_RULE: Mapping[str, Any] = {
    'multimask_output_in_sam': True,
    'multimask_output_for_tracking': True,
    'multimask_min_pt_num': 0,
    'multimask_max_pt_num': 1,
}


def check_settings(settings: Any, expected: Mapping[str, Any]) -> None:
    """
    Refuse a model whose settings ask for other rules than those that are exported.

    :param settings: has them as attributes.
    :raises ModelError: names the setting, what it is and what is expected.
    """
    for name, value in expected.items():
        found = getattr(settings, name, None)
        if found != value:
            message = (
                f'the model has {name}={found}; expected {value}, as every published checkpoint '
                'has: such a model cannot be exported'
            )
            raise ModelError(message)


def candidates(
    labels: Tensor, several: Sequence[Tensor], single: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """
    Return the three candidates for at most one point, else the single mask three times.

    The best predicted IoU is then always the mask that the original takes.

    :param labels: of the points, int32 [1, 1, N].
    :param several: masks [1, 3, h, w], predicted IoU [1, 3], output tokens [1, 3, C].
    :param single: likewise, of one mask, after the fallback for an unstable one.
    """
    is_ambiguous = (labels != LABEL_PADDING).sum() <= 1
    return tuple(
        torch.where(is_ambiguous, three, one.expand_as(three))
        for three, one in zip(several, single, strict=True)
    )


def hidden_when_absent(
    score: Tensor, masks: Tensor, pointers: Tensor, no_pointer: Tensor
) -> tuple[Tensor, Tensor]:
    """
    Replace masks and pointers of an object that is not visible.

    :param score: logit of the object's presence, [1, 1].
    :param masks: logits [1, 3, h, w].
    :param pointers: [1, 3, Cp].
    :param no_pointer: [1, Cp], learned.
    """
    is_visible = score > 0
    no_mask = torch.full_like(masks, NO_OBJECT_LOGIT)
    masks = torch.where(is_visible[..., None, None], masks, no_mask)
    return masks, torch.where(is_visible[..., None], pointers, no_pointer)


def memory_mask(mask: Tensor, binarize: Tensor, scale: float, bias: float) -> Tensor:
    """
    Turn mask logits into what the memory encoder takes: hard where prompted, soft elsewhere.

    :param binarize: 1 for a prompted frame, 0 for a tracked one.
    """
    soft, hard = torch.sigmoid(mask), (mask > 0).to(mask.dtype)
    return (binarize * hard + (1 - binarize) * soft) * scale + bias
