# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Targets that start again with a model that remembers nothing."""

from collections.abc import Sequence

import numpy as np
import pytest

from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.core.last_seen import LastSeen
from sam2_tracker_ros.core.model import Features
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import (
    Box,
    EventType,
    Frame,
    Prompt,
    Reason,
    StepResult,
    TargetState,
    UInt8Array,
)
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.testing.fake_model import FakeModel

PERIOD_NS = 33_000_000
RED, BLUE = (220, 30, 30), (30, 40, 220)


def frame(index: int, squares: Sequence[tuple[int, tuple[int, int, int]]]) -> Frame:
    """Return grey ground with squares of 20 px: their left borders and colours."""
    pixels = np.full((100, 160, 3), 90, np.uint8)
    for left, colour in squares:
        pixels[40:60, left : left + 20] = colour
    return Frame(pixels, (1 + index) * PERIOD_NS)


def tracked() -> tuple[Tracker, LastSeen]:
    """Return a tracker with a red target that is seen and a blue one that has gone."""
    tracker, last_seen = Tracker(FakeModel(), Config()), LastSeen()
    prompts = [
        Prompt(target_id='red', box=Box(20, 40, 40, 60)),
        Prompt(target_id='blue', box=Box(100, 40, 120, 60)),
    ]
    first = frame(0, [(20, RED), (100, BLUE)])
    last_seen.note(first, tracker.step(first, prompts).targets)
    for index in range(1, 4):
        later = frame(index, [(20 + 2 * index, RED)])
        last_seen.note(later, tracker.step(later).targets)
    return tracker, last_seen


def by_id(result: StepResult) -> dict[str, TargetState]:
    return {target.target_id: target.state for target in result.targets}


def test_targets_start_again_where_they_were_measured_last() -> None:
    before, last_seen = tracked()
    after = Tracker(FakeModel(), Config(), before.epoch)
    events = {event.target_id: event for event in last_seen.start_again(after)}
    assert {event.type for event in events.values()} == {EventType.ACQUIRED}
    assert min(event.epoch for event in events.values()) > before.epoch
    for index in (4, 5):  # blue has to be seen twice
        result = after.step(frame(index, [(28, RED), (100, BLUE)]))
    assert by_id(result) == {'red': TargetState.TRACKING, 'blue': TargetState.TRACKING}
    (red,) = [target for target in result.targets if target.target_id == 'red']
    assert red.box is not None
    assert red.box.left == pytest.approx(28, abs=2)


def test_a_target_that_was_released_does_not_come_back() -> None:
    before, last_seen = tracked()
    before.release('blue')
    last_seen.keep(before.target_ids)
    after = Tracker(FakeModel(), Config())
    (event,) = last_seen.start_again(after)
    assert (event.target_id, after.target_ids) == ('red', ('red',))


def test_a_target_that_cannot_start_is_released_with_the_reason() -> None:
    class FailingModel(FakeModel):
        def encode_image(self, image: UInt8Array) -> Features:
            message = 'the graph gave up'
            raise ModelError(message)

    _, last_seen = tracked()
    epochs = last_seen.epochs
    for event in last_seen.start_again(Tracker(FailingModel(), Config())):
        assert (event.type, event.reason) == (EventType.RELEASED, Reason.RELEASED)
        assert event.epoch == epochs[event.target_id]
        assert 'the graph gave up' in event.detail


def test_what_is_told_meanwhile_changes_nothing() -> None:
    tracker, _ = tracked()
    told = tracker.meanwhile(0.2)
    assert by_id(told) == {'red': TargetState.COASTING, 'blue': TargetState.COASTING}
    red, blue = told.targets
    assert (red.measured, red.reason) == (False, Reason.INFERENCE_STALLED)
    assert blue.reason is not Reason.INFERENCE_STALLED
    assert red.scores.confidence == 0.0
    assert red.time_since_measured_s == pytest.approx(0.2, abs=1e-6)
    assert red.box is not None
    # 2 px a frame for 0.2 s further to the right than 26 px.
    assert 27 < red.box.left < 45
    result = tracker.step(frame(4, [(28, RED)]))
    assert by_id(result)['red'] is TargetState.TRACKING
    assert not [event for event in result.events if event.target_id == 'red']
