# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the export of SAM 2.1 verifies, and which models it refuses."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip('torch', reason="export needs torch: pip install '.[export]'")
pytest.importorskip('transformers', reason="export needs transformers: pip install '.[export]'")

from export.small_export import (  # noqa: E402
    CHANNELS,
    MEMORY_CHANNELS,
    PROMPTS,
    seeded_model,
)
from references.small_sam2 import small_sam2  # noqa: E402

from sam2_tracker_ros.errors import ModelError  # noqa: E402
from sam2_tracker_ros.export.sam2 import sam2_export  # noqa: E402
from sam2_tracker_ros.export.seeded import randomise, score_layer  # noqa: E402
from sam2_tracker_ros.export.writer import write_bundle  # noqa: E402


@pytest.fixture(scope='module', autouse=True)
def _few_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope='module')
def original() -> Any:
    return seeded_model()


def test_verification_sees_masks_and_every_kind_of_prompt(original: Any) -> None:
    decoder = next(
        graph
        for graph in sam2_export(original, 'small', {}).graphs
        if graph.stage == 'mask_decoder'
    )
    cases = (decoder.inputs, *decoder.more_inputs)
    with torch.no_grad():
        scores = [decoder.module(*inputs.values())[2].item() for inputs in cases]
    assert min(scores[: len(PROMPTS)]) > 0.0
    assert {tuple(inputs['input_labels'].flatten().tolist()) for inputs in cases} == {
        tuple(labels) for labels, _ in PROMPTS.values()
    }


def test_verification_looks_for_a_target_when_there_is_none(tmp_path: Path) -> None:
    """With a score that depends on the features, both sides of zero are found."""
    model = seeded_model()
    with torch.no_grad():
        layer = score_layer(model)
        layer.weight.mul_(1000.0)
        layer.bias.fill_(0.0)
    graphs = {graph.stage: graph for graph in sam2_export(model, 'small', {}).graphs}
    decoder = graphs['mask_decoder']
    with torch.no_grad():
        scores = [
            decoder.module(*inputs.values())[2].item()
            for inputs in (decoder.inputs, *decoder.more_inputs)
        ]
    assert min(scores[:-1]) >= 1.0
    assert scores[-1] <= -1.0


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        ({'image_size': 120}, 'the image size is 120; expected a multiple of 32'),
        ({'memory_attention_num_attention_heads': 2}, 'several heads; expected one'),
        ({'enable_occlusion_spatial_embedding': False}, r'expected a SAM 2\.1'),
        ({'enable_temporal_pos_encoding_for_object_pointers': False}, r'expected a SAM 2\.1'),
    ],
)
def test_other_models_are_refused(change: dict[str, Any], reason: str) -> None:
    model = small_sam2(CHANNELS, MEMORY_CHANNELS)
    for name, value in change.items():
        setattr(model.config, name, value)
    with pytest.raises(ModelError, match=reason):
        sam2_export(model, 'small', {})


def test_image_too_small_for_a_memory_of_any_length_is_refused(tmp_path: Path) -> None:
    """As many pointer tokens as tokens of a memory would be taken for another memory."""
    model = small_sam2(CHANNELS, CHANNELS // 4)
    randomise(model, seed=1)
    with pytest.raises(ModelError, match=r'128 pixels make 64 tokens of a memory.* 64;.*static'):
        sam2_export(model, 'small', {})
    write_bundle(sam2_export(model, 'small', {}, memory='static'), tmp_path)


def test_verification_compares_with_the_original_attention(tmp_path: Path) -> None:
    """Not with our own form of it, which is what was traced."""
    model = seeded_model()
    export = sam2_export(model, 'small', {})
    with torch.no_grad():
        for graph in export.graphs:
            if graph.stage == 'memory_attention':
                graph.module.cosine.mul_(1.01)
    with pytest.raises(ModelError, match='memory_attention conditioned_feats is off by'):
        write_bundle(export, tmp_path)


def test_unknown_memory_is_refused(original: Any) -> None:
    with pytest.raises(ModelError, match="memory is 'ring'; expected dynamic or static"):
        sam2_export(original, 'small', {}, memory='ring')
