# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the tracker does in each frame: what it asks the model, what it answers and remembers."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from core.film import (
    BLUE,
    GREEN,
    RED,
    SIZE_PX,
    Film,
    RecordingModel,
    box_at,
    drawn,
    film,
    settings,
    with_object_score,
    with_predicted_iou,
)
import numpy as np
import pytest

from sam2_tracker_ros.core.geometry import box_iou, camera_mask
from sam2_tracker_ros.core.model import (
    AttendedMemory,
    AttendedPointer,
    ConditionedFeatures,
    Features,
    MaskCandidates,
    Memory,
    MemoryMask,
)
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import (
    Box,
    Edge,
    Event,
    EventType,
    Frame,
    PixelFormat,
    Point,
    Prompt,
    PromptAction,
    Reason,
    TargetState,
)
from sam2_tracker_ros.errors import ModelError, PromptError
from sam2_tracker_ros.testing.fake_model import CANDIDATE_IOUS, FakeModel

RED_BOX, BLUE_BOX = box_at(30, 30), box_at(70, 70)
CLICK = Prompt(points=(Point(30, 30),))


def add(box: Box, target_id: str = '') -> Prompt:
    """Return a prompt that starts a target."""
    return Prompt(target_id=target_id, box=box)


def kinds(events: tuple[Event, ...]) -> list[EventType]:
    """Return what happened, in order."""
    return [event.type for event in events]


def test_a_tracker_without_targets_asks_the_model_nothing() -> None:
    model = RecordingModel()
    show = film(model)
    result = show.show((RED_BOX, RED))
    assert (result.targets, result.events, result.answers) == ((), (), ())
    assert result.size_px == SIZE_PX
    assert result.frame_id == 'camera_optical'
    assert not model.images


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


def test_what_the_decoder_and_the_memory_are_told() -> None:
    model = RecordingModel()
    show = film(model)
    show.show((RED_BOX, RED), prompts=[add(RED_BOX)])
    show.show((RED_BOX, RED))
    assert [list(prompt.labels) for prompt in model.decoded] == [[2, 3], [-1]]
    assert model.with_memory == [False, True]
    assert [is_prompted for _, _, is_prompted in model.remembered] == [True, False]
    assert [score for _, score, _ in model.remembered] == [10.0, 10.0]
    np.testing.assert_array_equal(model.decoded[0].points, [[20, 22], [40, 38]])


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


def test_a_moving_target_is_followed() -> None:
    show = film()
    result = show.show((RED_BOX, RED), prompts=[CLICK])
    for step in range(1, 20):
        box = box_at(30 + 2 * step, 30 + step)
        result = show.show((box, RED), (box_at(10, 80), BLUE))
        assert result.targets[0].box == box
        assert result.events == ()
    motion = result.targets[0].motion
    assert motion is not None
    assert motion.velocity == pytest.approx((20.0, 10.0), rel=0.1)
    scores = result.targets[0].scores
    assert scores.motion_iou > 0.8
    assert scores.predicted_iou == pytest.approx(CANDIDATE_IOUS[0])
    assert scores.object_score == pytest.approx(1.0, abs=1e-4)
    assert scores.confidence == pytest.approx(scores.object_score * scores.predicted_iou)


def enumeration(frame: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Write down SAM 2's rule for a target of frame 0: (frame, row) and (frame, age)."""
    memories = [(0, 6)]
    memories += [(frame - off, off - 1) for off in range(1, 7) if frame - off >= 1]
    pointers = [(0, frame)]
    pointers += [(frame - age, age) for age in range(1, 16) if frame - age >= 1]
    return memories, pointers


class Numbered:
    """A memory or pointer of a frame of its own."""


class NumberingModel(RecordingModel):
    """Makes memories and pointers that can be told apart, in order of creation."""

    def __init__(self) -> None:
        super().__init__()
        self.memories: list[Numbered] = []
        self.pointers: list[Numbered] = []
        self.spoil = self._number_pointers

    def attend_memory(
        self,
        features: Features,
        memories: Sequence[AttendedMemory],
        pointers: Sequence[AttendedPointer],
    ) -> ConditionedFeatures:
        """Note what is attended; the target always looks as it did first."""
        self.attended.append((tuple(memories), tuple(pointers)))
        return self.look

    def encode_memory(
        self,
        features: Features,
        mask: MemoryMask,
        object_score_logit: float,
        *,
        is_prompted: bool,
    ) -> Memory:
        """Make a memory of its own."""
        if is_prompted:
            self.look = self.model.encode_memory(
                features, mask, object_score_logit, is_prompted=True
            )
        self.memories.append(Numbered())
        return self.memories[-1]

    def _number_pointers(self, candidates: MaskCandidates) -> MaskCandidates:
        self.pointers.append(Numbered())
        return replace(candidates, pointers=[self.pointers[-1]])


def test_what_is_attended_in_frames_1_to_20() -> None:
    model = NumberingModel()
    show = film(model)
    show.show((RED_BOX, RED), prompts=[CLICK])
    for frame in range(1, 21):
        result = show.show((RED_BOX, RED))
        assert result.targets[0].measured
        memories, pointers = enumeration(frame)
        assert model.attended[-1] == (
            tuple(AttendedMemory(model.memories[of], row) for of, row in memories),
            tuple(AttendedPointer(model.pointers[of], age) for of, age in pointers),
        )


def test_an_absent_target_is_remembered_as_absent() -> None:
    model = RecordingModel()
    show = film(model)
    show.show((RED_BOX, RED), prompts=[CLICK])
    show.show()
    show.show((RED_BOX, RED))
    assert [score for _, score, _ in model.remembered] == [10.0, -10.0, 10.0]
    assert len(model.attended[-1][0]) == 2


def test_targets_share_one_encoding() -> None:
    model = RecordingModel()
    show = film(model)
    shapes = ((RED_BOX, RED), (BLUE_BOX, BLUE))
    result = show.show(*shapes, prompts=[add(RED_BOX, 'red'), add(BLUE_BOX, 'blue')])
    assert [answer.accepted for answer in result.answers] == [True, True]
    assert len(model.images) == 1
    result = show.show(*shapes)
    assert len(model.images) == 2
    assert len(model.attended) == 2
    assert {target.target_id: target.box for target in result.targets} == {
        'red': RED_BOX,
        'blue': BLUE_BOX,
    }
    assert show.tracker.target_ids == ('red', 'blue')


def test_each_target_attends_to_its_own_memory() -> None:
    show = film()
    shapes = ((RED_BOX, RED), (BLUE_BOX, BLUE))
    show.show(*shapes, prompts=[add(RED_BOX, 'red')])
    show.show(*shapes, prompts=[add(BLUE_BOX, 'blue')])
    result = show.show((BLUE_BOX, BLUE))
    assert {target.target_id: target.measured for target in result.targets} == {
        'red': False,
        'blue': True,
    }


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
    shapes = ((RED_BOX, RED), (BLUE_BOX, BLUE))
    epoch = show.show(*shapes, prompts=[add(RED_BOX, 'it')]).answers[0].epoch
    show.show(*shapes)
    correction = Prompt(PromptAction.REFINE, 'it', points=(Point(70, 70),))
    result = show.show(*shapes, prompts=[correction])
    assert result.answers[0].accepted
    assert result.answers[0].epoch == result.targets[0].epoch == epoch
    # The correction is believed although it is far off the expected path.
    assert result.targets[0].box == BLUE_BOX
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
    (event,) = show.tracker.release('target_2')
    assert event == Event(
        EventType.RELEASED,
        result.stamp_ns,
        'target_2',
        result.answers[1].epoch,
        Reason.RELEASED,
    )
    with pytest.raises(PromptError, match=r"no target 'target_2'; there are: 'target_1'"):
        show.tracker.release('target_2')
    assert kinds(show.tracker.release()) == [EventType.RELEASED]
    assert show.tracker.release() == ()
    assert show.tracker.target_ids == ()


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
        (add(BLUE_BOX, 'third'), '2 targets are tracked; remove one, or raise max_targets'),
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


@pytest.mark.parametrize('best', [0, 1, 2])
def test_the_candidate_of_the_best_predicted_iou_is_taken(best: int) -> None:
    ious = np.full(3, 0.5, np.float32)
    ious[best] = 0.9
    pointers = ['first', 'second', 'third']

    def spoil(candidates: MaskCandidates) -> MaskCandidates:
        return replace(candidates, predicted_iou=ious)

    model = RecordingModel(FakeModel(candidates=3), spoil=spoil)
    show = film(model)
    target = show.show((RED_BOX, RED), prompts=[add(RED_BOX)]).targets[0]
    # The fake's candidates are eroded by one pixel each.
    assert target.box == Box(20 + best, 22 + best, 40 - best, 38 - best)
    assert target.scores.predicted_iou == pytest.approx(0.9)
    assert np.count_nonzero(np.asarray(model.remembered[0][0]) > 0.0) == (
        (20 - 2 * best) * (16 - 2 * best)
    )
    model.spoil = lambda candidates: replace(spoil(candidates), pointers=pointers)
    target = show.show((RED_BOX, RED)).targets[0]
    assert target.box == Box(20 + best, 22 + best, 40 - best, 38 - best)
    show.show((RED_BOX, RED))
    assert [attended.pointer for attended in model.attended[-1][1]][1] == pointers[best]


def test_the_search_window_follows_the_target() -> None:
    model = RecordingModel()
    show = Film(Tracker(model, settings(min_target_size_px=24.0)))
    size_px = (480, 360)
    box = box_at(100, 100, 40, 40)
    result = show.show((box, RED), prompts=[add(box)], size_px=size_px)
    assert result.targets[0].box == box
    for step in range(1, 15):
        box = box_at(100 + 10 * step, 100 + 8 * step, 40, 40)
        result = show.show((box, RED), (box_at(440, 20, 40, 40), RED), size_px=size_px)
        found = result.targets[0].box
        assert found is not None
        assert box_iou(found, box) > 0.85
    # 40 pixels of the target are more than 24 of the model image: it was looked at closely.
    seen = np.count_nonzero(np.asarray(model.images[-1])[:, :, 0] == RED[0])
    assert np.sqrt(seen) > 16.0


def test_targets_far_apart_are_looked_at_on_their_own() -> None:
    model = RecordingModel()
    show = Film(Tracker(model, settings(min_target_size_px=24.0)))
    shapes = ((box_at(60, 60, 40, 40), RED), (box_at(400, 300, 40, 40), BLUE))
    prompts = [add(box) for box, _ in shapes]
    show.show(*shapes, prompts=prompts, size_px=(480, 360))
    assert len(model.images) == 2


def test_a_tall_box_lies_within_what_the_model_sees() -> None:
    model = RecordingModel()
    show = Film(Tracker(model, settings(min_target_size_px=48.0)))
    pole = box_at(200, 180, 12, 300)
    result = show.show((pole, RED), prompts=[add(pole)], size_px=(480, 360))
    assert (model.decoded[0].points >= 0.0).all()
    assert (model.decoded[0].points <= 96.0).all()
    found = result.targets[0].box
    assert found is not None
    assert box_iou(found, pole) > 0.8


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


def test_other_thresholds_hold_from_the_next_frame_on() -> None:
    show = film()
    show.show((RED_BOX, RED), prompts=[add(RED_BOX)])
    assert show.show((RED_BOX, RED)).targets[0].measured
    show.tracker.reconfigure(settings(min_predicted_iou=0.99))
    target = show.show((RED_BOX, RED)).targets[0]
    assert (target.measured, target.reason) == (False, Reason.LOW_SCORE)


STAGES = ['encode_image', 'attend_memory', 'decode_masks', 'encode_memory']


@pytest.mark.parametrize('stage', STAGES)
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


def test_every_stage_is_timed() -> None:
    show = film()
    show.show((RED_BOX, RED), prompts=[add(RED_BOX)])
    timings = show.show((RED_BOX, RED)).timings
    stages = (
        timings.prepare_s,
        timings.encode_s,
        timings.attend_s,
        timings.decode_s,
        timings.remember_s,
        timings.decide_s,
    )
    assert min(stages) > 0.0
    assert timings.total_s == pytest.approx(sum(stages))


def test_gray_frames_are_tracked() -> None:
    pixels = drawn((RED_BOX, (250, 250, 250)))[:, :, 0]
    frame = Frame(pixels, 1, pixel_format=PixelFormat.GRAY)
    result = Tracker(FakeModel(), settings()).step(frame, [CLICK])
    assert result.targets[0].box == RED_BOX
