# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Commands that take time: what the tracker was asked, and what the ground station was told."""

from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from sam2_tracker_ros.mavlink.commands import Command
from sam2_tracker_ros.mavlink.tracker import Answer, Outcome, Verdict
from sam2_tracker_ros.mavlink.tracking_status import TrackingMode

# How long a command that is sent again is answered with what became of it the first time.
_REMEMBERED_S = 5.0


@dataclass
class Job:
    """
    One command in work.

    :param mode: of the target that it starts.
    :param told_s: when the ground station last heard of it.
    :param verdict: None while the tracker has not answered.
    """

    command: Command
    mode: TrackingMode
    begun_s: float
    told_s: float
    verdict: Verdict | None = None


class Jobs:
    """
    At most one start and one stop at a time; the last of each is remembered.

    :param timeout_s: a tracker that has not answered by then is taken for gone.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._jobs: dict[bool, Job] = {}
        self._answers: SimpleQueue[tuple[Job, Verdict]] = SimpleQueue()

    def earlier(self, command: Command, now_s: float, *, is_stop: bool) -> Job | None:
        """Return the job that the command repeats, or that keeps it from beginning."""
        job = self._jobs.get(is_stop)
        if job is None:
            return None
        if job.verdict is None:
            return job
        is_remembered = now_s - job.told_s < _REMEMBERED_S
        return job if is_remembered and command.repeats(job.command) else None

    def begin(
        self,
        command: Command,
        mode: TrackingMode,
        now_s: float,
        ask: Callable[[Answer], None],
    ) -> None:
        """
        Ask the tracker.

        :param mode: NONE for a stop.
        """
        job = Job(command, mode, begun_s=now_s, told_s=now_s)
        self._jobs[mode is TrackingMode.NONE] = job
        ask(lambda verdict: self._answers.put((job, verdict)))

    def finished(self, now_s: float) -> list[Job]:
        """Return the jobs that were answered since the last call, or never will be."""
        done = []
        while True:
            try:
                job, verdict = self._answers.get_nowait()
            except Empty:
                break
            if job.verdict is None:
                job.verdict = verdict
                done.append(job)
        for job in self.running():
            if now_s - job.begun_s > self._timeout_s:
                reason = f'no answer of the tracker within {self._timeout_s:g} s; see its log'
                job.verdict = Verdict(Outcome.UNAVAILABLE, reason)
                done.append(job)
        return done

    def running(self) -> list[Job]:
        """Return the jobs that the tracker has not answered."""
        return [job for job in self._jobs.values() if job.verdict is None]
