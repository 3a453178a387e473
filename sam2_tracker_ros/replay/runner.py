# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A recording through the tracker, every frame, into sinks."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
import time
from typing import Protocol

from sam2_tracker_ros.core.types import Event, EventType, Frame, Prompt, StepResult, TargetState
from sam2_tracker_ros.errors import PromptError
from sam2_tracker_ros.replay.sink import ResultSink
from sam2_tracker_ros.replay.source import FrameSource, SourceFrame


class Steps(Protocol):
    """What takes one frame after the other: a Tracker."""

    def step(self, frame: Frame, prompts: Sequence[Prompt] = ()) -> StepResult:
        """Look for every target in a frame."""


@dataclass
class Summary:
    """
    What a replay did.

    :param frames: that went through the tracker.
    :param rejected_frames: that could not be used.
    :param states: how many frames a target was in each state, over all targets.
    :param steps_s: time of each Tracker.step.
    """

    frames: int = 0
    rejected_frames: int = 0
    states: Counter[TargetState] = field(default_factory=Counter)
    events: list[Event] = field(default_factory=list)
    steps_s: list[float] = field(default_factory=list)


def replay(
    source: FrameSource,
    tracker: Steps,
    prompts: Mapping[int, Sequence[Prompt]],
    sinks: Sequence[ResultSink],
    *,
    max_frames: int | None = None,
    progress: Callable[[SourceFrame], object] = lambda _: None,
) -> Summary:
    """
    Take every frame of a recording through the tracker, in order.

    :param prompts: by index of the frame.
    :param sinks: take the results; the caller closes them.
    :param progress: is called after each frame.
    :raises SourceError: the recording is damaged.
    :raises PromptError: a prompt was rejected, or its frame does not exist.
    :raises ModelError: inference failed.
    """
    summary = Summary()
    waiting = dict(prompts)
    for source_frame in source.frames():
        if max_frames is not None and source_frame.index >= max_frames:
            break
        due = waiting.pop(source_frame.index, ())
        if source_frame.frame is None:
            _note_rejection(source_frame, due, sinks, summary)
        else:
            started_s = time.perf_counter()
            result = tracker.step(source_frame.frame, due)
            summary.steps_s.append(time.perf_counter() - started_s)
            _check_answers(result, source_frame.index)
            _note_result(result, summary)
            for sink in sinks:
                sink.write(source_frame, result)
        progress(source_frame)
    if waiting:
        count = summary.frames + summary.rejected_frames
        message = f'the prompt is for frame {min(waiting)}, but only {count} frames were read'
        raise PromptError(message)
    return summary


def _check_answers(result: StepResult, index: int) -> None:
    for answer in result.answers:
        if not answer.accepted:
            message = f'the prompt was rejected in frame {index}: {answer.message}'
            raise PromptError(message)


def _note_result(result: StepResult, summary: Summary) -> None:
    summary.frames += 1
    summary.states.update(target.state for target in result.targets)
    summary.events += result.events


def _note_rejection(
    source_frame: SourceFrame,
    due: Sequence[Prompt],
    sinks: Sequence[ResultSink],
    summary: Summary,
) -> None:
    """Leave an image out that cannot be used, as the node does, and say why."""
    if due:
        message = f'frame {source_frame.index}, to be prompted, is bad: {source_frame.problem}'
        raise PromptError(message)
    event = Event(EventType.FRAME_REJECTED, source_frame.stamp_ns, detail=source_frame.problem)
    summary.rejected_frames += 1
    summary.events.append(event)
    for sink in sinks:
        sink.write_events(source_frame, [event])
