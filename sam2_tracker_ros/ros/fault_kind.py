# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One scenario of the fault campaign: a kind of fault, a seed, and whether the invariants held."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
import time

from sam2_tracker_ros.ros.fault_invariants import (
    MIN_IOU,
    Said,
    Saying,
    Violation,
    fake_measurements,
    longest_gap_s,
)
from sam2_tracker_ros.ros.fault_process import Usage
from sam2_tracker_ros.ros.fault_rig import Rig
from sam2_tracker_ros.ros.processes import ProcessError

# What is on its way when a scenario ends.
_LAST_MESSAGES_S = 0.2


@dataclass(frozen=True)
class Kind:
    """
    A kind of fault.

    :param run: does it to a rig; leaves the camera as it likes.
    :param rig: in which it is run, of fault_campaign.RIGS.
    :param must_speak: the tracker has to publish its state all the time.
    :param ends_process: another tracker process is needed afterwards, so it comes last.
    :param min_iou: of a measurement with the truth; 0 where thresholds are set that allow any.
    :param excused_s: that states may come later, where nothing in the tracker could help it.
    """

    name: str
    run: Callable[[Rig, Random], None]
    rig: str = 'tracker'
    must_speak: bool = True
    ends_process: bool = False
    min_iou: float = MIN_IOU
    excused_s: float = 0.0


def any_of(*runs: Callable[[Rig, Random], None]) -> Callable[[Rig, Random], None]:
    """Return what does one of several things."""
    return lambda rig, rng: rng.choice(runs)(rig, rng)


@dataclass
class Outcome:
    """
    What became of one scenario.

    :param recovery_s: from the sane world to the tracked target; None when it did not come back.
    :param was_prompted: the target had been released.
    :param gap_s: longest time without a state while there had to be one.
    :param usage: at the end.
    :param at_rest: meanwhile, without a model: what is held then is held for ever.
    :param excused_s: of its kind.
    :param late_s: by how much the campaign's own camera was late at worst: a busy machine.
    """

    seed: int
    kind: str
    process: int
    duration_s: float = 0.0
    recovery_s: float | None = None
    was_prompted: bool = False
    gap_s: float = 0.0
    late_s: float = 0.0
    excused_s: float = 0.0
    usage: Usage | None = None
    at_rest: Usage | None = None
    states: list[tuple[float, str]] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)


def run_scenario(rig: Rig, kind: Kind, seed: int) -> Outcome:
    """Do what the kind says, make the world sane, and look at every invariant."""
    outcome = Outcome(seed, kind.name, rig.process.pid, excused_s=kind.excused_s)
    observer, started_s = rig.observer, time.time()
    rig.speaking.clear()
    rig.camera.late_s = 0.0
    rig.complaints.clear()
    rig.at_rest = None
    marks = len(observer.sayings), len(observer.events), len(observer.single)
    process = rig.process
    try:
        if kind.must_speak:
            rig.must_speak()
        kind.run(rig, Random(seed))
        recovery = rig.recover()
        outcome.recovery_s, outcome.was_prompted = recovery.duration_s, recovery.was_prompted
        rig.must_speak()
        rig.pause(_LAST_MESSAGES_S)
        outcome.process, outcome.usage = rig.process.pid, rig.process.usage()
        if recovery.duration_s is None:
            outcome.violations.append(Violation('recovers', 'the car is not tracked again'))
    except ProcessError as error:
        outcome.violations.append(Violation('alive', str(error)))
    rig.may_be_silent()
    outcome.late_s, outcome.at_rest = rig.camera.late_s, rig.at_rest
    if rig.process is not process:  # what was said before is forgotten with the old process
        marks = 0, 0, 0
    _judge(rig, outcome, marks, kind.min_iou)
    outcome.duration_s = time.time() - started_s
    return outcome


def _judge(rig: Rig, outcome: Outcome, marks: tuple[int, int, int], min_iou: float) -> None:
    """Look at what was said since the marks."""
    observer = rig.observer
    outcome.violations += rig.complaints
    sayings, events = observer.sayings[marks[0] :], observer.events[marks[1] :]
    outcome.violations += fake_measurements(sayings, rig.ledger, rig.names, min_iou)
    outcome.violations += rig.story.check(sayings, events)
    differing = _on_one_topic_only(sayings, observer.single[marks[2] :])
    if differing:
        text = f'{differing} messages on one of `target` and `targets` only'
        outcome.violations.append(Violation('events fit the states', text))
    outcome.gap_s, _ = longest_gap_s(observer.spoken_s, rig.speaking)
    outcome.states = [
        (saying.said_s, said.state.name)
        for saying in sayings
        for said in saying.targets
        if said.target_id in rig.names
    ]


def _on_one_topic_only(sayings: Sequence[Saying], single: Sequence[tuple[int, Said]]) -> int:
    """Return how many messages came on one topic only; those at the bounds may still come."""
    told = [(saying.stamp_ns, said.target_id) for saying in sayings for said in saying.targets]
    alone = [(stamp_ns, said.target_id) for stamp_ns, said in single]
    bounds = {stamp_ns for each in (told, alone) for stamp_ns, _ in (*each[:4], *each[-4:])}
    return sum(stamp_ns not in bounds for stamp_ns, _ in {*told} ^ {*alone})
