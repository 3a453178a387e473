# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The published form of SAM 2.1: names and shapes of its card, and what it computes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

pytest.importorskip('torch', reason="export needs torch: pip install '.[export]'")
pytest.importorskip('transformers', reason="export needs transformers: pip install '.[export]'")

from export.small_export import (
    CHANNELS,
    GRID,
    MEMORY_CHANNELS,
    NO_MASK,
    POINTERS,
    SLOTS,
    assert_same,
    block_image,
    decode,
    decoded_by,
    pixels_of,
    prompt_of,
    seeded_model,
)
from references.small_sam2 import SIZE_PX

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.export.published import published_form
from sam2_tracker_ros.export.sam2 import sam2_export
from sam2_tracker_ros.export.writer import write_bundle
from sam2_tracker_ros.inference import load_stages

# The card of the published bundle: names in their order, and shapes; 0 for an axis of any size.
LENGTH = SLOTS * GRID * GRID + POINTERS * CHANNELS // MEMORY_CHANNELS
COARSE, MEMORY = [1, CHANNELS, GRID, GRID], [GRID * GRID, 1, MEMORY_CHANNELS]
FEATS0, FEATS1 = [1, 4, 4 * GRID, 4 * GRID], [1, 8, 2 * GRID, 2 * GRID]
CARD: dict[str, tuple[dict[str, list[int]], dict[str, list[int]]]] = {
    'vision_encoder': (
        {'pixel_values': [1, 3, SIZE_PX, SIZE_PX]},
        {
            'feats0': FEATS0,
            'feats1': FEATS1,
            'feats2': COARSE,
            'feats2_no_mem': COARSE,
            'vision_pos_embed': COARSE,
        },
    ),
    'mask_decoder': (
        {
            'feats0': FEATS0,
            'feats1': FEATS1,
            'feats2_cond': COARSE,
            'input_points': [1, 1, 0, 2],
            'input_labels': [1, 1, 0],
        },
        {
            'low_res_mask': [1, 1, 4 * GRID, 4 * GRID],
            'high_res_mask': [1, 1, SIZE_PX, SIZE_PX],
            'iou': [1, 1],
            'object_score_logits': [1, 1, 1],
            'object_pointer': [1, 1, CHANNELS],
        },
    ),
    'memory_encoder': (
        {
            'feats2': COARSE,
            'high_res_mask': [1, 1, SIZE_PX, SIZE_PX],
            'object_score_logits': [1, 1],
            'binarize': [],
        },
        {'memory_tokens': MEMORY, 'memory_pos': MEMORY},
    ),
    'memory_attention': (
        {
            'current_vision_features': [GRID * GRID, 1, CHANNELS],
            'current_vision_position_embeddings': [GRID * GRID, 1, CHANNELS],
            'memory': [LENGTH, 1, MEMORY_CHANNELS],
            'memory_pos': [LENGTH, 1, MEMORY_CHANNELS],
        },
        {'conditioned_feats': COARSE},
    ),
    'pointer_tpos': ({'normalized_diffs': [0]}, {'pointer_pos': [0, MEMORY_CHANNELS]}),
}


def shapes_of(items: Any) -> dict[str, list[int]]:
    return {
        item.name: [dim.dim_value for dim in item.type.tensor_type.shape.dim] for item in items
    }


def test_published_form_is_that_of_the_card(tmp_path: Path) -> None:
    original, image = seeded_model(), block_image()
    export = sam2_export(original, 'small', {}, memory='static')
    write_bundle(published_form(export, SIZE_PX), tmp_path)
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob('*') if path.is_file()}
    assert files == {'constants.json', *(f'onnx/{stage}.onnx' for stage in CARD)}
    for stage, (inputs, outputs) in CARD.items():
        graph = onnx.load(tmp_path / 'onnx' / f'{stage}.onnx').graph
        for found, expected in ((graph.input, inputs), (graph.output, outputs)):
            shapes = shapes_of(found)
            assert (list(shapes), shapes) == (list(expected), expected)
    constants = json.loads((tmp_path / 'constants.json').read_text())
    table = constants.pop('memory_temporal_positional_encoding')
    assert np.array(table).shape == (SLOTS, MEMORY_CHANNELS)
    assert constants == {
        'image_size': SIZE_PX,
        'feat_size': GRID,
        'mem_dim': MEMORY_CHANNELS,
        'num_maskmem': SLOTS,
        'max_object_pointers': POINTERS,
        'no_obj_score': NO_MASK,
        'image_mean': [0.485, 0.456, 0.406],
        'image_std': [0.229, 0.224, 0.225],
    }
    bundle = load_stages(ModelConfig(model=str(tmp_path), inference_threads=1))
    prompt = prompt_of([1])
    expected = decoded_by(original, pixels_of(bundle, image), prompt, several=True)
    assert_same(decode(bundle, image, prompt), expected)
