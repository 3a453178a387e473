# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

import json
from typing import Any

import pytest

from sam2_tracker_ros.core.types import Box, Event, EventType, Reason, TargetState
from sam2_tracker_ros.operator_page.feed import KEPT_EVENTS, Cursor, Feed, TargetView

NAN = float('nan')


class Page:
    """Takes packets as a page does, on a clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.feed = Feed(lambda: self.now_s)
        self.cursor = Cursor()

    def look(self, *, is_due: bool = False) -> tuple[dict[str, Any], bytes] | None:
        made = self.feed.packet(1, self.cursor, NAN, is_due=is_due)
        if made is None:
            return None
        packet, self.cursor = made
        end = 4 + int.from_bytes(packet[:4], 'big')
        return json.loads(packet[4:end]), packet[end:]

    def see(self, *, is_due: bool = False) -> tuple[dict[str, Any], bytes]:
        seen = self.look(is_due=is_due)
        assert seen is not None
        return seen

    def put(self, stamp_ns: int, state: TargetState = TargetState.TRACKING) -> None:
        self.feed.put_target(stamp_ns, TargetView('car', state))


@pytest.fixture
def page() -> Page:
    return Page()


def test_nothing_is_told_before_something_is_due(page: Page) -> None:
    assert page.look() is None
    header, jpeg = page.see(is_due=True)
    assert (header['target'], header['stamp'], jpeg) == (None, None, b'')
    assert (header['picture_age_s'], header['state_age_s'], header['link_s']) == (None, None, None)


def test_a_picture_comes_once_and_with_the_state_of_its_time(page: Page) -> None:
    page.put(1, TargetState.COASTING)
    page.feed.put_picture(1, b'first')
    page.put(2, TargetState.TRACKING)
    header, jpeg = page.see()
    assert (header['stamp'], jpeg) == ('1', b'first')
    assert (header['target']['stamp'], header['target']['state']) == ('1', 'COASTING')
    assert page.look() is None


def test_a_slow_page_gets_the_newest_picture_only(page: Page) -> None:
    for stamp_ns in range(1, 200):
        page.put(stamp_ns)
        page.feed.put_picture(stamp_ns, b'%d' % stamp_ns)
    header, jpeg = page.see()
    assert (header['stamp'], jpeg) == ('199', b'199')
    assert page.look() is None


def test_when_pictures_stop_the_state_goes_on(page: Page) -> None:
    page.put(1)
    page.feed.put_picture(1, b'')
    page.see()
    page.put(2, TargetState.COASTING)
    assert page.look() is None  # its picture will come
    page.now_s += 0.3
    header, jpeg = page.see()
    assert (header['target']['state'], header['stamp'], jpeg) == ('COASTING', None, b'')
    assert header['picture_age_s'] == pytest.approx(0.3)
    page.now_s += 2.0
    assert page.see(is_due=True)[0]['state_age_s'] == pytest.approx(2.3)


def test_an_old_picture_does_not_hide_a_new_state(page: Page) -> None:
    page.put(1, TargetState.TRACKING)
    page.feed.put_picture(1, b'old')
    page.now_s += 1.0
    page.put(2, TargetState.LOST)
    assert page.see()[0]['target']['state'] == 'LOST'


def test_of_several_targets_the_first_is_shown(page: Page) -> None:
    page.feed.put_target(5, TargetView('car', TargetState.LOST))
    page.feed.put_target(5, TargetView('boat', TargetState.TRACKING))
    assert page.see(is_due=True)[0]['target']['id'] == 'car'
    assert page.feed.shown_target_id() == 'car'


def test_numbers_become_json_and_unknown_ones_null(page: Page) -> None:
    box = Box(0.1, 0.2, 0.3, 0.4)
    view = TargetView(
        'car', TargetState.COASTING, Reason.LEFT_FRAME_LEFT, False, box, 0.123456, 0.05, 0.25
    )
    page.feed.put_target(7, view)
    page.now_s += 0.01
    target = page.see(is_due=True)[0]['target']
    assert target['reason'] == 'left frame left'
    assert target['box'] == [0.1, 0.2, 0.3, 0.4]
    assert (target['confidence'], target['unseen_s']) == (0.123, 0.25)
    assert target['latency_s'] == pytest.approx(0.06)  # and it waited here
    page.feed.put_target(8, TargetView('', TargetState.IDLE))
    target = page.see(is_due=True)[0]['target']
    assert (target['box'], target['confidence'], target['latency_s']) == (None, None, None)


def test_events_come_once_each_and_the_oldest_go(page: Page) -> None:
    for number in range(KEPT_EVENTS + 5):
        page.feed.put_event(Event(EventType.LOST, number * 10**9, 'car', reason=Reason.OCCLUDED))
    events = page.see()[0]['events']
    assert [event['time_s'] for event in events] == list(range(5, KEPT_EVENTS + 5))
    assert events[0]['type'] == 'LOST'
    assert events[0]['reason'] == 'occluded'
    assert page.look() is None
    page.feed.put_event(Event(EventType.REACQUIRED, 0, gap_s=1.5))
    (event,) = page.see()[0]['events']
    assert (event['type'], event['gap_s']) == ('REACQUIRED', 1.5)


def test_rate_and_gimbal_are_of_now(page: Page) -> None:
    page.feed.put_gimbal('FOLLOWING', 'target is measured')
    for number in range(31):
        page.now_s += 1.0 / 30.0 if number else 0.0
        page.put(number)
    header = page.see(is_due=True)[0]
    assert header['rate_hz'] == pytest.approx(30.0)
    page.feed.put_gimbal('FOLLOWING', 'why')
    assert page.see(is_due=True)[0]['gimbal'] == {'mode': 'FOLLOWING', 'detail': 'why'}
    page.now_s += 3.0
    header = page.see(is_due=True)[0]
    assert (header['rate_hz'], header['gimbal']) == (0.0, None)
