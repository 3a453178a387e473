# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The operator page in Chromium, with the tracker and a camera behind it over DDS."""

from collections.abc import Callable, Iterator
from pathlib import Path
import signal
import subprocess
import sys
from typing import Any

import cv2
import numpy as np
import pytest
from rclpy.context import Context
from selenium.webdriver import Chrome
from sensor_msgs.msg import CompressedImage
import yaml

from ros.browser import DESKTOP, PHONE, PHONE_ON_ITS_SIDE, Page, RunningPage, start_chrome
from ros.harness import (
    DEADLINE_S,
    RELIABLE,
    Operator,
    StartTracker,
    scene,
    stamped,
)
from sam2_tracker_ros.core.types import EventType
from sam2_tracker_ros.messages import native_bytes, stamp_ns_of
from sam2_tracker_ros.msg import GimbalFollowerStatus, Target
from sam2_tracker_ros.srv import SetTarget

ROOT = Path(__file__).resolve().parent.parent.parent
SQUARE = 30
TOP = 40
TOLERANCE_PX = 4.0

StartPage = Callable[..., RunningPage]


@pytest.fixture
def start_page(context: Context, namespace: str) -> Iterator[StartPage]:
    made: list[RunningPage] = []

    def start(**parameters: Any) -> RunningPage:
        made.append(RunningPage(context, namespace, **parameters))
        return made[-1]

    yield start
    for page in made:
        page.end()


@pytest.fixture(scope='module')
def chrome() -> Iterator[Chrome]:
    driver = start_chrome()
    yield driver
    driver.quit()


@pytest.fixture
def page(chrome: Chrome, operator: Operator) -> Page:
    return Page(chrome, operator)


def near(expected: list[float]) -> Any:
    return pytest.approx(expected, abs=TOLERANCE_PX)


def square(x: int) -> list[float]:
    return [x, TOP, x + SQUARE, TOP + SQUARE]


def test_a_click_selects_and_the_box_follows_until_the_target_is_lost(
    start_tracker: StartTracker, start_page: StartPage, operator: Operator, page: Page
) -> None:
    start_tracker(coast_timeout_s=0.3)
    running = start_page()
    page.open(running.port)
    page.wait_for('IDLE')
    page.drag((35, 55), (35, 55))
    page.wait_for('TRACKING')
    assert operator.wait_for_event(EventType.ACQUIRED).target_id == 'target'
    for x in (24, 30, 38, 48, 58):
        page.x = x
        assert page.wait_for_picture(page.show()) == near(square(x))
    page.x = None
    page.wait_for('COASTING')
    page.wait_for('LOST')
    assert page.run('return document.body.dataset.state') == 'LOST'
    page.wait(lambda: 'LOST target' in page.log, 'LOST in the log')
    assert 'ACQUIRED target' in page.log
    page.x = 58
    page.wait_for('TRACKING')
    page.wait(lambda: 'REACQUIRED' in page.log, 'REACQUIRED in the log')
    page.press('Escape')
    page.wait_for('IDLE')
    assert operator.wait_for_event(EventType.RELEASED).target_id == 'target'
    assert page.problems() == []


def test_a_box_selects_a_refusal_is_told_and_stop_releases(
    start_tracker: StartTracker, start_page: StartPage, operator: Operator, page: Page
) -> None:
    start_tracker()
    gimbal = operator.create_publisher(GimbalFollowerStatus, 'gimbal_follower/status', RELIABLE)
    running = start_page(target_id='car')
    page.open(running.port)
    page.wait_for('IDLE')
    page.drag((18, 38), (52, 72))
    page.wait_for('TRACKING')
    first = operator.wait_for_event(EventType.ACQUIRED)
    assert first.target_id == 'car'
    page.wait(lambda: 'car: ' in page.toasts, 'the answer')
    # The same target starts anew: whoever follows it by its name goes on.
    page.drag((18, 38), (52, 72))
    page.wait(lambda: len(operator.events_of(EventType.ACQUIRED)) == 2, 'the new start')
    assert operator.events_of(EventType.ACQUIRED)[-1].target_id == 'car'

    def is_gimbal_shown() -> bool:
        gimbal.publish(GimbalFollowerStatus(mode=GimbalFollowerStatus.MODE_FOLLOWING))
        return bool(page.run("return document.getElementById('gimbal').value === 'following'"))

    page.wait(is_gimbal_shown, 'what the gimbal does')
    page.run("document.getElementById('stop').click()")
    page.wait_for('IDLE')
    # A part can only be added to a target, and there is none any more.
    page.run("document.querySelector('input[value=include]').click()")
    page.drag((35, 55), (35, 55))
    page.wait(lambda: 'target' in page.toasts and 'there' in page.toasts, 'the refusal')
    assert page.problems() == []


@pytest.mark.parametrize('screen', [DESKTOP, PHONE], ids=['mouse', 'finger'])
def test_a_prompt_means_the_picture_that_was_on_the_screen(
    start_page: StartPage,
    operator: Operator,
    page: Page,
    screen: tuple[int, int, float, bool],
) -> None:
    requests: list[Any] = []

    def take(request: Any, response: Any) -> Any:
        requests.append(request.prompt)
        response.accepted = True
        return response

    operator.create_service(SetTarget, 'tracker/set_target', take)
    targets = operator.create_publisher(Target, 'tracker/target', RELIABLE)
    pictures = operator.create_publisher(CompressedImage, 'tracker/overlay/compressed', RELIABLE)
    data = native_bytes(np.asarray(cv2.imencode('.jpg', scene(20))[1]).ravel())
    stamp_ns = 1_700_000_000_123_456_789

    def is_shown() -> bool:
        targets.publish(stamped(Target(target_id='boat'), stamp_ns))
        pictures.publish(stamped(CompressedImage(format='jpeg', data=data), stamp_ns))
        shown = page.run("return document.getElementById('picture').dataset.stamp")
        return bool(shown == str(stamp_ns) and page.state == 'IDLE')

    page.open(start_page().port, screen)
    page.wait(is_shown, 'the picture', is_live=False)
    point = page.swipe if screen[3] else page.drag
    point((40.0, 90.0), (40.0, 90.0))
    point((120.0, 108.0), (80.0, 30.0))
    page.wait(lambda: len(requests) == 2, 'both prompts', is_live=False)
    click, box = requests
    for prompt in requests:
        assert stamp_ns_of(prompt.header) == stamp_ns
        assert (prompt.target_id, prompt.normalized) == ('boat', True)
    assert [*click.point_x, *click.point_y] == pytest.approx([0.25, 0.75], abs=0.005)
    assert list(box.box) == pytest.approx([0.5, 0.25, 0.75, 0.9], abs=0.005)


@pytest.mark.parametrize('screen', [PHONE, PHONE_ON_ITS_SIDE], ids=['upright', 'on its side'])
def test_a_phone_selects_with_a_finger_and_does_not_scroll(
    start_tracker: StartTracker,
    start_page: StartPage,
    page: Page,
    screen: tuple[int, int, float, bool],
) -> None:
    start_tracker()
    running = start_page()
    page.open(running.port, screen)
    page.wait_for('IDLE')
    page.swipe((35, 55), (35, 55))
    page.wait_for('TRACKING')
    page.x = 60
    page.run("document.getElementById('stop').click()")
    page.wait_for('IDLE')
    page.swipe((58, 38), (92, 72))
    page.wait_for('TRACKING')
    assert page.wait_for_picture(page.show()) == near(square(60))
    assert page.run('return [scrollX, scrollY, visualViewport.scale]') == [0, 0, 1]
    size = page.run('return [document.body.scrollWidth, document.body.scrollHeight]')
    assert size == [screen[0], screen[1]]
    for name in ('state', 'picture', 'stop', 'confidence'):
        bounds = page.run(f"return document.getElementById('{name}').getBoundingClientRect()")
        assert bounds['height'] > 0, name
        assert 0 <= bounds['left'] < bounds['right'] <= screen[0], name
        assert 0 <= bounds['top'] < bounds['bottom'] <= screen[1], name
    assert page.problems() == []


def test_arrow_keys_select(start_tracker: StartTracker, start_page: StartPage, page: Page) -> None:
    start_tracker()
    running = start_page()
    page.open(running.port)
    page.x = 66
    page.wait_for('IDLE')
    page.run("document.getElementById('picture').focus()")
    page.press('ArrowUp')
    page.press('ArrowLeft')
    page.press('Enter')
    page.wait_for('TRACKING')


def test_the_page_says_when_nothing_comes_and_comes_back(
    start_tracker: StartTracker, start_page: StartPage, operator: Operator, page: Page
) -> None:
    start_tracker()
    running = start_page()
    page.open(running.port)
    page.wait_for('IDLE')
    overlay = f'{operator.get_namespace()}/tracker/overlay/compressed'
    assert operator.count_subscribers(overlay) == 1
    page.wait_for('NO TRACKER', is_live=False)
    assert page.run('return document.body.dataset.state') == 'STALE'
    assert 'the tracker is silent for' in page.run(
        "return document.getElementById('notice').textContent"
    )
    page.wait_for('IDLE')
    running.node.close()
    page.wait_for('NO CONNECTION', is_live=False)
    operator.wait_until(lambda: operator.count_subscribers(overlay) == 0, 'nobody to draw for')
    start_page(port=running.port)
    page.wait_for('IDLE')


def test_without_a_tracker_a_click_is_answered(
    start_page: StartPage, operator: Operator, page: Page
) -> None:
    running = start_page()
    page.open(running.port)
    page.wait_for('NO TRACKER', is_live=False)
    page.run("document.getElementById('stop').click()")
    page.wait(lambda: 'does not answer' in page.toasts, 'the answer', is_live=False)


def test_the_link_with_the_token_opens_the_page(start_page: StartPage, page: Page) -> None:
    token = 'a-token-of-some-length'  # noqa: S105 - of the test
    running = start_page(token=token)
    page.open(running.port)
    assert 'the link that ends in ?token=' in page.run('return document.body.innerText')
    page.open(running.port, path=f'/?token={token}')
    page.wait_for('NO TRACKER', is_live=False)
    assert page.run('return location.href') == f'http://127.0.0.1:{running.port}/'
    assert page.run('return document.cookie') == ''
    assert page.problems() == []
    page.open(running.port)
    page.wait_for('NO TRACKER', is_live=False)


def test_parameter_file_lists_every_parameter(start_page: StartPage) -> None:
    node = start_page().node
    text = (ROOT / 'config' / 'operator_page.yaml').read_text('utf-8')
    listed = yaml.safe_load(text)['/**']['operator_page']['ros__parameters']
    declared = set(node.list_parameters([], 1).names)
    undeclared = {'use_sim_time', 'start_type_description_service'}
    assert set(listed) == declared - undeclared
    for name, value in listed.items():
        if name not in {'port', 'max_rate_hz'}:  # the tests' own
            assert node.get_parameter(name).value == value


def ended(*parameters: str, preparation: str = '') -> list[str]:
    """Run the node, which must end with status 1, and return the lines that it wrote."""
    words = [word for text in parameters for word in ('-p', text)]
    source = f'{preparation}\nfrom sam2_tracker_ros.ros.operator_page_node import main\n'
    done = subprocess.run(
        [sys.executable, '-c', f'{source}raise SystemExit(main())', '--ros-args', *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )
    assert done.returncode == 1, done.stderr
    return [line for line in done.stderr.splitlines() if line.strip()]


def test_a_page_for_everybody_does_not_start() -> None:
    (line,) = ended('host:=0.0.0.0')
    assert 'there is no token' in line


def test_without_aiohttp_one_line_says_what_to_install() -> None:
    (line,) = ended(preparation="import sys; sys.modules['aiohttp'] = None")
    assert "pip install '.[operator]'" in line


def test_a_signal_ends_the_executable_cleanly() -> None:
    process = subprocess.Popen(
        ['operator_page', '--ros-args', '-p', 'port:=0'], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert 'the page is at http://127.0.0.1:' in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, errors) == (0, '')
