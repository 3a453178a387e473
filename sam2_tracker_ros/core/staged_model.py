# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Looks for a target with the stages of a model, one by one."""

from collections.abc import Sequence
import math

import numpy as np

from sam2_tracker_ros.core.geometry import extent_of
from sam2_tracker_ros.core.mask_selection import best_candidate
from sam2_tracker_ros.core.model import (
    AnyModel,
    AttendedMemory,
    AttendedPointer,
    DecoderPrompt,
    Expectation,
    Features,
    MaskCandidates,
    ModelSpec,
    Sam2Model,
    Sam2Stages,
    Sighting,
)
from sam2_tracker_ros.core.prompts import CERTAIN_LOGIT, NO_PROMPT
from sam2_tracker_ros.core.stage_clock import StageClock
from sam2_tracker_ros.core.types import UInt8Array


def in_one_call(model: AnyModel) -> Sam2Model:
    """Return a model that looks for a target in one call, as it is or made of its stages."""
    return model if isinstance(model, Sam2Model) else StagedModel(model)


class StagedModel:
    """A Sam2Model made of stages."""

    def __init__(self, stages: Sam2Stages) -> None:
        self._stages = stages

    @property
    def spec(self) -> ModelSpec:
        """What the tracker must know."""
        return self._stages.spec

    def encode_image(self, image: UInt8Array) -> Features:
        """Encode one image."""
        return self._stages.encode_image(image)

    def look(
        self,
        features: Features,
        memories: Sequence[AttendedMemory],
        pointers: Sequence[AttendedPointer],
        *,
        prompt: DecoderPrompt | None,
        expectation: Expectation | None,
        clock: StageClock,
    ) -> Sighting:
        """Attend, decode, choose, remember."""
        conditioned = None
        if memories:
            with clock.stage('attend'):
                conditioned = self._stages.attend_memory(features, memories, pointers)
        with clock.stage('decode'):
            candidates = self._stages.decode_masks(features, conditioned, prompt or NO_PROMPT)
        with clock.stage('decide'):
            index = best_candidate(candidates, expectation)
            is_finite = _is_finite(candidates)
        memory = None
        if is_finite:
            mask, score = candidates.memory_masks[index], candidates.object_score_logit
            if prompt is not None and prompt.memory_mask is not None:
                mask, score = prompt.memory_mask, CERTAIN_LOGIT
            with clock.stage('remember'):
                memory = self._stages.encode_memory(
                    features, mask, score, is_prompted=prompt is not None
                )
        return Sighting(
            mask_logits=candidates.mask_logits[index],
            extent=extent_of(candidates.mask_logits[index]),
            predicted_iou=float(candidates.predicted_iou[index]),
            object_score_logit=candidates.object_score_logit,
            memory=memory,
            pointer=candidates.pointers[index],
            is_finite=is_finite,
        )


def _is_finite(candidates: MaskCandidates) -> bool:
    return (
        math.isfinite(candidates.object_score_logit)
        and bool(np.isfinite(candidates.predicted_iou).all())
        and bool(np.isfinite(candidates.mask_logits).all())
    )
