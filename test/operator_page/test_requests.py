# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

import json
from typing import Any

import pytest

from sam2_tracker_ros.core.types import Box, Point, Prompt, PromptAction
from sam2_tracker_ros.operator_page.requests import (
    Acknowledgement,
    PromptRequest,
    RequestError,
    StopRequest,
    parse_request,
    request_number,
)

STAMP_NS = 1_700_000_000_123_456_789
STAMP = str(STAMP_NS)


def parse(**fields: Any) -> Any:
    return parse_request(json.dumps(fields))


def test_each_request_is_understood() -> None:
    assert parse(type='ack', packet=7) == Acknowledgement(7)
    assert parse(type='stop', request=1) == StopRequest(1)
    point = Prompt(points=(Point(0.25, 1.0),), normalized=True, stamp_ns=STAMP_NS)
    assert parse(type='select', request=2, point=[0.25, 1], stamp=STAMP) == PromptRequest(2, point)
    box = Prompt(box=Box(0.1, 0.2, 0.3, 0.4), normalized=True, stamp_ns=STAMP_NS)
    request = parse(type='select', request=3, box=[0.1, 0.2, 0.3, 0.4], stamp=STAMP)
    assert request == PromptRequest(3, box)
    request = parse(type='refine', request=4, point=[0, 0], foreground=False, stamp=STAMP)
    assert request.prompt.action is PromptAction.REFINE
    assert request.prompt.points == (Point(0.0, 0.0, is_foreground=False),)


@pytest.mark.parametrize(
    ('text', 'why'),
    [
        ('', 'not JSON'),
        ('{', 'not JSON'),
        ('[' * 4000, 'not JSON'),
        ('[1]', 'must be a JSON object'),
        ('{"type": []}', 'type must be one of'),
        ('{"type": "shutdown"}', 'type must be one of'),
        ('{"type": "stop"}', 'request must be a whole number'),
        ('{"type": "stop", "request": true}', 'request must be a whole number'),
        ('{"type": "stop", "request": -1}', 'request must be a whole number'),
        ('{"type": "stop", "request": 1, "now": 1}', "no field 'now'"),
        ('{"type": "ack", "packet": 1.5}', 'packet must be a whole number'),
    ],
)
def test_what_is_no_request_is_refused_with_a_reason(text: str, why: str) -> None:
    with pytest.raises(RequestError, match=why):
        parse_request(text)


@pytest.mark.parametrize(
    ('fields', 'why'),
    [
        ('', 'either a point or a box'),
        ('"point": [0.5, 0.5], "box": [0, 0, 1, 1]', 'either a point or a box'),
        ('"point": [NaN, 0.5]', 'NaN is not a number'),
        ('"point": [Infinity, 0.5]', 'Infinity is not a number'),
        ('"point": [1e999, 0.5]', 'numbers from 0 to 1'),
        (f'"point": [1{"0" * 400}, 0.5]', 'numbers from 0 to 1'),
        ('"point": [1.01, 0.5]', 'numbers from 0 to 1'),
        ('"point": [-0.01, 0.5]', 'numbers from 0 to 1'),
        ('"point": [true, 0.5]', 'numbers from 0 to 1'),
        ('"point": ["0.5", 0.5]', 'numbers from 0 to 1'),
        ('"point": [0.5]', '2 numbers'),
        ('"point": {"x": 1}', '2 numbers'),
        ('"box": [0.5, 0.5, 0.5, 0.6]', 'not empty'),
        ('"box": [0.6, 0.5, 0.5, 0.6]', 'not empty'),
        ('"box": [0, 0, 1]', '4 numbers'),
    ],
)
def test_a_place_outside_of_the_picture_is_refused(fields: str, why: str) -> None:
    start = f'{{"type": "select", "request": 5, "stamp": "{STAMP}"'
    text = f'{start}, {fields}}}' if fields else f'{start}}}'
    with pytest.raises(RequestError, match=why):
        parse_request(text)


@pytest.mark.parametrize('stamp', [None, 12, '', '-1', '1.5', '٣', '1' * 20, str(2**31 * 10**9)])
def test_a_stamp_that_ros_cannot_hold_is_refused(stamp: object) -> None:
    with pytest.raises(RequestError, match='stamp must be'):
        parse(type='select', request=1, point=[0.5, 0.5], stamp=stamp)


def test_a_refinement_says_what_it_means() -> None:
    with pytest.raises(RequestError, match='foreground must be true or false'):
        parse(type='refine', request=1, point=[0.5, 0.5], stamp=STAMP, foreground=1)


def test_a_wrong_request_still_has_a_number() -> None:
    assert request_number('{"type": "select", "request": 9}') == 9
    assert request_number('{"request": "9"}') is None
    assert request_number('nonsense') is None
