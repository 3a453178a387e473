# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Contenders side by side, in turns, frame by frame: only one of them computes at any time.

A machine that gets slower for a while, or has other things to do, then slows them all alike, and
the ratio of neighbouring measurements means something where the times alone do not.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
import time
from typing import Any

import numpy as np

from sam2_tracker_ros.benchmarking.clips import Clip
from sam2_tracker_ros.benchmarking.contender_process import (
    ContenderError,
    ContenderProcess,
    Opened,
    Timed,
    Usage,
)
from sam2_tracker_ros.benchmarking.contenders import Contender
from sam2_tracker_ros.benchmarking.figures import (
    box_overlap,
    mask_overlap,
    median_ratio,
    model_seconds,
)
from sam2_tracker_ros.errors import Sam2TrackerError
from sam2_tracker_ros.replay.measuring import percentiles_ms

# Threads of some runtimes look for work a little longer after a step, which would slow the next.
_SETTLE_S = 0.01


@dataclass(frozen=True)
class Plan:
    """
    How long is measured.

    :param warm_up: frames that do not count; the bank of memories is full after 16.
    :param frames: that count.
    :param settle_s: pause after each step.
    :param opens_twice: the first opening may build what is kept for the next one, which takes time
        and memory once; what is measured is the second.
    """

    warm_up: int = 20
    frames: int = 100
    settle_s: float = _SETTLE_S
    opens_twice: bool = False


@dataclass
class Record:
    """
    What one contender did.

    :param load_s: from starting its process to where it takes frames, imports included.
    :param first_load_s: the same, when it was opened for the first time of this run.
    :param timed: of the frames that count.
    :param overlaps: IoU of its mask with the first contender's, in every frame; likewise of boxes.
    :param problem: why it did not run to the end; empty when it did.
    """

    name: str
    opened: Opened | None = None
    load_s: float = float('nan')
    first_load_s: float = float('nan')
    timed: list[Timed] = field(default_factory=list)
    overlaps: list[float] = field(default_factory=list)
    box_overlaps: list[float] = field(default_factory=list)
    gives_boxes: bool = False
    gives_masks: bool = False
    usage: Usage | None = None
    problem: str = ''

    @property
    def steps_s(self) -> list[float]:
        """Seconds of each step that counts."""
        return [timed.step_s for timed in self.timed]


@dataclass(frozen=True)
class Comparison:
    """
    A record for each contender, in their order.

    :param baseline: what the others are compared to: the first one that could be opened.
    """

    clip: str
    size_px: tuple[int, int]
    plan: Plan
    records: tuple[Record, ...]
    baseline: Record

    def as_dict(self) -> dict[str, Any]:
        """Return figures and series as JSON has them."""
        return {
            'clip': self.clip,
            'image_px': self.size_px,
            'warm_up_frames': self.plan.warm_up,
            'timed_frames': self.plan.frames,
            'baseline': self.baseline.name,
            'contenders': [figures_of(record, self.baseline) for record in self.records],
        }


def compare(
    contenders: Sequence[Contender],
    clip: Clip,
    plan: Plan,
    on_progress: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """
    Run all contenders over the same frames, in turns; each turn starts with another one.

    A contender that cannot run is left out, and its record says why. The first one that can be
    opened is what the others are compared to.

    :param on_progress: is told the name of what is opened, and of each frame.
    :raises Sam2TrackerError: none can be opened, or the first one of them fails later.
    """
    records = tuple(Record(contender.name) for contender in contenders)
    running: dict[str, ContenderProcess] = {}
    try:
        for record, contender in zip(records, contenders, strict=True):
            on_progress(f'opening {contender.name}')
            _open(record, contender, running, plan)
        baseline = _baseline(records)
        for index in range(plan.warm_up + plan.frames):
            on_progress(f'frame {index}')
            answers = _turn(index, clip, plan.settle_s, running, records)
            _note(answers, records, baseline, clip.size_px, is_timed=index >= plan.warm_up)
        for record in records:
            if record.name in running:
                record.usage = running.pop(record.name).stop()
    finally:
        for process in running.values():
            process.kill()
    return Comparison(clip.name, clip.size_px, plan, records, baseline)


def figures_of(record: Record, baseline: Record) -> dict[str, Any]:
    """Return what a record comes to, beside the baseline's; the reason alone if it did not run."""
    if record.problem or record.opened is None or record.usage is None:
        return {'name': record.name, 'problem': record.problem}
    steps_s, base_s = record.steps_s, baseline.steps_s
    idle_s = sum(timed.idle_s for timed in record.timed)
    # With one contender there is no idle time to speak of.
    idle_share = sum(timed.idle_cpu_s for timed in record.timed) / max(idle_s, 1e-9)
    step_ms = percentiles_ms(steps_s)
    return {
        'name': record.name,
        'facts': dict(record.opened.facts),
        'load_s': record.load_s,
        'first_load_s': record.first_load_s,
        'step_ms': step_ms,
        'stages_ms': _stages_ms(record.timed),
        'graphs_ms': _graphs_ms(record.timed),
        'cpu_ms': percentiles_ms([timed.cpu_s for timed in record.timed]),
        'idle_cpu_share': idle_share,
        'ratio': median_ratio(steps_s, base_s),
        'p50_ratio': step_ms['p50'] / percentiles_ms(base_s)['p50'],
        'loaded_mib': record.opened.resident_mib,
        'peak_mib': record.usage.peak_mib,
        'mask_frames': sum(timed.found.mask is not None for timed in record.timed),
        'worst_mask_iou': min(record.overlaps) if record.gives_masks else None,
        'mean_mask_iou': float(np.mean(record.overlaps)) if record.gives_masks else None,
        'worst_box_iou': min(record.box_overlaps) if record.gives_boxes else None,
        'mean_box_iou': float(np.mean(record.box_overlaps)) if record.gives_boxes else None,
        'steps_ms': [1000.0 * step_s for step_s in steps_s],
    }


def _open(
    record: Record, contender: Contender, running: dict[str, ContenderProcess], plan: Plan
) -> None:
    try:
        process = ContenderProcess(contender)
        record.first_load_s = process.load_s
        if plan.opens_twice:
            process.stop()
            process = ContenderProcess(contender)
    except ContenderError as error:
        record.problem = str(error)
        return
    record.opened, record.load_s = process.opened, process.load_s
    running[record.name] = process


def _baseline(records: Sequence[Record]) -> Record:
    """Return the first one that was opened."""
    for record in records:
        if not record.problem:
            return record
    reasons = '; '.join(f'{record.name}: {record.problem}' for record in records)
    message = f'there is nothing to compare, no contender can be opened: {reasons}'
    raise Sam2TrackerError(message)


def _turn(
    index: int,
    clip: Clip,
    settle_s: float,
    running: dict[str, ContenderProcess],
    records: Sequence[Record],
) -> dict[str, Timed]:
    """Give one frame to one contender after the other; those that fail are not there any more."""
    frame, start = clip.frame(index), clip.starts[0] if index == 0 else None
    present = [record for record in records if record.name in running]
    first = index % len(present)
    answers: dict[str, Timed] = {}
    for record in present[first:] + present[:first]:
        time.sleep(settle_s)
        try:
            answers[record.name] = running[record.name].step(frame, start)
        except ContenderError as error:
            record.problem = str(error)
            del running[record.name]
    return answers


def _note(
    answers: Mapping[str, Timed],
    records: Sequence[Record],
    baseline: Record,
    size_px: tuple[int, int],
    *,
    is_timed: bool,
) -> None:
    """Compare what the contenders found in one frame, and keep their times."""
    if baseline.problem:
        message = f'{baseline.name} failed, to which the others are compared: {baseline.problem}'
        raise Sam2TrackerError(message)
    reference = answers[baseline.name].found
    for record in records:
        if record.name not in answers:
            continue
        timed = answers[record.name]
        record.gives_boxes |= timed.found.box is not None
        record.gives_masks |= timed.found.mask is not None
        record.overlaps.append(mask_overlap(timed.found.mask, reference.mask, size_px))
        record.box_overlaps.append(box_overlap(timed.found.box, reference.box))
        if is_timed:
            record.timed.append(timed)


def _stages_ms(timed: Sequence[Timed]) -> Mapping[str, dict[str, float]]:
    stages = timed[0].found.stages_s
    return {
        stage: percentiles_ms([one.found.stages_s[stage] for one in timed]) for stage in stages
    }


def _graphs_ms(timed: Sequence[Timed]) -> dict[str, float] | None:
    """Return what the stages that run graphs took together; None where nobody measures."""
    graphs_s = [model_seconds(one.found.stages_s) for one in timed]
    return percentiles_ms(graphs_s) if any(graphs_s) else None
