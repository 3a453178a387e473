# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a soak showed: samples, what they say together, a table and a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sam2_tracker_ros.replay.measuring import percentiles_ms, resident_mib
from sam2_tracker_ros.ros.soak_judgement import (
    LEAST_LEAK_BYTES,
    Growth,
    memory_growth,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sam2_tracker_ros.ros.soak_operator import Counts

_MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Sample:
    """
    The tracker's process at the end of a cycle, at rest.

    :param frame: images published so far.
    :param p50_ms: from publishing an image to the arrival of its targets, in this cycle.
    """

    frame: int
    resident_bytes: int
    threads: int
    descriptors: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Report:
    """
    What is decided, and on what.

    :param threads: growth between the first and the last judged sample.
    :param descriptors: likewise.
    :param latency_ms: medians over the judged cycles of their percentiles.
    """

    frames: int
    memory: Growth
    memory_is_zero: bool
    threads: int
    descriptors: int
    latency_ms: dict[str, float]

    @property
    def is_passed(self) -> bool:
        """Whether nothing grew."""
        return self.memory_is_zero and self.threads == 0 and self.descriptors == 0


def sample_of(process: int, frame: int, latencies_s: Sequence[float]) -> Sample:
    """
    Look at a process.

    :param process: its number.
    :param latencies_s: of the cycle.
    """
    folder = Path(f'/proc/{process}')
    latency = percentiles_ms(latencies_s)
    return Sample(
        frame=frame,
        resident_bytes=round(resident_mib(process) * _MEBIBYTE),
        threads=len(list((folder / 'task').iterdir())),
        descriptors=len(list((folder / 'fd').iterdir())),
        p50_ms=latency['p50'],
        p95_ms=latency['p95'],
        p99_ms=latency['p99'],
    )


def report_of(samples: Sequence[Sample]) -> Report:
    """Judge a run."""
    frames = [sample.frame for sample in samples]
    memory = memory_growth(frames, [sample.resident_bytes for sample in samples])
    late = [sample for sample in samples if sample.frame >= memory.first_judged_frame]
    middle = len(late) // 2
    return Report(
        frames=frames[-1],
        memory=memory,
        memory_is_zero=memory.is_zero,
        threads=late[-1].threads - late[0].threads,
        descriptors=late[-1].descriptors - late[0].descriptors,
        latency_ms={
            name: sorted(getattr(sample, f'{name}_ms') for sample in late)[middle]
            for name in ('p50', 'p95', 'p99')
        },
    )


def as_text(report: Report, counts: Counts) -> str:
    """Return the report for people."""
    slope, latency = report.memory.slope, report.latency_ms
    verdict = 'no growth' if report.memory_is_zero else 'GROWS'
    rows = [
        ('frames', f'{counts.published}, answered {counts.answered}, lost {counts.lost}'),
        (
            'targets',
            f'{counts.prompts} prompts, {counts.acquired} acquired, {counts.measured} boxes '
            f'measured, {counts.wrong} of them not on their target',
        ),
        ('beside', f'{counts.pictures} pictures, {counts.parameters_set} parameter changes'),
        (
            'memory',
            f'{slope.value:+.2f} bytes/frame, 95 % from {slope.low:+.2f} to {slope.high:+.2f}, '
            f'after frame {report.memory.first_judged_frame}: '
            f'{report.memory.over_run_bytes / _MEBIBYTE:+.3f} MiB over the run, {verdict} '
            f'(the interval holds 0, or below {LEAST_LEAK_BYTES / _MEBIBYTE:g} MiB)',
        ),
        ('threads', f'{report.threads:+d}'),
        ('descriptors', f'{report.descriptors:+d}'),
        (
            'latency',
            f'p50 {latency["p50"]:.1f}, p95 {latency["p95"]:.1f}, p99 {latency["p99"]:.1f} ms',
        ),
        ('verdict', 'passed' if report.is_passed else 'FAILED'),
    ]
    return '\n'.join(f'{name:>12}  {text}' for name, text in rows)


def draw(samples: Sequence[Sample], report: Report, path: Path) -> None:
    """Draw memory, latency, threads and descriptors over frames."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow to import

    figure = Figure(figsize=(9.0, 8.0), layout='constrained')
    above, middle, below = figure.subplots(3, 1, sharex=True)
    frames = [sample.frame for sample in samples]
    above.plot(frames, [sample.resident_bytes / _MEBIBYTE for sample in samples], linewidth=1.0)
    slope = report.memory.slope
    above.set_title(
        f'slope after frame {report.memory.first_judged_frame}: {slope.value:+.2f} bytes/frame '
        f'(95 %: {slope.low:+.2f} to {slope.high:+.2f})',
        fontsize=10,
    )
    above.axvline(report.memory.first_judged_frame, color='grey', linewidth=1.0, linestyle=':')
    above.set_ylabel('resident memory [MiB]')
    for name in ('p50', 'p95', 'p99'):
        values = [getattr(sample, f'{name}_ms') for sample in samples]
        middle.plot(frames, values, linewidth=0.8, label=name)
    middle.set_ylabel('latency [ms]')
    below.plot(frames, [sample.threads for sample in samples], label='threads')
    below.plot(frames, [sample.descriptors for sample in samples], label='descriptors')
    below.set_ylabel('number')
    below.set_xlabel('frames')
    _finish([above, middle, below])
    figure.savefig(path, dpi=110)


def _finish(panels: list[Axes]) -> None:
    for axes in panels:
        axes.grid(visible=True, alpha=0.3)
        axes.set_ylim(0.0, 1.1 * axes.get_ylim()[1])
    for axes in panels[1:]:
        axes.legend(fontsize=8)
