# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The report of a fault campaign: report.json, report.md and recovery.png."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
import json
from pathlib import Path
from statistics import mean
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from sam2_tracker_ros.core.types import TargetState
from sam2_tracker_ros.ros.fault_invariants import Violation
from sam2_tracker_ros.ros.fault_kind import Outcome
from sam2_tracker_ros.ros.fault_process import Usage
from sam2_tracker_ros.ros.fault_scene import RATE_HZ

# State has to be published this often.
MAX_GAP_S = 0.2
# A busy machine is allowed what it took in scenarios without a fault, at least this, and in each
# scenario what the campaign's own camera was late.
MIN_ALLOWANCE_S = 0.1
QUIET = 'quiet'
# How much more a process may hold in the second half of its life than in the first, counted from
# when each of its kinds of scenario had been once. A call that hangs keeps its model and that
# model's threads until it ends; none of it may add up.
MAX_GROWTH_MIB = 64.0
# Of memory without a model, where a process comes to that: while it runs, malloc and ONNX Runtime
# keep what they used, which comes and goes by 100 MiB.
MAX_GROWTH_AT_REST_MIB = 16.0
MAX_MORE_THREADS, MAX_MORE_DESCRIPTORS = 12, 8
_SHOWN_FAILURES = 6


@dataclass(frozen=True)
class Summary:
    """
    A whole campaign.

    :param allowance_s: added to MAX_GAP_S for the scheduling of this machine.
    :param growth: of each process: MiB, threads and descriptors.
    """

    outcomes: Sequence[Outcome]
    duration_s: float
    transitions: int
    allowance_s: float
    growth: dict[int, tuple[float, int, int]]

    @property
    def failures(self) -> list[Outcome]:
        """Scenarios in which something did not hold."""
        return [outcome for outcome in self.outcomes if outcome.violations]


def summarise(outcomes: Sequence[Outcome], duration_s: float, transitions: int) -> Summary:
    """Judge what only all scenarios together tell: gaps and growth; adds violations."""
    quiet_s = [outcome.gap_s for outcome in outcomes if outcome.kind == QUIET]
    # Without a fault, what is longer than between two images is the machine's.
    allowance_s = max([MIN_ALLOWANCE_S, *(gap_s - 1.0 / RATE_HZ for gap_s in quiet_s)])
    for outcome in outcomes:
        allowed_s = max(allowance_s, outcome.late_s, outcome.excused_s)
        if outcome.gap_s > MAX_GAP_S + allowed_s:
            text = f'{outcome.gap_s:.2f} s without a state; allowed: {MAX_GAP_S} + {allowed_s:.2f}'
            outcome.violations.append(Violation('state at 5 Hz', text))
    return Summary(outcomes, duration_s, transitions, allowance_s, _judge_growth(outcomes))


def _judge_growth(outcomes: Sequence[Outcome]) -> dict[int, tuple[float, int, int]]:
    """Return how much each process grew; a violation is that of its last scenario."""
    growth = {}
    for process in dict.fromkeys(outcome.process for outcome in outcomes):
        own = [each for each in outcomes if each.process == process and each.usage is not None]
        kinds = [outcome.kind for outcome in own]
        # Whatever is done for the first time may take memory for good.
        warm = max((kinds.index(kind) for kind in kinds), default=0)
        usages = [each.usage for each in own[warm:] if each.usage is not None]
        if len(usages) <= len({*kinds}):
            continue
        mib, threads, descriptors = _grown(usages)
        max_mib = MAX_GROWTH_MIB
        resting = [each.at_rest for each in own[warm:] if each.at_rest is not None]
        if len(resting) > 1:
            (mib, _, _), max_mib = _grown(resting), MAX_GROWTH_AT_REST_MIB
        growth[process] = grown = mib, threads, descriptors
        limits = max_mib, MAX_MORE_THREADS, MAX_MORE_DESCRIPTORS
        if any(more > limit for more, limit in zip(grown, limits, strict=True)):
            text = (
                f'process {process} grew by {grown[0]:.0f} MiB, {grown[1]} threads and '
                f'{grown[2]} descriptors in {len(usages)} scenarios; allowed: {limits}'
            )
            own[-1].violations.append(Violation('memory bounded', text))
    return growth


def _grown(usages: Sequence[Usage]) -> tuple[float, int, int]:
    """
    Return how much more was held in the second half of a time than in the first.

    What is only held for a moment comes and goes; what leaks raises the least that is held.
    """
    first, last = _least(usages[: len(usages) // 2]), _least(usages[len(usages) // 2 :])
    return (
        last.resident_mib - first.resident_mib,
        last.threads - first.threads,
        last.descriptors - first.descriptors,
    )


def _least(usages: Sequence[Usage]) -> Usage:
    return Usage(
        min(usage.resident_mib for usage in usages),
        min(usage.threads for usage in usages),
        min(usage.descriptors for usage in usages),
    )


def write_report(summary: Summary, folder: Path) -> None:
    """Write all three files."""
    data = _as_json(summary)
    (folder / 'report.json').write_text(json.dumps(data, indent=1) + '\n', encoding='utf-8')
    (folder / 'report.md').write_text(_as_markdown(summary), encoding='utf-8')
    _plot(summary, folder / 'recovery.png')


def _as_json(summary: Summary) -> dict[str, Any]:
    outcomes = []
    for outcome in summary.outcomes:
        fields = asdict(outcome)
        del fields['states']
        outcomes.append(fields)
    return {
        'scenarios': len(summary.outcomes),
        'failures': [outcome.seed for outcome in summary.failures],
        'duration_s': summary.duration_s,
        'transitions': summary.transitions,
        'allowance_s': summary.allowance_s,
        'growth': {str(process): grown for process, grown in summary.growth.items()},
        'outcomes': outcomes,
    }


def _as_markdown(summary: Summary) -> str:
    recoveries_s = _recoveries_s(summary.outcomes)
    lines = [
        '# Fault campaign',
        '',
        f'{len(summary.outcomes)} scenarios in {summary.duration_s / 60.0:.1f} min, '
        f'{summary.transitions} lifecycle transitions asked for; '
        f'**{len(summary.failures)} broke an invariant**. Recovery: mean '
        f'{mean(recoveries_s or [0.0]):.2f} s, worst {max(recoveries_s, default=0.0):.2f} s. '
        f'State: at most {MAX_GAP_S} s apart, and {summary.allowance_s:.2f} s for the scheduling '
        'of this machine, as scenarios without a fault showed it (more where the camera was late: '
        f'{max(outcome.late_s for outcome in summary.outcomes):.2f} s at worst'
        f'{_excuses(summary.outcomes)}).',
        '',
        '| kind | scenarios | broken | prompted again | recovery mean [s] | worst [s] | gap [s] |',
        '|---|--:|--:|--:|--:|--:|--:|',
    ]
    for kind in _kinds(summary.outcomes):
        own = [outcome for outcome in summary.outcomes if outcome.kind == kind]
        times_s = _recoveries_s(own)
        cells = (
            kind,
            str(len(own)),
            str(sum(bool(outcome.violations) for outcome in own)),
            str(sum(outcome.was_prompted for outcome in own)),
            f'{mean(times_s or [0.0]):.2f}',
            f'{max(times_s, default=0.0):.2f}',
            f'{max(outcome.gap_s for outcome in own):.2f}',
        )
        lines.append(f'| {" | ".join(cells)} |')
    lines += [
        '',
        '## Processes',
        '',
        '| process | MiB | threads | descriptors |',
        '|--:|--:|--:|--:|',
    ]
    lines += [
        f'| {process} | {mib:+.1f} | {threads:+d} | {descriptors:+d} |'
        for process, (mib, threads, descriptors) in summary.growth.items()
    ]
    lines += ['', '## Broken invariants', '']
    lines += [
        f'- seed {outcome.seed} ({outcome.kind}): {violation.invariant}: {violation.detail}'
        for outcome in summary.failures
        for violation in outcome.violations
    ] or ['None.']
    if summary.failures:
        lines += ['', 'Run one again: `fault_campaign --repeat SEED`.']
    return '\n'.join(lines) + '\n'


def _plot(summary: Summary, path: Path) -> None:
    """Draw recovery times by kind, and the states over time of the first failures."""
    kinds = _kinds(summary.outcomes)
    failures = [outcome for outcome in summary.failures if outcome.states][:_SHOWN_FAILURES]
    rows = 1 + len(failures)
    figure = Figure(figsize=(10.0, 0.25 * len(kinds) + 1.5 + 1.6 * len(failures)))
    FigureCanvasAgg(figure)
    ratios = [max(0.25 * len(kinds), 1.0), *(1.2 for _ in failures)]
    axes = figure.subplots(rows, 1, squeeze=False, height_ratios=ratios)[:, 0]
    for place, kind in enumerate(kinds):
        times_s = _recoveries_s(each for each in summary.outcomes if each.kind == kind)
        axes[0].plot(times_s, [place] * len(times_s), 'o', alpha=0.5, color='tab:blue')
    axes[0].set(yticks=range(len(kinds)), yticklabels=kinds, xlabel='recovery [s]')
    axes[0].grid(axis='x', alpha=0.3)
    names = [state.name for state in TargetState]
    for axis, outcome in zip(axes[1:], failures, strict=True):
        start_s = outcome.states[0][0]
        times = [said_s - start_s for said_s, _ in outcome.states]
        axis.step(times, [names.index(name) for _, name in outcome.states], where='post')
        axis.set(yticks=range(len(names)), yticklabels=names, xlabel='[s]')
        axis.set_title(f'seed {outcome.seed}: {outcome.kind}', fontsize=9)
    figure.tight_layout()
    figure.savefig(path, dpi=100)


def _excuses(outcomes: Iterable[Outcome]) -> str:
    """Return which kinds are allowed more, and how much."""
    excused = {outcome.kind: outcome.excused_s for outcome in outcomes if outcome.excused_s}
    return ''.join(f'; {more_s:.1f} s in `{kind}`' for kind, more_s in excused.items())


def _kinds(outcomes: Iterable[Outcome]) -> list[str]:
    return sorted({outcome.kind for outcome in outcomes})


def _recoveries_s(outcomes: Iterable[Outcome]) -> list[float]:
    return [each.recovery_s for each in outcomes if each.recovery_s is not None]
