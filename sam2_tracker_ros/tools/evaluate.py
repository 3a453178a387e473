# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`sam2-tracker evaluate`: trackers on clips with truth, side by side."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
import json
from multiprocessing import get_context
import os
from pathlib import Path
from typing import TypeAlias

from tqdm import tqdm

from sam2_tracker_ros.core.config import settings_info
from sam2_tracker_ros.errors import ConfigError, Sam2TrackerError
from sam2_tracker_ros.evaluation.contenders import BASELINES, Baseline, Contender, Ours
from sam2_tracker_ros.evaluation.pictures import draw_plot, draw_sheet
from sam2_tracker_ros.evaluation.runs import ClipRun, run_clip
from sam2_tracker_ros.evaluation.scenes import Clip, SceneClip
from sam2_tracker_ros.evaluation.tables import accuracy_table, loss_table, summarize
from sam2_tracker_ros.inference import load_model
from sam2_tracker_ros.replay.clip_formats import recorded_clips
from sam2_tracker_ros.replay.interruption import GentleStop, children_deaf_to_ctrl_c
from sam2_tracker_ros.replay.measuring import machine
from sam2_tracker_ros.replay.whole_file import whole_file
from sam2_tracker_ros.tools.arguments import count, positive_count
from sam2_tracker_ros.tools.settings import add_set_option, config_of

_Task: TypeAlias = tuple[Contender, Clip]


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of the verb."""
    selectors = settings_info()['memory_selection'].choices
    parser.add_argument(
        'clips',
        type=Path,
        nargs='?',
        metavar='CLIPS_DIR',
        help='folder of clips, or one clip: ours, LaSOT, OTB, UAV123 or DAVIS',
    )
    parser.add_argument(
        '--models', type=_names, default=('nano',), metavar='M,...', help='bundles (default: nano)'
    )
    parser.add_argument(
        '--selectors',
        type=_names,
        default=selectors,
        metavar='S,...',
        help=f'values of memory_selection (default: {",".join(selectors)})',
    )
    parser.add_argument(
        '--trackers',
        type=_names,
        default=(),
        metavar='T,...',
        help=f"OpenCV's trackers to compare with: {','.join(BASELINES)}",
    )
    parser.add_argument(
        '--scenes', type=count, default=0, metavar='N', help='so many synthetic clips as well'
    )
    parser.add_argument(
        '--jobs', type=positive_count, default=1, metavar='N', help='processes (default: 1)'
    )
    parser.add_argument(
        '--out', type=Path, metavar='DIR', help='draw a contact sheet and a plot for each clip'
    )
    parser.add_argument('--json', type=Path, metavar='FILE', help='write every figure')
    add_set_option(parser)


def run(options: argparse.Namespace) -> int:
    """Run every tracker on every clip, and print the tables."""
    clips: list[Clip] = list(recorded_clips(options.clips)) if options.clips else []
    clips += [SceneClip(seed) for seed in range(options.scenes)]
    if not clips:
        message = 'there is nothing to run on; give a folder of clips, or --scenes N'
        raise Sam2TrackerError(message)
    contenders = _contenders(options)
    runs = _run_all([(contender, clip) for clip in clips for contender in contenders], options)
    figures = [run.figures for run in runs]
    summaries = [
        summarize(contender.name, [row for row in figures if row.contender == contender.name])
        for contender in contenders
    ]
    print(accuracy_table(figures, summaries))
    print(f'\n{loss_table(summaries)}')
    if options.out:
        _draw(options.out, runs)
    if options.json:
        report = {
            'machine': machine(),
            'summaries': [asdict(summary) for summary in summaries],
            'runs': [run.as_dict() for run in runs],
        }
        options.json.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(options.json) as path:
            path.write_text(json.dumps(report) + '\n', encoding='utf-8')
    return 0


def _contenders(options: argparse.Namespace) -> list[Contender]:
    """Return what is compared; everything that cannot run is refused before anything runs."""
    contenders: list[Contender] = []
    settings = list(options.settings)
    if options.jobs > 1:
        cores = len(os.sched_getaffinity(0))
        settings.insert(0, f'inference_threads={max(cores // options.jobs, 1)}')
    for model in options.models:
        for selector in options.selectors:
            config = config_of(model, [*settings, f'memory_selection={selector}'])
            contenders.append(Ours(f'{Path(model).name} {selector}', config, load_model))
    for name in options.trackers:
        if name not in BASELINES:
            message = f'unknown tracker {name!r}; expected some of {",".join(BASELINES)}'
            raise ConfigError(message)
        contenders.append(Baseline(name))
    for contender in contenders:
        contender.begin()
    return contenders


def _run_all(tasks: Sequence[_Task], options: argparse.Namespace) -> list[ClipRun]:
    bar = tqdm(total=len(tasks), unit='run', disable=None)
    runs = []
    with bar:
        for run in _results(tasks, options.jobs):
            runs.append(run)
            bar.update()
    return runs


def _results(tasks: Sequence[_Task], jobs: int) -> Iterator[ClipRun]:
    """Give the results in the order of the tasks."""
    if jobs == 1:
        yield from map(_run_task, tasks)
        return
    # A pool that is interrupted while it is made would leave processes behind.
    with GentleStop() as stop, children_deaf_to_ctrl_c():
        pool = get_context('spawn').Pool(jobs)
    with pool:
        stop.check()
        yield from pool.imap(_run_task, tasks)


def _run_task(task: _Task) -> ClipRun:
    contender, clip = task
    return run_clip(contender, clip)


def _draw(folder: Path, runs: Sequence[ClipRun]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    by_clip: dict[str, dict[str, ClipRun]] = {}
    for run in runs:
        by_clip.setdefault(run.figures.clip, {})[run.figures.contender] = run
    for clip, by_name in by_clip.items():
        cells = {name: run.cells for name, run in by_name.items()}
        draw_sheet(folder / f'{clip}_sheet.jpg', cells)
        rows = {name: run.rows for name, run in by_name.items()}
        rate_hz = next(iter(by_name.values())).rate_hz
        draw_plot(folder / f'{clip}_plot.png', rows, rate_hz)


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(',') if part.strip())
