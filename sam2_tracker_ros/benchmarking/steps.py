# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One tracker, timed: whole steps and their stages."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
import time

from sam2_tracker_ros.benchmarking.clips import Clip
from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.core.model import AnyModel
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import Prompt, StageTimings, StepResult
from sam2_tracker_ros.errors import PromptError
from sam2_tracker_ros.replay.measuring import percentiles_ms


@dataclass(frozen=True)
class TimedStep:
    """
    One step of a tracker.

    :param step_s: from the frame to the masks of all targets, at the size of the camera image.
    """

    step_s: float
    timings: StageTimings
    result: StepResult

    @property
    def stages_s(self) -> Mapping[str, float]:
        """Seconds by stage."""
        return {name.removesuffix('_s'): value for name, value in asdict(self.timings).items()}


class TimedTracker:
    """
    A tracker over a clip.

    :param target_count: of the first ones of the clip that are prompted in the first frame.
    """

    def __init__(self, model: AnyModel, config: Config, clip: Clip, target_count: int = 1) -> None:
        self._tracker = Tracker(model, config)
        self._clip = clip
        self._prompts = [Prompt(box=start) for start in clip.starts[:target_count]]
        self.index = 0

    def step(self) -> TimedStep:
        """
        Track the next frame.

        :raises PromptError: a prompt was not accepted.
        """
        frame = self._clip.frame(self.index)
        prompts = self._prompts if self.index == 0 else []
        start_s = time.perf_counter()
        result = self._tracker.step(frame, prompts)
        for target in result.targets:
            _ = target.mask
        step_s = time.perf_counter() - start_s
        self.index += 1
        for answer in result.answers:
            if not answer.accepted:
                raise PromptError(answer.message)
        return TimedStep(step_s, result.timings, result)

    def advance(self, frame_count: int) -> None:
        """Track frames that do not count."""
        for _ in range(frame_count):
            self.step()


def in_turns(trackers: Sequence[TimedTracker], frame_count: int) -> list[list[TimedStep]]:
    """
    Give each tracker that many frames, one at a time; each turn starts with another one.

    :return: a list for each tracker.
    """
    steps: list[list[TimedStep]] = [[] for _ in trackers]
    for number in _turns(len(trackers), frame_count):
        steps[number].append(trackers[number].step())
    return steps


def timings_ms(steps: Sequence[TimedStep]) -> dict[str, dict[str, float]]:
    """Return percentiles by stage, and of `step`."""
    by_stage = {
        stage: percentiles_ms([step.stages_s[stage] for step in steps])
        for stage in steps[0].stages_s
    }
    return {**by_stage, 'step': percentiles_ms([step.step_s for step in steps])}


def _turns(count: int, frame_count: int) -> Iterator[int]:
    for index in range(frame_count):
        first = index % count
        yield from range(first, count)
        yield from range(first)
