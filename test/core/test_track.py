# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A target over time: hidden, lost, found again, leaving, replaced by something else."""

from core.film import (
    BLUE,
    MIDDLE_BOX,
    RED,
    RED_BOX,
    Film,
    add,
    box_at,
    drawn,
    film,
    only,
    settings,
    started,
)
import numpy as np
import pytest

from sam2_tracker_ros.core.model import Features
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import (
    Box,
    Edge,
    EventType,
    Point,
    Prompt,
    PromptAction,
    Reason,
    TargetState,
    UInt8Array,
)
from sam2_tracker_ros.testing.fake_model import FakeModel

TRACKING, COASTING, LOST = TargetState.TRACKING, TargetState.COASTING, TargetState.LOST


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
    states = [only(show.show((MIDDLE_BOX, RED))).state for _ in range(2)]
    assert states == [LOST, LOST]
    result = show.show((MIDDLE_BOX, RED))
    (event,) = result.events
    assert (event.type, event.reason) == (EventType.REACQUIRED, Reason.NONE)
    assert event.gap_s == pytest.approx(2.0 + 3.0 / rate_hz, abs=1e-6)
    assert only(result).state is TRACKING
    assert only(result).box == MIDDLE_BOX
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
        result = show.show((MIDDLE_BOX, RED))
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


def test_a_lost_target_rests_where_it_was_given_up() -> None:
    show = started(box_at(10, 40))
    for step in range(1, 11):
        show.show((box_at(10 + 3 * step, 40), RED))
    while only(result := show.show()).state is not LOST:
        pass
    given_up = only(result).box
    assert given_up is not None
    assert given_up.center == pytest.approx((70, 40), abs=2)
    for _ in range(5):
        target = only(show.show())
        assert target.box == given_up
        assert target.motion is not None
        assert target.motion.velocity == (0.0, 0.0)


def test_a_coasting_target_resumes_after_frames_in_a_row() -> None:
    config = settings(resume_frames=3, coast_timeout_s=5.0)
    show = Film(Tracker(FakeModel(), config))
    show.show((RED_BOX, RED), prompts=[Prompt(box=RED_BOX)])
    for _ in range(2):
        assert only(show.show()).reason is Reason.OCCLUDED
        assert only(show.show((RED_BOX, RED))).reason is Reason.REACQUIRING
        assert only(show.show((RED_BOX, RED))).state is COASTING
    show.show()
    states = [only(show.show((RED_BOX, RED))).state for _ in range(3)]
    assert states == [COASTING, COASTING, TRACKING]
    show.show()
    correction = Prompt(PromptAction.REFINE, box=RED_BOX)
    assert only(show.show((RED_BOX, RED), prompts=[correction])).state is TRACKING


def test_a_target_found_elsewhere_does_not_seem_to_have_flown_there() -> None:
    show = started(box_at(30, 40))
    while only(show.show()).state is not LOST:
        pass
    while only(result := show.show((box_at(60, 40), RED))).state is LOST:
        pass
    assert [event.type for event in result.events] == [EventType.REACQUIRED]
    motion = only(result).motion
    assert motion is not None
    assert motion.velocity == (0.0, 0.0)


def test_a_lost_target_is_found_outside_its_window_and_followed_there() -> None:
    config = settings(
        min_target_size_px=48.0, coast_timeout_s=0.99, reacquire_frames=3, reacquire_time_s=0.0
    )
    show = Film(Tracker(FakeModel(), config))
    size_px = (480, 360)
    box = box_at(120, 180, 40, 40)
    show.show((box, RED), prompts=[Prompt(box=box)], size_px=size_px)
    for _ in range(40):
        result = show.show(size_px=size_px)
    assert only(result).state is LOST
    # In one of two frames it is looked for everywhere; then it stays in view.
    found = [
        show.show((box_at(320 + 5 * step, 180, 40, 40), RED), size_px=size_px) for step in range(4)
    ]
    assert EventType.REACQUIRED in [event.type for result in found for event in result.events]
    place = only(found[-1]).box
    assert place is not None
    assert place.center == pytest.approx((335, 180), abs=3)


def test_good_frames_that_are_interrupted_do_not_find_it_again() -> None:
    show = started()
    while only(show.show()).state is not LOST:
        pass
    for _ in range(4):
        first, second = (show.show((MIDDLE_BOX, RED)) for _ in range(2))
        assert only(first).reason is Reason.REACQUIRING
        assert only(second).state is LOST
        assert not only(second).measured
        assert only(show.show()).reason is Reason.OCCLUDED
    results = [show.show((MIDDLE_BOX, RED)) for _ in range(3)]
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


def test_hidden_on_the_way_to_the_border_has_not_left() -> None:
    show = started(box_at(36, 48))
    for step in range(1, 4):
        show.show((box_at(36 + 6 * step, 48), RED))
    reasons = {only(show.show()).reason for _ in range(15)}
    assert reasons == {Reason.OCCLUDED}


def test_a_mask_that_explodes_is_no_measurement() -> None:
    show = started()
    for _ in range(3):
        show.show((MIDDLE_BOX, RED))
    result = show.show((Box(0, 0, 96, 90), RED))
    assert only(result).reason is Reason.MASK_EXPLODED
    assert only(result).state is COASTING
    assert only(show.show((MIDDLE_BOX, RED))).measured


def test_nothing_is_measured_in_a_blank_image_whatever_the_model_sees_in_it() -> None:
    class Dreamer(FakeModel):
        """Sees in the dark what it remembers."""

        def encode_image(self, image: UInt8Array) -> Features:
            return super().encode_image(image if image.any() else drawn((MIDDLE_BOX, RED)))

    show = film(Dreamer())
    show.show((MIDDLE_BOX, RED), prompts=[add(MIDDLE_BOX)])
    assert only(show.show((MIDDLE_BOX, RED))).measured
    dark = only(show.show((Box(0, 0, 96, 96), (0, 0, 0))))
    assert (dark.state, dark.reason, dark.scores.confidence) == (COASTING, Reason.OCCLUDED, 0.0)
    for _ in range(2):
        found = only(show.show((MIDDLE_BOX, RED)))
    assert found.measured


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


@pytest.mark.parametrize('rate_hz', [10.0, 30.0])
def test_a_look_alike_that_comes_near_stays_another_object(rate_hz: float) -> None:
    here = box_at(20, 48)
    show = started(here, rate_hz=rate_hz)
    for _ in range(round(rate_hz)):
        assert only(show.show((here, RED))).measured
    # The target vanishes, and its double drives into its place within 2 seconds.
    frames = round(2 * rate_hz)
    for index in range(frames + 3):
        x = max(84 - 64 * index / frames, 20)
        target = only(show.show((box_at(x, 48), RED)))
        assert not target.measured, f'taken for the target at {x}'
        assert target.reason is Reason.MOTION_MISMATCH
    # Once the double is gone for longer than a second, what shows up there is the target.
    for _ in range(round(1.2 * rate_hz)):
        show.show()
    assert [only(show.show((here, RED))).measured for _ in range(3)][-1]


def test_no_object_is_locked_out_for_ever() -> None:
    show = started(box_at(20, 20))
    states = [only(show.show((box_at(80, 80), RED))).measured for _ in range(100)]
    assert not any(states[:50])
    assert states[-1]


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


def test_other_targets_are_not_touched_by_one_that_is_lost() -> None:
    show = started()
    blue = box_at(75, 75)
    show.show((MIDDLE_BOX, RED), (blue, BLUE), prompts=[Prompt(box=blue, target_id='blue')])
    for _ in range(15):
        result = show.show((blue, BLUE))
    assert [target.state for target in result.targets] == [LOST, TRACKING]
    assert result.targets[1].box == blue


def test_a_correction_by_a_background_click() -> None:
    show = started()
    correction = Prompt(
        PromptAction.REFINE, points=(Point(75, 75, is_foreground=False),), target_id='target_1'
    )
    result = show.show((MIDDLE_BOX, RED), (box_at(75, 75), BLUE), prompts=[correction])
    assert result.answers[0].accepted
    assert only(result).box == MIDDLE_BOX
