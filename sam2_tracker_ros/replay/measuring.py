# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the tracker costs on this machine: time by stage, memory over many frames."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import distributions, version
import os
from pathlib import Path
import platform
import time

import numpy as np

from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import Frame, Prompt, StageTimings, StepResult
from sam2_tracker_ros.errors import PromptError, SourceError

PERCENTILES = (50, 95, 99)
_PACKAGES = (
    'numpy',
    'onnxruntime',
    'onnxruntime-gpu',
    'opencv-python-headless',
    'opencv-contrib-python-headless',
    'filterpy',
)
_MEBIBYTE = 1024.0**2


@dataclass(frozen=True)
class MemoryCurve:
    """
    Resident memory while frames went by.

    :param slope_mib: growth in MiB for every 1,000 frames, least squares over the second half.
    """

    frames: list[int]
    resident_mib: list[float]
    slope_mib: float


def percentiles_ms(seconds: Sequence[float]) -> dict[str, float]:
    """Return p50, p95 and p99 in milliseconds, and how many values there were."""
    values = np.percentile(np.asarray(seconds) * 1000.0, PERCENTILES)
    named = zip((f'p{percent}' for percent in PERCENTILES), values.tolist(), strict=True)
    return {**dict(named), 'count': len(seconds)}


def measure_steps(
    tracker: Tracker, frames: Iterable[Frame], prompt: Prompt, warm_up: int
) -> tuple[dict[str, dict[str, float]], StepResult]:
    """
    Time Tracker.step, whole and by stage.

    :param prompt: of the first frame.
    :param warm_up: steps at the start that do not count: the bank fills, caches warm.
    :return: percentiles by stage name and for 'step', and the last result.
    :raises PromptError: the prompt was not accepted.
    :raises SourceError: no frame is left after warming up.
    """
    whole: list[float] = []
    stages: list[StageTimings] = []
    result: StepResult | None = None
    for index, frame in enumerate(frames):
        start = time.perf_counter()
        result = tracker.step(frame, (prompt,) if index == 0 else ())
        if index >= warm_up:
            whole.append(time.perf_counter() - start)
            stages.append(result.timings)
        if result.answers and not result.answers[0].accepted:
            raise PromptError(result.answers[0].message)
    if result is None or not whole:
        message = f'there are no frames after {warm_up} of warming up; give more'
        raise SourceError(message)
    by_stage = {
        name.removesuffix('_s'): percentiles_ms([asdict(timing)[name] for timing in stages])
        for name in asdict(stages[0])
    }
    return {**by_stage, 'step': percentiles_ms(whole)}, result


def measure_memory(step: Callable[[int], object], frame_count: int) -> MemoryCurve:
    """
    Watch the process's memory while `step` is called with 0, 1, 2 ...

    Linux only: it is read from /proc.
    """
    frames, resident = [], []
    for index in range(frame_count):
        step(index)
        if index % max(frame_count // 100, 1) == 0:
            frames.append(index)
            resident.append(resident_mib())
    half = len(frames) // 2
    slope = float(np.polyfit(frames[half:], resident[half:], 1)[0]) * 1000.0
    return MemoryCurve(frames, resident, slope)


def resident_mib() -> float:
    """Return the resident memory of this process in MiB."""
    pages = int(Path('/proc/self/statm').read_text(encoding='ascii').split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / _MEBIBYTE


def machine() -> dict[str, object]:
    """Return what the numbers were measured on."""
    versions = {package: version(package) for package in _PACKAGES if _is_installed(package)}
    return {
        'processor': _processor(),
        'cores': len(os.sched_getaffinity(0)),
        'load_average': os.getloadavg()[0],
        'system': platform.platform(),
        'python': platform.python_version(),
        **versions,
    }


def _is_installed(package: str) -> bool:
    return next(iter(distributions(name=package)), None) is not None


def _processor() -> str:
    for line in Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines():
        if line.startswith('model name'):
            return line.partition(':')[2].strip()
    return platform.machine()
