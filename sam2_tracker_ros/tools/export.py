# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`sam2-tracker export`: a bundle from a PyTorch checkpoint."""

import argparse
from importlib import import_module
import json
from pathlib import Path
from typing import Any

from tqdm import tqdm

from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.tools.arguments import positive_count
from sam2_tracker_ros.tools.model_store import folder_of

# As export.writer has them, which only those who export can import.
PRECISIONS = ('fp32', 'fp16', 'bf16')
OPSETS = (17, 18, 19, 20)
_EXAMPLES = """
examples:
  sam2-tracker export facebook/sam2.1-hiera-tiny --image-size 512
  sam2-tracker export efficienttam_ti_512x512.pt
  sam2-tracker export efficienttam_ti_2.pt --image-size 512 --precision fp16
"""


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of the verb."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES
    parser.add_argument(
        'source',
        metavar='SOURCE',
        help='folder or hub id of a transformers SAM 2.1 video checkpoint, an EfficientTAM '
        'checkpoint (.pt), or seeded:NUMBER for random weights',
    )
    parser.add_argument(
        '--out',
        metavar='DIR',
        type=Path,
        help='folder of the bundle (default: a folder named after the model in the models '
        'folder, where it is found by name)',
    )
    parser.add_argument(
        '--architecture',
        metavar='NAME',
        help='sam2.1-hiera-tiny, or a configuration of EfficientTAM such as '
        'efficienttam_ti_512x512 (default: the name of the .pt file)',
    )
    parser.add_argument(
        '--image-size',
        metavar='PX',
        type=positive_count,
        help='side of the model image (default: that of the checkpoint); less is faster',
    )
    parser.add_argument('--precision', choices=PRECISIONS, default='fp32')
    parser.add_argument(
        '--memory',
        choices=('dynamic', 'static'),
        default='dynamic',
        help='memory attention over what is remembered, or over a full memory with a mask, for '
        'runtimes that want fixed shapes (default: dynamic)',
    )
    parser.add_argument(
        '--form',
        choices=('ours', 'published'),
        default='ours',
        help='published writes SAM 2.1 as the published 5-graph bundle, without manifest',
    )
    parser.add_argument(
        '--opset', type=int, choices=OPSETS, default=OPSETS[0], help='of ONNX (default: 17)'
    )
    parser.add_argument('--json', action='store_true', help='write what was verified as JSON')


def run(options: argparse.Namespace) -> int:
    """Export and verify."""
    try:
        export = import_module('sam2_tracker_ros.export.bundle_export')
    except ModuleNotFoundError as error:
        message = (
            f'the Python package {error.name} is missing, which export needs: '
            "pip install 'sam2_tracker_ros[export]'"
        )
        raise ModelError(message) from error
    architecture = options.architecture or _architecture_of(options.source)
    name = _name(options, architecture)
    folder = options.out or folder_of(name)
    with tqdm(total=5, unit='graph', disable=None, leave=False) as progress:

        def show(stage: str) -> None:
            progress.set_description(stage)
            progress.update()

        verification: Any = export.export_bundle(
            export.Source(options.source, architecture, options.image_size),
            name,
            folder,
            precision=options.precision,
            opset=options.opset,
            memory=options.memory,
            is_published=options.form == 'published',
            on_graph=show,
        )
    if options.json:
        print(json.dumps({'folder': str(folder), 'verification': verification.as_json()}))
        return 0
    print(verification.table())
    print(f'{name} is in {folder}')
    return 0


def _architecture_of(source: str) -> str:
    """Read it from a file name: upstream names its checkpoints after their configurations."""
    path = Path(source)
    return path.stem if path.suffix == '.pt' else ''


def _name(options: argparse.Namespace, architecture: str) -> str:
    """
    Return what the bundle is called, as its folder is.

    :raises ModelError: the source gives it no name.
    """
    if options.out is not None:
        return str(options.out.resolve().name)
    source = Path(options.source)
    known = source.resolve().name if source.is_dir() else options.source.split('/')[-1]
    base = (architecture or known).replace('_', '-').replace('512x512', '512')
    parts = [base.replace(':', '-')]
    if options.source.startswith('seeded:') and architecture:
        parts.append(options.source.replace(':', '-'))
    if options.image_size is not None:
        parts.append(str(options.image_size))
    parts += [
        chosen
        for chosen, usual in (
            (options.precision, 'fp32'),
            (options.memory, 'dynamic'),
            (options.form, 'ours'),
        )
        if chosen != usual
    ]
    name = '-'.join(parts)
    if name in {'', '.', '..'}:
        message = f'{options.source!r} gives the bundle no name; say where it is to be: --out DIR'
        raise ModelError(message)
    return name
