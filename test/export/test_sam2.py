# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Exported stages of a small SAM 2.1, as our model runs them, against the original's own loop."""

from collections.abc import Iterator
import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason="export needs torch: pip install '.[export]'")
pytest.importorskip('transformers', reason="export needs transformers: pip install '.[export]'")

from export.small_export import (  # noqa: E402
    CHANNELS,
    GRID,
    MEMORY_CHANNELS,
    NO_MASK,
    POINTERS,
    PROMPTS,
    SLOTS,
    TOLERANCE,
    assert_same,
    block_image,
    decode,
    decoded_by,
    exported,
    pixels_of,
    prompt_of,
    seeded_model,
)
from references.small_sam2 import SIZE_PX  # noqa: E402

from sam2_tracker_ros.core.model import (  # noqa: E402
    AttendedMemory,
    AttendedPointer,
)
from sam2_tracker_ros.core.types import Float32Array, UInt8Array  # noqa: E402
from sam2_tracker_ros.export.sam2 import sam2_export  # noqa: E402
from sam2_tracker_ros.export.seeded import score_layer  # noqa: E402
from sam2_tracker_ros.inference import OnnxSam2Model  # noqa: E402
from sam2_tracker_ros.inference.memory_input import FrameMemory  # noqa: E402


@pytest.fixture(scope='module', autouse=True)
def _few_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope='module')
def original() -> Any:
    return seeded_model()


@pytest.fixture(scope='module')
def image() -> UInt8Array:
    return block_image()


@pytest.fixture(scope='module', params=['dynamic', 'static'])
def ours(
    request: pytest.FixtureRequest, original: Any, tmp_path_factory: pytest.TempPathFactory
) -> OnnxSam2Model:
    return exported(original, tmp_path_factory.mktemp('bundle'), request.param)


@pytest.mark.parametrize('name', PROMPTS)
def test_prompt_is_decoded_as_by_the_original(
    ours: OnnxSam2Model, original: Any, image: UInt8Array, name: str
) -> None:
    labels, several = PROMPTS[name]
    prompt, pixels = prompt_of(labels), pixels_of(ours, image)
    expected = decoded_by(original, pixels, prompt, several=several)
    found = decode(ours, image, prompt)
    assert len(found.mask_logits) == 3
    assert_same(found, expected)
    # The other rule would choose another pointer: the test can tell them apart.
    other = decoded_by(original, pixels, prompt, several=not several)
    assert (other.object_pointer - expected.object_pointer).abs().max() > 20 * TOLERANCE
    if several:
        np.testing.assert_allclose(found.predicted_iou, expected.iou_scores[0, 0], atol=TOLERANCE)


@pytest.mark.parametrize('is_stable', [True, False])
def test_unstable_single_mask_falls_back_but_keeps_its_pointer(
    tmp_path: Path, image: UInt8Array, is_stable: bool
) -> None:
    model = seeded_model()
    # Logits of large magnitude: few pixels are near zero, so that the single mask is stable.
    with torch.no_grad():
        for parameter in model.mask_decoder.output_hypernetworks_mlps[0].proj_out.parameters():
            parameter.mul_(20.0 if is_stable else 1.0)
    bundle = exported(model, tmp_path)
    prompt = prompt_of([2, 3])
    pixels = pixels_of(bundle, image)
    expected = decoded_by(model, pixels, prompt, several=False)
    assert_same(decode(bundle, image, prompt), expected)
    model.mask_decoder.dynamic_multimask_via_stability = False
    single = decoded_by(model, pixels, prompt, several=False)
    assert torch.equal(single.pred_masks, expected.pred_masks) is is_stable
    assert torch.equal(single.object_pointer, expected.object_pointer)


@pytest.mark.parametrize('labels', [[2, 3], [1]])
def test_absent_object_has_no_mask_and_its_own_pointer(
    tmp_path: Path, original: Any, image: UInt8Array, labels: list[int]
) -> None:
    model = seeded_model()
    with torch.no_grad():
        score_layer(model).bias.fill_(-4.0)
    bundle = exported(model, tmp_path)
    prompt, several = prompt_of(labels), len(labels) == 1
    pixels = pixels_of(bundle, image)
    found = decode(bundle, image, prompt)
    assert found.object_score_logit < 0.0
    assert (found.mask_logits == NO_MASK).all()
    for pointer in found.pointers:
        np.testing.assert_array_equal(pointer, model.no_object_pointer[0].detach())
    assert_same(found, decoded_by(model, pixels, prompt, several=several))
    present = decoded_by(original, pixels, prompt, several=several)
    assert present.object_score_logits.item() > 0.0
    assert present.pred_masks.max() > NO_MASK


@pytest.mark.parametrize('is_prompted', [True, False])
@pytest.mark.parametrize('score', [2.0, -2.0])
def test_memory_is_that_of_the_original(
    ours: OnnxSam2Model, original: Any, image: UInt8Array, is_prompted: bool, score: float
) -> None:
    features = ours.encode_image(image)
    found = ours.decode_masks(features, None, prompt_of([2, 3]))
    mask = (found.mask_logits[0] * 8.0).round() / 8.0  # exact when it is enlarged
    memory = ours.encode_memory(features, mask, score, is_prompted=is_prompted)
    with torch.no_grad():
        encoded = original.get_image_features(pixels_of(ours, image), return_dict=True)
        large = torch.nn.functional.interpolate(
            torch.from_numpy(mask)[None, None], (SIZE_PX, SIZE_PX), mode='bilinear'
        )
        tokens, positions = original._encode_new_memory(
            encoded.fpn_hidden_states[-1],
            large,
            torch.tensor([[score]]),
            is_mask_from_pts=is_prompted,
        )
    assert isinstance(memory, FrameMemory)
    # The original keeps 8 significant bits: neighbours in bfloat16 are 1/128 apart.
    np.testing.assert_allclose(memory.tokens, tokens.float(), rtol=1 / 100, atol=TOLERANCE)
    np.testing.assert_allclose(memory.positions, positions.float(), atol=TOLERANCE)


def test_memories_of_all_cases_differ(ours: OnnxSam2Model, image: UInt8Array) -> None:
    features = ours.encode_image(image)
    mask = ours.decode_masks(features, None, prompt_of([2, 3])).memory_masks[0]
    tokens = [
        cast(FrameMemory, ours.encode_memory(features, mask, score, is_prompted=flag)).tokens
        for score in (2.0, -2.0)
        for flag in (True, False)
    ]
    for number, one in enumerate(tokens):
        for other in tokens[number + 1 :]:
            assert np.abs(one - other).max() > 0.05


@pytest.mark.parametrize(('memories', 'pointers'), [(1, 1), (2, 5), (SLOTS, 8), (SLOTS, POINTERS)])
def test_memory_is_attended_as_by_the_original(
    ours: OnnxSam2Model, original: Any, image: UInt8Array, memories: int, pointers: int
) -> None:
    rng = np.random.default_rng(memories)
    shape = (GRID * GRID, 1, MEMORY_CHANNELS)
    blocks = [
        FrameMemory(*rng.normal(size=(2, *shape)).astype(np.float32)) for _ in range(memories)
    ]
    rows = [SLOTS - 1, *range(memories - 1)]
    vectors = rng.normal(size=(pointers, CHANNELS)).astype(np.float32)
    ages = list(range(1, pointers + 1))
    features = ours.encode_image(image)
    found = ours.attend_memory(
        features,
        [AttendedMemory(block, row) for block, row in zip(blocks, rows, strict=True)],
        [AttendedPointer(vector, age) for vector, age in zip(vectors, ages, strict=True)],
    )
    with torch.no_grad():
        table = original.memory_temporal_positional_encoding
        encoded = original.get_image_features(pixels_of(ours, image), return_dict=True)
        tokens, places = original._process_object_pointers(
            ages, [torch.from_numpy(v)[None] for v in vectors], POINTERS, 1, CHANNELS, 'cpu'
        )
        expected = original.memory_attention(
            current_vision_features=encoded.fpn_hidden_states[-1],
            current_vision_position_embeddings=encoded.fpn_position_encoding[-1],
            memory=torch.cat([*(torch.from_numpy(b.tokens) for b in blocks), tokens]),
            memory_posision_embeddings=torch.cat(
                [
                    *(
                        torch.from_numpy(b.positions) + table[row]
                        for b, row in zip(blocks, rows, strict=True)
                    ),
                    places,
                ]
            ),
            num_object_pointer_tokens=len(tokens),
        )
    flat = expected.squeeze(1).transpose(1, 2).reshape(1, CHANNELS, GRID, GRID)
    np.testing.assert_allclose(cast(Float32Array, found), flat, atol=TOLERANCE)


def test_static_memory_has_one_length_and_a_bias(tmp_path: Path, original: Any) -> None:
    exported(original, tmp_path, 'static')
    declared = json.loads((tmp_path / 'manifest.json').read_text())['graphs']['memory_attention']
    length = SLOTS * GRID * GRID + POINTERS * CHANNELS // MEMORY_CHANNELS
    assert declared['inputs']['memory'] == [length, 1, MEMORY_CHANNELS]
    assert declared['inputs']['memory_bias'] == [length]


def test_parameters_are_counted_by_module(original: Any) -> None:
    counted = sam2_export(original, 'small', {}).parameters
    everything = sum(parameter.numel() for parameter in original.parameters())
    assert counted['total'] == everything
    encoder = sum(parameter.numel() for parameter in original.vision_encoder.parameters())
    assert counted['vision_encoder'] == encoder
    attention = sum(values.numel() for values in original.memory_attention.parameters())
    assert counted['memory_attention'] == attention
