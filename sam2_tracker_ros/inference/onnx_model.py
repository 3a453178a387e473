# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The SAM 2 stages on ONNX Runtime, for every bundle whose graphs follow the contract."""

from collections.abc import Mapping, Sequence
from functools import cached_property
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
from sam2_tracker_ros.core.types import Float32Array, UInt8Array
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference.bundle import Bundle
from sam2_tracker_ros.inference.graphs import Graphs
from sam2_tracker_ros.inference.memory_input import (
    BIAS_INPUT,
    FrameMemory,
    MemoryInput,
    round_to_bfloat16,
)

# Brings every weight of the prompt encoder into play: box corners, both kinds of point, padding.
_EVERY_LABEL = DecoderPrompt(
    points=np.zeros((5, 2), np.float32), labels=np.array([2, 3, 1, 0, -1], np.int32)
)


class _EncodedImage:
    """
    What the image encoder gave, by output name; targets in the same frame share it.

    :param maps: float32 [1, channels, height, width].
    """

    def __init__(self, maps: Mapping[str, Float32Array]) -> None:
        self.maps = maps

    @cached_property
    def tokens(self) -> Float32Array:
        """The coarse features as memory attention takes them, float32 [T, 1, C]."""
        return _tokens(self.maps['feats2'])

    @cached_property
    def positions(self) -> Float32Array:
        """Their positions, float32 [T, 1, C]."""
        return _tokens(self.maps['vision_pos_embed'])


class OnnxSam2Model:
    """
    Sam2Stages (core/model.py). Not thread-safe: the buffer of the image is used again.

    Each graph is fed with what it declares, so that bundles may differ in feature levels, sizes,
    candidates and mask inputs. Numbers that the tracker sees (masks, scores) are returned as they
    are, finite or not: the tracker turns a frame down. What it cannot see is looked at here.

    :param bundle: what the graphs belong to.
    :param graphs: opened and checked.
    :param padding: see MemoryInput.
    """

    def __init__(self, bundle: Bundle, graphs: Graphs, padding: str | None = None) -> None:
        constants, sizes = bundle.constants, graphs.sizes
        self._graphs = graphs
        self._run = graphs.run_finite
        self._rounds_memory = constants.rounds_memory_to_bfloat16
        self._memory_input = MemoryInput(
            constants.temporal_table,
            graphs.max_object_pointers,
            sizes.get('M'),
            takes_bias=BIAS_INPUT in graphs.inputs('memory_attention'),
            padding=padding,
        )
        self._pixels = np.empty((1, 3, sizes['S'], sizes['S']), np.float32)
        # [3, 256]: what each value of a colour is after normalisation.
        values = np.arange(256) / 255.0
        scaled = [
            (values - mean) / std for mean, std in zip(constants.mean, constants.std, strict=True)
        ]
        self._normalised = np.asarray(scaled, np.float32)
        max_pointers = graphs.max_object_pointers
        self._pointer_horizon_frames = constants.pointer_horizon_frames or max_pointers - 1
        candidates = self._warm_up(len(constants.temporal_table), max_pointers, sizes['S'])
        self._run = graphs.run
        self._spec = ModelSpec(
            name=bundle.name,
            family=bundle.family,
            precision=bundle.precision,
            image_size_px=sizes['S'],
            mask_size_px=candidates.mask_logits.shape[-1],
            memory_mask_size_px=graphs.memory_mask_size_px,
            memory_slots=len(constants.temporal_table),
            max_object_pointers=max_pointers,
            mean=constants.mean,
            std=constants.std,
            providers=graphs.providers,
        )

    @property
    def spec(self) -> ModelSpec:
        """What the tracker must know."""
        return self._spec

    def encode_image(self, image: UInt8Array) -> Features:
        """Normalise and encode."""
        for channel, table in enumerate(self._normalised):
            np.take(table, image[:, :, channel], out=self._pixels[0, channel], mode='clip')
        return _EncodedImage(self._run('vision_encoder', {'pixel_values': self._pixels}))

    def attend_memory(
        self,
        features: Features,
        memories: Sequence[AttendedMemory],
        pointers: Sequence[AttendedPointer],
    ) -> ConditionedFeatures:
        """Attend to exactly what is given."""
        encoded = cast(_EncodedImage, features)
        feeds = self._memory_input.feeds(memories, pointers, self._pointer_positions(pointers))
        feeds['current_vision_features'] = encoded.tokens
        feeds['current_vision_position_embeddings'] = encoded.positions
        return self._run('memory_attention', feeds)['conditioned_feats']

    def decode_masks(
        self,
        features: Features,
        conditioned: ConditionedFeatures | None,
        prompt: DecoderPrompt,
    ) -> MaskCandidates:
        """
        Decode, with the features of a frame without memory when there are no conditioned ones.

        A candidate whose pointer is not finite gets the predicted IoU NaN: the tracker does not
        look into pointers.
        """
        maps = cast(_EncodedImage, features).maps
        if conditioned is None:
            conditioned = maps['feats2_no_mem']
        inputs = self._graphs.inputs('mask_decoder')
        found = self._run(
            'mask_decoder',
            {
                **{name: maps[name] for name in inputs if name in maps},
                'feats2_cond': cast(Float32Array, conditioned),
                'input_points': prompt.points[None, None],
                'input_labels': prompt.labels[None, None],
            },
        )
        pointers = found['object_pointer'][0]
        has_pointer = np.isfinite(pointers).all(axis=1)
        return MaskCandidates(
            mask_logits=found['low_res_mask'][0],
            predicted_iou=np.where(has_pointer, found['iou'][0], np.float32(np.nan)),
            object_score_logit=found['object_score_logits'].item(),
            pointers=tuple(pointers),
            memory_masks=tuple(found[self._graphs.memory_mask_name][0]),
        )

    def encode_memory(
        self,
        features: Features,
        mask: MemoryMask,
        object_score_logit: float,
        *,
        is_prompted: bool,
    ) -> Memory:
        """
        Encode.

        :raises ModelError: also when the memory is not finite: it would spoil frames to come.
        """
        feeds = {
            'feats2': cast(_EncodedImage, features).maps['feats2'],
            self._graphs.memory_mask_name: cast(Float32Array, mask)[None, None],
            'binarize': np.array(is_prompted, np.float32),
        }
        if 'object_score_logits' in self._graphs.inputs('memory_encoder'):
            feeds['object_score_logits'] = np.array([[object_score_logit]], np.float32)
        found = self._run('memory_encoder', feeds)
        tokens, positions = found['memory_tokens'], found['memory_pos']
        if not np.isfinite(tokens).all():
            message = (
                'memory_encoder gave numbers that are not finite; this frame is not remembered: '
                'use a bundle of higher precision if it goes on'
            )
            raise ModelError(message)
        if self._rounds_memory:
            tokens = round_to_bfloat16(tokens)
        return FrameMemory(tokens, positions)

    def _pointer_positions(self, pointers: Sequence[AttendedPointer]) -> Float32Array:
        """Return float32 [P, Cm] for the ages of the pointers; zeros where a model has none."""
        if not self._graphs.inputs('pointer_tpos'):
            return np.zeros((len(pointers), self._graphs.sizes['Cm']), np.float32)
        count = self._graphs.sizes.get('P', len(pointers))
        ages = np.zeros(count, np.float32)
        ages[: len(pointers)] = [pointer.age_frames for pointer in pointers]
        ages /= self._pointer_horizon_frames
        found = self._run('pointer_tpos', {'normalized_diffs': ages})
        return found['pointer_pos'][: len(pointers)]

    def _warm_up(self, memory_slots: int, max_pointers: int, size_px: int) -> MaskCandidates:
        """
        Run every graph once with a full bank; return what the decoder offers.

        :raises ModelError: a graph fails or gives numbers that are not finite.
        """
        features = self.encode_image(np.zeros((size_px, size_px, 3), np.uint8))
        candidates = self.decode_masks(features, None, _EVERY_LABEL)
        memory = self.encode_memory(
            features, candidates.memory_masks[0], candidates.object_score_logit, is_prompted=True
        )
        memories = [AttendedMemory(memory, row) for row in range(memory_slots)]
        pointers = [AttendedPointer(candidates.pointers[0], age) for age in range(max_pointers)]
        self.attend_memory(features, memories, pointers)
        return candidates


def _tokens(feature_map: Float32Array) -> Float32Array:
    """Reorder [1, C, s, s] to contiguous [T, 1, C]."""
    channels = feature_map.shape[1]
    return np.ascontiguousarray(feature_map.reshape(channels, -1).T)[:, None]
