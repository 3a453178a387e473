# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a ground station sees of the camera: itself, its picture, and the tracking status."""

from dataclasses import replace
import math
from typing import Any

from pymavlink.dialects.v20 import common
import pytest

from mavlink.desk import Desk, OpenDesk
from sam2_tracker_ros.core.types import Box, TargetState
from sam2_tracker_ros.mavlink.tracker import TrackedTarget
from sam2_tracker_ros.mavlink.tracking_status import TrackingFlags, TrackingMode

POINT = common.MAV_CMD_CAMERA_TRACK_POINT
RECTANGLE = common.MAV_CMD_CAMERA_TRACK_RECTANGLE
REQUEST = common.MAV_CMD_REQUEST_MESSAGE
SET_INTERVAL = common.MAV_CMD_SET_MESSAGE_INTERVAL
GET_INTERVAL = common.MAV_CMD_GET_MESSAGE_INTERVAL
STATUS = common.MAVLINK_MSG_ID_CAMERA_TRACKING_IMAGE_STATUS
FIELD_OF_VIEW = common.MAVLINK_MSG_ID_CAMERA_FOV_STATUS
INTERVAL = common.MAVLINK_MSG_ID_MESSAGE_INTERVAL
ACCEPTED, DENIED = common.MAV_RESULT_ACCEPTED, common.MAV_RESULT_DENIED

SEEN = TrackedTarget(
    TargetState.TRACKING, measured=True, box=Box(0.25, 0.5, 0.5, 0.625), is_own=True
)
NUMBERS = (
    'point_x',
    'point_y',
    'radius',
    'rec_top_x',
    'rec_top_y',
    'rec_bottom_x',
    'rec_bottom_y',
)


def numbers(status: Any) -> tuple[float | None, ...]:
    """Return the coordinates of a status, None for NaN."""
    values = [getattr(status, name) for name in NUMBERS]
    return tuple(None if math.isnan(value) else value for value in values)


def newest(desk: Desk) -> Any:
    """Ask for the tracking status."""
    desk.command(REQUEST, STATUS)
    return desk.ground.statuses()[-1]


def test_flags_and_modes_are_those_of_mavlink() -> None:
    prefix = 'CAMERA_TRACKING_STATUS_FLAGS_'
    for flag in ('IDLE', 'ACTIVE', 'ERROR', 'COASTING'):
        assert TrackingFlags[flag] == getattr(common, prefix + flag)
    for mode in TrackingMode:
        assert mode == getattr(common, f'CAMERA_TRACKING_MODE_{mode.name}')


def test_heartbeat_of_a_camera_every_second(desk: Desk) -> None:
    desk.wait(10.0, step_s=0.05)
    beats = desk.ground.of('HEARTBEAT')
    assert len(beats) in (10, 11)
    assert {(beat.type, beat.autopilot) for beat in beats} == {
        (common.MAV_TYPE_CAMERA, common.MAV_AUTOPILOT_INVALID)
    }
    assert {(beat.get_srcSystem(), beat.get_srcComponent()) for beat in beats} == {(1, 100)}


@pytest.mark.parametrize('number', [REQUEST, common.MAV_CMD_REQUEST_CAMERA_INFORMATION])
def test_camera_information(desk: Desk, number: int) -> None:
    asked = 259 if number == REQUEST else 1
    assert desk.command(number, asked) == [ACCEPTED]
    (about,) = desk.ground.of('CAMERA_INFORMATION')
    assert bytes(about.model_name).rstrip(b'\0') == b'SAM 2 tracker'
    assert about.flags == (
        common.CAMERA_CAP_FLAGS_HAS_TRACKING_POINT | common.CAMERA_CAP_FLAGS_HAS_TRACKING_RECTANGLE
    )
    assert (about.resolution_h, about.resolution_v) == (1280, 720)
    assert math.isnan(about.focal_length)
    assert math.isnan(about.sensor_size_h)


def test_picture_that_is_not_known(desk: Desk) -> None:
    desk.tracker.picture = None
    desk.command(REQUEST, 259)
    desk.command(REQUEST, FIELD_OF_VIEW)
    (about,) = desk.ground.of('CAMERA_INFORMATION')
    assert (about.resolution_h, about.resolution_v) == (0, 0)
    (view,) = desk.ground.of('CAMERA_FOV_STATUS')
    assert math.isnan(view.hfov)
    assert math.isnan(view.vfov)


def test_field_of_view_in_degrees_and_no_made_up_place(desk: Desk) -> None:
    desk.command(REQUEST, FIELD_OF_VIEW)
    (view,) = desk.ground.of('CAMERA_FOV_STATUS')
    assert (view.hfov, view.vfov) == (60.0, 40.0)
    assert view.lat_camera == view.alt_image == 2**31 - 1
    assert all(math.isnan(part) for part in view.q)


def test_settings_say_video(desk: Desk) -> None:
    assert desk.command(common.MAV_CMD_REQUEST_CAMERA_SETTINGS, 1) == [ACCEPTED]
    (settings,) = desk.ground.of('CAMERA_SETTINGS')
    assert settings.mode_id == common.CAMERA_MODE_VIDEO


def test_video_only_where_it_is_served(open_desk: OpenDesk) -> None:
    assert open_desk().command(REQUEST, 269) == [DENIED]
    desk = open_desk(video_uri='rtsp://127.0.0.1:8554/camera')
    assert desk.command(REQUEST, 269) == [ACCEPTED]
    (stream,) = desk.ground.of('VIDEO_STREAM_INFORMATION')
    assert (stream.uri, stream.type) == ('rtsp://127.0.0.1:8554/camera', 0)
    assert (stream.resolution_h, stream.resolution_v, stream.hfov) == (1280, 720, 60)
    desk.command(REQUEST, 259)
    (about,) = desk.ground.of('CAMERA_INFORMATION')
    assert about.flags & common.CAMERA_CAP_FLAGS_HAS_VIDEO_STREAM


def test_status_of_a_rectangle(desk: Desk) -> None:
    desk.command(RECTANGLE, 0.1, 0.1, 0.5, 0.5)
    desk.tracker.seen = SEEN
    status = newest(desk)
    assert status.tracking_status == TrackingFlags.ACTIVE
    assert status.tracking_mode == TrackingMode.RECTANGLE
    assert status.target_data == common.CAMERA_TRACKING_TARGET_DATA_IN_STATUS
    # Left, top, right, bottom.
    assert numbers(status) == (None, None, None, 0.25, 0.5, 0.5, 0.625)


def test_status_of_a_point(desk: Desk) -> None:
    desk.command(POINT, 0.3, 0.5)
    desk.tracker.seen = SEEN
    status = newest(desk)
    assert status.tracking_mode == TrackingMode.POINT
    assert numbers(status) == (0.375, 0.5625, 0.125, None, None, None, None)
    # Somebody else's target was not started by this camera's point.
    desk.tracker.seen = replace(SEEN, is_own=False)
    assert newest(desk).tracking_mode == TrackingMode.RECTANGLE


@pytest.mark.parametrize(
    ('seen', 'flags'),
    [
        (SEEN, TrackingFlags.ACTIVE),
        (replace(SEEN, measured=False), TrackingFlags.ACTIVE | TrackingFlags.COASTING),
        (
            replace(SEEN, state=TargetState.COASTING, measured=False),
            TrackingFlags.ACTIVE | TrackingFlags.COASTING,
        ),
        (replace(SEEN, state=TargetState.LOST, measured=False), TrackingFlags.IDLE),
        (replace(SEEN, state=TargetState.INITIALIZING, measured=False), TrackingFlags.IDLE),
        (TrackedTarget(TargetState.IDLE), TrackingFlags.IDLE),
        (TrackedTarget(TargetState.ERROR), TrackingFlags.ERROR),
        (None, TrackingFlags.ERROR),
    ],
)
def test_numbers_only_while_there_is_a_target(
    desk: Desk, seen: TrackedTarget | None, flags: TrackingFlags
) -> None:
    desk.tracker.seen = seen
    status = newest(desk)
    assert status.tracking_status == flags
    if TrackingFlags.ACTIVE not in flags:
        assert numbers(status) == (None,) * 7
        assert (status.tracking_mode, status.target_data) == (TrackingMode.NONE, 0)


@pytest.mark.parametrize(
    ('box', 'expected'),
    [
        (Box(-0.5, 0.25, 0.25, 1.5), (0.0, 0.25, 0.25, 1.0)),
        (Box(1.25, 0.25, 1.5, 0.5), (None,) * 4),
        (Box(math.nan, 0.25, 0.5, 0.5), (None,) * 4),
        (None, (None,) * 4),
    ],
)
def test_coordinates_stay_within_the_image(
    desk: Desk, box: Box | None, expected: tuple[float | None, ...]
) -> None:
    desk.tracker.seen = replace(SEEN, state=TargetState.COASTING, measured=False, box=box)
    assert numbers(newest(desk))[3:] == expected


def test_status_streams_and_changes_are_told_at_once(desk: Desk) -> None:
    desk.wait(4.0)
    idle = len(desk.ground.statuses())
    assert idle in (4, 5), 'slow while there is nothing to tell'
    desk.tracker.seen = SEEN
    desk.turn()
    assert len(desk.ground.statuses()) == idle + 1
    desk.wait(4.0)
    active = len(desk.ground.statuses()) - idle - 1
    assert active in (19, 20, 21), 'five in a second'
    desk.tracker.seen = None
    desk.turn()
    assert desk.ground.statuses()[-1].tracking_status == TrackingFlags.ERROR


@pytest.mark.parametrize(
    ('interval_us', 'count'), [(100_000, 40), (500_000, 8), (1_000, 200), (0, 20), (-1, 0)]
)
def test_interval_is_kept(desk: Desk, interval_us: int, count: int) -> None:
    desk.tracker.seen = SEEN
    assert desk.command(SET_INTERVAL, STATUS, interval_us) == [ACCEPTED]
    desk.ground.received.clear()
    desk.wait(4.0)
    assert abs(len(desk.ground.statuses()) - count) <= 1
    desk.command(GET_INTERVAL, STATUS)
    desk.command(REQUEST, INTERVAL, STATUS)
    expected = {0: 200_000, 1_000: 20_000}.get(interval_us, interval_us)
    answers = desk.ground.of('MESSAGE_INTERVAL')
    assert [(told.message_id, told.interval_us) for told in answers] == [(STATUS, expected)] * 2


def test_interval_that_was_asked_for_holds_without_a_target(desk: Desk) -> None:
    desk.command(SET_INTERVAL, STATUS, 100_000)
    desk.ground.received.clear()
    desk.wait(2.0)
    assert len(desk.ground.statuses()) in (19, 20, 21)


def test_other_messages_stream_when_asked_for(desk: Desk) -> None:
    desk.command(SET_INTERVAL, FIELD_OF_VIEW, 500_000)
    desk.ground.received.clear()
    desk.wait(2.0)
    assert len(desk.ground.of('CAMERA_FOV_STATUS')) in (3, 4, 5)


@pytest.mark.parametrize(
    'parameters', [(1, 1e5), (STATUS, math.nan), (STATUS, -2), (math.nan, 1e5), (STATUS, math.inf)]
)
def test_interval_that_makes_no_sense(desk: Desk, parameters: tuple[float, ...]) -> None:
    assert desk.command(SET_INTERVAL, *parameters) == [DENIED]


def test_longest_interval_fits_its_message(desk: Desk) -> None:
    assert desk.command(SET_INTERVAL, STATUS, 1e30) == [ACCEPTED]
    desk.command(GET_INTERVAL, STATUS)
    assert desk.ground.of('MESSAGE_INTERVAL')[0].interval_us == 2**31 - 1


def test_interval_of_what_it_does_not_have(desk: Desk) -> None:
    assert desk.command(GET_INTERVAL, 30) == [ACCEPTED]
    assert desk.ground.of('MESSAGE_INTERVAL')[0].interval_us == 0


def test_people_are_told_of_loss_and_return(desk: Desk) -> None:
    lost = replace(SEEN, state=TargetState.LOST, measured=False)
    for seen in (SEEN, lost, lost, SEEN, None):
        desk.tracker.seen = seen
        desk.turn()
    assert desk.ground.texts() == ['target lost, still looking for it', 'target found again']
