# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whether two models find the same masks in the film."""

from collections.abc import Callable, Sequence
from dataclasses import replace
import math

import numpy as np
import pytest

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.core.model import (
    AttendedMemory,
    AttendedPointer,
    ConditionedFeatures,
    DecoderPrompt,
    Features,
    MaskCandidates,
    Memory,
    MemoryMask,
    ModelSpec,
    Sam2Stages,
)
from sam2_tracker_ros.core.types import Float32Array, UInt8Array
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference import load_stages
from sam2_tracker_ros.inference.iou_gate import FRAMES, film, worst_mask_iou


class Changed:
    """
    A model whose masks are changed on their way.

    :param change: gets the logits [K, h, h] and the number of the frame.
    """

    def __init__(
        self, model: Sam2Stages, change: Callable[[Float32Array, int], Float32Array]
    ) -> None:
        self._model = model
        self._change = change
        self._frame = -1

    @property
    def spec(self) -> ModelSpec:
        return self._model.spec

    def encode_image(self, image: UInt8Array) -> Features:
        self._frame += 1
        return self._model.encode_image(image)

    def attend_memory(
        self,
        features: Features,
        memories: Sequence[AttendedMemory],
        pointers: Sequence[AttendedPointer],
    ) -> ConditionedFeatures:
        return self._model.attend_memory(features, memories, pointers)

    def decode_masks(
        self, features: Features, conditioned: ConditionedFeatures | None, prompt: DecoderPrompt
    ) -> MaskCandidates:
        found = self._model.decode_masks(features, conditioned, prompt)
        return replace(found, mask_logits=self._change(found.mask_logits, self._frame))

    def encode_memory(
        self, features: Features, mask: MemoryMask, object_score_logit: float, *, is_prompted: bool
    ) -> Memory:
        return self._model.encode_memory(
            features, mask, object_score_logit, is_prompted=is_prompted
        )


@pytest.fixture(scope='module')
def nano() -> Sam2Stages:
    return load_stages(ModelConfig())


def test_the_film_shows_a_blob_that_is_once_half_hidden() -> None:
    """The same one every time, and it moves."""
    frames, again = list(film(96)), list(film(96))
    assert len(frames) == FRAMES
    for (image, box), (same, _) in zip(frames, again, strict=True):
        assert image.shape == (96, 96, 3)
        assert image.dtype == np.uint8
        assert np.array_equal(image, same)
        assert 0.0 < box.left < box.right < 1.0
        assert 0.0 < box.top < box.bottom < 1.0
    assert frames[-1][1].left > frames[0][1].right - 0.05


def test_a_model_finds_its_own_masks(nano: Sam2Stages) -> None:
    """Exactly."""
    assert worst_mask_iou(nano, nano) == 1.0


def test_one_bad_frame_counts(nano: Sam2Stages) -> None:
    """However good the others are; slightly other logits give slightly other masks."""
    slightly = Changed(nano, lambda logits, frame: logits + np.float32(0.002))
    assert 0.98 < worst_mask_iou(nano, slightly) <= 1.0
    shifted = Changed(
        nano, lambda logits, frame: np.roll(logits, 3, axis=2) if frame == 7 else logits
    )
    assert 0.2 < worst_mask_iou(nano, shifted) < 0.9
    lost = Changed(
        nano, lambda logits, frame: np.full_like(logits, -9.0) if frame == 9 else logits
    )
    assert worst_mask_iou(nano, lost) == 0.0


@pytest.mark.parametrize('frame_of_nan', [0, 6])
def test_numbers_that_are_not_finite_are_told_apart(nano: Sam2Stages, frame_of_nan: int) -> None:
    """In the prompted frame and in any other."""
    spoiled = Changed(
        nano, lambda logits, frame: logits * np.float32(np.nan if frame == frame_of_nan else 1)
    )
    assert math.isnan(worst_mask_iou(nano, spoiled))


def test_a_reference_that_finds_nothing_cannot_judge(nano: Sam2Stages) -> None:
    """The answer is not that everything is alike."""
    blind = Changed(nano, lambda logits, frame: np.full_like(logits, -9.0))
    with pytest.raises(ModelError, match=r'finds nothing in the film .* set precision to fp32'):
        worst_mask_iou(blind, nano)
