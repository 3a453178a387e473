# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The fault campaign: the real node over DDS, through hundreds of seeded scenarios.

The seed of a scenario tells its kind and everything that is drawn in it, so that each can be run
again alone.
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
import signal
import sys
import time

from tqdm import tqdm

from sam2_tracker_ros.errors import Sam2TrackerError
from sam2_tracker_ros.ros import (
    fault_backend,
    fault_images,
    fault_lifecycle,
    fault_neighbours,
    fault_prompts,
    fault_stamps,
)
from sam2_tracker_ros.ros.fault_invariants import Violation
from sam2_tracker_ros.ros.fault_kind import Kind, Outcome, run_scenario
from sam2_tracker_ros.ros.fault_report import Summary, summarise, write_report
from sam2_tracker_ros.ros.fault_rig import Rig
from sam2_tracker_ros.ros.processes import ProcessError, use_own_domain

KINDS: tuple[Kind, ...] = (
    *fault_images.KINDS,
    *fault_stamps.KINDS,
    *fault_prompts.KINDS,
    *fault_lifecycle.KINDS,
    *fault_neighbours.KINDS,
    *fault_backend.KINDS,
)
_QUIET = KINDS[0]
# In this order; a tracker lives until a scenario ends it: those that do come last.
RIGS = ('tracker', 'simulated', 'faulty')
_EXECUTABLES = {'tracker': 'tracker', 'simulated': 'tracker', 'faulty': 'faulty_tracker'}


def kind_of(seed: int) -> Kind:
    """Return what a scenario is about."""
    return KINDS[seed % len(KINDS)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run scenarios and report; 1 when an invariant did not hold."""
    names = [kind.name for kind in KINDS]
    parser = argparse.ArgumentParser(prog='fault_campaign', description='Attack the tracker node.')
    parser.add_argument('--scenarios', type=int, default=200, metavar='N', help='(default: 200)')
    parser.add_argument('--seed', type=int, default=0, help='of the first one (default: 0)')
    parser.add_argument(
        '--only', action='append', choices=names, metavar='KIND', help=f'one of {", ".join(names)}'
    )
    parser.add_argument('--repeat', type=int, metavar='SEED', help='run this scenario alone')
    parser.add_argument('--out', type=Path, default=Path('build/faults'), metavar='FOLDER')
    options = parser.parse_args(arguments)
    if options.scenarios < 1 or options.seed < 0:
        parser.error('--scenarios must be at least 1 and --seed not negative')
    seeds = [options.repeat]
    if options.repeat is None:
        seeds = list(_seeds(options.seed, options.scenarios, options.only or names))
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT is ignored in a job of a script
        signal.signal(number, signal.default_int_handler)
    options.out.mkdir(parents=True, exist_ok=True)
    use_own_domain()
    try:
        summary = _run(seeds, options.out)
    except (Sam2TrackerError, OSError) as error:
        sys.stderr.write(f'fault_campaign: {error}\n')
        return 1
    except KeyboardInterrupt:
        sys.stderr.write('fault_campaign: interrupted\n')
        return 130
    write_report(summary, options.out)
    for outcome in summary.failures:
        for violation in outcome.violations:
            sys.stdout.write(
                f'seed {outcome.seed} ({outcome.kind}): {violation.invariant}: '
                f'{violation.detail}\n'
            )
    sys.stdout.write(
        f'{len(summary.outcomes)} scenarios, {len(summary.failures)} broke an invariant; '
        f'see {options.out / "report.md"}\n'
    )
    return int(bool(summary.failures))


def _seeds(first: int, count: int, names: Iterable[str]) -> Iterable[int]:
    """Return so many seeds of scenarios of some kinds."""
    wanted = frozenset(names)
    seed = first
    while count:
        if kind_of(seed).name in wanted:
            yield seed
            count -= 1
        seed += 1


def _look_after(rig: Rig, outcome: Outcome) -> None:
    """
    Use another tracker after a scenario that this one did not survive, or has not answered in.

    :raises ProcessError: it does not start.
    """
    if any(violation.invariant == 'alive' for violation in outcome.violations):
        rig.process.kill()
    if rig.process.status is not None:
        rig.restart()


def _run(seeds: Sequence[int], out: Path) -> Summary:
    """Run scenarios, rig by rig; what cannot go on is a failure of the scenario it began with."""
    outcomes: list[Outcome] = []
    transitions, started_s = 0, time.monotonic()
    rigs = [name for name in RIGS if any(kind_of(seed).rig == name for seed in seeds)]
    with tqdm(total=len(seeds) + len(rigs), unit='scenario') as progress:
        for name in rigs:
            own = [seed for seed in seeds if kind_of(seed).rig == name]
            own.sort(key=lambda seed: kind_of(seed).ends_process)
            rig = Rig(_EXECUTABLES[name], out, is_simulated=name == 'simulated')
            try:
                with rig:
                    for outcome in _outcomes(rig, own):
                        progress.set_postfix_str(outcome.kind)
                        progress.update()
                        outcomes.append(outcome)
            except ProcessError as error:
                failed = Outcome(own[0], kind_of(own[0]).name, process=0)
                failed.violations.append(Violation('alive', f'the campaign ended: {error}'))
                outcomes.append(failed)
            transitions += rig.transitions
    return summarise(outcomes, time.monotonic() - started_s, transitions)


def _outcomes(rig: Rig, seeds: Iterable[int]) -> Iterator[Outcome]:
    """Run scenarios after one without a fault, which shows how busy the machine is."""
    yield run_scenario(rig, _QUIET, 0)
    for seed in seeds:
        outcome = run_scenario(rig, kind_of(seed), seed)
        yield outcome
        _look_after(rig, outcome)


if __name__ == '__main__':
    raise SystemExit(main())
