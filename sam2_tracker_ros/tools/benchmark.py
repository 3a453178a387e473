# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`sam2-tracker benchmark`: what a model costs on this machine, by stage, and over many frames."""

import argparse
from dataclasses import asdict
import json
from pathlib import Path

from tqdm import tqdm

from sam2_tracker_ros.core.config import Config, ModelConfig
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import Frame, PixelFormat, Prompt
from sam2_tracker_ros.errors import Sam2TrackerError
from sam2_tracker_ros.inference import load_model
from sam2_tracker_ros.replay.measuring import (
    MemoryCurve,
    machine,
    measure_memory,
    measure_steps,
    resident_mib,
)
from sam2_tracker_ros.testing.drone_scene import DroneScene
from sam2_tracker_ros.testing.scenes import SceneFrame
from sam2_tracker_ros.tools.arguments import count, positive_count

WARM_UP_FRAMES = 20


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of the verb."""
    parser.add_argument('--model', default='nano', help='bundle name or folder (nano)')
    parser.add_argument(
        '--frames', type=positive_count, default=300, help='timed frames of the 720p scene (300)'
    )
    parser.add_argument(
        '--memory-frames',
        type=count,
        default=10_000,
        help='frames over which the resident memory is watched; 0 for none (10000)',
    )
    parser.add_argument('--json', type=Path, help='write the results to this file')


def run(options: argparse.Namespace) -> int:
    """Measure, print a table, write the file."""
    config = Config(model=ModelConfig(model=options.model))
    model = load_model(config.model)
    scene = DroneScene()
    frame_count = min(options.frames + WARM_UP_FRAMES, scene.frame_count)
    first = scene.frame(0)
    prompt = Prompt(box=first.box)
    rendered = (_as_frame(scene.frame(index)) for index in range(frame_count))
    timings, last = measure_steps(
        Tracker(model, config),
        tqdm(rendered, total=frame_count, desc='time', unit='frame'),
        prompt,
        WARM_UP_FRAMES,
    )
    report: dict[str, object] = {
        'machine': machine(),
        'model': {'name': model.spec.name, 'providers': model.spec.providers},
        'image_px': scene.size_px,
        'step_ms': timings,
        'last_state': last.targets[0].state.name,
        'resident_mib': resident_mib(),
    }
    _print_table(timings)
    if options.memory_frames:
        curve = _watch_memory(Tracker(model, config), scene, prompt, options.memory_frames)
        report['memory'] = asdict(curve)
        print(
            f'memory: {curve.resident_mib[0]:.1f} MiB at the start, '
            f'{curve.resident_mib[-1]:.1f} MiB after {options.memory_frames} frames, '
            f'slope {curve.slope_mib:+.3f} MiB for 1,000 frames'
        )
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(report, indent=1) + '\n', encoding='utf-8')
        print(f'written: {options.json}')
    return 0


def _watch_memory(
    tracker: Tracker, scene: DroneScene, prompt: Prompt, frame_count: int
) -> MemoryCurve:
    """Step over the start of the scene, forwards and backwards, so that the target stays."""
    frames = [_as_frame(scene.frame(index)) for index in range(60)]
    path = [*frames, *frames[-2:0:-1]]
    period_ns = frames[1].stamp_ns - frames[0].stamp_ns
    progress = tqdm(total=frame_count, desc='memory', unit='frame')

    def step(index: int) -> None:
        frame = path[index % len(path)]
        tracker.step(
            Frame(frame.pixels, index * period_ns, frame.pixel_format),
            (prompt,) if index == 0 else (),
        )
        progress.update()

    curve = measure_memory(step, frame_count)
    progress.close()
    if not tracker.target_ids:
        message = 'the target was not accepted; the memory was measured without one'
        raise Sam2TrackerError(message)
    return curve


def _as_frame(scene_frame: SceneFrame) -> Frame:
    return Frame(scene_frame.image, scene_frame.stamp_ns, PixelFormat.BGR)


def _print_table(timings: dict[str, dict[str, float]]) -> None:
    print(f'{"stage":10} {"p50":>8} {"p95":>8} {"p99":>8}  ms')
    for name, values in timings.items():
        print(f'{name:10} {values["p50"]:8.2f} {values["p95"]:8.2f} {values["p99"]:8.2f}')
