# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Runs the model for one target in one frame: attend, decode, choose a mask, encode its memory."""

from dataclasses import dataclass
import math

import numpy as np

from sam2_tracker_ros.core.config import TrackerConfig
from sam2_tracker_ros.core.geometry import mask_of, target_pieces
from sam2_tracker_ros.core.mask_selection import MASK_SELECTORS
from sam2_tracker_ros.core.memory_bank import MemoryEntry
from sam2_tracker_ros.core.memory_selection import SELECTORS, is_trusted
from sam2_tracker_ros.core.model import (
    ConditionedFeatures,
    Features,
    MaskCandidates,
    MemoryMask,
    Sam2Model,
)
from sam2_tracker_ros.core.preprocessing import model_image
from sam2_tracker_ros.core.prompts import (
    CERTAIN_LOGIT,
    NO_PROMPT,
    CheckedPrompt,
    decoder_prompt,
    mask_logits_of,
)
from sam2_tracker_ros.core.search_window import whole_image, window_around
from sam2_tracker_ros.core.stage_clock import StageClock
from sam2_tracker_ros.core.track import UNUSABLE, Observation, Track, motion_iou
from sam2_tracker_ros.core.types import Box, Float32Array, Frame


class FrameInWork:
    """
    A frame while targets are looked for in it; each window of it is encoded once.

    :param index: counts the frames that the tracker processed.
    """

    def __init__(self, frame: Frame, index: int, model: Sam2Model) -> None:
        self.stamp_ns = frame.stamp_ns
        self.size_px = frame.size_px
        self.index = index
        self.clock = StageClock()
        self._frame = frame
        self._model = model
        self._features: dict[Box, Features] = {}

    def features(self, window: Box) -> Features:
        """Return what the model sees in a window of the image."""
        if window not in self._features:
            with self.clock.stage('prepare'):
                image = model_image(self._frame, window, self._model.spec.image_size_px)
            with self.clock.stage('encode'):
                self._features[window] = self._model.encode_image(image)
        return self._features[window]


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

    :param config: its changeable settings may be replaced at any time.
    """

    def __init__(self, model: Sam2Model, config: TrackerConfig) -> None:
        self.config = config
        self._model = model
        self._selector = SELECTORS[config.memory_selection]()
        self._mask_selector = MASK_SELECTORS[config.memory_selection]()

    def observe(
        self,
        frame: FrameInWork,
        track: Track | None = None,
        prompt: CheckedPrompt | None = None,
    ) -> Observation:
        """
        Look for one target.

        :param track: whose memory is attended; None on the frame that starts a target.
        :param prompt: what the operator pointed at in this frame; None while tracking.
        """
        predicted = None if track is None else track.predicted(frame.stamp_ns)
        window = self._window(frame, track, prompt)
        features = frame.features(window)
        conditioned = None
        if track is not None:
            with frame.clock.stage('attend'):
                conditioned = self._attend(features, frame.index, track)
        with frame.clock.stage('decode'):
            candidates = self._decode(features, conditioned, prompt, window)
        if not _is_finite(candidates):
            return UNUSABLE
        with frame.clock.stage('decide'):
            expected = None if predicted is None else predicted.box
            relied_on = expected if track is not None and track.is_steady(frame.stamp_ns) else None
            index = self._mask_selector.select(candidates, window, relied_on)
            choice = self._choice(candidates, index, prompt, window)
            fraction = self.config.min_component_fraction
            mask = mask_of(target_pieces(choice.logits, window, expected, fraction), window)
        with frame.clock.stage('remember'):
            memory = self._model.encode_memory(
                features,
                choice.memory_mask,
                choice.object_score_logit,
                is_prompted=prompt is not None,
            )
        overlap = motion_iou(mask, predicted)
        return Observation(
            mask=mask,
            predicted_iou=choice.predicted_iou,
            object_score_logit=choice.object_score_logit,
            motion_iou=overlap,
            entry=MemoryEntry(
                frame.index,
                memory,
                candidates.pointers[index],
                frame.stamp_ns,
                prompt is not None
                or is_trusted(choice.predicted_iou, choice.object_score_logit, overlap),
            ),
            is_prompted=prompt is not None,
        )

    def _window(
        self, frame: FrameInWork, track: Track | None, prompt: CheckedPrompt | None
    ) -> Box:
        """Look around what the operator drew, else around the target, else everywhere."""
        place = None
        if prompt is not None and prompt.extent is not None:
            place = prompt.extent, 0.0
        elif prompt is None and track is not None:
            place = track.where_to_look(frame.stamp_ns)
        if place is None:
            return whole_image(frame.size_px)
        box, margin_px = place
        return window_around(
            box,
            frame.size_px,
            self._model.spec.image_size_px,
            self.config.min_target_size_px,
            margin_px,
        )

    def _attend(self, features: Features, frame_index: int, track: Track) -> ConditionedFeatures:
        selection = self._selector.select(track.bank, frame_index, self._model.spec)
        return self._model.attend_memory(features, selection.memories, selection.pointers)

    def _decode(
        self,
        features: Features,
        conditioned: ConditionedFeatures | None,
        prompt: CheckedPrompt | None,
        window: Box,
    ) -> MaskCandidates:
        points = NO_PROMPT
        if prompt is not None:
            points = decoder_prompt(prompt, window, self._model.spec.image_size_px)
        return self._model.decode_masks(features, conditioned, points)

    def _choice(
        self,
        candidates: MaskCandidates,
        index: int,
        prompt: CheckedPrompt | None,
        window: Box,
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
            logits=mask_logits_of(prompt.mask, window, spec.mask_size_px),
            memory_mask=mask_logits_of(prompt.mask, window, spec.memory_mask_size_px),
            predicted_iou=1.0,
            object_score_logit=CERTAIN_LOGIT,
        )


def _is_finite(candidates: MaskCandidates) -> bool:
    return (
        math.isfinite(candidates.object_score_logit)
        and bool(np.isfinite(candidates.predicted_iou).all())
        and bool(np.isfinite(candidates.mask_logits).all())
    )
