# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where a target is believed to be, and what a half hidden one does to that."""

import math

from core.film import box_at
import numpy as np
import pytest

from sam2_tracker_ros.core.target_motion import TargetMotion
from sam2_tracker_ros.core.types import Box, Edge, TargetMask

SECOND = 1_000_000_000
SIZE_PX = (400, 300)


def full(box: Box) -> TargetMask:
    """Return a mask that fills its box."""
    return TargetMask(box, np.ones((int(box.height), int(box.width)), np.bool_))


def moving(speed: float = 100.0, seconds: float = 1.0) -> TargetMotion:
    """Return the motion of a 20 x 20 box that goes right from x = 50, measured at 20 Hz."""
    motion = TargetMotion(full(box_at(50, 150, 20, 20)), 0)
    for step in range(1, round(20 * seconds) + 1):
        x = 50 + speed * step / 20
        motion.measure(full(box_at(x, 150, 20, 20)), step * SECOND // 20, was_lost=False)
    return motion


def center(motion: TargetMotion, now_ns: int) -> tuple[float, float]:
    """Return where the target is predicted."""
    state = motion.predicted(now_ns)
    assert state is not None
    return state.box.center


def test_predicts_constant_velocity() -> None:
    x, y = center(moving(), 2 * SECOND)
    assert x == pytest.approx(250.0, abs=5.0)
    assert y == pytest.approx(150.0, abs=0.1)


def test_the_gate_lies_around_the_path_from_the_last_box_to_the_prediction() -> None:
    motion = moving()
    now_ns = round(1.6 * SECOND)
    on_path = [motion.excess(full(box_at(x, 150, 20, 20)), now_ns, 3.0) for x in (150, 180, 210)]
    assert max(on_path) < 0.1
    beside = [motion.excess(full(box_at(180, y, 20, 20)), now_ns, 3.0) for y in (150, 200, 290)]
    assert beside == sorted(beside)
    assert beside[-1] > 1.0


def test_the_allowed_distance_is_a_diagonal_and_the_deviations() -> None:
    motion = TargetMotion(full(box_at(100, 100, 30, 40)), 0)
    state = motion.predicted(SECOND)
    assert state is not None
    deviation = math.sqrt(np.trace(state.covariance[:2, :2]) / 2.0)
    mask = full(box_at(160, 100, 30, 40))
    assert motion.excess(mask, SECOND, 3.0) == pytest.approx(60.0 / (50.0 + 3.0 * deviation))
    assert motion.excess(mask, SECOND, 6.0) == pytest.approx(60.0 / (50.0 + 6.0 * deviation))


def test_nothing_to_compare_is_nan() -> None:
    motion = moving()
    mask = full(box_at(150, 150, 20, 20))
    assert math.isnan(motion.excess(None, SECOND, 3.0))
    assert math.isnan(motion.excess(mask, SECOND, 0.0))
    motion = motion.forgotten(SECOND)
    assert math.isnan(motion.excess(mask, SECOND, 3.0))
    assert motion.predicted(SECOND) is None
    assert motion.velocity(SECOND) is None


def test_motion_starts_again_with_the_next_mask_after_forgetting() -> None:
    motion = moving()
    motion = motion.forgotten(0)
    motion.measure(full(box_at(300, 100, 20, 20)), SECOND, was_lost=False)
    assert center(motion, 2 * SECOND) == pytest.approx((300.0, 100.0))
    assert motion.measured_box == box_at(300, 100, 20, 20)


def test_a_part_of_the_target_does_not_pull_the_filter() -> None:
    motion, whole = moving(), moving()
    now_ns = round(1.05 * SECOND)
    # The right quarter, where the prediction contains its centre.
    motion.measure(full(Box(160, 140, 165, 160)), now_ns, was_lost=False)
    assert center(motion, now_ns) == pytest.approx(center(whole, now_ns))
    state = motion.predicted(now_ns)
    assert state is not None
    assert state.box.width == pytest.approx(20.0, abs=0.5)
    # The measured box still is what was seen.
    assert motion.measured_box == Box(160, 140, 165, 160)


def test_a_part_far_from_the_prediction_is_believed() -> None:
    motion = moving()
    motion.measure(full(Box(200, 140, 205, 160)), round(1.05 * SECOND), was_lost=False)
    assert center(motion, round(1.05 * SECOND))[0] > 165.0


def test_a_target_that_was_lost_starts_again_where_it_is_found() -> None:
    motion = moving()
    motion.measure(full(box_at(300, 60, 30, 30)), 9 * SECOND, was_lost=True)
    state = motion.predicted(9 * SECOND)
    assert state is not None
    assert state.box == box_at(300, 60, 30, 30)
    assert state.velocity == (0.0, 0.0)


def test_a_part_of_a_lost_target_keeps_the_size() -> None:
    motion = moving()
    motion.coast(round(1.1 * SECOND))
    motion.rest()
    motion.measure(full(box_at(300, 60, 6, 20)), round(1.15 * SECOND), was_lost=True)
    state = motion.predicted(round(1.15 * SECOND))
    assert state is not None
    assert state.box.center == pytest.approx((300.0, 60.0))
    assert state.box.width == pytest.approx(20.0, abs=0.5)


def test_coasting_goes_on_and_being_lost_stops() -> None:
    coasting, lost = moving(), moving()
    coasting.coast(round(1.1 * SECOND))
    lost.coast(round(1.1 * SECOND))
    lost.rest()
    assert center(coasting, 2 * SECOND)[0] == pytest.approx(250.0, abs=5.0)
    assert center(lost, 2 * SECOND)[0] == pytest.approx(160.0, abs=2.0)


@pytest.mark.parametrize(
    ('unseen_s', 'area'), [(0.0, 400.0), (1.0, 800.0), (2.0, 1600.0), (9.0, 1600.0)]
)
def test_the_believed_area_doubles_twice(unseen_s: float, area: float) -> None:
    assert moving().believed_area_px(unseen_s) == pytest.approx(area)


def test_the_usual_area_follows_a_shrinking_target_slowly() -> None:
    motion = TargetMotion(full(box_at(100, 100, 20, 20)), 0)
    motion.measure(full(box_at(100, 100, 4, 4)), SECOND, was_lost=False)
    assert motion.believed_area_px(0.0) == pytest.approx(200.0)
    motion.measure(full(box_at(100, 100, 40, 40)), 2 * SECOND, was_lost=False)
    assert motion.believed_area_px(0.0) == pytest.approx(1600.0)


def test_leaving_is_seen_before_the_border_is_reached() -> None:
    motion = moving(speed=320.0)  # at x = 370 after a second; half out 0.03 s before x = 400
    assert motion.leaving(SECOND, SIZE_PX) is Edge.NONE
    assert motion.leaving(round(1.07 * SECOND), SIZE_PX) is Edge.NONE
    assert motion.leaving(round(1.15 * SECOND), SIZE_PX) is Edge.RIGHT
    motion = motion.forgotten(SECOND)
    assert motion.leaving(round(1.15 * SECOND), SIZE_PX) is Edge.NONE


def test_a_seen_target_is_looked_for_where_it_is_predicted() -> None:
    motion = moving()
    box, margin_px = motion.where_to_look(round(1.5 * SECOND), is_seen=True)
    assert box.center == pytest.approx(center(motion, round(1.5 * SECOND)))
    assert 0.0 < margin_px < motion.where_to_look(2 * SECOND, is_seen=True)[1]


def test_an_unseen_target_is_looked_for_half_way_with_room_for_both() -> None:
    motion = moving()
    box, margin_px = motion.where_to_look(2 * SECOND, is_seen=False)
    predicted_x = center(motion, 2 * SECOND)[0]
    assert box.center[0] == pytest.approx((150.0 + predicted_x) / 2.0, abs=0.01)
    assert box.left - margin_px < 140.0
    assert box.right + margin_px > predicted_x + 10.0


def test_what_is_not_known_of_the_motion_stays_so_when_the_camera_turns() -> None:
    """After time went back, the camera still turns; the place moves, a motion there is none."""
    followed = moving().turned(lambda point: (point[0] + 7.0, point[1]), 0.1)
    for forgotten in (followed.forgotten(SECOND), moving().forgotten(SECOND)):
        turned = forgotten.turned(lambda point: (point[0] + 5.0, point[1]), 0.1)
        motion = turned.turning_unknown()
        motion.rest()
        assert motion.predicted(2 * SECOND) is None
        assert motion.turning_unknown().velocity(2 * SECOND) is None
    assert motion.measured_box.center == pytest.approx((155.0, 150.0))


def test_another_object_is_recognised_where_the_camera_has_turned_it() -> None:
    """It was too far off to be the target; seen again there in time, it stays another."""
    motion = moving()
    beside, shift = box_at(150, 250, 20, 20), 60.0
    motion.note_other(full(beside), SECOND)
    turned = motion.turned(lambda point: (point[0] + shift, point[1]), 0.1)
    there = full(box_at(150 + shift, 250, 20, 20))
    now_ns = SECOND + SECOND // 10
    assert turned.excess(there, now_ns, 3.0) == math.inf
    assert motion.excess(there, now_ns, 3.0) < math.inf


def test_without_motion_it_is_looked_for_where_it_was() -> None:
    motion = moving()
    motion = motion.forgotten(SECOND)
    assert motion.where_to_look(2 * SECOND, is_seen=False) == (box_at(150, 150, 20, 20), 0.0)


def test_a_target_that_shrinks_as_it_is_hidden_keeps_its_size_while_unseen() -> None:
    motion = TargetMotion(full(box_at(100, 150, 60, 60)), 0)
    for step in range(1, 9):
        side = 60 - 2 * step
        motion.measure(full(box_at(100, 150, side, side)), step * SECOND // 20, was_lost=False)
    last_ns = 8 * SECOND // 20
    now = motion.predicted(last_ns)
    unseen = motion.predicted(last_ns + SECOND)
    assert now is not None
    assert unseen is not None
    assert unseen.box.width == pytest.approx(now.box.width)
    assert unseen.box.height == pytest.approx(now.box.height)
    for step in range(1, 21):
        motion.coast(last_ns + step * SECOND // 20)
    frame_by_frame = motion.predicted(last_ns + SECOND)
    assert frame_by_frame is not None
    assert frame_by_frame.box.height == pytest.approx(now.box.height, rel=0.15)


def test_a_mask_that_shrinks_to_a_part_does_not_draw_the_view_into_it() -> None:
    motion = TargetMotion(full(box_at(100, 100, 40, 40)), 0)
    for step in range(1, 9):
        side = round(40 * 0.86**step)
        motion.measure(full(box_at(100, 100, side, side)), step * SECOND // 30, was_lost=False)
    now_ns = 10 * SECOND // 30
    predicted = motion.predicted(now_ns)
    assert predicted is not None
    assert math.sqrt(predicted.box.area) < 25.0
    box, _ = motion.where_to_look(now_ns, is_seen=True)
    # The usual side halves every second: 8 frames of 1/30 s, then nothing was measured.
    assert math.sqrt(box.area) == pytest.approx(40.0 * 0.5 ** (8 / 30), rel=0.02)
    assert box.center == pytest.approx((100, 100), abs=1)


def test_a_target_that_flies_away_is_looked_at_more_closely_in_time() -> None:
    motion = TargetMotion(full(box_at(100, 100, 40, 40)), 0)
    for step in range(1, 151):
        motion.measure(full(box_at(100, 100, 10, 10)), step * SECOND // 30, was_lost=False)
    box, _ = motion.where_to_look(151 * SECOND // 30, is_seen=True)
    assert math.sqrt(box.area) == pytest.approx(10.0, abs=1.0)
