# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`sam2-tracker parity`: a bundle against its PyTorch original, or against another bundle."""

import argparse
from importlib import import_module
import json
from pathlib import Path
from typing import Any

from tqdm import tqdm

from sam2_tracker_ros.core.config import ModelConfig, settings_info
from sam2_tracker_ros.core.model import Sam2Model
from sam2_tracker_ros.errors import ModelError, Sam2TrackerError
from sam2_tracker_ros.inference import load_model
from sam2_tracker_ros.parity.bundles import agree_on, agree_on_scenario, agreement_table
from sam2_tracker_ros.parity.clip import scenarios, seeded_clip
from sam2_tracker_ros.parity.comparison import Bounds, TargetComparison, compare, table
from sam2_tracker_ros.parity.plots import draw_masks, draw_series
from sam2_tracker_ros.parity.runs import track
from sam2_tracker_ros.replay.clip_formats import recorded_clips
from sam2_tracker_ros.replay.whole_file import whole_file
from sam2_tracker_ros.tools.arguments import positive_count

_SCENARIOS = ('box', 'point', 'two', 'correction')
_WITHOUT_CORRECTION = _SCENARIOS[:3]
_OVER_BOUNDS = 1


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of the verb."""
    parser.add_argument('bundle', metavar='BUNDLE', help='name of a bundle or its folder')
    other = parser.add_mutually_exclusive_group()
    other.add_argument(
        '--reference',
        metavar='SOURCE',
        help='what the bundle was exported from (default: what its manifest says)',
    )
    other.add_argument(
        '--against', metavar='BUNDLE2', help='compare with another bundle instead; needs no torch'
    )
    parser.add_argument(
        '--clips', type=Path, metavar='DIR', help='with --against: recorded clips to compare on'
    )
    parser.add_argument(
        '--frames', type=positive_count, default=24, metavar='N', help='length of the seeded clip'
    )
    parser.add_argument(
        '--prompt',
        choices=(*_SCENARIOS, 'all'),
        default='all',
        help='what is pointed at in the seeded clip (default: all, one after the other)',
    )
    parser.add_argument(
        '--memory-padding',
        choices=settings_info()['memory_padding'].choices,
        default=ModelConfig().memory_padding,
        help='what fills a memory that is not full (default: %(default)s)',
    )
    parser.add_argument('--json', type=Path, metavar='FILE', help='write every figure')
    parser.add_argument('--out', type=Path, metavar='DIR', help='draw plots and masks')


def run(options: argparse.Namespace) -> int:
    """Compare; 0 within the bounds, 1 not, or 0 for bundle against bundle."""
    if options.clips and not options.against:
        message = '--clips is for --against; the PyTorch reference runs on the seeded clip'
        raise Sam2TrackerError(message)
    if options.against and (options.out or options.prompt != 'all'):
        message = '--prompt and --out are for the PyTorch reference; leave them out with --against'
        raise Sam2TrackerError(message)
    report = _against_bundle(options) if options.against else _against_reference(options)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(options.json) as path:
            path.write_text(json.dumps(report, indent=1) + '\n', encoding='utf-8')
    return 0 if report.get('is_within', True) else _OVER_BOUNDS


def _against_bundle(options: argparse.Namespace) -> dict[str, Any]:
    models = (_load(options, options.bundle), _load(options, options.against))
    if options.clips is None:
        frames = seeded_clip(models[0].spec.image_size_px, options.frames)
        rows = [agree_on_scenario(models, scenarios(frames)['box'])]
    else:
        rows = []
        for clip in tqdm(recorded_clips(options.clips), unit='clip', disable=None):
            rows.append(agree_on(models, clip.name, clip.frames(), clip.start, clip.truth))
    print(agreement_table(rows))
    return {
        'bundle': options.bundle,
        'against': options.against,
        'clips': [row.as_dict() for row in rows],
    }


def _against_reference(options: argparse.Namespace) -> dict[str, Any]:
    model = _load(options, options.bundle)
    reference = _reference_module().open_reference(options.bundle, options.reference)
    by_name = scenarios(seeded_clip(model.spec.image_size_px, options.frames))
    names = [options.prompt]
    if options.prompt == 'all':
        names = list(_SCENARIOS if reference.corrects else _WITHOUT_CORRECTION)
    rows: list[tuple[str, tuple[TargetComparison, ...]]] = []
    for name in tqdm(names, unit='prompt', disable=None):
        ours, theirs = track(model, by_name[name]), reference.run(by_name[name])
        rows.append((name, compare(ours, theirs)))
        if options.out:
            draw_masks(options.out / f'masks_{name}.png', by_name[name], ours, theirs)
    bounds = Bounds()
    print(table(rows, bounds))
    if options.out:
        draw_series(options.out / 'frames.png', rows, bounds)
    stages = reference.check_stages(_config(options, options.bundle), by_name[names[0]])
    print(stages.table())
    largest, mean = reference.preprocessing_difference(by_name[names[0]])
    print(f'model image of 1280 x 720: largest difference {largest:.0f}, mean {mean:.3f} of 255')
    is_within = all(target.is_within(bounds) for _, targets in rows for target in targets)
    is_within = is_within and stages.worst < bounds.max_stage_error
    return {
        'bundle': options.bundle,
        'memory_padding': options.memory_padding,
        'is_within': is_within,
        'runs': {name: [target.as_dict() for target in targets] for name, targets in rows},
        'stages': stages.as_dict(),
        'preprocessing': {'max_abs': largest, 'mean_abs': mean},
    }


def _load(options: argparse.Namespace, bundle: str) -> Sam2Model:
    return load_model(_config(options, bundle))


def _config(options: argparse.Namespace, bundle: str) -> ModelConfig:
    return ModelConfig(model=bundle, memory_padding=options.memory_padding)


def _reference_module() -> Any:
    """Import what needs PyTorch; the rest of the verb does without."""
    try:
        return import_module('sam2_tracker_ros.parity.reference')
    except ModuleNotFoundError as error:
        message = (
            f'the reference needs the package {error.name}, which is missing: pip install '
            "'sam2_tracker_ros[export]'; or compare two bundles with --against"
        )
        raise ModelError(message) from error
