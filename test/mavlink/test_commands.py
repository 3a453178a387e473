# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Commands over a real link: what they select, and how they are answered."""

import math

from pymavlink.dialects.v20 import common
import pytest

from mavlink.desk import Desk, OpenDesk
from sam2_tracker_ros.core.types import Box, Point
from sam2_tracker_ros.mavlink.tracker import Outcome, Selection, Verdict

POINT = common.MAV_CMD_CAMERA_TRACK_POINT
RECTANGLE = common.MAV_CMD_CAMERA_TRACK_RECTANGLE
STOP = common.MAV_CMD_CAMERA_STOP_TRACKING
REQUEST = common.MAV_CMD_REQUEST_MESSAGE
ACCEPTED, DENIED = common.MAV_RESULT_ACCEPTED, common.MAV_RESULT_DENIED
REJECTED, FAILED = common.MAV_RESULT_TEMPORARILY_REJECTED, common.MAV_RESULT_FAILED
IN_PROGRESS, UNSUPPORTED = common.MAV_RESULT_IN_PROGRESS, common.MAV_RESULT_UNSUPPORTED
NAN = math.nan


@pytest.mark.parametrize(
    ('number', 'parameters', 'expected'),
    [
        (POINT, (0.25, 0.5), Selection(point=Point(0.25, 0.5))),
        (POINT, (1.0, 0.0), Selection(point=Point(1.0, 0.0))),
        # What QGroundControl sends with every click.
        (POINT, (0.25, 0.5, 20 / 1280), Selection(point=Point(0.25, 0.5))),
        (POINT, (0.25, 0.5, NAN), Selection(point=Point(0.25, 0.5))),
        # The radius is in image widths: the picture is 1.78 times as wide as high.
        (POINT, (0.5, 0.5, 0.125), Selection(box=Box(0.375, 0.5 - 2 / 9, 0.625, 0.5 + 2 / 9))),
        (POINT, (0.0, 1.0, 0.25), Selection(box=Box(0.0, 1.0 - 4 / 9, 0.25, 1.0))),
        (RECTANGLE, (0.125, 0.25, 0.5, 0.75), Selection(box=Box(0.125, 0.25, 0.5, 0.75))),
        (RECTANGLE, (0.0, 0.0, 1.0, 1.0), Selection(box=Box(0.0, 0.0, 1.0, 1.0))),
    ],
)
def test_selects(
    desk: Desk, number: int, parameters: tuple[float, ...], expected: Selection
) -> None:
    assert desk.command(number, *parameters) == [ACCEPTED]
    assert desk.tracker.selections == [expected]


def test_radius_needs_the_shape_of_the_picture(desk: Desk) -> None:
    desk.tracker.picture = None
    assert desk.command(POINT, 0.5, 0.5, 0.25) == [ACCEPTED]
    assert desk.tracker.selections == [Selection(point=Point(0.5, 0.5))]


@pytest.mark.parametrize(
    ('number', 'parameters', 'to_blame'),
    [
        (POINT, (NAN, 0.5), 1),
        (POINT, (0.5, 1.5), 2),
        (POINT, (0.5, -math.inf), 2),
        (POINT, (0.5, 0.5, -0.25), 3),
        (POINT, (0.5, 0.5, 0.0, 101), 4),
        (RECTANGLE, (0.1, 0.1, 640.0, 0.5), 3),
        (RECTANGLE, (0.5, 0.1, 0.5, 0.5), 3),
        (RECTANGLE, (0.1, 0.6, 0.5, 0.5), 4),
        (RECTANGLE, (0.1, 0.1, NAN, 0.5), 3),
        (RECTANGLE, (0.1, 0.1, 0.5, 0.5, 3), 5),
        (STOP, (102.0,), 1),
    ],
)
def test_denies_bad_numbers_and_says_which(
    desk: Desk, number: int, parameters: tuple[float, ...], to_blame: int
) -> None:
    assert desk.command(number, *parameters) == [DENIED]
    (ack,) = desk.ground.of('COMMAND_ACK')
    assert ack.result_param2 == to_blame
    assert desk.ground.texts()[-1].startswith(f'parameter {to_blame}: ')
    assert (desk.tracker.selections, desk.tracker.stops) == ([], 0)


def test_verdict_follows_the_progress(desk: Desk) -> None:
    desk.tracker.verdict = None
    assert desk.command(POINT, 0.5, 0.5) == [IN_PROGRESS]
    desk.wait(0.5)
    assert desk.ground.results(POINT) == [IN_PROGRESS]
    desk.wait(1.0)
    assert desk.ground.results(POINT) == [IN_PROGRESS] * 2
    desk.tracker.questions[0](Verdict(Outcome.ACCEPTED))
    desk.turn()
    assert desk.ground.results(POINT) == [IN_PROGRESS, IN_PROGRESS, ACCEPTED]
    acks = desk.ground.of('COMMAND_ACK')
    assert {(ack.target_system, ack.target_component) for ack in acks} == {(255, 190)}


def test_refusal_comes_with_its_reason(desk: Desk) -> None:
    reason = 'nothing was found there: object score 0.12, predicted IoU 0.31; ' * 2 + 'look again'
    desk.tracker.verdict = Verdict(Outcome.REFUSED, reason)
    assert desk.command(POINT, 0.5, 0.5) == [FAILED]
    assert desk.ground.texts() == [reason]


def test_rejects_while_there_is_no_tracker(desk: Desk) -> None:
    desk.tracker.verdict = Verdict(Outcome.UNAVAILABLE, 'no tracker')
    assert desk.command(POINT, 0.5, 0.5) == [REJECTED]
    assert desk.command(STOP) == [REJECTED]


def test_gives_up_a_tracker_that_never_answers(desk: Desk) -> None:
    desk.tracker.verdict = None
    desk.command(POINT, 0.5, 0.5)
    desk.wait(16.0, step_s=0.5)
    assert desk.ground.results(POINT)[-1] == REJECTED
    desk.tracker.questions[0](Verdict(Outcome.ACCEPTED))
    desk.turn()
    assert desk.ground.results(POINT)[-1] == REJECTED
    desk.tracker.verdict = Verdict(Outcome.ACCEPTED)
    assert desk.command(POINT, 0.5, 0.5)[-1] == ACCEPTED


def test_one_start_at_a_time_but_a_stop_always(desk: Desk) -> None:
    desk.tracker.verdict = None
    desk.command(POINT, 0.5, 0.5)
    assert desk.command(RECTANGLE, 0.1, 0.1, 0.5, 0.5) == [REJECTED]
    assert desk.command(STOP) == [IN_PROGRESS]
    for question in desk.tracker.questions:
        question(Verdict(Outcome.ACCEPTED))
    desk.turn()
    assert desk.ground.results(POINT)[-1] == desk.ground.results(STOP)[-1] == ACCEPTED
    assert (len(desk.tracker.selections), desk.tracker.stops) == (1, 1)


def test_repeated_command_does_not_start_twice(desk: Desk) -> None:
    desk.tracker.verdict = None
    desk.command(POINT, 0.5, 0.5, 0.0, NAN)
    assert desk.command(POINT, 0.5, 0.5, 0.0, NAN, confirmation=1) == [IN_PROGRESS] * 2
    desk.tracker.questions[0](Verdict(Outcome.ACCEPTED))
    desk.turn()
    # Its answer was lost on the way: the ground station asks again.
    assert desk.command(POINT, 0.5, 0.5, 0.0, NAN, confirmation=2)[-1] == ACCEPTED
    assert len(desk.tracker.selections) == 1
    # The operator clicks on the same place again.
    desk.command(POINT, 0.5, 0.5, 0.0, NAN)
    assert len(desk.tracker.selections) == 2


def test_command_int_is_a_command(desk: Desk) -> None:
    desk.ground.command_int(RECTANGLE, 0.125, 0.25, 0.5, 0.75, 100)
    desk.turn()
    assert desk.ground.results(RECTANGLE) == [ACCEPTED]
    assert desk.tracker.selections == [Selection(box=Box(0.125, 0.25, 0.5, 0.75))]


@pytest.mark.parametrize(
    ('target', 'is_heard'),
    [((1, 100), True), ((0, 0), True), ((1, 0), True), ((2, 100), False), ((1, 1), False)],
)
def test_hears_only_what_is_for_it(desk: Desk, target: tuple[int, int], is_heard: bool) -> None:
    assert bool(desk.command(POINT, 0.5, 0.5, target=target)) == is_heard
    assert bool(desk.tracker.selections) == is_heard


def test_leaves_broadcasts_that_it_does_not_know_to_others(desk: Desk) -> None:
    arm, version = common.MAV_CMD_COMPONENT_ARM_DISARM, common.MAVLINK_MSG_ID_AUTOPILOT_VERSION
    assert desk.command(arm, 1.0) == [UNSUPPORTED]
    assert desk.command(arm, 1.0, target=(0, 0)) == [UNSUPPORTED]
    assert desk.command(POINT, 0.5, 0.5, 0.0, 3.0, target=(1, 0)) == []
    assert desk.command(REQUEST, version, target=(1, 0)) == []
    assert desk.command(REQUEST, version) == [DENIED]
    # An operator has nothing to do with these.
    assert desk.ground.texts() == []


def test_serves_only_the_systems_that_it_may(open_desk: OpenDesk) -> None:
    stranger = open_desk(allowed_systems=frozenset({254}))
    assert stranger.command(POINT, 0.5, 0.5) == []
    assert stranger.camera.accounts.commands_dropped == 1
    known = open_desk(allowed_systems=frozenset({254, 255}))
    assert known.command(POINT, 0.5, 0.5) == [ACCEPTED]


def test_flood_is_bounded_and_counted(desk: Desk) -> None:
    for _ in range(80):
        desk.command(STOP)
    assert desk.tracker.stops == 50
    assert desk.camera.accounts.commands_dropped == 30
    desk.wait(1.0, step_s=0.5)
    assert desk.command(POINT, 0.5, 0.5) == [ACCEPTED]


def test_garbage_is_counted_and_does_no_harm(desk: Desk) -> None:
    begun = bytes([0xFD, 255, 0, 0, 1, 2, 3, 4, 5, 6])
    for data in (b'GET / HTTP/1.1\r\n', begun, b'\xfe\x03', bytes(range(256)), b'\xfd' * 100):
        desk.ground.send_bytes(data)
        assert desk.command(POINT, 0.5, 0.5)[-1] == ACCEPTED
    assert len(desk.tracker.selections) == 5
    wire = desk.camera.accounts.wire
    assert wire.packets_bad >= 5
    assert wire.packets_received == 5
    assert wire.problem == ''
