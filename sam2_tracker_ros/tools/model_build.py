# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`sam2-tracker models build`: do once, offline, what the first start would take its time for."""

import argparse
import json
import sys
import time
from typing import Any

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.errors import ConfigError, ModelError
from sam2_tracker_ros.inference import load_model
from sam2_tracker_ros.inference.build_cache import kept_build
from sam2_tracker_ros.inference.build_entry import Entry
from sam2_tracker_ros.inference.bundle import bundle_folder, read_bundle
from sam2_tracker_ros.inference.fused_graphs import RECIPE
from sam2_tracker_ros.inference.precision import MIN_MASK_IOU
from sam2_tracker_ros.inference.sessions import runtime_from_config
from sam2_tracker_ros.tools.settings import add_set_option, config_of


def add_to(actions: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add the action and its options."""
    text = 'build graphs and engines of a model for this machine, so that it starts fast'
    parser = actions.add_parser('build', help=text, description=f'{text.capitalize()}.')
    parser.add_argument('name', metavar='NAME', help='name of a bundle or path of its folder')
    add_set_option(parser)
    parser.add_argument(
        '--json', action='store_true', default=argparse.SUPPRESS, help='write the result as JSON'
    )


def run(options: argparse.Namespace) -> int:
    """Build what is not there yet, load it again, and say what is kept."""
    config = config_of(options.name, options.settings).model
    if config.execution != 'fused' or config.memory_padding != 'exact':
        message = (
            f'execution is {config.execution} and memory_padding {config.memory_padding}, for '
            'which nothing is built; expected fused and exact'
        )
        raise ConfigError(message)
    first_s = _load_s(config)
    entry = _kept(config)
    report = _report(entry, first_s, _load_s(config))
    if options.json:
        print(json.dumps(report))
    else:
        _print(report)
    return 0


def _load_s(config: ModelConfig) -> float:
    start_s = time.monotonic()
    load_model(config, lambda text: print(text, file=sys.stderr, flush=True))
    return time.monotonic() - start_s


def _kept(config: ModelConfig) -> Entry:
    runtime = runtime_from_config(config)
    entry = kept_build(read_bundle(bundle_folder(config.model)), runtime, RECIPE)
    if entry is None:
        message = (
            f'nothing is kept in {runtime.cache_folder}; expected a folder with room that can be '
            'written: free some, or set cache_folder'
        )
        raise ModelError(message)
    return entry


def _report(entry: Entry, first_s: float, again_s: float) -> dict[str, Any]:
    return {
        'folder': str(entry.folder),
        'size_bytes': sum(size for size, _ in entry.files.values()),
        'key': entry.key,
        'mask_iou': entry.mask_iou,
        'min_mask_iou': MIN_MASK_IOU,
        'build_s': entry.build_s,
        'load_s': {'first': first_s, 'again': again_s},
    }


def _print(report: dict[str, Any]) -> None:
    key = report['key']
    iou = report['mask_iou']
    compared = 'needs no comparison' if iou is None else f'{iou:.4f}, at least {MIN_MASK_IOU}'
    device = ', '.join(value for value in key['device'].values() if value)
    print(
        f'kept: {report["folder"]}, {report["size_bytes"] / 1e6:.1f} MB\n'
        f'model: {key["model"]}, recipe {key["recipe"]}\n'
        f'runs on: {", ".join(key["providers"])}, ONNX Runtime {key["onnxruntime"]}\n'
        f'device: {device}\n'
        f'precision: {key["precision"]}; IoU of the worst mask with fp32: {compared}\n'
        f'times: built in {report["build_s"]:.2f} s, loaded in '
        f'{report["load_s"]["first"]:.2f} s, now in {report["load_s"]["again"]:.2f} s'
    )
