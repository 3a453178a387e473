# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
What a step costs late, with more targets, and with more pixels.

What is compared takes turns in one process, frame by frame, with one model.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from sam2_tracker_ros.benchmarking.clips import Clip, crowd_clip, drone_clip
from sam2_tracker_ros.benchmarking.figures import median_ratio, slope_per_thousand
from sam2_tracker_ros.benchmarking.steps import (
    TimedStep,
    TimedTracker,
    in_turns,
    timings_ms,
)
from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.core.model import AnyModel
from sam2_tracker_ros.replay.measuring import resident_mib

TARGETS = (1, 2, 4, 8)
WIDTHS_PX = (640, 1280, 1920, 3840)
CHECKPOINTS = (1_000, 10_000)
_EARLY_FRAME = 100
# Of large camera images; 30 of them at 3840 x 2160 are 750 MB.
_FEW_FRAMES = 30
WARM_UP_FRAMES = 20
_SAMPLES = 100
# Memory is watched after this many frames: until then arenas and the bank fill.
_SETTLED_FRAMES = 200

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Late:
    """
    A tracker after many frames beside a fresh one at frame 100, in turns, on the same images.

    :param ratio: of their step times.
    """

    frame: int
    early_p50_ms: float
    late_p50_ms: float
    ratio: float


@dataclass(frozen=True)
class FrameGrowth:
    """
    Time and memory while frames go by.

    :param step_ms: median since the sample before, at each of `frames`.
    :param resident_mib: at each of `frames`.
    :param slope_mib: growth in MiB for every 1,000 frames, least squares over the second half.
    :param late: at each checkpoint.
    """

    frames: list[int]
    step_ms: list[float]
    resident_mib: list[float]
    slope_mib: float
    late: list[Late]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON has it."""
        return asdict(self)


@dataclass(frozen=True)
class Cost:
    """
    One size of the work.

    :param value: what was varied.
    :param timings_ms: percentiles by stage and of `step`.
    :param ratio: of the step to that of the first size.
    :param measured_share: of targets times frames.
    """

    value: int
    timings_ms: dict[str, dict[str, float]]
    ratio: float
    measured_share: float


def over_frames(
    model: AnyModel,
    config: Config,
    frame_count: int,
    turns: int,
    *,
    checkpoints: Sequence[int] = CHECKPOINTS,
    on_progress: Progress = lambda _: None,
) -> FrameGrowth:
    """
    Track for long.

    :param turns: frames that the late and the fresh tracker are given in turns.
    :param checkpoints: frames after which the two are compared.
    """
    clip = drone_clip()
    tracker = TimedTracker(model, config, clip)
    every = max(frame_count // _SAMPLES, 1)
    frames: list[int] = []
    step_ms: list[float] = []
    resident: list[float] = []
    late: list[Late] = []
    while tracker.index < frame_count:
        on_progress(f'frame {tracker.index} of {frame_count}')
        before = tracker.index
        count = min(every, frame_count - before)
        steps = [tracker.step() for _ in range(count)]
        frames.append(tracker.index)
        step_ms.append(_p50_ms(steps))
        resident.append(resident_mib())
        if any(before < checkpoint <= tracker.index for checkpoint in checkpoints):
            late.append(_late(model, config, clip, tracker, turns))
    settled = [number for number, frame in enumerate(frames) if frame >= _SETTLED_FRAMES]
    slope = float('nan')
    if len(settled) > 3:
        slope = slope_per_thousand(
            [frames[number] for number in settled], [resident[number] for number in settled]
        )
    return FrameGrowth(frames, step_ms, resident, slope, late)


def over_targets(
    model: AnyModel, config: Config, turns: int, counts: Sequence[int] = TARGETS
) -> list[Cost]:
    """Track 1, 2, 4 and 8 targets in the same images."""
    clip = crowd_clip()
    settings = replace(config.tracker, max_targets=max(counts))
    config = replace(config, tracker=settings)
    trackers = [TimedTracker(model, config, clip, count) for count in counts]
    return _costs(counts, trackers, turns)


def over_resolution(
    model: AnyModel, config: Config, turns: int, widths_px: Sequence[int] = WIDTHS_PX
) -> list[Cost]:
    """Track in camera images of several widths; the model image stays as it is."""
    clips = [drone_clip(width_px, _FEW_FRAMES) for width_px in widths_px]
    trackers = [TimedTracker(model, config, clip) for clip in clips]
    return _costs(widths_px, trackers, turns)


def over_model_size(models: Sequence[AnyModel], config: Config, turns: int) -> list[Cost]:
    """Track with several models, smallest image first."""
    ordered = sorted(models, key=lambda model: model.spec.image_size_px)
    clip = drone_clip()
    trackers = [TimedTracker(model, config, clip) for model in ordered]
    return _costs([model.spec.image_size_px for model in ordered], trackers, turns)


def as_json(costs: Sequence[Cost]) -> list[dict[str, Any]]:
    """Return costs as JSON has them."""
    return [asdict(cost) for cost in costs]


def _late(model: AnyModel, config: Config, clip: Clip, tracker: TimedTracker, turns: int) -> Late:
    """Compare with a tracker that is young, and begins with the same image."""
    frame = tracker.index
    period = 2 * (len(clip.images) - 1)
    fresh = TimedTracker(model, config, clip)
    fresh.advance(_EARLY_FRAME + (frame - _EARLY_FRAME) % period)
    early, late = in_turns([fresh, tracker], turns)
    ratio = median_ratio([step.step_s for step in late], [step.step_s for step in early])
    return Late(frame, _p50_ms(early), _p50_ms(late), ratio)


def _costs(values: Sequence[int], trackers: Sequence[TimedTracker], turns: int) -> list[Cost]:
    in_turns(trackers, WARM_UP_FRAMES)
    runs = in_turns(trackers, turns)
    base_s = [step.step_s for step in runs[0]]
    return [
        Cost(
            value=value,
            timings_ms=timings_ms(steps),
            ratio=median_ratio([step.step_s for step in steps], base_s),
            measured_share=_measured_share(steps),
        )
        for value, steps in zip(values, runs, strict=True)
    ]


def _measured_share(steps: Sequence[TimedStep]) -> float:
    measured = [target.measured for step in steps for target in step.result.targets]
    return float(np.mean(measured)) if measured else 0.0


def _p50_ms(steps: Sequence[TimedStep]) -> float:
    return 1000.0 * float(np.median([step.step_s for step in steps]))
