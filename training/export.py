# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Export a checkpoint as the five ONNX graphs of a bundle, checked against PyTorch."""

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from sam2_tracker_ros.export.graph import ModelExport, parameter_count
from sam2_tracker_ros.export.verification import Verification
from sam2_tracker_ros.export.writer import write_bundle
from training.checkpoint import inference_checkpoint, load_model, save_checkpoint
from training.graphs import graphs_of
from training.model import Nano
from training.synthesis import MEAN_RGB, STD_RGB


def export_bundle(model: Nano, folder: Path, facts: dict[str, Any]) -> Verification:
    """
    Write graphs, constants and manifest; replace the bundle's files only when all is well.

    :param model: the network in evaluation mode.
    :param folder: the bundle.
    :param facts: figures about the training, for the manifest.
    :return: how far the graphs are from PyTorch.
    """
    stages = {name: parameter_count(module) for name, module in model.named_children()}
    export = ModelExport(
        name='nano',
        family='sam2',
        graphs=graphs_of(model),
        constants=_constants(model),
        source={'library': 'training', 'license': 'Apache-2.0', **facts},
        parameters=stages | {'total': parameter_count(model)},
    )
    return write_bundle(export, folder)


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
    }
    if arguments.figures is not None:
        facts['figures'] = json.loads(arguments.figures.read_text())
    verification = export_bundle(model, arguments.out, facts)
    content = inference_checkpoint(model.config, model.state_dict(), progress)
    save_checkpoint(arguments.out / 'checkpoint.pt', content)
    print(f'{verification.table()}\n{arguments.out}: five graphs, {facts}')


if __name__ == '__main__':
    main()
