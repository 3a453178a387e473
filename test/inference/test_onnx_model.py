# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The stages of OnnxSam2Model against the same mathematics in numpy, in every contract."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from inference.reference import (
    BOX,
    TOLERANCE,
    VISIBLE,
    Reference,
    image,
    rounded_to_bfloat16,
)
from inference.tiny_form import (
    CHANNELS,
    COARSE,
    FINE,
    IMAGE,
    MEAN,
    POINTERS,
    PUBLISHED,
    SLOTS,
    STD,
    Form,
)
import numpy as np
from numpy.typing import NDArray
import pytest

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.core.model import (
    AttendedMemory,
    AttendedPointer,
    DecoderPrompt,
    Memory,
    ModelSpec,
    ObjectPointer,
)
from sam2_tracker_ros.core.types import UInt8Array
from sam2_tracker_ros.inference import OnnxSam2Model, load_stages

Array = NDArray[Any]

NO_POINT = DecoderPrompt(np.zeros((1, 2), np.float32), np.array([-1], np.int32))


@dataclass(frozen=True)
class Video:
    """
    A model and its reference after the same frames, every memory and pointer kept by both.

    :param tokens: the reference's memories, [T, Cm] each.
    """

    model: OnnxSam2Model
    reference: Reference
    images: list[UInt8Array]
    memories: list[Memory]
    pointers: list[ObjectPointer]
    tokens: list[Array]
    vectors: list[Array]

    def attended(
        self,
        rows: dict[int, int],
        ages: dict[int, int],
        reference_rows: dict[int, int] | None = None,
    ) -> tuple[Array, Array]:
        """
        Return conditioned features [T, C] of the model and of the reference for the last image.

        :param rows: the temporal row of each remembered frame.
        :param ages: the age of each frame's pointer.
        :param reference_rows: other rows for the reference.
        """
        found = self.model.attend_memory(
            self.model.encode_image(self.images[-1]),
            [AttendedMemory(self.memories[index], row) for index, row in rows.items()],
            [AttendedPointer(self.pointers[index], age) for index, age in ages.items()],
        )
        expected = self.reference.attend(
            self.images[-1],
            [(self.tokens[index], row) for index, row in (reference_rows or rows).items()],
            [(self.vectors[index], age) for index, age in ages.items()],
        )
        return cast(Array, found).reshape(CHANNELS, -1).T, expected


@pytest.fixture
def video(bundle: Path, form: Form) -> Video:
    """Remember as many frames as there are pointers, and look at one more."""
    model, reference = load_stages(ModelConfig(model=str(bundle))), Reference(form)
    video = Video(model, reference, [image(seed) for seed in range(POINTERS + 1)], [], [], [], [])
    for number, pixels in enumerate(video.images[:-1]):
        features = model.encode_image(pixels)
        found = model.decode_masks(features, None, BOX)
        is_prompted = number == 0
        score = found.object_score_logit
        memory = model.encode_memory(
            features, found.memory_masks[0], score, is_prompted=is_prompted
        )
        expected = reference.decode(pixels, None, BOX.points, BOX.labels)
        tokens = reference.remembered(
            pixels, expected['masks'][0], expected['score'].item(), is_prompted
        )
        video.memories.append(memory)
        video.pointers.append(found.pointers[0])
        video.tokens.append(tokens)
        video.vectors.append(expected['pointers'][0])
    return video


def bank(filled: int, pointers: int) -> tuple[dict[int, int], dict[int, int]]:
    """Return rows and ages of plain SAM 2: the first frame, then the newest first."""
    newest = POINTERS - 1
    rows = {0: SLOTS - 1} | {newest - age + 1: age - 1 for age in range(1, filled)}
    ages = {0: POINTERS} | {newest - age + 1: age for age in range(1, pointers)}
    return rows, ages


def test_the_spec_is_what_files_and_graphs_say(bundle: Path, form: Form) -> None:
    """Nothing of it is a constant of the code."""
    spec = load_stages(ModelConfig(model=str(bundle))).spec
    assert spec == ModelSpec(
        name='tiny',
        family=form.family,
        precision='fp32',
        image_size_px=IMAGE,
        mask_size_px=FINE,
        memory_mask_size_px=form.memory_mask_side,
        memory_slots=SLOTS,
        max_object_pointers=POINTERS,
        mean=spec.mean,
        std=spec.std,
        providers=('CPUExecutionProvider',),
    )
    assert spec.mean == pytest.approx(MEAN)
    assert spec.std == pytest.approx(STD)


@pytest.mark.parametrize('prompt', [BOX, NO_POINT], ids=['box', 'no point'])
def test_decoding_without_memory(bundle: Path, form: Form, prompt: DecoderPrompt) -> None:
    """Normalisation, encoder and decoder as the reference computes them."""
    model = load_stages(ModelConfig(model=str(bundle)))
    found = model.decode_masks(model.encode_image(image(1)), None, prompt)
    expected = Reference(form).decode(image(1), None, prompt.points, prompt.labels)
    np.testing.assert_allclose(found.mask_logits, expected['masks'], atol=TOLERANCE)
    np.testing.assert_allclose(found.predicted_iou, expected['iou'], atol=TOLERANCE)
    np.testing.assert_allclose(cast(Any, found.pointers), expected['pointers'], atol=TOLERANCE)
    assert found.object_score_logit == pytest.approx(expected['score'].item(), abs=TOLERANCE)
    assert found.mask_logits.shape == (form.candidates, FINE, FINE)
    assert len(found.pointers) == len(found.memory_masks) == form.candidates


def test_decoding_with_conditioned_features(video: Video) -> None:
    """What attention gives replaces the features of a frame without memory."""
    conditioned, expected_features = video.attended(*bank(SLOTS, POINTERS))
    feature_map = np.ascontiguousarray(conditioned.T, np.float32).reshape(1, -1, COARSE, COARSE)
    features = video.model.encode_image(video.images[-1])
    found = video.model.decode_masks(features, feature_map, NO_POINT)
    expected = video.reference.decode(
        video.images[-1], expected_features, NO_POINT.points, NO_POINT.labels
    )
    np.testing.assert_allclose(found.mask_logits, expected['masks'], atol=TOLERANCE)


@pytest.mark.parametrize('pointers', range(1, POINTERS + 1))
@pytest.mark.parametrize('filled', range(1, SLOTS + 1))
def test_attention_is_exact_however_full_the_bank_is(
    video: Video, filled: int, pointers: int
) -> None:
    """The fixed graph gives what attention over only the existing tokens gives."""
    found, expected = video.attended(*bank(filled, pointers))
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_a_wrong_temporal_row_is_seen(video: Video) -> None:
    """The comparison above would notice exchanged rows."""
    rows, ages = bank(SLOTS, POINTERS)
    reversed_rows = dict(zip(rows, reversed(rows.values()), strict=True))
    found, expected = video.attended(rows, ages, reversed_rows)
    assert np.abs(found - expected).max() > VISIBLE


def test_a_wrong_pointer_age_is_seen(video: Video, form: Form) -> None:
    """Pointers in another order than their ages; EfficientTAM does not look at ages."""
    rows, ages = bank(SLOTS, POINTERS)
    found, _ = video.attended(rows, ages)
    _, expected = video.attended(rows, dict(zip(ages, reversed(ages.values()), strict=True)))
    assert (np.abs(found - expected).max() > VISIBLE) != form.is_efficienttam


@pytest.mark.parametrize('score', [1.5, -1.5], ids=['visible', 'absent'])
@pytest.mark.parametrize('is_prompted', [True, False], ids=['binary', 'soft'])
def test_encoding_memory(video: Video, score: float, is_prompted: bool) -> None:
    """Mask, score and prompt reach the memory; another target's score is another memory."""
    pixels = video.images[1]
    features = video.model.encode_image(pixels)
    found = video.model.decode_masks(features, None, BOX)
    memory = video.model.encode_memory(
        features, found.memory_masks[0], score, is_prompted=is_prompted
    )
    mask = video.reference.decode(pixels, None, BOX.points, BOX.labels)['masks'][0]
    tokens = video.reference.remembered(pixels, mask, score, is_prompted)
    video.memories[0], video.tokens[0] = memory, tokens
    result, expected = video.attended({0: SLOTS - 1}, {0: 1})
    np.testing.assert_allclose(result, expected, atol=TOLERANCE)


def test_the_operators_own_mask_can_be_remembered(video: Video, form: Form) -> None:
    """The memory encoder takes logits of its size from elsewhere."""
    side = form.memory_mask_side
    logits = np.where(np.arange(side * side) % 3 == 0, 10.0, -10.0).astype(np.float32)
    features = video.model.encode_image(video.images[0])
    plain = np.full((side, side), -10.0, np.float32)
    for number, mask in enumerate((logits.reshape(side, side), plain)):
        video.memories[number] = video.model.encode_memory(features, mask, 5.0, is_prompted=True)
    one, _ = video.attended({0: SLOTS - 1}, {0: 1})
    other, _ = video.attended({1: SLOTS - 1}, {0: 1})
    assert np.abs(one - other).max() > VISIBLE


def test_memories_of_the_published_model_are_rounded(published: Path) -> None:
    """Upstream stores bfloat16; the same bundle with float32 memories gives another result."""
    model = load_stages(ModelConfig(model=str(published)))
    reference = Reference(PUBLISHED)
    features = model.encode_image(image(2))
    found = model.decode_masks(features, None, BOX)
    memory = model.encode_memory(features, found.memory_masks[0], 1.0, is_prompted=True)
    conditioned = model.attend_memory(
        features, [AttendedMemory(memory, SLOTS - 1)], [AttendedPointer(found.pointers[0], 1)]
    )
    expected = reference.decode(image(2), None, BOX.points, BOX.labels)
    tokens = reference.memory(image(2), expected['masks'][0], 1.0, True)
    errors = []
    for kept in (rounded_to_bfloat16(tokens), tokens):
        attended = reference.attend(image(2), [(kept, SLOTS - 1)], [(expected['pointers'][0], 1)])
        errors.append(np.abs(cast(Array, conditioned).reshape(CHANNELS, -1).T - attended).max())
    assert errors[0] < errors[1] / 10.0
