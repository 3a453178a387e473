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

from export.small_export import (  # noqa: E402
    CHANNELS,
    GRID,
    MEMORY_CHANNELS,
    NO_MASK,
    POINTERS,
    SLOTS,
    TOLERANCE,
    block_image,
    chosen,
    decode,
    pixels_of,
    prompt_of,
)
from references.small_efficienttam import small_efficienttam  # noqa: E402
from references.stored import SIZE_PX  # noqa: E402

from sam2_tracker_ros.core.config import ModelConfig  # noqa: E402
from sam2_tracker_ros.core.model import AttendedMemory, AttendedPointer  # noqa: E402
from sam2_tracker_ros.core.types import Float32Array, UInt8Array  # noqa: E402
from sam2_tracker_ros.errors import ModelError  # noqa: E402
from sam2_tracker_ros.export.efficienttam import (  # noqa: E402
    efficienttam_export,
    load_efficienttam,
    memory_attention,
)
from sam2_tracker_ros.export.seeded import object_score_bias, randomise  # noqa: E402
from sam2_tracker_ros.export.writer import write_bundle  # noqa: E402
from sam2_tracker_ros.inference import OnnxSam2Model, load_model  # noqa: E402
from sam2_tracker_ros.inference.memory_input import FrameMemory  # noqa: E402
from sam2_tracker_ros.inference.sessions import GraphSession, runtime_from_config  # noqa: E402

PLAIN, POOLED = 'efficienttam_ti', 'efficienttam_ti_2'
TOKENS = GRID * GRID
# Labels of prompts, and whether upstream then chooses among three masks.
PROMPTS = {
    'nothing': ([-1], True),
    'point': ([1], True),
    'box': ([2, 3], False),
    'box and points': ([2, 3, 1, 0], False),
}


@pytest.fixture(scope='module', autouse=True)
def _few_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def seeded_model(configuration: str = PLAIN) -> Any:
    model = small_efficienttam(configuration)
    randomise(model, seed=1)
    return model


def exported(model: Any, folder: Path, memory: str = 'dynamic') -> OnnxSam2Model:
    write_bundle(efficienttam_export(model, 'small', {}, memory=memory), folder)
    return load_model(ModelConfig(model=str(folder), inference_threads=1))


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


@pytest.fixture(
    scope='module',
    params=[(kind, memory) for kind in (PLAIN, POOLED) for memory in ('dynamic', 'static')],
    ids='-'.join,
)
def attending(
    request: pytest.FixtureRequest,
    originals: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Any, OnnxSam2Model]:
    kind, memory = request.param
    folder = tmp_path_factory.mktemp('bundle')
    return originals[kind], exported(originals[kind], folder, memory)


@pytest.mark.parametrize('memories', [1, 2, 4, SLOTS])
def test_memory_is_attended_as_by_upstream(
    attending: tuple[Any, OnnxSam2Model], image: UInt8Array, memories: int
) -> None:
    original, model = attending
    features = model.encode_image(image)
    current, places = encoded_by(original, pixels_of(model, image))
    for pointers in range(1, POINTERS + 1):
        rng = np.random.default_rng(100 * memories + pointers)
        blocks = [
            FrameMemory(*rng.normal(size=(2, TOKENS, 1, MEMORY_CHANNELS)).astype(np.float32))
            for _ in range(memories)
        ]
        rows = [SLOTS - 1, *range(memories - 1)]
        vectors = rng.normal(size=(pointers, CHANNELS)).astype(np.float32)
        found = model.attend_memory(
            features,
            [AttendedMemory(block, row) for block, row in zip(blocks, rows, strict=True)],
            [AttendedPointer(vector, age) for age, vector in enumerate(vectors, start=1)],
        )
        tokens = torch.from_numpy(vectors).reshape(-1, 1, MEMORY_CHANNELS)
        positions = [
            torch.from_numpy(block.positions) + original.maskmem_tpos_enc[row]
            for block, row in zip(blocks, rows, strict=True)
        ]
        with torch.no_grad():
            expected = original.memory_attention(
                curr=current[-1],
                curr_pos=places[-1],
                memory=torch.cat([*(torch.from_numpy(b.tokens) for b in blocks), tokens]),
                memory_pos=torch.cat([*positions, torch.zeros_like(tokens)]),
                num_obj_ptr_tokens=len(tokens),
            )
        flat = expected.permute(1, 2, 0).reshape(1, CHANNELS, GRID, GRID)
        np.testing.assert_allclose(cast(Float32Array, found), flat, atol=TOLERANCE)


def test_pooled_memory_is_another_function(originals: dict[str, Any]) -> None:
    """From the second memory on; that of one frame is attended as it is."""
    pooled = originals[POOLED]
    plain = seeded_model(PLAIN)
    plain.load_state_dict(pooled.state_dict())
    generator = torch.Generator().manual_seed(3)
    state, places = torch.randn(2, TOKENS, 1, CHANNELS, generator=generator)
    for memories, is_same in ((1, True), (2, False)):
        shape = (2, memories * TOKENS + 2, 1, MEMORY_CHANNELS)
        memory, positions = torch.randn(shape, generator=generator)
        with torch.no_grad():
            one, other = (
                memory_attention(model)(state, places, memory, positions)
                for model in (plain, pooled)
            )
        assert ((one - other).abs().max() < TOLERANCE) == is_same


@pytest.mark.parametrize('pattern', ['self attention', 'repeated angles', 'no rotated keys'])
def test_rotation_is_that_of_complex_numbers(originals: dict[str, Any], pattern: str) -> None:
    from efficient_track_anything.modeling.position_encoding import (  # noqa: PLC0415
        apply_rotary_enc,
    )

    attention = memory_attention(originals[PLAIN])
    angles = originals[PLAIN].memory_attention.layers[0].self_attn.freqs_cis
    generator = torch.Generator().manual_seed(4)
    keys = {'self attention': TOKENS, 'repeated angles': 3 * TOKENS, 'no rotated keys': 0}[pattern]
    query, key, pointers = (
        torch.randn(count, CHANNELS, generator=generator) for count in (TOKENS, keys, 5)
    )
    expected_query, expected_key = apply_rotary_enc(
        query[None, None], key[None, None], angles, repeat_freqs_k=keys > TOKENS
    )
    torch.testing.assert_close(attention.rotated(query), expected_query[0, 0])
    found = attention.rotated_memory(torch.cat((key, pointers)))
    torch.testing.assert_close(found, torch.cat((expected_key[0, 0], pointers)))


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


@pytest.mark.parametrize('kind', [PLAIN, POOLED])
def test_verification_compares_with_upstreams_attention(kind: str, tmp_path: Path) -> None:
    """Not with our own form of it, which is what was traced."""
    export = efficienttam_export(seeded_model(kind), 'small', {})
    with torch.no_grad():
        for graph in export.graphs:
            if graph.stage == 'memory_attention':
                graph.module.cosine.mul_(1.01)
    with pytest.raises(ModelError, match='memory_attention conditioned_feats is off by'):
        write_bundle(export, tmp_path)


@pytest.mark.parametrize(
    ('configuration', 'size_px'), [('efficienttam_ti_512x512', None), (PLAIN, 256), (POOLED, 512)]
)
def test_parts_are_as_large_as_published(configuration: str, size_px: int | None) -> None:
    model = load_efficienttam(configuration, None, size_px)
    assert model.image_size == (size_px or 512)
    assert model.sam_mask_decoder.dynamic_multimask_via_stability
    assert model.binarize_mask_from_pts_for_mem_enc
    parts = ('image_encoder', 'memory_attention', 'sam_mask_decoder', 'memory_encoder')
    counted = [sum(p.numel() for p in getattr(model, part).parameters()) for part in parts]
    assert [round(count / 1e6, 2) for count in counted] == [6.16, 5.92, 4.19, 1.38]


def test_parameters_are_counted_by_module(originals: dict[str, Any]) -> None:
    model = originals[PLAIN]
    counted = efficienttam_export(model, 'small', {}).parameters
    assert counted['total'] == sum(values.numel() for values in model.parameters())
    decoder = sum(values.numel() for values in model.sam_mask_decoder.parameters())
    assert counted['mask_decoder'] == decoder
    assert list(counted) == [
        'image_encoder',
        'memory_attention',
        'mask_decoder',
        'memory_encoder',
        'total',
    ]


def test_checkpoint_is_loaded(tmp_path: Path) -> None:
    model = load_efficienttam(PLAIN, None, 256)
    randomise(model, seed=3)
    path = tmp_path / 'efficienttam_ti.pt'
    torch.save({'model': model.state_dict()}, path)
    loaded = load_efficienttam(PLAIN, path, 256)
    assert not loaded.training
    for name, values in model.state_dict().items():
        assert torch.equal(values, loaded.state_dict()[name]), name


def test_wrong_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / 'other.pt'
    with pytest.raises(ModelError, match=r'other\.pt does not exist; expected a checkpoint'):
        load_efficienttam(PLAIN, path)
    torch.save({'model': {'other': torch.zeros(1)}}, path)
    with pytest.raises(ModelError, match=r'cannot be built .*expected one of efficienttam_ti'):
        load_efficienttam(PLAIN, path)


def test_unknown_configuration_is_refused() -> None:
    with pytest.raises(ModelError, match="'nano' is no EfficientTAM; expected efficienttam_ti"):
        load_efficienttam('nano', None)
    with pytest.raises(ModelError, match=r'efficienttam_huge .*expected one of efficienttam_ti'):
        load_efficienttam('efficienttam_huge', None)


def test_other_pooling_is_refused() -> None:
    model = load_efficienttam('efficienttam_ti_1', None, 256)
    with pytest.raises(ModelError, match=r'is a EfficientRoPEAttention1; expected RoPEAttention'):
        efficienttam_export(model, 'small', {})


@pytest.mark.parametrize(('kind', 'size_px'), [(PLAIN, 250), (POOLED, 272)])
def test_size_that_cells_do_not_fit_is_refused(kind: str, size_px: int) -> None:
    with pytest.raises(ModelError, match=f'the image size is {size_px}; expected a multiple of'):
        memory_attention(load_efficienttam(kind, None, size_px))
