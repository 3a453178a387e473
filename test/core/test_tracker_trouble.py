# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Cameras that change, clocks that go back and models that fail."""

from dataclasses import replace

from core.film import (
    BLUE,
    BLUE_BOX,
    RED,
    RED_BOX,
    RecordingModel,
    add,
    box_at,
    film,
    kinds,
)
import numpy as np
import pytest

from sam2_tracker_ros.core.types import (
    EventType,
    Prompt,
    PromptAction,
    TargetState,
)
from sam2_tracker_ros.errors import ModelError


def test_another_image_size_releases_every_target() -> None:
    show = film()
    show.show((RED_BOX, RED), prompts=[add(RED_BOX)])
    result = show.show((RED_BOX, RED), size_px=(128, 96))
    (event,) = result.events
    assert (event.type, event.target_id) == (EventType.RELEASED, 'target_1')
    assert 'from 96 x 96 to 128 x 96; prompt again' in event.detail
    assert result.targets == ()
    assert result.size_px == (128, 96)


def test_a_prompt_in_the_first_frame_of_another_size_is_answered() -> None:
    show = film()
    show.show((RED_BOX, RED), prompts=[add(RED_BOX)])
    result = show.show((RED_BOX, RED), size_px=(128, 96), prompts=[add(RED_BOX)])
    assert result.answers[0].accepted
    assert kinds(result.events) == [EventType.RELEASED, EventType.ACQUIRED]
    assert result.answers[0].epoch == result.targets[0].epoch != result.events[0].epoch


def test_stamps_that_go_back_forget_motion_and_recent_memory() -> None:
    model = RecordingModel()
    show = film(model)
    epoch = show.show((RED_BOX, RED), prompts=[add(RED_BOX)]).answers[0].epoch
    for _ in range(4):
        show.show((RED_BOX, RED))
    show.skip(-20)
    result = show.show((BLUE_BOX, RED))
    (event,) = result.events
    assert event.type is EventType.TIME_JUMP
    assert event.target_id == ''
    assert 'went back by 1.900 s' in event.detail
    (target,) = result.targets
    # Far from where it was: without motion that is no mismatch.
    assert (target.state, target.box) == (TargetState.TRACKING, BLUE_BOX)
    assert target.epoch == event.epoch > epoch
    assert np.isnan(target.scores.motion_iou)
    assert target.time_since_measured_s == 0.0
    memories, pointers = model.attended[-1]
    assert [attended.temporal_row for attended in memories] == [6]
    assert [attended.age_frames for attended in pointers] == [5]
    result = show.show((BLUE_BOX, RED))
    assert result.events == ()
    assert result.targets[0].motion is not None


def test_the_same_stamp_twice_is_no_jump() -> None:
    show = film()
    show.show((RED_BOX, RED), prompts=[add(RED_BOX)])
    show.skip(-1)
    result = show.show((RED_BOX, RED))
    assert result.events == ()
    assert result.targets[0].measured


@pytest.mark.parametrize(
    'stage', ['encode_image', 'attend_memory', 'decode_masks', 'encode_memory']
)
def test_a_model_that_fails_leaves_every_target_as_it_was(stage: str) -> None:
    told: list[list[object]] = []
    for fails_in in ('', stage):
        model = RecordingModel()
        show = film(model)
        show.show((RED_BOX, RED), (BLUE_BOX, BLUE), prompts=[add(RED_BOX, 'red')])
        show.show((box_at(31, 30), RED), (BLUE_BOX, BLUE), prompts=[add(BLUE_BOX, 'blue')])
        if fails_in:
            model.fails_in = fails_in
            prompts = [Prompt(PromptAction.REMOVE, 'blue'), add(RED_BOX, 'red')]
            with pytest.raises(ModelError, match=f'{stage} failed'):
                show.show((BLUE_BOX, RED), prompts=prompts)
            assert show.tracker.target_ids == ('red', 'blue')
            model.fails_in = ''
        result = show.show((box_at(32, 30), RED))
        told.append([replace(target, mask=None, motion=None) for target in result.targets])
        told[-1] += [target.motion.velocity for target in result.targets if target.motion]
        told[-1] += [
            [(attended.temporal_row, attended.memory) for attended in memories]
            for memories, _ in model.attended[-2:]
        ]
    assert repr(told[0]) == repr(told[1])
    assert 'TRACKING' in repr(told[0])


@pytest.mark.parametrize('stage', ['encode_image', 'decode_masks', 'encode_memory'])
def test_a_failure_in_a_frame_of_another_size_loses_no_event(stage: str) -> None:
    model = RecordingModel()
    show = film(model)
    show.show((RED_BOX, RED), prompts=[add(RED_BOX)])
    model.fails_in = stage
    with pytest.raises(ModelError):
        show.show((RED_BOX, RED), size_px=(128, 96), prompts=[add(RED_BOX)])
    assert show.tracker.target_ids == ('target_1',)
    model.fails_in = ''
    result = show.show((RED_BOX, RED), size_px=(128, 96))
    assert kinds(result.events) == [EventType.RELEASED]


def test_a_failure_in_a_frame_from_the_past_forgets_nothing() -> None:
    model = RecordingModel()
    show = film(model)
    show.show((RED_BOX, RED), prompts=[add(RED_BOX)])
    for _ in range(4):
        show.show((RED_BOX, RED))
    show.skip(-4)
    model.fails_in = 'decode_masks'
    with pytest.raises(ModelError):
        show.show((RED_BOX, RED))
    model.fails_in = ''
    show.skip(4)
    result = show.show((RED_BOX, RED))
    assert result.events == ()
    assert not np.isnan(result.targets[0].scores.motion_iou)
    memories, _ = model.attended[-1]
    assert len(memories) == 5
