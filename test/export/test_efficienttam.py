# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Exported stages of a small EfficientTAM, as our model runs them, against upstream's own code."""

from collections.abc import Iterator
import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason="export needs torch: pip install '.[export]'")
pytest.importorskip(
    'efficient_track_anything', reason='EfficientTAM is not installed: see docs on exporting it'
)

from export.small_efficienttam_export import PLAIN, POOLED, TOKENS, exported, seeded_model  # noqa: E402
from export.small_export import (  # noqa: E402
    CHANNELS,
    GRID,
    MEMORY_CHANNELS,
    NO_MASK,
    POINTERS,
    PROMPTS,
    SLOTS,
    TOLERANCE,
    block_image,
    chosen,
    decode,
    pixels_of,
    prompt_of,
)
from references.stored import SIZE_PX  # noqa: E402

from sam2_tracker_ros.core.config import ModelConfig  # noqa: E402
from sam2_tracker_ros.core.types import UInt8Array  # noqa: E402
from sam2_tracker_ros.export.seeded import object_score_bias  # noqa: E402
from sam2_tracker_ros.inference import OnnxSam2Model  # noqa: E402
from sam2_tracker_ros.inference.memory_input import FrameMemory  # noqa: E402
from sam2_tracker_ros.inference.sessions import GraphSession, runtime_from_config  # noqa: E402


@pytest.fixture(scope='module', autouse=True)
def _few_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope='module')
def originals() -> dict[str, Any]:
    return {configuration: seeded_model(configuration) for configuration in (PLAIN, POOLED)}


@pytest.fixture(scope='module')
def image() -> UInt8Array:
    return block_image()


@pytest.fixture(scope='module')
def ours(originals: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> OnnxSam2Model:
    return exported(originals[PLAIN], tmp_path_factory.mktemp('bundle'))


@torch.no_grad()
def encoded_by(model: Any, pixels: Any) -> tuple[list[Any], list[Any]]:
    """Return upstream's features and positions of an image, each [T, 1, C]."""
    _, features, positions, _ = model._prepare_backbone_features(model.forward_image(pixels))
    return features, positions


@torch.no_grad()
def decoded_by(model: Any, pixels: Any, labels: list[int], *, several: bool) -> Any:
    """Return what upstream's loop has for a prompted frame: mask, IoUs, pointer, score."""
    features, _ = encoded_by(model, pixels)
    start = (features[-1] + model.no_mem_embed).permute(1, 2, 0).reshape(1, -1, GRID, GRID)
    prompt = prompt_of(labels)
    inputs = {
        'point_coords': torch.from_numpy(prompt.points)[None],
        'point_labels': torch.from_numpy(prompt.labels)[None],
    }
    _, _, ious, mask, _, pointer, score = model._forward_sam_heads(
        start, point_inputs=inputs, multimask_output=several
    )
    return mask, ious, pointer, score


def assert_same(found: Any, expected: Any) -> None:
    mask, iou, pointer = chosen(found)
    expected_mask, ious, expected_pointer, score = expected
    np.testing.assert_allclose(mask, expected_mask[0, 0], rtol=1e-5, atol=TOLERANCE)
    np.testing.assert_allclose(iou, ious.max(), atol=TOLERANCE)
    np.testing.assert_allclose(pointer, expected_pointer[0], atol=TOLERANCE)
    assert found.object_score_logit == pytest.approx(score.item(), abs=TOLERANCE)


@pytest.mark.parametrize('window', [3, 4], ids=['padded windows', 'windows that fit'])
def test_image_is_encoded_as_by_upstream(image: UInt8Array, tmp_path: Path, window: int) -> None:
    model = seeded_model()
    for block in model.image_encoder.trunk.blocks:
        block.window_size = min(block.window_size, window)  # 0 for attention to everything
    bundle = exported(model, tmp_path)
    pixels = pixels_of(bundle, image)
    features, positions = encoded_by(model, pixels)
    runtime = runtime_from_config(ModelConfig(providers=('cpu',)))
    found = GraphSession('vision_encoder', tmp_path / 'image_encoder.onnx', runtime).run(
        {'pixel_values': pixels.numpy()}
    )
    for name, expected in (
        ('feats2', features[-1]),
        ('feats2_no_mem', features[-1] + model.no_mem_embed.detach()),
        ('vision_pos_embed', positions[-1]),
    ):
        flat = expected.permute(1, 2, 0).reshape(1, -1, GRID, GRID)
        np.testing.assert_allclose(found[name], flat, atol=TOLERANCE, err_msg=name)
    # The table of positions is for another size: what is traced interpolates it.
    assert model.image_encoder.trunk.pos_embed.shape[1] > TOKENS + 1


@pytest.mark.parametrize('name', PROMPTS)
def test_prompt_is_decoded_as_by_upstream(
    ours: OnnxSam2Model, originals: dict[str, Any], image: UInt8Array, name: str
) -> None:
    labels, several = PROMPTS[name]
    model, pixels = originals[PLAIN], pixels_of(ours, image)
    expected = decoded_by(model, pixels, labels, several=several)
    found = decode(ours, image, prompt_of(labels))
    assert len(found.mask_logits) == 3
    assert_same(found, expected)
    # The other rule would choose another pointer: the test can tell them apart.
    other = decoded_by(model, pixels, labels, several=not several)
    assert (other[2] - expected[2]).abs().max() > 20 * TOLERANCE
    if several:
        np.testing.assert_allclose(found.predicted_iou, expected[1][0], atol=TOLERANCE)


@pytest.mark.parametrize('is_stable', [True, False])
def test_unstable_single_mask_falls_back_but_keeps_its_pointer(
    tmp_path: Path, image: UInt8Array, is_stable: bool
) -> None:
    model = seeded_model()
    # Logits of large or small magnitude: few or many pixels are near zero.
    with torch.no_grad():
        last = model.sam_mask_decoder.output_hypernetworks_mlps[0].layers[-1]
        for parameter in last.parameters():
            parameter.mul_(20.0 if is_stable else 0.5)
    bundle = exported(model, tmp_path)
    pixels, labels = pixels_of(bundle, image), [2, 3]
    expected = decoded_by(model, pixels, labels, several=False)
    assert_same(decode(bundle, image, prompt_of(labels)), expected)
    model.sam_mask_decoder.dynamic_multimask_via_stability = False
    single = decoded_by(model, pixels, labels, several=False)
    assert torch.equal(single[0], expected[0]) is is_stable
    assert torch.equal(single[2], expected[2])


@pytest.mark.parametrize('labels', [[2, 3], [1]])
def test_absent_object_has_no_mask_and_its_own_pointer(
    tmp_path: Path, image: UInt8Array, labels: list[int]
) -> None:
    model = seeded_model()
    with torch.no_grad():
        object_score_bias(model).fill_(-4.0)
    bundle = exported(model, tmp_path)
    found = decode(bundle, image, prompt_of(labels))
    assert found.object_score_logit < 0.0
    assert (found.mask_logits == NO_MASK).all()
    for pointer in found.pointers:
        np.testing.assert_array_equal(pointer, model.no_obj_ptr[0].detach())
    several = len(labels) == 1
    assert_same(found, decoded_by(model, pixels_of(bundle, image), labels, several=several))


@pytest.mark.parametrize('is_prompted', [True, False])
def test_memory_is_that_of_upstream(
    ours: OnnxSam2Model, originals: dict[str, Any], image: UInt8Array, is_prompted: bool
) -> None:
    model = originals[PLAIN]
    features = ours.encode_image(image)
    found = ours.decode_masks(features, None, prompt_of([2, 3]))
    mask = (found.mask_logits[0] * 8.0).round() / 8.0  # exact when it is enlarged
    encoded, _ = encoded_by(model, pixels_of(ours, image))
    large = torch.nn.functional.interpolate(
        torch.from_numpy(mask)[None, None], (SIZE_PX, SIZE_PX), mode='bilinear'
    )
    with torch.no_grad():
        tokens, positions = model._encode_new_memory(
            encoded, [(GRID, GRID)], large, torch.tensor([[1.0]]), is_mask_from_pts=is_prompted
        )
    for score in (1.0, -1.0):  # which has no effect: nothing marks the memory of an absence
        memory = ours.encode_memory(features, mask, score, is_prompted=is_prompted)
        assert isinstance(memory, FrameMemory)
        for values, expected, rtol in (
            (memory.tokens, tokens, 1 / 100),  # kept in bfloat16, 8 significant bits
            (memory.positions, positions[-1], 0.0),
        ):
            flat = expected.flatten(2).permute(2, 0, 1)
            np.testing.assert_allclose(values, flat, rtol=rtol, atol=TOLERANCE)


def test_prompted_and_tracked_memories_differ(ours: OnnxSam2Model, image: UInt8Array) -> None:
    features = ours.encode_image(image)
    mask = ours.decode_masks(features, None, prompt_of([2, 3])).memory_masks[0]
    one, other = (
        cast(FrameMemory, ours.encode_memory(features, mask, 1.0, is_prompted=flag)).tokens
        for flag in (True, False)
    )
    assert np.abs(one - other).max() > 0.05


def test_bundle_has_what_the_family_has(originals: dict[str, Any], tmp_path: Path) -> None:
    exported(originals[PLAIN], tmp_path, 'static')
    assert {path.name for path in tmp_path.iterdir()} == {
        *(f'{name}.onnx' for name in ('image_encoder', 'mask_decoder', 'memory_encoder')),
        'memory_attention.onnx',
        'constants.json',
        'manifest.json',
    }
    graphs = json.loads((tmp_path / 'manifest.json').read_text())['graphs']
    assert 'pointer_tpos' not in graphs
    assert 'object_score_logits' not in graphs['memory_encoder']['inputs']
    assert not {'feats0', 'feats1'} & set(graphs['mask_decoder']['inputs'])
    length = SLOTS * TOKENS + POINTERS * CHANNELS // MEMORY_CHANNELS
    assert graphs['memory_attention']['inputs']['memory_bias'] == [length]
