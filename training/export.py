# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Export a checkpoint as the five ONNX graphs of a bundle, checked against PyTorch."""

import argparse
import hashlib
import json
from pathlib import Path
import tempfile
from typing import Any
import warnings

import numpy as np
import onnxruntime
import torch

from training.checkpoint import inference_checkpoint, load_model, save_checkpoint
from training.graphs import Graph, Stage, contract
from training.model import Nano
from training.synthesis import MEAN_RGB, STD_RGB

MAX_ERROR = 1e-4
OPSET = 17


class ExportError(RuntimeError):
    """A graph that must not be shipped."""


def export_bundle(model: Nano, folder: Path, facts: dict[str, Any]) -> None:
    """
    Write graphs, constants and manifest; replace the bundle's files only when all is well.

    :param model: the network in evaluation mode.
    :param folder: the bundle.
    :param facts: figures about the training, for the manifest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        scratch = Path(name)
        graphs = {
            graph_name: _export_graph(model, graph, scratch / f'{graph_name}.onnx')
            for graph_name, graph in contract(model.config).items()
        }
        constants = scratch / 'constants.json'
        constants.write_text(json.dumps(_constants(model), indent=1) + '\n')
        manifest = {
            'format': 1,
            'name': 'nano',
            'family': 'sam2',
            'precision': 'fp32',
            'license': 'Apache-2.0',
            'graphs': graphs,
            'constants': constants.name,
            'constants_sha256': _sha256(constants),
            'training': facts,
        }
        (scratch / 'manifest.json').write_text(json.dumps(manifest, indent=1) + '\n')
        for file in sorted(scratch.iterdir()):
            file.replace(folder / file.name)


def _export_graph(model: Nano, graph: Graph, path: Path) -> dict[str, Any]:
    """
    Write one graph and compare it with PyTorch.

    :param model: the network.
    :param graph: what to write.
    :param path: destination.
    :return: the graph's entry in the manifest.
    """
    stage = Stage(model, graph.body).eval()
    inputs = tuple(graph.inputs.values())
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # sizes become constants on purpose; `_compare` decides
        torch.onnx.export(
            stage,
            inputs,
            str(path),
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            dynamic_axes=graph.dynamic,
            opset_version=OPSET,
            dynamo=False,
        )
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    _compare(stage, graph, session, path)
    return {
        'file': path.name,
        'sha256': _sha256(path),
        'inputs': {value.name: _dims(value.shape) for value in session.get_inputs()},
        'outputs': {value.name: _dims(value.shape) for value in session.get_outputs()},
    }


def _compare(
    stage: Stage, graph: Graph, session: onnxruntime.InferenceSession, path: Path
) -> None:
    """
    Refuse a graph that computes something else than PyTorch.

    :param stage: the stage in PyTorch.
    :param graph: example inputs.
    :param session: the graph in ONNX Runtime.
    :param path: for the message.
    """
    declared = {value.name for value in session.get_inputs()}
    if declared != set(graph.inputs):
        raise ExportError(f'{path.name}: inputs are {sorted(declared)}; an input went unused')
    with torch.no_grad():
        expected = stage(*graph.inputs.values())
    expected = expected if isinstance(expected, tuple) else (expected,)
    computed = session.run(None, {name: value.numpy() for name, value in graph.inputs.items()})
    for name, wanted, found in zip(graph.outputs, expected, computed, strict=True):
        worst = float(np.abs(wanted.numpy() - found).max())
        if wanted.shape != found.shape or not worst < MAX_ERROR:
            raise ExportError(f'{path.name}: output {name} is off by {worst:.1e}; do not ship it')


def _dims(shape: list[Any]) -> list[int]:
    """
    Write free axes as -1.

    :param shape: as ONNX Runtime declares it.
    :return: integers.
    """
    return [size if isinstance(size, int) else -1 for size in shape]


def _constants(model: Nano) -> dict[str, Any]:
    """
    Collect what the caller needs besides the graphs.

    :param model: the network.
    :return: content of constants.json.
    """
    config = model.config
    return {
        'image_size_px': config.image_size_px,
        'feature_stride': config.feature_stride,
        'mask_stride': config.mask_stride,
        'mean': list(MEAN_RGB),
        'std': list(STD_RGB),
        'memory_slots': config.memory_slots,
        'max_object_pointers': config.max_object_pointers,
        'pointer_horizon_frames': config.pointer_horizon_frames,
        'temporal_table': model.temporal_table.detach().tolist(),
        'candidates': 1,
        'hidden_channels': config.hidden_channels,
        'memory_channels': config.memory_channels,
        'pointer_tokens': 1,
    }


def _sha256(path: Path) -> str:
    """
    Digest a file.

    :param path: the file.
    :return: hexadecimal digest.
    """
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    """Parse the command line and export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--checkpoint', type=Path, default=Path('build/training/average.pt'))
    parser.add_argument('--out', type=Path, default=Path('resource/nano'), help='the bundle')
    parser.add_argument('--image-size', type=int, help='image side in pixels, a multiple of 16')
    parser.add_argument('--figures', type=Path, help='JSON from training.evaluate to record')
    arguments = parser.parse_args()
    torch.manual_seed(0)
    model, progress = load_model(arguments.checkpoint, arguments.image_size)
    facts: dict[str, Any] = {
        'steps': progress['step'],
        'clips': progress['clips'],
        'cpu_hours': round(progress['cpu_s'] / 3600, 2),
        'parameters': sum(value.numel() for value in model.parameters()),
    }
    if arguments.figures is not None:
        facts['figures'] = json.loads(arguments.figures.read_text())
    export_bundle(model, arguments.out, facts)
    content = inference_checkpoint(model.config, model.state_dict(), progress)
    save_checkpoint(arguments.out / 'checkpoint.pt', content)
    print(f'{arguments.out}: five graphs, {facts}')


if __name__ == '__main__':
    main()
