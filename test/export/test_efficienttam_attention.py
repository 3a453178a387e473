# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Memory attention of a small EfficientTAM, plain and pooled, against upstream's own code."""

from collections.abc import Iterator
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
    POINTERS,
    SLOTS,
    TOLERANCE,
    block_image,
    pixels_of,
)

from sam2_tracker_ros.core.model import AttendedMemory, AttendedPointer  # noqa: E402
from sam2_tracker_ros.core.types import Float32Array, UInt8Array  # noqa: E402
from sam2_tracker_ros.errors import ModelError  # noqa: E402
from sam2_tracker_ros.export.efficienttam import (  # noqa: E402
    efficienttam_export,
    memory_attention,
)
from sam2_tracker_ros.export.writer import write_bundle  # noqa: E402
from sam2_tracker_ros.inference import OnnxSam2Model  # noqa: E402
from sam2_tracker_ros.inference.memory_input import FrameMemory  # noqa: E402


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


@torch.no_grad()
def encoded_by(model: Any, pixels: Any) -> tuple[list[Any], list[Any]]:
    """Return upstream's features and positions of an image, each [T, 1, C]."""
    _, features, positions, _ = model._prepare_backbone_features(model.forward_image(pixels))
    return features, positions


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
