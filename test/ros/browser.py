# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The operator page's node in this process, and the page in Chromium as an operator uses it."""

from collections.abc import Callable
import os
import shutil
import threading
from typing import Any

import pytest
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from ros.harness import HEIGHT, WIDTH, Operator, scene
from sam2_tracker_ros.messages import stamp_ns_of
from sam2_tracker_ros.ros.operator_page_node import OperatorPageNode

# A desktop, a phone held upright and one on its side: width, height, device pixels, touch.
DESKTOP = (1200, 700, 1.0, False)
PHONE = (390, 844, 3.0, True)
PHONE_ON_ITS_SIDE = (844, 390, 3.0, True)


class RunningPage:
    """The node `operator_page` spinning in a thread of this process, on a free port."""

    def __init__(self, context: Context, namespace: str, **parameters: Any) -> None:
        self.node = OperatorPageNode(
            context=context,
            namespace=namespace,
            parameter_overrides=[
                Parameter(name, value=value)
                for name, value in ({'port': 0, 'max_rate_hz': 120.0} | parameters).items()
            ],
        )
        self.port = self.node.start()
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._executor.spin, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self.node.close()
        self._executor.shutdown()
        self._thread.join()
        self.node.destroy_node()


def program(*names: str) -> str:
    """Return the path of an installed program; without one the test is skipped, in CI it fails."""
    for name in names:
        if (path := shutil.which(name)) is not None:
            return path
    why = f'{" or ".join(names)} is not installed (apt-get install chromium chromium-driver)'
    if os.environ.get('CI') == 'true':
        pytest.fail(why)
    pytest.skip(why)


def start_chrome() -> Chrome:
    """Return a browser without a window, from what is installed: nothing is downloaded."""
    options = ChromeOptions()
    options.binary_location = program('chromium', 'chromium-browser', 'google-chrome')
    for argument in ('--headless=new', '--no-sandbox', '--disable-dev-shm-usage'):
        options.add_argument(argument)
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
    return Chrome(options, Service(program('chromedriver')))


class Page:
    """What an operator sees and does, while the camera goes on."""

    def __init__(self, chrome: Chrome, operator: Operator) -> None:
        self._chrome = chrome
        self._operator = operator
        self.x: int | None = 20

    def open(
        self, port: int, screen: tuple[int, int, float, bool] = DESKTOP, path: str = '/'
    ) -> None:
        self.use_screen(screen)
        self.problems()  # those of the page before
        self._chrome.get(f'http://127.0.0.1:{port}{path}')

    def use_screen(self, screen: tuple[int, int, float, bool]) -> None:
        width, height, ratio, is_touched = screen
        self._command(
            'Emulation.setDeviceMetricsOverride',
            width=width,
            height=height,
            deviceScaleFactor=ratio,
            mobile=is_touched,
        )
        self._command('Emulation.setTouchEmulationEnabled', enabled=is_touched)

    def run(self, script: str) -> Any:
        return self._chrome.execute_script(script)

    def problems(self) -> list[str]:
        """Return what the console complained about since the last call."""
        entries = self._chrome.get_log('browser')  # type: ignore[no-untyped-call]
        return [str(entry['message']) for entry in entries]

    @property
    def state(self) -> str:
        return str(self.run("return document.getElementById('state-name').textContent"))

    @property
    def log(self) -> str:
        return str(self.run("return document.getElementById('events').innerText"))

    @property
    def toasts(self) -> str:
        return str(self.run("return document.getElementById('toasts').innerText"))

    def show(self) -> int:
        """Give the tracker one more picture, with the square at x, and return its stamp."""
        return stamp_ns_of(self._operator.show(scene(self.x)).header)

    def wait(self, condition: Callable[[], Any], what: str, *, is_live: bool = True) -> None:
        """Wait for something; the camera goes on meanwhile, unless it is not live."""

        def is_met() -> bool:
            if is_live:
                self.show()
            return bool(condition())

        self._operator.wait_until(is_met, f'{what}; the page says {self.state}')

    def wait_for(self, state: str, *, is_live: bool = True) -> None:
        self.wait(lambda: self.state == state, state, is_live=is_live)

    def wait_for_picture(self, stamp_ns: int) -> list[float]:
        """Wait until a picture is shown with its target, and return left, ... in pixels of it."""
        shown: dict[str, str] = {}

        def is_shown() -> bool:
            shown.update(self.run("return {...document.getElementById('picture').dataset}"))
            return shown['stamp'] == shown['targetStamp'] == str(stamp_ns)

        self.wait(is_shown, f'the picture of {stamp_ns}', is_live=False)
        sides = [float(side) for side in shown['box'].split(',')]
        return [side * (WIDTH, HEIGHT)[index % 2] for index, side in enumerate(sides)]

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return where on the screen a pixel of the camera is: the picture is letterboxed."""
        left, top, width, height = self.run(
            "const box = document.getElementById('picture').getBoundingClientRect();"
            'return [box.left, box.top, box.width, box.height]'
        )
        scale = min(width / WIDTH, height / HEIGHT)
        return (
            left + (width - scale * WIDTH) / 2 + scale * x,
            top + (height - scale * HEIGHT) / 2 + scale * y,
        )

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press at one place and let go at another; a click when they are the same."""
        steps = [('mousePressed', start), ('mouseMoved', end), ('mouseReleased', end)]
        for kind, (x, y) in steps:
            at_x, at_y = self.place(x, y)
            self._command(
                'Input.dispatchMouseEvent',
                type=kind,
                x=at_x,
                y=at_y,
                button='left',
                buttons=1,
                clickCount=1,
            )

    def swipe(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Touch one place and let go at another; a tap when they are the same."""
        middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
        for kind, place in (('touchStart', start), ('touchMove', middle), ('touchMove', end)):
            x, y = self.place(*place)
            self._command('Input.dispatchTouchEvent', type=kind, touchPoints=[{'x': x, 'y': y}])
        self._command('Input.dispatchTouchEvent', type='touchEnd', touchPoints=[])

    def press(self, key: str) -> None:
        for kind in ('keyDown', 'keyUp'):
            self._command('Input.dispatchKeyEvent', type=kind, key=key, code=key)

    def _command(self, name: str, **arguments: Any) -> None:
        self._chrome.execute_cdp_cmd(name, arguments)
