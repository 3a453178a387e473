# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A target over time: hidden, lost, found again, leaving, replaced by something else."""

from collections.abc import Callable
from dataclasses import replace
import gc
import sys

from core.film import (
    BLUE,
    RED,
    SIZE_PX,
    Film,
    RecordingModel,
    box_at,
    film,
    settings,
    with_object_score,
    with_predicted_iou,
)
import numpy as np
import pytest

from sam2_tracker_ros.core.model import MaskCandidates
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import (
    Box,
    Edge,
    EventType,
    Point,
    Prompt,
    PromptAction,
    Reason,
    StepResult,
    TargetResult,
    TargetState,
)
from sam2_tracker_ros.testing.fake_model import FakeModel

RED_BOX = box_at(40, 40)
TRACKING, COASTING, LOST = TargetState.TRACKING, TargetState.COASTING, TargetState.LOST


def started(
    box: Box = RED_BOX, model: RecordingModel | None = None, rate_hz: float = 10.0
) -> Film:
    """Return a film of a target that is lost after 0.99 s and found again by 3 frames."""
    config = settings(coast_timeout_s=0.99, reacquire_frames=3)
    show = Film(Tracker(model or FakeModel(), config), rate_hz)
    assert show.show((box, RED), prompts=[Prompt(box=box)]).answers[0].accepted
    return show


def only(result: StepResult) -> TargetResult:
    """Return the target of a result."""
    (target,) = result.targets
    return target


@pytest.mark.parametrize('rate_hz', [5.0, 10.0, 30.0, 60.0])
def test_occlusion_is_timed_in_seconds_at_any_rate(rate_hz: float) -> None:
    show = started(rate_hz=rate_hz)
    told = []
    for frame in range(1, round(2.0 * rate_hz) + 1):
        result = show.show()
        target = only(result)
        assert not target.measured
        assert target.mask is None
        assert target.reason is Reason.OCCLUDED
        assert target.scores.confidence == 0.0
        assert target.time_since_measured_s == pytest.approx(frame / rate_hz, abs=1e-6)
        assert target.frames_since_measured == frame
        told += [(event.type, frame / rate_hz) for event in result.events]
    # Coasting from the first unseen frame, lost in the first that is more than 0.99 s after.
    assert told == [(EventType.COASTING, 1.0 / rate_hz), (EventType.LOST, 1.0)]
    states = [only(show.show((RED_BOX, RED))).state for _ in range(2)]
    assert states == [LOST, LOST]
    result = show.show((RED_BOX, RED))
    (event,) = result.events
    assert (event.type, event.reason) == (EventType.REACQUIRED, Reason.NONE)
    assert event.gap_s == pytest.approx(2.0 + 3.0 / rate_hz, abs=1e-6)
    assert only(result).state is TRACKING
    assert only(result).box == RED_BOX
    assert only(result).time_since_measured_s == 0.0


def test_dropped_frames_do_not_stretch_time() -> None:
    show = started()
    show.skip(3)
    result = show.show()
    assert only(result).state is COASTING
    assert only(result).time_since_measured_s == pytest.approx(0.4, abs=1e-6)
    assert only(result).frames_since_measured == 1
    show.skip(6)
    result = show.show()
    assert only(result).state is LOST
    show.skip(5)
    for _ in range(3):
        result = show.show((RED_BOX, RED))
        show.skip(1)
    assert result.events[0].type is EventType.REACQUIRED
    assert result.events[0].gap_s == pytest.approx(1.1 + 0.6 + 0.4, abs=1e-6)


def test_a_short_occlusion_is_bridged_by_the_prediction() -> None:
    show = started(box_at(20, 40))
    for step in range(1, 10):
        show.show((box_at(20 + 2 * step, 40), RED))
    deviations: list[float] = []
    for step in range(10, 15):
        target = only(show.show())
        assert target.state is COASTING
        assert target.box is not None
        assert target.box.center == pytest.approx((20 + 2 * step, 40), abs=1.0)
        assert target.motion is not None
        deviations.append(float(np.trace(target.motion.center_covariance)))
    assert deviations == sorted(deviations)
    assert deviations[-1] > 2.0 * deviations[0]
    result = show.show((box_at(50, 40), RED))
    assert only(result).box == box_at(50, 40)
    (event,) = result.events
    assert event.type is EventType.REACQUIRED
    assert event.gap_s == pytest.approx(0.6, abs=1e-6)


def test_a_lost_target_keeps_its_last_known_box() -> None:
    show = started()
    for _ in range(15):
        target = only(show.show())
    assert target.state is LOST
    assert target.box == RED_BOX
    assert target.motion is not None
    assert target.motion.velocity == (0.0, 0.0)


def test_good_frames_that_are_interrupted_do_not_find_it_again() -> None:
    show = started()
    while only(show.show()).state is not LOST:
        pass
    for _ in range(4):
        first, second = (show.show((RED_BOX, RED)) for _ in range(2))
        assert only(first).reason is Reason.REACQUIRING
        assert only(second).state is LOST
        assert not only(second).measured
        assert only(show.show()).reason is Reason.OCCLUDED
    results = [show.show((RED_BOX, RED)) for _ in range(3)]
    assert [only(result).state for result in results] == [LOST, LOST, TRACKING]


@pytest.mark.parametrize(
    ('velocity', 'edge', 'reason'),
    [
        ((-6, 0), Edge.LEFT, Reason.LEFT_FRAME_LEFT),
        ((6, 0), Edge.RIGHT, Reason.LEFT_FRAME_RIGHT),
        ((0, -6), Edge.TOP, Reason.LEFT_FRAME_TOP),
        ((0, 6), Edge.BOTTOM, Reason.LEFT_FRAME_BOTTOM),
    ],
)
def test_leaving_the_image(velocity: tuple[int, int], edge: Edge, reason: Reason) -> None:
    box = box_at(48, 48)
    show = started(box)
    edges = []
    for step in range(1, 25):
        result = show.show((box_at(48 + velocity[0] * step, 48 + velocity[1] * step), RED))
        if not only(result).measured:
            break
        edges.append(only(result).edges)
    (event,) = result.events
    assert (event.type, event.reason) == (EventType.COASTING, reason)
    assert only(result).reason is reason
    assert edges[0] is Edge.NONE
    assert edges[-1] is edge
    for _ in range(15):
        result = show.show()
    assert (only(result).state, only(result).reason) == (LOST, reason)


def test_hidden_in_the_middle_has_not_left() -> None:
    show = started(box_at(48, 48))
    for step in range(1, 4):
        show.show((box_at(48 + step, 48), RED))
    assert only(show.show()).reason is Reason.OCCLUDED


def test_a_mask_that_explodes_is_no_measurement() -> None:
    show = started()
    for _ in range(3):
        show.show((RED_BOX, RED))
    result = show.show((Box(0, 0, 96, 96), RED))
    assert only(result).reason is Reason.MASK_EXPLODED
    assert only(result).state is COASTING
    assert only(show.show((RED_BOX, RED))).measured


def test_a_target_that_comes_near_has_not_exploded() -> None:
    show = started(box_at(48, 48, 10, 10))
    for side in range(11, 80, 2):
        assert only(show.show((box_at(48, 48, side + 1, side + 1), RED))).measured


def test_a_mask_that_shrinks_to_nothing_has_vanished() -> None:
    show = started()
    result = show.show((box_at(40, 40, 4, 2), RED))
    assert only(result).reason is Reason.MASK_VANISHED
    assert only(result).scores.object_score > 0.5


def test_a_look_alike_far_away_is_another_object() -> None:
    show = started(box_at(20, 20))
    for _ in range(5):
        show.show((box_at(20, 20), RED))
    result = show.show((box_at(80, 80), RED))
    assert only(result).reason is Reason.MOTION_MISMATCH
    assert not only(result).measured
    box = only(result).box
    assert box is not None
    assert box.center == pytest.approx((20, 20), abs=1)
    assert only(show.show((box_at(20, 20), RED))).measured


def test_a_look_alike_beside_the_target_is_left_out() -> None:
    show = started(box_at(20, 20))
    for _ in range(3):
        target = only(show.show((box_at(20, 20), RED), (box_at(75, 75), RED)))
        assert target.measured
        assert target.box == box_at(20, 20)


def test_without_the_motion_gate_a_jump_is_believed() -> None:
    show = Film(Tracker(FakeModel(), settings(motion_gate=0.0)))
    show.show((box_at(20, 20), RED), prompts=[Prompt(box=box_at(20, 20))])
    assert only(show.show((box_at(80, 80), RED))).box == box_at(80, 80)


@pytest.mark.parametrize(
    ('spoil', 'reason'),
    [(with_object_score(-0.1), Reason.OCCLUDED), (with_predicted_iou(0.29), Reason.LOW_SCORE)],
)
def test_low_scores_are_no_measurement(
    spoil: Callable[[MaskCandidates], MaskCandidates], reason: Reason
) -> None:
    model = RecordingModel()
    show = started(model=model)
    model.spoil = spoil
    target = only(show.show((RED_BOX, RED)))
    assert (target.measured, target.reason) == (False, reason)
    assert target.mask is None
    assert target.scores.confidence == 0.0


def one_pixel_is_not_finite(candidates: MaskCandidates) -> MaskCandidates:
    """Spoil a single logit."""
    logits = candidates.mask_logits.copy()
    logits[0, 3, 5] = np.inf
    return replace(candidates, mask_logits=logits)


@pytest.mark.parametrize(
    'spoil',
    [
        with_object_score(float('nan')),
        with_object_score(float('inf')),
        with_predicted_iou(float('nan')),
        one_pixel_is_not_finite,
    ],
)
def test_numbers_that_are_not_finite_are_never_remembered(
    spoil: Callable[[MaskCandidates], MaskCandidates],
) -> None:
    model = RecordingModel()
    show = started(model=model)
    show.show((RED_BOX, RED))
    model.spoil = spoil
    for _ in range(3):
        target = only(show.show((RED_BOX, RED)))
        assert (target.state, target.reason) == (COASTING, Reason.NON_FINITE)
        assert target.mask is None
        assert target.scores.confidence == 0.0
        assert target.box is not None
        assert target.box.center == pytest.approx((40, 40), abs=1)
    assert len(model.remembered) == 2
    model.spoil = None
    assert only(show.show((RED_BOX, RED))).measured
    memories, pointers = model.attended[-1]
    assert [attended.temporal_row for attended in memories] == [6, 3]
    assert [attended.age_frames for attended in pointers] == [5, 4]


def test_memory_stays_bounded_over_a_thousand_frames() -> None:
    model = RecordingModel(FakeModel(image_size_px=16))
    show = started(box_at(48, 48, 30, 30), model)

    def run(frames: int) -> int:
        for _ in range(frames):
            show.show((box_at(48, 48, 30, 30), RED))
            model.images.clear()
            model.decoded.clear()
            model.with_memory.clear()
            model.remembered.clear()
            del model.attended[:-1]
        gc.collect()
        return sum(1 for _ in gc.get_objects()) + sys.getallocatedblocks()

    run(60)
    before = run(60)
    after = run(1000)
    assert after - before < 500
    memories, pointers = model.attended[-1]
    assert (len(memories), len(pointers)) == (7, 16)


def test_time_without_frames_coasts_and_loses() -> None:
    show = started(box_at(20, 40))
    for step in range(1, 10):
        last = show.show((box_at(20 + 2 * step, 40), RED))
    told = []
    for silence_s in (0.5, 0.6, 0.9, 0.98, 1.1, 2.0):
        result = show.tracker.watch(silence_s)
        target = only(result)
        assert result.stamp_ns == last.stamp_ns + round(silence_s * 1e9)
        assert (result.frame_id, result.size_px) == ('camera_optical', SIZE_PX)
        assert not target.measured
        assert target.mask is None
        assert target.reason is Reason.INPUT_STALLED
        assert target.scores.confidence == 0.0
        assert target.time_since_measured_s == pytest.approx(silence_s, abs=1e-6)
        assert target.box is not None
        told += [(silence_s, event.type) for event in result.events]
        if target.state is COASTING:
            assert target.box.center[0] == pytest.approx(38 + 20 * silence_s, abs=1.5)
        else:
            assert target.box == box_at(38, 40)
    assert told == [(0.5, EventType.COASTING), (1.1, EventType.LOST)]


def test_no_frames_were_missed_while_there_were_none() -> None:
    show = started()
    for tick in range(10):
        target = only(show.tracker.watch(0.5 + 0.1 * tick))
    assert target.frames_since_measured == 0


@pytest.mark.parametrize(('silence_s', 'frames'), [(0.8, 1), (3.0, 3)])
def test_frames_after_a_stall_find_the_target_again(silence_s: float, frames: int) -> None:
    show = started()
    show.tracker.watch(silence_s / 2.0)
    show.tracker.watch(silence_s)
    show.skip(round(silence_s * 10))
    for _ in range(frames):
        result = show.show((RED_BOX, RED))
    (event,) = result.events
    assert event.type is EventType.REACQUIRED
    assert event.gap_s == pytest.approx(silence_s + 0.1 * frames, abs=1e-6)
    assert only(result).box == RED_BOX


def test_watching_without_targets_tells_nothing() -> None:
    result = film().tracker.watch(3.0)
    assert (result.targets, result.events) == ((), ())


def test_other_targets_are_not_touched_by_one_that_is_lost() -> None:
    show = started()
    blue = box_at(75, 75)
    show.show((RED_BOX, RED), (blue, BLUE), prompts=[Prompt(box=blue, target_id='blue')])
    for _ in range(15):
        result = show.show((blue, BLUE))
    assert [target.state for target in result.targets] == [LOST, TRACKING]
    assert result.targets[1].box == blue


def test_a_correction_by_a_background_click() -> None:
    show = started()
    correction = Prompt(
        PromptAction.REFINE, points=(Point(75, 75, is_foreground=False),), target_id='target_1'
    )
    result = show.show((RED_BOX, RED), (box_at(75, 75), BLUE), prompts=[correction])
    assert result.answers[0].accepted
    assert only(result).box == RED_BOX
