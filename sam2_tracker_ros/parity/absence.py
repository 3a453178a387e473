# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Make a model with random weights lose its target and find it again during the clip.

Only then does a comparison see masks of -1024, the pointer of an absent object and the sign of
absence in memories.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from sam2_tracker_ros.core.types import Float32Array
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.export.seeded import score_layer
from sam2_tracker_ros.parity.runs import Run

_ALWAYS_VISIBLE_LOGIT = 20.0
# Scores nearer to 0 than this might fall on the other side in another implementation.
_MARGIN = 5e-3
_CONTRAST = 10.0  # between frames, whose scores are much alike with random weights
_TRIES = 8
_MIN_FRAMES = 2  # absent, and present again after that


@torch.no_grad()
def make_target_vanish(model: nn.Module, run: Callable[[], Run]) -> None:
    """
    Shift the bias of the object score, so that the first target is absent in some frames.

    The scores of a run in which it is always present are sorted, and their gaps tried as the place
    of 0, the widest first.

    :param model: of either family; changed in place.
    :param run: tracks the clip with it.
    :raises ModelError: no gap does; other weights are needed.
    """
    layer = score_layer(model)
    layer.weight.mul_(_CONTRAST)
    bias = layer.bias
    bias.fill_(_ALWAYS_VISIBLE_LOGIT)
    scores = run()[0].scores - _ALWAYS_VISIBLE_LOGIT
    ordered = np.sort(scores[scores <= scores[0]])
    for index in np.argsort(np.diff(ordered))[: -_TRIES - 1 : -1]:
        bias.fill_(-float(ordered[index : index + 2].mean()))
        if _vanishes_and_returns(run()[0].scores):
            return
    message = (
        'no bias of the object score lets the target vanish and return during the clip: '
        'choose another seed'
    )
    raise ModelError(message)


def _vanishes_and_returns(scores: Float32Array) -> bool:
    absent = np.flatnonzero(scores <= 0.0)
    return bool(
        scores[0] > 0.0
        and len(absent) >= _MIN_FRAMES
        and (scores[absent[0] :] > 0.0).sum() >= _MIN_FRAMES
        and np.abs(scores).min() > _MARGIN
    )
