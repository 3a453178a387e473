# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A target whose model gives bad numbers, or that gets no frames at all."""

from collections.abc import Callable
from dataclasses import replace
import gc
import sys

from core.film import (
    MIDDLE_BOX,
    RED,
    SIZE_PX,
    RecordingModel,
    box_at,
    film,
    only,
    started,
    with_object_score,
    with_predicted_iou,
)
import numpy as np
import pytest

from sam2_tracker_ros.core.model import MaskCandidates
from sam2_tracker_ros.core.types import (
    EventType,
    Reason,
    TargetState,
)
from sam2_tracker_ros.testing.fake_model import FakeModel

TRACKING, COASTING, LOST = TargetState.TRACKING, TargetState.COASTING, TargetState.LOST


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
    target = only(show.show((MIDDLE_BOX, RED)))
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
    for _ in range(8):
        show.show((MIDDLE_BOX, RED))
    model.spoil = spoil
    for _ in range(3):
        target = only(show.show((MIDDLE_BOX, RED)))
        assert (target.state, target.reason) == (COASTING, Reason.NON_FINITE)
        assert target.mask is None
        assert target.scores.confidence == 0.0
        assert target.box is not None
        assert target.box.center == pytest.approx((40, 40), abs=1)
    assert len(model.remembered) == 9
    model.spoil = None
    assert only(show.show((MIDDLE_BOX, RED))).measured
    memories, pointers = model.attended[-1]
    # Half a second before the trouble is not trusted any more: frames 1 to 3 are left.
    assert [attended.temporal_row for attended in memories] == [6, 0, 1, 2]
    assert [attended.age_frames for attended in pointers] == [12, 1, 2, 3]


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
        assert np.isnan(target.scores.object_score)
        assert target.time_since_measured_s == pytest.approx(silence_s, abs=1e-6)
        assert target.box is not None
        told += [(silence_s, event.type) for event in result.events]
        if target.state is COASTING:
            assert target.box.center[0] == pytest.approx(38 + 20 * silence_s, abs=1.5)
        else:
            assert target.box.center == pytest.approx((38, 40), abs=0.5)
            assert target.motion is not None
            assert target.motion.velocity == (0.0, 0.0)
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
        result = show.show((MIDDLE_BOX, RED))
    (event,) = result.events
    assert event.type is EventType.REACQUIRED
    assert event.gap_s == pytest.approx(silence_s + 0.1 * frames, abs=1e-6)
    assert only(result).box == MIDDLE_BOX


def test_watching_without_targets_tells_nothing() -> None:
    result = film().tracker.watch(3.0)
    assert (result.targets, result.events) == ((), ())
