# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the tracker asks the model in each frame, and what it makes of the answers."""

from collections.abc import Sequence
from dataclasses import replace

from core.film import (
    BLUE,
    BLUE_BOX,
    RED,
    RED_BOX,
    SIZE_PX,
    Film,
    RecordingModel,
    add,
    box_at,
    drawn,
    film,
    settings,
)
import numpy as np
import pytest

from sam2_tracker_ros.core.geometry import box_iou
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
    Frame,
    PixelFormat,
    Point,
    Prompt,
    PromptAction,
    Reason,
)
from sam2_tracker_ros.testing.fake_model import CANDIDATE_IOUS, FakeModel

CLICK = Prompt(points=(Point(30, 30),))


def test_a_tracker_without_targets_asks_the_model_nothing() -> None:
    model = RecordingModel()
    show = film(model)
    result = show.show((RED_BOX, RED))
    assert (result.targets, result.events, result.answers) == ((), (), ())
    assert result.size_px == SIZE_PX
    assert result.frame_id == 'camera_optical'
    assert not model.images


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


@pytest.mark.parametrize(
    ('remember_unmeasured', 'attended'),
    [(False, [1, 1, 1, 2]), (True, [1, 2, 3, 4])],
    ids=['measured frames only', 'every frame, as SAM 2'],
)
def test_frames_without_the_target_are_remembered_where_that_is_wanted(
    remember_unmeasured: bool, attended: list[int]
) -> None:
    model = RecordingModel()
    show = film(
        model,
        memory_selection='recency',
        remember_unmeasured=remember_unmeasured,
        resume_frames=1,
    )
    show.show((RED_BOX, RED), prompts=[CLICK])
    show.show()
    show.show()
    show.show((RED_BOX, RED))
    show.show((RED_BOX, RED))
    assert [score for _, score, _ in model.remembered] == [10.0, -10.0, -10.0, 10.0, 10.0]
    assert [len(memories) for memories, _ in model.attended] == attended


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


def test_a_correcting_click_may_lie_anywhere_in_the_image() -> None:
    show = Film(Tracker(FakeModel(), settings(min_target_size_px=24.0)))
    shapes = ((box_at(60, 60, 40, 40), RED), (box_at(400, 300, 40, 40), BLUE))
    show.show(*shapes, prompts=[add(box_at(60, 60, 40, 40))], size_px=(480, 360))
    click = Prompt(PromptAction.REFINE, points=(Point(400, 300),))
    found = show.show(*shapes, prompts=[click], size_px=(480, 360)).targets[0].box
    assert found is not None
    assert box_iou(found, box_at(400, 300, 40, 40)) > 0.8


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


def test_other_thresholds_hold_from_the_next_frame_on() -> None:
    show = film()
    shapes = ((RED_BOX, RED), (box_at(44, 30, 4, 8), RED))
    target = show.show(*shapes, prompts=[add(RED_BOX)]).targets[0]
    assert (target.measured, target.box) == (True, RED_BOX)
    show.tracker.reconfigure(settings(min_component_fraction=0.05))
    assert show.show(*shapes).targets[0].box == Box(20, 22, 46, 38)
    show.tracker.reconfigure(settings(min_predicted_iou=0.99))
    target = show.show(*shapes).targets[0]
    assert (target.measured, target.reason) == (False, Reason.LOW_SCORE)


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
