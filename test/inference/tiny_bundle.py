# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Write a tiny bundle, in each form."""

import hashlib
import json
from pathlib import Path
from typing import Any

from inference.tiny_form import IMAGE, MEAN, POINTERS, STD, Form, Weights, weights_of
from inference.tiny_graphs import (
    write_attention,
    write_decoder,
    write_encoder,
    write_memory_encoder,
    write_pointer_positions,
)
import onnx


def write_bundle(folder: Path, form: Form, weights: Weights | None = None) -> Path:
    """Write graphs, constants and, in our form, the manifest; with other weights if given."""
    weights = weights_of(form) if weights is None else weights
    graphs = folder / 'onnx' if form.is_published else folder
    write_encoder(graphs, form, weights)
    write_decoder(graphs, form, weights)
    write_memory_encoder(graphs, form, weights)
    write_attention(graphs, form, weights)
    if not form.is_efficienttam:
        write_pointer_positions(graphs, weights)
    table = weights['table'].tolist()
    constants: dict[str, Any] = {'image_size': IMAGE, 'image_mean': MEAN, 'image_std': STD}
    constants['memory_temporal_positional_encoding'] = table
    if not form.is_published:
        constants = {'mean': MEAN, 'std': STD, 'temporal_table': table}
        constants['max_object_pointers'] = POINTERS
        constants['pointer_horizon_frames'] = form.horizon_frames
    (folder / 'constants.json').write_text(json.dumps(constants))
    if not form.is_published:
        write_manifest(folder)
    return folder


def write_manifest(folder: Path) -> None:
    """Describe the files that are in the folder."""
    graphs = {}
    for path in sorted(folder.glob('*.onnx')):
        graph = onnx.load(path).graph
        graphs[path.stem] = {
            'file': path.name,
            'sha256': hashlib.sha256(path.read_bytes()).hexdigest(),
            'inputs': {item.name: _dims(item) for item in graph.input},
            'outputs': {item.name: _dims(item) for item in graph.output},
        }
    constants = (folder / 'constants.json').read_bytes()
    manifest = {
        'format': 1,
        'name': 'tiny',
        'family': 'sam2' if 'pointer_tpos' in graphs else 'efficienttam',
        'precision': 'fp32',
        'graphs': graphs,
        'constants': 'constants.json',
        'constants_sha256': hashlib.sha256(constants).hexdigest(),
    }
    (folder / 'manifest.json').write_text(json.dumps(manifest))


def _dims(item: onnx.ValueInfoProto) -> list[int]:
    return [dim.dim_value or -1 for dim in item.type.tensor_type.shape.dim]
