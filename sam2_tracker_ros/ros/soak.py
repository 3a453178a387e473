# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The soak: the real tracker over DDS at full speed for long, with everything on it changing.

It goes in cycles. In each of them targets come, are refined and go, somebody looks at masks and
overlays or does not, parameters change; at its end nothing is tracked and nobody looks. There,
always in the same state, memory, threads and descriptors of the tracker's process are read.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
import json
from pathlib import Path
import sys

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.errors import Sam2TrackerError
from sam2_tracker_ros.replay.interruption import ended_by_signals, status_of
from sam2_tracker_ros.replay.measuring import machine
from sam2_tracker_ros.replay.whole_file import whole_file
from sam2_tracker_ros.ros.processes import (
    NodeProcess,
    ProcessError,
    stopping,
    use_own_domain,
    wait_until,
)
from sam2_tracker_ros.ros.soak_film import PLACES, soak_film
from sam2_tracker_ros.ros.soak_judgement import METHOD, MIN_SAMPLES
from sam2_tracker_ros.ros.soak_operator import Counts, SoakOperator
from sam2_tracker_ros.ros.soak_report import Report, Sample, as_text, draw, report_of, sample_of

READY_TIMEOUT_S = 120.0
CYCLE_FRAMES = 100
# A prompt that was lost, or a target that stays: then the soak itself is broken.
_MOST_FRAMES_TO_REST = 300
_LOOK_EVERY, _SET_EVERY = 3, 4
_CHANGED = 'coast_timeout_s'
_POLL_S = 0.05

Action = Callable[[SoakOperator], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, judge, and write; 1 when something grew or fails, 130 or 143 after a signal."""
    options = _options(arguments)
    out: Path = options.out
    try:
        with ended_by_signals(with_children=True):
            out.mkdir(parents=True, exist_ok=True)
            use_own_domain()
            samples, operator = _soak(options)
            report = report_of(samples)
            with whole_file(out / 'soak.png') as picture:
                draw(samples, report, picture)
            _write(out / 'soak.json', options, report, samples, operator.counts)
    except (Sam2TrackerError, OSError) as error:
        sys.stderr.write(f'soak: {error}\n')
        return 1
    except KeyboardInterrupt as interrupt:
        sys.stderr.write('soak: interrupted\n')
        return status_of(interrupt)
    sys.stdout.write(as_text(report, operator.counts) + '\n')
    return 0 if report.is_passed else 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog='soak', description='Run the node for long.')
    parser.add_argument(
        '--frames', type=int, default=100_000, metavar='N', help='at least (default: 100000)'
    )
    parser.add_argument('--seed', type=int, default=0, help='of all that happens (default: 0)')
    parser.add_argument('--model', default='nano', help='model bundle (default: nano)')
    parser.add_argument(
        '--out', type=Path, default=Path('build/soak'), help='folder of the results'
    )
    options = parser.parse_args(arguments)
    least = 2 * MIN_SAMPLES * CYCLE_FRAMES
    if options.frames < least:
        parser.error(f'--frames must be {least} or more: half of them are warming up')
    return options


def _write(
    path: Path,
    options: argparse.Namespace,
    report: Report,
    samples: Sequence[Sample],
    counts: Counts,
) -> None:
    whole = {
        'machine': machine(),
        'seed': options.seed,
        'model': options.model,
        'method': METHOD,
        **asdict(report),
        'is_passed': report.is_passed,
        'counts': asdict(counts),
        'samples': [asdict(sample) for sample in samples],
    }
    with whole_file(path) as partial:
        partial.write_text(json.dumps(whole, indent=1) + '\n', encoding='utf-8')


def _soak(options: argparse.Namespace) -> tuple[list[Sample], SoakOperator]:
    """Run the tracker through all cycles; one sample for each."""
    with _operating(options.seed) as operator, stopping() as processes:
        tracker = NodeProcess('tracker', options.out / 'tracker.log', [f'model:={options.model}'])
        processes.append(tracker)
        run = _Run(operator, tracker)
        run.get_ready()
        samples: list[Sample] = []
        while operator.counts.published < options.frames:
            samples.append(run.cycle(plan_of(options.seed, len(samples))))
            _tell(samples[-1], options.frames)
    return samples, operator


class _Run:
    """A tracker and its operator, frame by frame."""

    def __init__(self, operator: SoakOperator, tracker: NodeProcess) -> None:
        self._operator = operator
        self._tracker = tracker
        self._executor = SingleThreadedExecutor()

    def get_ready(self) -> None:
        """Wait for the model, and until the first image is answered."""
        operator, running = self._operator, [self._tracker]
        wait_until(
            operator,
            running,
            'the tracker did not get ready',
            lambda: operator.is_ready and operator.is_connected(),
            READY_TIMEOUT_S,
        )

        def is_answered() -> bool:
            if operator.may_show():
                operator.show()
            return operator.counts.answered > 0

        # The first best effort images may be lost: both ends do not know each other at once.
        wait_until(operator, running, 'no image was answered', is_answered, READY_TIMEOUT_S)
        # From here on: rclpy.spin_once would add and remove the node for each message.
        self._executor.add_node(operator)
        self._rest()

    def cycle(self, plan: dict[int, list[Action]]) -> Sample:
        """Do what the plan says, come to rest, and look at the process."""
        operator = self._operator
        operator.latencies_s.clear()
        for index in range(CYCLE_FRAMES):
            for action in plan.get(index, []):
                action(operator)
            self._show()
        latencies_s = tuple(operator.latencies_s)
        self._rest()
        return sample_of(self._tracker.pid, operator.counts.published, latencies_s)

    def _show(self) -> None:
        self._await_answer()
        self._operator.show()

    def _await_answer(self) -> None:
        while not self._operator.may_show():
            self._spin()

    def _rest(self) -> None:
        """Let every target go, and wait until nothing is on its way."""
        operator = self._operator
        operator.look_away()
        operator.clear()
        for _ in range(_MOST_FRAMES_TO_REST):
            self._show()
            self._await_answer()
            if operator.is_at_rest():
                return
        message = (
            f'targets were still tracked {_MOST_FRAMES_TO_REST} frames after ACTION_CLEAR; see '
            'tracker.log beside the results'
        )
        raise ProcessError(message)

    def _spin(self) -> None:
        self._executor.spin_once(timeout_sec=_POLL_S)
        if self._tracker.has_ended():
            message = 'the tracker ended too early; see tracker.log beside the results'
            raise ProcessError(message)


def plan_of(seed: int, cycle: int) -> dict[int, list[Action]]:
    """
    Draw what happens in a cycle.

    :return: actions before each frame of it.
    """
    rng = np.random.default_rng((seed, cycle))
    plan: dict[int, list[Action]] = {}

    def at(first: int, last: int, action: Action) -> int:
        index = int(rng.integers(first, max(last, first + 1)))
        plan.setdefault(index, []).append(action)
        return index

    for number in rng.permutation(PLACES)[: rng.integers(1, Config().tracker.max_targets + 1)]:
        place = int(number)
        added = at(0, CYCLE_FRAMES // 3, partial(SoakOperator.add, place=place))
        if rng.random() < 0.5:
            at(added + 5, CYCLE_FRAMES * 2 // 3, partial(SoakOperator.refine, place=place))
        if rng.random() < 0.5:
            gone = partial(SoakOperator.remove, place=place)
            removed = at(added + 20, CYCLE_FRAMES - 20, gone)
            if rng.random() < 0.5:
                at(removed + 1, CYCLE_FRAMES, partial(SoakOperator.add, place=place))
    if cycle % _LOOK_EVERY == 0:
        looked = at(0, CYCLE_FRAMES // 2, SoakOperator.look)
        at(looked + 5, CYCLE_FRAMES, SoakOperator.look_away)
    if cycle % _SET_EVERY == 0:
        value, usual = float(rng.uniform(0.2, 2.0)), Config().status.coast_timeout_s
        setting = partial(SoakOperator.set_parameter, name=_CHANGED)
        changed = at(0, CYCLE_FRAMES // 2, partial(setting, value=value))
        at(changed + 5, CYCLE_FRAMES, partial(setting, value=usual))
    return plan


def _tell(sample: Sample, frames: int) -> None:
    """Show progress on a terminal."""
    if sys.stderr.isatty():
        resident_mib = sample.resident_bytes / 2**20
        sys.stderr.write(f'\rframe {sample.frame} of {frames}, {resident_mib:.1f} MiB ')


@contextmanager
def _operating(seed: int) -> Iterator[SoakOperator]:
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    operator = SoakOperator(soak_film(seed))
    try:
        yield operator
    finally:
        operator.destroy_node()
        rclpy.shutdown()


if __name__ == '__main__':
    sys.exit(main())
