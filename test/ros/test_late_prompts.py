# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Prompts on the frame that the operator saw, half a second ago, over DDS."""

from typing import Any

from geometry_msgs.msg import Point, PointStamped
import numpy as np
import pytest

from ros.harness import (
    BLUE,
    FRAME_PERIOD_NS,
    GREY,
    RED,
    Operator,
    StartTracker,
    SwitchableModel,
    prompt,
    stamped,
)
from sam2_tracker_ros.core import types as core_types
from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.core.frame_history import FrameHistory
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import Box, Event, EventType, Frame, UInt8Array
from sam2_tracker_ros.messages import stamp_ns_of
from sam2_tracker_ros.msg import Prompt, Target
from sam2_tracker_ros.ros.late_prompts import LatePrompts
from sam2_tracker_ros.ros.prompt_queue import PromptQueue
from sam2_tracker_ros.testing.fake_model import FakeModel

# 400 px a second at one frame in 33 ms, for half a second.
STEP_PX = 13.2
LATE_FRAMES = 16
SIDE = 30
TOP = 40
SIZE = (480, 120)
NEWEST = LATE_FRAMES + 1


def left_of(index: int) -> int:
    """Return where the red square is in a frame."""
    return 20 + round(STEP_PX * index)


def picture(index: int) -> UInt8Array:
    """Return the red square on its way; a blue one stands where it was at first."""
    pixels = np.full((SIZE[1], SIZE[0], 3), GREY, np.uint8)
    if index >= 6:  # the red one has passed
        pixels[TOP : TOP + SIDE, left_of(0) : left_of(0) + SIDE] = BLUE
    pixels[TOP : TOP + SIDE, left_of(index) : left_of(index) + SIDE] = RED
    return pixels


def box_prompt(index: int, **fields: Any) -> Prompt:
    """Return a prompt for what is in the red square's place of a frame."""
    left = float(left_of(index))
    box = [left, float(TOP), left + SIDE, float(TOP + SIDE)]
    return prompt(box=box, target_id='car', **fields)


def show_the_film(operator: Operator) -> list[int]:
    """Show the frames up to the newest, and return their stamps."""
    return [stamp_ns_of(operator.show(picture(index)).header) for index in range(NEWEST)]


def measured_after(operator: Operator) -> Target:
    """Go on with the film until the target is measured, and return it."""
    for index in range(NEWEST, NEWEST + 10):
        targets = operator.show(picture(index)).targets
        if targets and targets[0].measured:
            return targets[0]
    raise AssertionError([event.detail for event in operator.events])


def test_a_prompt_starts_on_the_frame_that_was_seen(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker()
    stamps = show_the_film(operator)
    operator.prompts.publish(stamped(box_prompt(0), stamps[0]))
    acquired = operator.wait_for_event(EventType.ACQUIRED)
    assert stamp_ns_of(acquired.header) == stamps[0]
    assert 'on the frame of 0.53 s before' in acquired.detail
    target = measured_after(operator)
    assert target.epoch == acquired.epoch
    newest = operator.arrays[-1].frames_processed - 1
    assert target.box_left == pytest.approx(left_of(newest), abs=2.0)


def test_without_the_history_the_same_prompt_takes_what_came_there_since(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker(frame_history_s=0.0)
    stamps = show_the_film(operator)
    operator.prompts.publish(stamped(box_prompt(0), stamps[0]))
    target = measured_after(operator)
    assert target.box_left == pytest.approx(left_of(0), abs=2.0)
    assert 'newest frame' in operator.wait_for_event(EventType.ACQUIRED).detail


def test_a_stamped_click_means_its_frame_too(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker()
    stamps = show_the_film(operator)
    middle = Point(x=left_of(5) + SIDE / 2, y=TOP + SIDE / 2)
    operator.points.publish(stamped(PointStamped(point=middle), stamps[5]))
    operator.wait_for_event(EventType.ACQUIRED)
    target = measured_after(operator)
    newest = operator.arrays[-1].frames_processed - 1
    assert target.box_left == pytest.approx(left_of(newest), abs=2.0)


def test_the_service_answers_when_the_target_has_caught_up(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker()
    stamps = show_the_film(operator)
    request = stamped(box_prompt(3), stamps[3])
    answer = operator.select(None, header=request.header, box=request.box, target_id='car')
    assert answer.accepted
    assert 'on the frame of 0.43 s before' in answer.message
    assert answer.object_score > 0.9


@pytest.mark.parametrize('age_s', [5.0, -5.0])
def test_a_stamp_that_is_not_kept_means_the_newest_frame_and_the_answer_says_so(
    operator: Operator, start_tracker: StartTracker, age_s: float
) -> None:
    start_tracker()
    stamps = show_the_film(operator)
    asked = stamped(box_prompt(NEWEST), stamps[-1] - round(age_s * 1e9))
    answer = operator.select(picture(NEWEST), header=asked.header, box=asked.box, target_id='car')
    assert answer.accepted
    assert 'frame_history_s' in answer.message


def test_a_prompt_on_nothing_is_rejected_by_its_own_frame(
    operator: Operator, start_tracker: StartTracker, model: SwitchableModel
) -> None:
    start_tracker()
    stamps = show_the_film(operator)
    asked = stamped(prompt(point_x=[5000.0], point_y=[5.0], point_labels=[1]), stamps[3])
    operator.prompts.publish(asked)
    assert 'outside' in operator.wait_for_event(EventType.PROMPT_REJECTED).detail
    model.is_failing = True
    operator.prompts.publish(stamped(box_prompt(3), stamps[3]))
    assert 'gave up' in operator.wait_for_event(EventType.PROMPT_REJECTED, 2).detail
    model.is_failing = False
    operator.prompts.publish(stamped(box_prompt(3), stamps[3]))
    operator.wait_for_event(EventType.ACQUIRED)


def test_other_targets_are_followed_meanwhile(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker()
    stamps = show_the_film(operator)
    blue = prompt(target_id='blue', point_x=[35.0], point_y=[55.0], point_labels=[1])
    operator.prompts.publish(blue)
    operator.wait_until(lambda: operator.show(picture(NEWEST)).targets, 'the blue target')
    operator.prompts.publish(stamped(box_prompt(3), stamps[3]))
    operator.wait_for_event(EventType.ACQUIRED, 2)
    (first, second) = operator.show(picture(NEWEST + 1)).targets
    assert (first.target_id, second.target_id) == ('blue', 'car')
    assert first.box_left == pytest.approx(left_of(0), abs=2.0)
    assert second.box_left == pytest.approx(left_of(NEWEST + 1), abs=2.0)
    assert second.epoch > first.epoch


def test_a_late_target_takes_its_place_among_those_that_there_may_be(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker(max_targets=1)
    stamps = show_the_film(operator)
    operator.prompts.publish(stamped(box_prompt(3), stamps[3]))
    operator.wait_for_event(EventType.ACQUIRED)
    other = box_prompt(4)
    other.target_id = 'another'
    operator.prompts.publish(stamped(other, stamps[4]))
    assert 'max_targets' in operator.wait_for_event(EventType.PROMPT_REJECTED).detail
    operator.prompts.publish(stamped(box_prompt(5), stamps[5]))  # the same again
    again = operator.wait_for_event(EventType.ACQUIRED, 2)
    (target,) = operator.show(picture(NEWEST)).targets
    assert target.epoch == again.epoch


def test_stamps_that_go_back_forget_the_frames(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker()
    stamps = show_the_film(operator)
    operator.rewind(stamps[0] - 100 * FRAME_PERIOD_NS)
    operator.show(picture(0))
    asked = stamped(box_prompt(3), stamps[3])
    operator.prompts.publish(asked)
    operator.wait_until(
        lambda: operator.show(picture(3)) and operator.events_of(EventType.ACQUIRED), 'a target'
    )
    assert 'newest frame' in operator.events_of(EventType.ACQUIRED)[0].detail


def test_of_two_prompts_at_once_the_newer_one_counts_though_it_means_an_older_frame() -> None:
    tracker, history = Tracker(FakeModel(), Config()), FrameHistory(10.0, 2**26)
    events: list[Event] = []
    queue = PromptQueue(events.extend, lambda: 0)
    late = LatePrompts(tracker, history, queue, events.extend)
    frames = [Frame(picture(0), (index + 1) * FRAME_PERIOD_NS) for index in range(4)]
    for frame in frames[:3]:
        history.append(frame)
        tracker.step(frame)
    box = Box(left_of(0), TOP, left_of(0) + SIDE, TOP + SIDE)
    older = queue.put(core_types.Prompt(target_id='car', box=box))
    newer = queue.put(core_types.Prompt(target_id='car', box=box, stamp_ns=frames[0].stamp_ns))
    queue.sort(tracker, '', late.cancel)
    late.begin(frames[3].stamp_ns, frames[2].stamp_ns)
    assert 'a newer prompt' in older.result(0).message
    assert queue.take() == []
    while not newer.done():
        late.advance(frames[2].stamp_ns, Config())
    assert newer.result(0).accepted
    assert tracker.target_ids == ('car',)
    assert newer.result(0).epoch == tracker.epoch
