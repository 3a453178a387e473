# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""When a target counts as measured, coasting, lost and found again: the whole table."""

from dataclasses import replace
import math

import pytest

from sam2_tracker_ros.core.config import StatusConfig
from sam2_tracker_ros.core.target_status import (
    Evidence,
    Status,
    Transition,
    advance,
    reason_against,
)
from sam2_tracker_ros.core.types import Edge, EventType, Reason, TargetState

CONFIG = StatusConfig(
    min_object_score_logit=0.0,
    min_predicted_iou=0.3,
    min_mask_area_px=16,
    max_area_ratio=4.0,
    coast_timeout_s=1.0,
    resume_frames=2,
    reacquire_frames=3,
    reacquire_time_s=0.0,
)
TRACKING, COASTING, LOST = TargetState.TRACKING, TargetState.COASTING, TargetState.LOST
SEEN, HIDDEN = Reason.NONE, Reason.OCCLUDED
NOW_S = 50.0

# state before, unseen seconds, consistent frames before, what the frame says ->
# state, consistent frames, reason and event after.
TABLE = [
    (TRACKING, 0.1, 0, SEEN, TRACKING, 0, SEEN, None, 'all is well'),
    (TRACKING, 9.0, 0, SEEN, TRACKING, 0, SEEN, None, 'a long time without frames is no loss'),
    (TRACKING, 0.1, 0, HIDDEN, COASTING, 0, HIDDEN, EventType.COASTING, 'one bad frame'),
    (TRACKING, 9.0, 0, HIDDEN, COASTING, 0, HIDDEN, EventType.COASTING, 'coasting comes first'),
    (COASTING, 0.5, 0, SEEN, COASTING, 1, Reason.REACQUIRING, None, 'the first of two'),
    (COASTING, 9.0, 0, SEEN, COASTING, 1, Reason.REACQUIRING, None, 'a good frame loses nothing'),
    (COASTING, 0.5, 1, SEEN, TRACKING, 0, SEEN, EventType.REACQUIRED, 'the second of two'),
    (COASTING, 9.0, 1, SEEN, TRACKING, 0, SEEN, EventType.REACQUIRED, 'not yet declared lost'),
    (COASTING, 0.5, 1, HIDDEN, COASTING, 0, HIDDEN, None, 'counting to two starts again'),
    (COASTING, 0.5, 0, HIDDEN, COASTING, 0, HIDDEN, None, 'still within the timeout'),
    (COASTING, 1.0, 0, HIDDEN, COASTING, 0, HIDDEN, None, 'exactly the timeout is not longer'),
    (COASTING, 1.001, 0, HIDDEN, LOST, 0, HIDDEN, EventType.LOST, 'longer than the timeout'),
    (LOST, 5.0, 0, HIDDEN, LOST, 0, HIDDEN, None, 'still lost, reported once'),
    (LOST, 5.0, 0, SEEN, LOST, 1, Reason.REACQUIRING, None, 'the first of three'),
    (LOST, 5.0, 1, SEEN, LOST, 2, Reason.REACQUIRING, None, 'the second of three'),
    (LOST, 5.0, 2, SEEN, TRACKING, 0, SEEN, EventType.REACQUIRED, 'the third in a row'),
    (LOST, 5.0, 2, HIDDEN, LOST, 0, HIDDEN, None, 'counting starts again'),
]


@pytest.mark.parametrize(
    ('before', 'unseen_s', 'consistent', 'reason', 'after', 'counted', 'told', 'event', 'why'),
    TABLE,
    ids=[row[-1] for row in TABLE],
)
def test_transition(
    before: TargetState,
    unseen_s: float,
    consistent: int,
    reason: Reason,
    after: TargetState,
    counted: int,
    told: Reason,
    event: EventType | None,
    why: str,
) -> None:
    last_s = NOW_S - unseen_s
    # What was said before must not linger.
    since_s = NOW_S - 0.2 if consistent else math.inf
    status = Status(before, last_s, Reason.LOW_SCORE, 4, consistent, since_s)
    is_measured = after is TRACKING
    expected = Status(
        state=after,
        last_measured_s=NOW_S if is_measured else last_s,
        reason=told,
        frames_since_measured=0 if is_measured else 5,
        consistent_frames=counted,
        consistent_since_s=min(since_s, NOW_S) if counted else math.inf,
    )
    gap_s = unseen_s if event is EventType.REACQUIRED else 0.0
    found = advance(status, reason, NOW_S, CONFIG)
    assert found == Transition(expected, event, found.gap_s), why
    assert found.gap_s == pytest.approx(gap_s)


def test_table_covers_every_state_with_and_without_a_measurement() -> None:
    covered = {(row[0], row[3] is SEEN) for row in TABLE}
    assert covered == {(state, seen) for state in (TRACKING, COASTING, LOST) for seen in (0, 1)}


@pytest.mark.parametrize('reason', [reason for reason in Reason if reason is not Reason.NONE])
def test_every_reason_is_handed_on(reason: Reason) -> None:
    found = advance(Status(TRACKING, NOW_S), reason, NOW_S + 0.1, CONFIG)
    assert found.status.reason is reason
    assert found.status.state is COASTING


@pytest.mark.parametrize('before', [COASTING, LOST])
def test_one_frame_is_enough_where_the_setting_says_so(before: TargetState) -> None:
    config = replace(CONFIG, resume_frames=1, reacquire_frames=1)
    found = advance(Status(before, NOW_S - 5.0), SEEN, NOW_S, config)
    assert found.status.state is TRACKING
    assert found.event is EventType.REACQUIRED


GOOD = Evidence(
    object_score_logit=3.0,
    predicted_iou=0.9,
    mask_area_px=100,
    usual_area_px=100.0,
    motion_excess=0.2,
    exit_edges=Edge.NONE,
)


@pytest.mark.parametrize(
    ('evidence', 'reason'),
    [
        (GOOD, Reason.NONE),
        (replace(GOOD, usual_area_px=math.inf, motion_excess=math.nan), Reason.NONE),
        (replace(GOOD, object_score_logit=0.0), Reason.OCCLUDED),
        (replace(GOOD, object_score_logit=0.001), Reason.NONE),
        (replace(GOOD, object_score_logit=-9.0, mask_area_px=0), Reason.OCCLUDED),
        (replace(GOOD, mask_area_px=15), Reason.MASK_VANISHED),
        (replace(GOOD, mask_area_px=0), Reason.MASK_VANISHED),
        (replace(GOOD, mask_area_px=16), Reason.NONE),
        (replace(GOOD, predicted_iou=0.299), Reason.LOW_SCORE),
        (replace(GOOD, predicted_iou=0.3), Reason.NONE),
        (replace(GOOD, mask_area_px=401), Reason.MASK_EXPLODED),
        (replace(GOOD, mask_area_px=400), Reason.NONE),
        (replace(GOOD, motion_excess=1.001), Reason.MOTION_MISMATCH),
        (replace(GOOD, motion_excess=1.0), Reason.NONE),
        (replace(GOOD, is_finite=False), Reason.NON_FINITE),
        (replace(GOOD, is_finite=False, object_score_logit=math.nan), Reason.NON_FINITE),
        # The border explains why nothing is seen, but not why something wrong is.
        (replace(GOOD, exit_edges=Edge.LEFT), Reason.NONE),
        (replace(GOOD, exit_edges=Edge.LEFT, predicted_iou=0.1), Reason.LOW_SCORE),
        (replace(GOOD, exit_edges=Edge.LEFT, motion_excess=2.0), Reason.MOTION_MISMATCH),
        (replace(GOOD, exit_edges=Edge.LEFT | Edge.TOP, mask_area_px=3), Reason.LEFT_FRAME_LEFT),
    ],
)
def test_reason_against(evidence: Evidence, reason: Reason) -> None:
    assert reason_against(evidence, CONFIG) is reason


@pytest.mark.parametrize(
    'evidence', [replace(GOOD, object_score_logit=-1.0), replace(GOOD, mask_area_px=3)]
)
@pytest.mark.parametrize(
    ('edge', 'reason'),
    [
        (Edge.LEFT, Reason.LEFT_FRAME_LEFT),
        (Edge.RIGHT, Reason.LEFT_FRAME_RIGHT),
        (Edge.TOP, Reason.LEFT_FRAME_TOP),
        (Edge.BOTTOM, Reason.LEFT_FRAME_BOTTOM),
    ],
)
def test_unseen_beside_a_border_has_left_there(
    edge: Edge, reason: Reason, evidence: Evidence
) -> None:
    beside = replace(evidence, exit_edges=edge)
    assert reason_against(beside, CONFIG) is reason


@pytest.mark.parametrize(('rate_hz', 'frames'), [(10.0, 2), (30.0, 4), (60.0, 6), (240.0, 21)])
def test_a_lost_target_is_taken_up_after_the_same_time_at_every_rate(
    rate_hz: float, frames: int
) -> None:
    config = replace(CONFIG, reacquire_frames=2, reacquire_time_s=0.08)
    status = Status(LOST, NOW_S - 5.0)
    for index in range(frames):
        assert status.state is LOST
        status = advance(status, SEEN, NOW_S + index / rate_hz, config).status
    assert status.state is TRACKING
    # Frames that span 0.08 s, and at least 2 of them.
    assert (frames - 1) / rate_hz >= 0.08 > (frames - 2) / rate_hz


def test_the_time_starts_again_after_a_doubtful_frame() -> None:
    config = replace(CONFIG, reacquire_frames=1, reacquire_time_s=0.08)
    status = advance(Status(LOST, NOW_S - 5.0), SEEN, NOW_S, config).status
    status = advance(status, HIDDEN, NOW_S + 0.05, config).status
    status = advance(status, SEEN, NOW_S + 0.10, config).status
    assert status.state is LOST
    assert advance(status, SEEN, NOW_S + 0.19, config).status.state is TRACKING
