# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The seam: what the tracker asks of a model, whoever runs it.

A `Sam2Model` looks for one target in one call, as fused graphs do; `Sam2Stages` has the stages of
SAM 2 (Ravi et al., 2024) one by one, and staged_model.py makes the one of the other. Both are
stateless: memories go in and come out as values. Features, memories, pointers and memory masks
are opaque to the tracker, so that a model may keep them on a device. Image and mask are square
and cover the whole camera image (or the region of it that the tracker looks at), aspect ratio not
kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

from sam2_tracker_ros.core.stage_clock import StageClock
from sam2_tracker_ros.core.types import Box, Float32Array, Int32Array, UInt8Array

Features: TypeAlias = object
ConditionedFeatures: TypeAlias = object
Memory: TypeAlias = object
ObjectPointer: TypeAlias = object
MemoryMask: TypeAlias = object


@dataclass(frozen=True)
class ModelSpec:
    """
    What the tracker must know about a model.

    :param image_size_px: side of the square image that is encoded.
    :param mask_size_px: side of the square mask logits that are returned.
    :param memory_mask_size_px: side of the mask that encode_memory takes.
    :param memory_slots: memories attended at most, the prompted one included.
    :param max_object_pointers: pointers attended at most, the prompted one included.
    :param mean: of the pixels in 0..1, in RGB order.
    :param providers: what really runs the graphs, as the runtime reports it.
    :param parallel_looks: targets that may be looked for at the same time, from as many threads,
        and are then found sooner than one after the other.
    """

    name: str
    family: str
    precision: str
    image_size_px: int
    mask_size_px: int
    memory_mask_size_px: int
    memory_slots: int
    max_object_pointers: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    providers: tuple[str, ...]
    parallel_looks: int = 1


@dataclass(frozen=True)
class AttendedMemory:
    """
    One remembered frame and its place in time.

    :param temporal_row: row of the model's temporal table: the age in frames less one, or the last
        row for the prompted frame.
    """

    memory: Memory
    temporal_row: int


@dataclass(frozen=True)
class AttendedPointer:
    """One object pointer and how many frames ago it was made."""

    pointer: ObjectPointer
    age_frames: int


@dataclass(frozen=True)
class DecoderPrompt:
    """
    Points as the decoder takes them.

    :param points: float32 [N, 2], x and y in pixels of the square model image.
    :param labels: int32 [N]: -1 padding, 0 background, 1 foreground, 2 top left and 3 bottom right
        corner of a box; corners come first.
    :param memory_mask: what the operator drew, for the memory to be made of instead of the mask
        that was found: logits, float32 [memory_mask_size_px, memory_mask_size_px].
    """

    points: Float32Array
    labels: Int32Array
    memory_mask: Float32Array | None = None


@dataclass(frozen=True)
class MaskCandidates:
    """
    What the decoder offers for one object in one frame.

    :param mask_logits: float32 [K, mask_size_px, mask_size_px], object where positive.
    :param predicted_iou: float32 [K], 0..1.
    :param object_score_logit: visible where positive.
    :param pointers: K object pointers.
    :param memory_masks: K masks as encode_memory takes them.
    """

    mask_logits: Float32Array
    predicted_iou: Float32Array
    object_score_logit: float
    pointers: Sequence[ObjectPointer]
    memory_masks: Sequence[MemoryMask]


@dataclass(frozen=True)
class Expectation:
    """
    Where the target should be, for choosing among candidate masks.

    :param box: in 0..1 of the model image; may reach beyond it.
    :param weight: of the overlap with the box, 0..1; that of the predicted IoU is what is left.
    """

    box: Box
    weight: float


@dataclass(frozen=True)
class Sighting:
    """
    What a model found of one target in one frame.

    :param mask_logits: float32 [mask_size_px, mask_size_px] of the chosen mask.
    :param extent: left, top, right and bottom of its positive cells, the last two exclusive; zeros
        when there are none.
    :param predicted_iou: of that mask, 0..1.
    :param object_score_logit: visible where positive.
    :param memory: of this frame with that mask.
    :param is_finite: whether all of these are numbers; if not, the frame is of no use.
    """

    mask_logits: Float32Array
    extent: tuple[int, int, int, int]
    predicted_iou: float
    object_score_logit: float
    memory: Memory
    pointer: ObjectPointer
    is_finite: bool


@runtime_checkable
class Sam2Model(Protocol):
    """A SAM 2 video model; every method raises ModelError when inference fails."""

    @property
    def spec(self) -> ModelSpec:
        """What the tracker must know."""

    def encode_image(self, image: UInt8Array) -> Features:
        """
        Encode one image, once for all targets that are looked for in it.

        :param image: uint8 RGB [image_size_px, image_size_px, 3].
        """

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
        """
        Look for one target: attend, decode, choose a mask, make the frame's memory.

        :param memories: of the target; none in the frame that starts it.
        :param prompt: what the operator pointed at; None while tracking. The mask is then
            binarised for the memory.
        :param expectation: None to choose by predicted IoU alone.
        :param clock: told how long each stage takes.
        """


class Sam2Stages(Protocol):
    """The stages of SAM 2 one by one; every method raises ModelError when inference fails."""

    @property
    def spec(self) -> ModelSpec:
        """What the tracker must know."""

    def encode_image(self, image: UInt8Array) -> Features:
        """
        Encode one image, once for all targets.

        :param image: uint8 RGB [image_size_px, image_size_px, 3].
        """

    def attend_memory(
        self,
        features: Features,
        memories: Sequence[AttendedMemory],
        pointers: Sequence[AttendedPointer],
    ) -> ConditionedFeatures:
        """
        Condition the features on what is remembered of one target.

        The lists hold only what exists: one memory and one pointer on the first tracked frame.
        """

    def decode_masks(
        self,
        features: Features,
        conditioned: ConditionedFeatures | None,
        prompt: DecoderPrompt,
    ) -> MaskCandidates:
        """
        Find the object.

        :param conditioned: None on a frame whose prompt starts a target (no memory yet).
        """

    def encode_memory(
        self,
        features: Features,
        mask: MemoryMask,
        object_score_logit: float,
        *,
        is_prompted: bool,
    ) -> Memory:
        """
        Make the memory of one target in one frame.

        :param mask: one of MaskCandidates.memory_masks, or logits as float32
            [memory_mask_size_px, memory_mask_size_px].
        :param is_prompted: the mask is binarised.
        """


# What a tracker can be given.
AnyModel: TypeAlias = Sam2Model | Sam2Stages
