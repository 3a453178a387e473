# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What becomes of prompts, and of the targets they name."""

from collections.abc import Callable
from dataclasses import replace

from core.film import (
    BLUE,
    BLUE_BOX,
    GREEN,
    RED,
    RED_BOX,
    SIZE_PX,
    RecordingModel,
    add,
    box_at,
    drawn,
    film,
    kinds,
    with_object_score,
    with_predicted_iou,
)
import numpy as np
import pytest

from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.core.geometry import camera_mask
from sam2_tracker_ros.core.model import (
    MaskCandidates,
)
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import (
    Box,
    Edge,
    Event,
    EventType,
    Frame,
    Point,
    Prompt,
    PromptAction,
    Reason,
    TargetState,
)
from sam2_tracker_ros.errors import PromptError

CLICK = Prompt(points=(Point(30, 30),))


def prompts_of_red() -> list[Prompt]:
    """Return every way to point at the red box."""
    mask = drawn((RED_BOX, RED))[:, :, 0] == RED[0]
    return [
        CLICK,
        Prompt(points=(Point(30 / 96, 30 / 96),), normalized=True),
        add(RED_BOX),
        Prompt(mask=mask),
    ]


@pytest.mark.parametrize('prompt', prompts_of_red(), ids=['click', 'normalized', 'box', 'mask'])
def test_pointing_starts_a_target_that_is_measured_at_once(prompt: Prompt) -> None:
    result = film().show((RED_BOX, RED), (BLUE_BOX, BLUE), prompts=[prompt])
    (answer,), (target,), (event,) = result.answers, result.targets, result.events
    assert answer.accepted
    assert answer.target_id == target.target_id == event.target_id == 'target_1'
    assert answer.epoch == target.epoch == event.epoch
    assert answer.object_score == pytest.approx(1.0, abs=1e-4)
    assert answer.predicted_iou >= 0.9
    assert event.type is EventType.ACQUIRED
    assert event.stamp_ns == result.stamp_ns == 100_000_000_000
    assert (target.state, target.reason, target.measured) == (
        TargetState.TRACKING,
        Reason.NONE,
        True,
    )
    assert target.box == RED_BOX
    assert target.mask is not None
    np.testing.assert_array_equal(
        camera_mask(target.mask, SIZE_PX), drawn((RED_BOX, RED))[:, :, 0] == RED[0]
    )
    assert (target.time_since_measured_s, target.frames_since_measured) == (0.0, 0)
    assert target.edges is Edge.NONE


def test_a_mask_prompt_is_remembered_as_it_was_drawn() -> None:
    model = RecordingModel()
    # The operator marks the left half of what the model would find.
    mask = np.zeros((96, 96), np.bool_)
    mask[22:38, 20:30] = True
    result = film(model).show((RED_BOX, RED), prompts=[Prompt(mask=mask)])
    assert result.targets[0].box == Box(20, 22, 30, 38)
    ((remembered, score, is_prompted),) = model.remembered
    np.testing.assert_array_equal(np.asarray(remembered) > 0.0, mask)
    assert (score, is_prompted) == (10.0, True)


def test_a_mask_prompt_is_right_whatever_the_model_says() -> None:
    model = RecordingModel(spoil=with_object_score(-5.0))
    mask = drawn((RED_BOX, RED))[:, :, 0] == RED[0]
    result = film(model).show((RED_BOX, RED), prompts=[Prompt(mask=mask)])
    assert result.answers[0].accepted
    assert result.targets[0].measured
    assert model.remembered[0][1] == 10.0


def test_names_are_free_ones() -> None:
    show = film()
    shapes = ((RED_BOX, RED), (BLUE_BOX, BLUE))
    names = [
        answer.target_id
        for answer in show.show(*shapes, prompts=[add(RED_BOX), add(BLUE_BOX)]).answers
    ]
    assert names == ['target_1', 'target_2']
    show.tracker.release('target_1')
    (answer,) = show.show(*shapes, prompts=[add(RED_BOX)]).answers
    assert answer.target_id == 'target_1'


def test_refining_on_a_later_frame() -> None:
    model = RecordingModel()
    show = film(model)
    large = box_at(66, 66, 50, 50)
    shapes = ((RED_BOX, RED), (large, BLUE))
    epoch = show.show(*shapes, prompts=[add(RED_BOX, 'it')]).answers[0].epoch
    show.show(*shapes)
    correction = Prompt(PromptAction.REFINE, 'it', points=(Point(70, 70),))
    result = show.show(*shapes, prompts=[correction])
    assert result.answers[0].accepted
    assert result.answers[0].epoch == result.targets[0].epoch == epoch
    # The correction is believed although it is far off the expected path, and much larger.
    assert result.targets[0].box == large
    assert result.targets[0].measured
    assert result.events == ()
    # It is remembered as one more frame, in place of what was found without it.
    assert list(model.decoded[-1].labels) == [1]
    assert model.with_memory[-1]
    assert model.remembered[-1][2]
    show.show(*shapes)
    assert [attended.temporal_row for attended in model.attended[-1][0]] == [6, 0, 1]


def test_refining_a_lost_target_finds_it_at_once() -> None:
    show = film(coast_timeout_s=0.2, reacquire_frames=5)
    show.show((RED_BOX, RED), prompts=[add(RED_BOX)])
    while show.show().targets[0].state is not TargetState.LOST:
        pass
    # An empty id means the only target.
    correction = Prompt(PromptAction.REFINE, box=BLUE_BOX)
    result = show.show((BLUE_BOX, RED), prompts=[correction])
    assert result.answers[0].target_id == 'target_1'
    assert result.targets[0].state is TargetState.TRACKING
    assert kinds(result.events) == [EventType.REACQUIRED]


def test_adding_an_id_again_starts_a_new_epoch() -> None:
    model = RecordingModel()
    show = film(model, max_targets=1)
    shapes = ((RED_BOX, RED), (BLUE_BOX, BLUE))
    first = show.show(*shapes, prompts=[add(RED_BOX, 'it')]).answers[0]
    result = show.show(*shapes, prompts=[add(BLUE_BOX, 'it')])
    assert result.answers[0].accepted
    assert result.answers[0].epoch > first.epoch
    assert [(target.box, target.epoch) for target in result.targets] == [
        (BLUE_BOX, result.answers[0].epoch)
    ]
    show.show(*shapes)
    assert len(model.attended[-1][0]) == 1


def test_removing_one_and_clearing_all() -> None:
    show = film()
    shapes = ((RED_BOX, RED), (BLUE_BOX, BLUE), (box_at(70, 20), GREEN))
    boxes = {'red': RED_BOX, 'blue': BLUE_BOX, 'green': box_at(70, 20)}
    result = show.show(*shapes, prompts=[add(box, name) for name, box in boxes.items()])
    epochs = {answer.target_id: answer.epoch for answer in result.answers}
    assert len(set(epochs.values())) == 3
    result = show.show(*shapes, prompts=[Prompt(PromptAction.REMOVE, 'blue')])
    assert result.answers[0].accepted
    assert [target.target_id for target in result.targets] == ['red', 'green']
    released = Event(EventType.RELEASED, result.stamp_ns, 'blue', epochs['blue'], Reason.RELEASED)
    assert result.events == (released,)
    result = show.show(*shapes, prompts=[Prompt(PromptAction.CLEAR)])
    assert result.answers[0].accepted
    assert result.targets == ()
    assert kinds(result.events) == [EventType.RELEASED] * 2
    assert show.tracker.target_ids == ()


def test_prompts_of_one_frame_are_done_in_order() -> None:
    show = film(max_targets=1)
    shapes = ((RED_BOX, RED), (BLUE_BOX, BLUE))
    show.show(*shapes, prompts=[add(RED_BOX, 'red')])
    result = show.show(
        *shapes,
        prompts=[
            add(BLUE_BOX, 'blue'),
            Prompt(PromptAction.REMOVE, 'red'),
            add(BLUE_BOX, 'blue'),
            Prompt(PromptAction.REFINE, 'blue', points=(Point(70, 70),)),
        ],
    )
    assert [answer.accepted for answer in result.answers] == [False, True, True, False]
    assert 'refine it in the next one' in result.answers[3].message
    assert [target.target_id for target in result.targets] == ['blue']


def test_release_between_frames() -> None:
    show = film()
    result = show.show((RED_BOX, RED), (BLUE_BOX, BLUE), prompts=[add(RED_BOX), add(BLUE_BOX)])
    event = show.tracker.release('target_2')
    assert event == Event(
        EventType.RELEASED,
        result.stamp_ns,
        'target_2',
        result.answers[1].epoch,
        Reason.RELEASED,
    )
    with pytest.raises(PromptError, match=r"no target 'target_2'; there are: 'target_1'"):
        show.tracker.release('target_2')
    assert show.tracker.release().target_id == 'target_1'
    with pytest.raises(PromptError, match='the only target; there are: none'):
        show.tracker.release()
    show.show((RED_BOX, RED), (BLUE_BOX, BLUE), prompts=[add(RED_BOX), add(BLUE_BOX)])
    with pytest.raises(PromptError, match="the only target; there are: 'target_1', 'target_2'"):
        show.tracker.release()
    assert kinds(show.tracker.release_all()) == [EventType.RELEASED] * 2
    assert show.tracker.release_all() == ()
    assert show.tracker.target_ids == ()


def test_epochs_go_on_from_those_of_an_earlier_tracker() -> None:
    model = RecordingModel()
    tracker = Tracker(model, Config(), epoch=7)
    frame = Frame(drawn((RED_BOX, RED)), 1)
    (answer,) = tracker.step(frame, [add(RED_BOX)]).answers
    assert answer.epoch == tracker.epoch == 8


@pytest.mark.parametrize(
    ('prompt', 'message'),
    [
        (add(Box(200, 0, 300, 50)), 'outside the image'),
        (Prompt(), 'the prompt is empty'),
        (Prompt(points=(Point(float('nan'), 1),)), 'not finite'),
        (Prompt(PromptAction.REMOVE, 'who'), "no target 'who'; there are: 'red', 'blue'"),
        (Prompt(PromptAction.REMOVE), 'target_id is empty, which means the only target'),
        (Prompt(PromptAction.REFINE, 'who', points=(Point(1, 1),)), "no target 'who'"),
        (Prompt(PromptAction.REFINE, points=(Point(1, 1),)), 'target_id is empty'),
        (add(BLUE_BOX, 'third'), 'max_targets is 2, and there are: red, blue; remove one'),
    ],
)
def test_a_refused_prompt_changes_nothing(prompt: Prompt, message: str) -> None:
    show = film(max_targets=2)
    shapes = ((RED_BOX, RED), (BLUE_BOX, BLUE))
    before = show.show(*shapes, prompts=[add(RED_BOX, 'red'), add(BLUE_BOX, 'blue')])
    result = show.show(*shapes, prompts=[prompt])
    (answer,), (event,) = result.answers, result.events
    assert not answer.accepted
    assert message in answer.message
    assert answer.target_id == prompt.target_id
    assert np.isnan([answer.object_score, answer.predicted_iou]).all()
    assert (event.type, event.target_id, event.detail) == (
        EventType.PROMPT_REJECTED,
        prompt.target_id,
        answer.message,
    )
    assert [(target.target_id, target.epoch, target.measured) for target in result.targets] == [
        (target.target_id, target.epoch, True) for target in before.targets
    ]


@pytest.mark.parametrize(
    ('spoil', 'why'),
    [
        (with_object_score(-1.0), 'OCCLUDED'),
        (with_predicted_iou(0.1), 'LOW_SCORE'),
        (with_object_score(float('nan')), 'NON_FINITE'),
        (lambda found: replace(found, mask_logits=-abs(found.mask_logits)), 'MASK_VANISHED'),
    ],
)
def test_a_prompt_at_which_nothing_is_found_is_refused(
    spoil: Callable[[MaskCandidates], MaskCandidates], why: str
) -> None:
    model = RecordingModel(spoil=spoil)
    result = film(model).show((RED_BOX, RED), prompts=[add(RED_BOX)])
    assert not result.answers[0].accepted
    assert 'no object was found at the prompt' in result.answers[0].message
    assert why in result.answers[0].message
    assert 'draw a box' in result.answers[0].message
    assert result.targets == ()


def test_the_answer_says_when_the_mask_does_not_follow_the_clicks() -> None:
    inside, outside = Point(*RED_BOX.center), Point(RED_BOX.right + 9, RED_BOX.bottom + 9)
    show = film()
    started = show.show(
        (RED_BOX, RED), prompts=[Prompt(points=(inside, outside), box=RED_BOX)]
    ).answers[0]
    refined = show.show(
        (RED_BOX, RED), prompts=[Prompt(PromptAction.REFINE, points=(inside,))]
    ).answers[0]
    assert started.accepted
    assert refined.accepted
    assert 'of 2 points' in started.message
    assert refined.message == 'target refined'
