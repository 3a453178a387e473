# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A model that segments by colour: exact on flat scenes, fast, stateless, without weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

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
)
from sam2_tracker_ros.core.prompts import (
    LABEL_BACKGROUND,
    LABEL_BOTTOM_RIGHT,
    LABEL_FOREGROUND,
    LABEL_TOP_LEFT,
)
from sam2_tracker_ros.core.types import BoolArray, Float32Array, Float64Array, UInt8Array

PRESENT_LOGIT = 10.0
# Predicted IoU of the candidates, best first; those behind the first are eroded masks.
CANDIDATE_IOUS = (0.95, 0.6, 0.5)


@dataclass(frozen=True)
class _Look:
    """Colour of the object, and a colour that it is not; None is unknown."""

    foreground: Float64Array | None
    background: Float64Array | None = None


class FakeModel:
    """
    Sam2Stages that find every pixel whose colour is that of the prompted object.

    :param image_size_px: side of the model image and of the mask.
    :param tolerance: greatest distance in RGB, 0..441, that still is the object's colour.
    :param candidates: masks offered for a frame, 1 to 3.
    """

    def __init__(
        self, image_size_px: int = 96, tolerance: float = 40.0, candidates: int = 1
    ) -> None:
        self._tolerance = tolerance
        self._candidates = candidates
        self._spec = ModelSpec(
            name='fake',
            family='colour',
            precision='fp32',
            image_size_px=image_size_px,
            mask_size_px=image_size_px,
            memory_mask_size_px=image_size_px,
            memory_slots=7,
            max_object_pointers=16,
            mean=(0.0, 0.0, 0.0),
            std=(1.0, 1.0, 1.0),
            providers=('CPUExecutionProvider',),
        )

    @property
    def spec(self) -> ModelSpec:
        """What the tracker must know."""
        return self._spec

    def encode_image(self, image: UInt8Array) -> Features:
        """Keep the image."""
        return image.astype(np.float64)

    def attend_memory(
        self,
        features: Features,
        memories: Sequence[AttendedMemory],
        pointers: Sequence[AttendedPointer],
    ) -> ConditionedFeatures:
        """Take the look of the first memory in which the object was seen."""
        looks = [cast('_Look', attended.memory) for attended in memories]
        return next((look for look in looks if look.foreground is not None), _Look(None))

    def decode_masks(
        self,
        features: Features,
        conditioned: ConditionedFeatures | None,
        prompt: DecoderPrompt,
    ) -> MaskCandidates:
        """Find the pixels of the prompted, or else of the remembered colour."""
        image = cast('Float64Array', features)
        look = _look_of_prompt(image, prompt, cast('_Look | None', conditioned))
        mask = self._matching(image, look)
        seen = bool(mask.any())
        masks = [mask]
        for _ in range(1, self._candidates):
            masks.append(_eroded(masks[-1]))
        logits = np.where(np.stack(masks), PRESENT_LOGIT, -PRESENT_LOGIT).astype(np.float32)
        ious = np.array(CANDIDATE_IOUS[: self._candidates], np.float32)
        return MaskCandidates(
            mask_logits=logits,
            predicted_iou=ious if seen else np.zeros_like(ious),
            object_score_logit=PRESENT_LOGIT if seen else -PRESENT_LOGIT,
            pointers=[look] * self._candidates,
            memory_masks=list(logits),
        )

    def encode_memory(
        self,
        features: Features,
        mask: MemoryMask,
        object_score_logit: float,
        *,
        is_prompted: bool,
    ) -> Memory:
        """Remember the median colour under the mask."""
        pixels = cast('Float64Array', features)[cast('Float32Array', mask) > 0.0]
        if object_score_logit <= 0.0 or not pixels.size:
            return _Look(None)
        return _Look(np.median(pixels, axis=0))

    def _matching(self, image: Float64Array, look: _Look) -> BoolArray:
        if look.foreground is None:
            return np.zeros(image.shape[:2], np.bool_)
        distance = np.linalg.norm(image - look.foreground, axis=2)
        mask: BoolArray = distance <= self._tolerance
        if look.background is not None:
            mask &= distance <= np.linalg.norm(image - look.background, axis=2)
        return mask


def _look_of_prompt(image: Float64Array, prompt: DecoderPrompt, remembered: _Look | None) -> _Look:
    limit = image.shape[0] - 1
    cells = np.clip(prompt.points.astype(np.int64), 0, limit)
    look = remembered or _Look(None)
    corners = cells[np.isin(prompt.labels, (LABEL_TOP_LEFT, LABEL_BOTTOM_RIGHT))]
    if len(corners) == 2:
        (left, top), (right, bottom) = corners
        inset_x, inset_y = (right - left) // 4, (bottom - top) // 4
        inner = image[top + inset_y : bottom - inset_y + 1, left + inset_x : right - inset_x + 1]
        look = _Look(np.median(inner.reshape(-1, 3), axis=0))
    clicked = cells[prompt.labels == LABEL_FOREGROUND]
    if len(clicked):
        look = _Look(image[clicked[-1, 1], clicked[-1, 0]])
    avoided = cells[prompt.labels == LABEL_BACKGROUND]
    if len(avoided):
        look = _Look(look.foreground, image[avoided[-1, 1], avoided[-1, 0]])
    return look


def _eroded(mask: BoolArray) -> BoolArray:
    padded = np.pad(mask, 1)
    eroded: BoolArray = (
        mask & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    )
    return eroded
