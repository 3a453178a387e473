# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Runs the model for one target in one frame: attend, decode, choose a mask, encode its memory."""

from dataclasses import dataclass
import math

import numpy as np

from sam2_tracker_ros.core.geometry import measure_mask, without_small_components
from sam2_tracker_ros.core.mask_selection import BestIouSelector, MaskSelector
from sam2_tracker_ros.core.memory_bank import MemoryEntry
from sam2_tracker_ros.core.memory_selection import MemorySelector
from sam2_tracker_ros.core.model import (
    ConditionedFeatures,
    Features,
    MaskCandidates,
    MemoryMask,
    Sam2Model,
)
from sam2_tracker_ros.core.prompts import (
    CERTAIN_LOGIT,
    NO_PROMPT,
    CheckedPrompt,
    decoder_prompt,
    mask_logits_of,
)
from sam2_tracker_ros.core.stage_clock import StageClock
from sam2_tracker_ros.core.track import UNUSABLE, Observation, Track, motion_iou
from sam2_tracker_ros.core.types import Float32Array


@dataclass(frozen=True)
class EncodedFrame:
    """
    A frame that the model has seen.

    :param index: counts the frames that the tracker processed.
    :param size_px: width and height of the camera image.
    """

    features: Features
    index: int
    stamp_ns: int
    size_px: tuple[int, int]


@dataclass(frozen=True)
class _Choice:
    """The mask that counts as the target, with what the decoder thinks of it."""

    logits: Float32Array
    memory_mask: MemoryMask
    predicted_iou: float
    object_score_logit: float


class Observer:
    """
    Looks for targets with the model; changes none of them.

    :param min_component_fraction: see TrackerConfig; may be set at any time.
    """

    def __init__(
        self, model: Sam2Model, selector: MemorySelector, min_component_fraction: float
    ) -> None:
        self._model = model
        self._selector = selector
        self._mask_selector: MaskSelector = BestIouSelector()
        self.min_component_fraction = min_component_fraction

    def observe(
        self,
        frame: EncodedFrame,
        clock: StageClock,
        track: Track | None = None,
        prompt: CheckedPrompt | None = None,
    ) -> Observation:
        """
        Look for one target.

        :param track: whose memory is attended; None on the frame that starts a target.
        :param prompt: what the operator pointed at in this frame; None while tracking.
        """
        predicted = None if track is None else track.predicted_state(frame.stamp_ns)
        conditioned = None
        if track is not None:
            with clock.stage('attend'):
                conditioned = self._attend(frame, track)
        with clock.stage('decode'):
            candidates = self._decode(frame, conditioned, prompt)
        if not _is_finite(candidates):
            return UNUSABLE
        with clock.stage('decide'):
            expected = None if predicted is None else predicted.box
            index = self._mask_selector.select(candidates, expected)
            choice = self._choice(candidates, index, prompt)
            mask_logits = without_small_components(choice.logits, self.min_component_fraction)
            measurement = measure_mask(mask_logits, frame.size_px)
            overlap = motion_iou(measurement, predicted)
        with clock.stage('remember'):
            memory = self._model.encode_memory(
                frame.features,
                choice.memory_mask,
                choice.object_score_logit,
                is_prompted=prompt is not None,
            )
        return Observation(
            mask_logits=mask_logits,
            measurement=measurement,
            predicted_iou=choice.predicted_iou,
            object_score_logit=choice.object_score_logit,
            motion_iou=overlap,
            entry=MemoryEntry(frame.index, memory, candidates.pointers[index]),
            is_prompted=prompt is not None,
        )

    def _attend(self, frame: EncodedFrame, track: Track) -> ConditionedFeatures:
        selection = self._selector.select(track.bank, frame.index, self._model.spec)
        return self._model.attend_memory(frame.features, selection.memories, selection.pointers)

    def _decode(
        self,
        frame: EncodedFrame,
        conditioned: ConditionedFeatures | None,
        prompt: CheckedPrompt | None,
    ) -> MaskCandidates:
        points = NO_PROMPT
        if prompt is not None:
            points = decoder_prompt(prompt, frame.size_px, self._model.spec.image_size_px)
        return self._model.decode_masks(frame.features, conditioned, points)

    def _choice(
        self, candidates: MaskCandidates, index: int, prompt: CheckedPrompt | None
    ) -> _Choice:
        """Take the chosen candidate, or the operator's own mask, which SAM 2 takes as it is."""
        if prompt is None or prompt.mask is None:
            return _Choice(
                logits=candidates.mask_logits[index],
                memory_mask=candidates.memory_masks[index],
                predicted_iou=float(candidates.predicted_iou[index]),
                object_score_logit=candidates.object_score_logit,
            )
        spec = self._model.spec
        return _Choice(
            logits=mask_logits_of(prompt.mask, spec.mask_size_px),
            memory_mask=mask_logits_of(prompt.mask, spec.memory_mask_size_px),
            predicted_iou=1.0,
            object_score_logit=CERTAIN_LOGIT,
        )


def _is_finite(candidates: MaskCandidates) -> bool:
    return (
        math.isfinite(candidates.object_score_logit)
        and bool(np.isfinite(candidates.predicted_iou).all())
        and bool(np.isfinite(candidates.mask_logits).all())
    )
