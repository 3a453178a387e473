# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The kinds of run of `sam2-tracker benchmark`: from options to results."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from sam2_tracker_ros.benchmarking import growth, matrix, plots, tables
from sam2_tracker_ros.benchmarking.clips import Clip, drone_clip, open_clip
from sam2_tracker_ros.benchmarking.contenders import (
    BOX_TRACKERS,
    CARD_SETTINGS,
    BoxContender,
    Contender,
    OriginalContender,
    TrackerContender,
)
from sam2_tracker_ros.benchmarking.growth import Progress
from sam2_tracker_ros.benchmarking.interleaved import Plan, compare
from sam2_tracker_ros.benchmarking.modules import ModulesContender
from sam2_tracker_ros.benchmarking.operators import profile
from sam2_tracker_ros.benchmarking.steps import TimedTracker, timings_ms
from sam2_tracker_ros.core.config import Config, config_from_flat_dict
from sam2_tracker_ros.core.plain_sam2 import PLAIN_SAM2
from sam2_tracker_ros.errors import ConfigError, Sam2TrackerError
from sam2_tracker_ros.inference import load_model
from sam2_tracker_ros.replay.measuring import resident_mib
from sam2_tracker_ros.replay.whole_file import whole_file
from sam2_tracker_ros.tools.settings import config_of

_OPERATORS_SHOWN = 8
_ORIGINALS = ('pytorch', 'compiled')


def measure_steps(options: argparse.Namespace) -> dict[str, Any]:
    """Time one tracker, by stage."""
    config = _config(options)
    model = load_model(config.model)
    tracker = TimedTracker(model, config, drone_clip())
    tracker.advance(options.warm_up)
    steps = [tracker.step() for _ in tqdm(range(options.frames), unit='frame', disable=None)]
    timings = timings_ms(steps)
    print(tables.stage_table(timings))
    return {
        'model': model.spec.name,
        'providers': model.spec.providers,
        'warm_up_frames': options.warm_up,
        'step_ms': timings,
        'last_state': steps[-1].result.targets[0].state.name,
        'resident_mib': resident_mib(),
    }


def measure_operators(options: argparse.Namespace) -> dict[str, Any]:
    """Say which operators the time goes to."""
    config = _config(options)
    found = profile(config, _clip(options, config), options.warm_up, options.frames)
    for graph, spent in found.items():
        total = sum(spent.values())
        print(f'{graph}: {total:.2f} ms')
        for name, value in list(spent.items())[:_OPERATORS_SHOWN]:
            print(f'  {name:24} {value:9.3f} ms {value / total:5.0%}')
    return found


def compare_contenders(options: argparse.Namespace) -> dict[str, Any]:
    """Run contenders in turns."""
    variants = dict(_variant(text) for text in options.variant)
    names = [name for name in options.compare.split(',') if name]
    names += [name for name in variants if name not in names]
    is_plain = options.plain or any(name in _ORIGINALS for name in names)
    contenders = [
        TrackerContender(name, _config(options, variants[name], is_plain=is_plain))
        if name in variants
        else _contender(name, options, is_plain=is_plain)
        for name in names
    ]
    with _status() as show:
        done = compare(contenders, _clip(options, _config(options)), _plan(options), show)
    results = done.as_dict()
    print(f'{tables.heading(results)}\n{tables.comparison_table(results)}')
    if options.out:
        name = options.label or Path(options.model).name
        plots.draw_comparison(options.out / f'compare {name}.png', results)
    return results


def measure_matrix(options: argparse.Namespace) -> dict[str, Any]:
    """Run all combinations of the axes, bundle by bundle; a bundle that cannot run is told."""
    axes = matrix.parse_axes(options.axis)
    base = _config(options, is_plain=True)
    results: dict[str, Any] = {}
    sections = []
    for bundle in options.bundle or [options.model]:
        config = replace(base, model=replace(base.model, model=bundle))
        name = Path(bundle).name
        contenders = matrix.contenders(config, options.matrix, axes, options.reference)
        try:
            with _status() as show:
                done = compare(contenders, _clip(options, config), _plan(options), show)
        except Sam2TrackerError as error:
            results[name] = {'problem': str(error)}
            sections.append(f'## {name}\n\n{error}\n')
            continue
        results[name] = done.as_dict()
        matrix.add_modules_ratios(results[name])
        table = tables.comparison_table(results[name])
        sections.append(f'## {name}\n\n{tables.heading(results[name])}\n\n{table}\n')
    print('\n'.join(sections))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        file = options.out / f'{options.label or options.matrix}.md'
        with whole_file(file) as path:
            path.write_text('\n'.join(sections), encoding='utf-8')
    return {'provider': options.matrix, 'axes': axes, 'bundles': results}


def measure_growth(options: argparse.Namespace) -> dict[str, Any]:
    """Measure and draw over frames, targets, camera and model images."""
    config = _config(options)
    whole = replace(config, tracker=replace(config.tracker, min_target_size_px=0.0))
    model = load_model(config.model)
    folder = options.out or Path()
    with _status() as show:
        # First, while nothing else has been in memory.
        frames = growth.over_frames(
            model, config, options.growth_frames, options.frames, on_progress=show
        )
        show('camera images')
        cameras = growth.over_resolution(model, config, options.frames)
        show('targets')
        by_targets = {
            'a window for each target': growth.over_targets(model, config, options.frames),
            'the whole image': growth.over_targets(model, whole, options.frames),
        }
    plots.draw_frames(folder / 'frames.png', frames)
    plots.draw_costs(folder / 'targets.png', by_targets, 'targets')
    plots.draw_costs(
        folder / 'resolution.png', {'camera image, 16:9': cameras}, 'width of the camera image'
    )
    results: dict[str, Any] = {
        'frames': frames.as_dict(),
        'targets': {name: growth.as_json(costs) for name, costs in by_targets.items()},
        'camera_width_px': growth.as_json(cameras),
    }
    if options.bundle:
        models = [
            model,
            *(load_model(_with_bundle(config, name).model) for name in options.bundle),
        ]
        sizes = growth.over_model_size(models, config, options.frames)
        plots.draw_costs(folder / 'model_size.png', {'720p': sizes}, 'side of the model image')
        results['model_image_px'] = growth.as_json(sizes)
    print(tables.growth_table(results))
    return results


def _contender(name: str, options: argparse.Namespace, *, is_plain: bool) -> Contender:
    config = _config(options, is_plain=is_plain)
    if name == 'ours':
        return TrackerContender(name, config)
    if name == 'card':
        return TrackerContender(
            name, config_from_flat_dict({**config.as_flat_dict(), **CARD_SETTINGS})
        )
    if name == 'modules':
        return ModulesContender(name, config)
    if name in _ORIGINALS:
        return OriginalContender(
            name=name,
            bundle=options.model,
            source=options.reference,
            device=options.device,
            is_compiled=name == 'compiled',
            threads=config.model.inference_threads,
        )
    if name in BOX_TRACKERS:
        return BoxContender(name)
    known = ('ours', 'card', 'modules', *_ORIGINALS, *BOX_TRACKERS)
    message = (
        f'{name!r} is not a contender; expected {", ".join(known)}, or the name of a --variant'
    )
    raise ConfigError(message)


def _variant(text: str) -> tuple[str, list[str]]:
    """Read NAME:SETTING=VALUE[:SETTING=VALUE...]."""
    name, *settings = text.split(':')
    if not name or not settings:
        message = f'--variant is {text!r}; expected NAME:SETTING=VALUE[:SETTING=VALUE...]'
        raise ConfigError(message)
    return name, settings


def _config(
    options: argparse.Namespace, settings: Sequence[str] = (), *, is_plain: bool = False
) -> Config:
    """Return defaults, or plain SAM 2, with what the options and `settings` change of them."""
    texts = [*options.settings, *settings]
    given = config_of(options.model, texts).as_flat_dict()
    base = PLAIN_SAM2 if is_plain or options.plain else Config()
    changed = {name: given[name] for name in ('model', *(t.partition('=')[0] for t in texts))}
    return config_from_flat_dict({**base.as_flat_dict(), **changed})


def _with_bundle(config: Config, bundle: str) -> Config:
    return replace(config, model=replace(config.model, model=bundle))


def _clip(options: argparse.Namespace, config: Config) -> Clip:
    if options.clip == 'drone':
        return drone_clip()
    spec = load_model(replace(config.model, providers=('cpu',), execution='modular')).spec
    return open_clip(options.clip, spec.image_size_px)


def _plan(options: argparse.Namespace) -> Plan:
    return Plan(options.warm_up, options.frames, opens_twice=True)


@contextmanager
def _status() -> Iterator[Progress]:
    """Give a function that shows what is being done, on a line of its own."""
    with tqdm(bar_format='{desc} {elapsed}', disable=None) as line:
        yield line.set_description_str
