# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`sam2-tracker replay`: a recording through the tracker into a folder of results."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
import json
import math
from pathlib import Path
import shutil
from typing import Any

import numpy as np
from tqdm import tqdm

from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import (
    NANOSECONDS_PER_SECOND,
    Box,
    Frame,
    Point,
    Prompt,
    StepResult,
)
from sam2_tracker_ros.errors import PromptError, Sam2TrackerError, SourceError
from sam2_tracker_ros.inference import load_model
from sam2_tracker_ros.replay.bag_sink import BagSink
from sam2_tracker_ros.replay.bag_source import BagSource
from sam2_tracker_ros.replay.interruption import GentleStop
from sam2_tracker_ros.replay.json_sink import JsonLinesSink
from sam2_tracker_ros.replay.open_source import open_source
from sam2_tracker_ros.replay.runner import Summary, replay
from sam2_tracker_ros.replay.sink import ResultSink
from sam2_tracker_ros.replay.source import FrameSource
from sam2_tracker_ros.replay.timeline import Timeline
from sam2_tracker_ros.replay.video_sink import OverlayVideoSink
from sam2_tracker_ros.tools.arguments import count, positive_count
from sam2_tracker_ros.tools.settings import add_settings, config_of

_RESULTS = ('config.json', 'bag', 'results.jsonl', 'timeline.png', 'overlay.mp4')


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of the verb."""
    parser.add_argument(
        'input',
        type=Path,
        metavar='INPUT',
        help='a ROS 2 bag (its folder, .db3 or .mcap), a video file or a folder of images',
    )
    prompt = parser.add_mutually_exclusive_group(required=True)
    prompt.add_argument('--box', metavar='X,Y,W,H', help='box around the target [px]')
    prompt.add_argument('--point', metavar='X,Y', help='a point on the target [px]')
    parser.add_argument(
        '--prompt-frame',
        type=count,
        default=0,
        metavar='N',
        help='frame that box or point are for, counted from 0 (default: 0)',
    )
    parser.add_argument(
        '--out', type=Path, metavar='DIR', help='folder of the results (default: INPUT_tracked)'
    )
    parser.add_argument('--topic', default='', metavar='T', help='image topic of a bag')
    parser.add_argument(
        '--fps', type=_rate, metavar='F', help='frame rate of an image folder or a video'
    )
    parser.add_argument(
        '--max-frames', type=positive_count, metavar='N', help='stop after so many frames'
    )
    parser.add_argument('--json', action='store_true', help='write the summary as JSON')
    add_settings(parser)


def run(options: argparse.Namespace) -> int:
    """Track, and say what happened."""
    prompt = _prompt_of(options.box, options.point)
    config = config_of(options.model, options.settings)
    source = open_source(options.input, options.topic, options.fps)
    out = options.out or Path(f'{options.input.resolve().stem}_tracked')
    if out.resolve() == options.input.resolve():
        message = f'{out} is the input; choose another folder with --out'
        raise SourceError(message)
    with GentleStop() as stop:
        model = stop.call(load_model, config.model)
        steps = _Interruptible(Tracker(model, config), stop)
        with _replacing(out) as folder, ExitStack() as stack:
            _write_config(folder / 'config.json', options, config)
            sinks = _sinks(stack, folder, source)
            timeline = Timeline(folder / 'timeline.png')
            total = source.frame_count
            if options.max_frames is not None:
                total = min(total or options.max_frames, options.max_frames)
            bar = stack.enter_context(tqdm(total=total, unit='frame', disable=None))
            summary = replay(
                source,
                steps,
                {options.prompt_frame: [prompt]},
                [*sinks, timeline],
                max_frames=options.max_frames,
                progress=lambda _: bar.update(),
            )
            timeline.close()  # not after a signal: it takes too long
    report = _report(summary, out)
    print(json.dumps(report) if options.json else _as_text(report))
    return 0


class _Interruptible:
    """A tracker whose steps a signal does not wait for, so that what is written is whole."""

    def __init__(self, tracker: Tracker, stop: GentleStop) -> None:
        self._tracker = tracker
        self._stop = stop

    def step(self, frame: Frame, prompts: Sequence[Prompt] = ()) -> StepResult:
        """Do one step of the tracker."""
        return self._stop.call(self._tracker.step, frame, prompts)


@contextmanager
def _replacing(out: Path) -> Iterator[Path]:
    """
    Give a folder whose content takes the place of that in `out`, also when interrupted.

    A run that fails, by a rejected prompt for instance, leaves earlier results alone. One that is
    killed leaves its unfinished folder, which the next one removes.
    """
    folder = out.with_name(f'{out.name}.partial')
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    except (Sam2TrackerError, OSError):
        shutil.rmtree(folder)
        raise
    finally:
        if folder.exists():
            out.mkdir(exist_ok=True)
            for name in _RESULTS:
                old, new = out / name, folder / name
                if old.is_dir():
                    shutil.rmtree(old)
                else:
                    old.unlink(missing_ok=True)
                if new.exists():
                    new.replace(old)
            folder.rmdir()


def _sinks(stack: ExitStack, out: Path, source: FrameSource) -> Sequence[ResultSink]:
    """Open everything that is written; it is closed with the stack."""
    sinks: list[ResultSink] = []

    def add(sink: ResultSink) -> None:
        stack.callback(sink.close)
        sinks.append(sink)

    if isinstance(source, BagSource):
        add(BagSink(out / 'bag', is_mcap=source.is_mcap))
    add(JsonLinesSink(out / 'results.jsonl'))
    add(OverlayVideoSink(out / 'overlay.mp4', source.rate_hz))
    return sinks


def _write_config(path: Path, options: argparse.Namespace, config: Config) -> None:
    """Write what this run was asked to do, defaults included."""
    values = {
        'input': str(options.input),
        'topic': options.topic,
        'fps': options.fps,
        'box': options.box,
        'point': options.point,
        'prompt_frame': options.prompt_frame,
        'max_frames': options.max_frames,
        'settings': config.as_flat_dict(),
    }
    path.write_text(json.dumps(values, indent=2) + '\n', encoding='utf-8')


def _report(summary: Summary, out: Path) -> dict[str, Any]:
    """Return the summary as JSON has it."""
    start_ns = min((event.stamp_ns for event in summary.events), default=0)
    steps_ms = 1e3 * np.array(summary.steps_s or [math.nan])
    return {
        'frames': summary.frames,
        'rejected_frames': summary.rejected_frames,
        'states': {state.name: count for state, count in sorted(summary.states.items())},
        'events': [
            {
                'event': event.type.name,
                'target_id': event.target_id,
                'stamp_ns': event.stamp_ns,
                'after_s': round((event.stamp_ns - start_ns) / NANOSECONDS_PER_SECOND, 3),
                'reason': event.reason.name,
                'detail': event.detail,
            }
            for event in summary.events
        ],
        'step_ms_median': round(float(np.median(steps_ms)), 2),
        'step_ms_p95': round(float(np.percentile(steps_ms, 95)), 2),
        'out': str(out),
    }


def _as_text(report: dict[str, Any]) -> str:
    """Return the summary for people."""
    states = ', '.join(f'{name} {count}' for name, count in report['states'].items())
    lines = [
        f'frames    {report["frames"]}, {report["rejected_frames"]} rejected',
        f'states    {states}',
        f'step      median {report["step_ms_median"]} ms, p95 {report["step_ms_p95"]} ms',
    ]
    for event in report['events']:
        words = [f'{event["after_s"]:8.3f} s', event['event'], event['target_id']]
        words += [event['reason'] if event['reason'] != 'NONE' else '', event['detail']]
        lines.append('event  ' + ' '.join(word for word in words if word))
    lines.append(f'results   {report["out"]}')
    return '\n'.join(lines)


def _prompt_of(box: str | None, point: str | None) -> Prompt:
    """Read --box or --point."""
    if box is not None:
        x, y, width, height = _numbers('--box', box, 'X,Y,W,H')
        return Prompt(box=Box(x, y, x + width, y + height))
    x, y = _numbers('--point', point or '', 'X,Y')
    return Prompt(points=(Point(x, y),))


def _numbers(option: str, text: str, form: str) -> list[float]:
    try:
        values = [float(part) for part in text.split(',')]
    except ValueError:
        values = []
    if len(values) != form.count(',') + 1 or not all(map(math.isfinite, values)):
        message = f'{option} is {text!r}; expected {form} in pixels'
        raise PromptError(message)
    return values


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0.0 < rate <= 1000.0:
        message = f'{text!r} is not a frame rate above 0 and up to 1000'
        raise argparse.ArgumentTypeError(message)
    return rate
