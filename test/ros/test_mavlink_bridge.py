# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A MAVLink ground station, the bridge and the real tracker node, over UDP and DDS."""

from collections.abc import Callable, Iterator
from dataclasses import replace
import math
from pathlib import Path
import subprocess
import sys
import threading
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
import numpy as np
from pymavlink.dialects.v20 import common
import pytest
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo
import yaml

from mavlink.ground_station import GroundStation
from ros.harness import (
    HEIGHT,
    WIDTH,
    Operator,
    StartTracker,
    scene,
    square_prompt,
    stamped,
)
from sam2_tracker_ros.core.model import MaskCandidates
from sam2_tracker_ros.core.types import UInt8Array
from sam2_tracker_ros.errors import Sam2TrackerError
from sam2_tracker_ros.mavlink.tracking_status import TrackingFlags, TrackingMode
from sam2_tracker_ros.messages import stamp_ns_of
from sam2_tracker_ros.ros.mavlink_bridge_node import MavlinkBridgeNode
from sam2_tracker_ros.srv import SetTarget
from sam2_tracker_ros.testing.fake_model import PRESENT_LOGIT, FakeModel

PARAMETERS_FILE = Path(__file__).parents[2] / 'config' / 'mavlink_bridge.yaml'
POINT = common.MAV_CMD_CAMERA_TRACK_POINT
RECTANGLE = common.MAV_CMD_CAMERA_TRACK_RECTANGLE
STOP = common.MAV_CMD_CAMERA_STOP_TRACKING
REQUEST = common.MAV_CMD_REQUEST_MESSAGE
ACCEPTED, FAILED = common.MAV_RESULT_ACCEPTED, common.MAV_RESULT_FAILED
REJECTED = common.MAV_RESULT_TEMPORARILY_REJECTED


class Bridge:
    """A bridge spinning in threads of this process, and its ground station."""

    def __init__(self, context: Context, operator: Operator, **parameters: Any) -> None:
        self.ground = GroundStation()
        values = {'connection': f'udpout:127.0.0.1:{self.ground.port}', **parameters}
        self.node = MavlinkBridgeNode(
            context=context,
            namespace=operator.get_namespace(),
            parameter_overrides=[Parameter(name, value=item) for name, item in values.items()],
        )
        self._operator = operator
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._executor.spin, daemon=True)
        self._thread.start()
        operator.wait_until(lambda: self.ground.of('HEARTBEAT'), 'a heartbeat')

    def end(self) -> None:
        self._executor.shutdown()
        self._thread.join()
        self.node.close()
        self.node.destroy_node()
        self.ground.close()

    def wait_for_tracker(self) -> None:
        """Wait until the tracker's answers get through to the ground station."""

        def is_there() -> bool:
            self.ground.command(STOP)
            self._operator.show(scene(20))
            return ACCEPTED in self.ground.results(STOP)

        self._operator.wait_until(is_there, 'a bridge that knows the tracker')

    def ask(self, pixels: UInt8Array, number: int, *parameters: float) -> list[int]:
        """Send a command, and show the picture until its last acknowledgement has come."""
        self.ground.listen()
        self.ground.received.clear()
        self.ground.command(number, *parameters)
        pending: tuple[list[int], ...] = ([], [common.MAV_RESULT_IN_PROGRESS])

        def is_answered() -> bool:
            self._operator.show(pixels)
            return self.ground.results(number) not in pending

        self._operator.wait_until(is_answered, 'a verdict')
        return self.ground.results(number)

    def wait_for_flags(self, flags: TrackingFlags, pixels: UInt8Array | None = None) -> Any:
        """Wait for a status, and show the picture meanwhile when there is one."""

        def is_told() -> bool:
            if pixels is not None:
                self._operator.show(pixels)
            else:
                self._operator.listen()
            statuses = self.ground.statuses()
            return bool(statuses) and statuses[-1].tracking_status == flags

        self._operator.wait_until(is_told, f'the status {flags!r}')
        return self.newest_status()

    def newest_status(self) -> Any:
        return self.ground.statuses()[-1]


StartBridge = Callable[..., Bridge]


@pytest.fixture
def start_bridge(context: Context, operator: Operator) -> Iterator[StartBridge]:
    """Make bridges; keywords are parameters."""
    made: list[Bridge] = []

    def start(**parameters: Any) -> Bridge:
        made.append(Bridge(context, operator, **parameters))
        return made[-1]

    yield start
    for bridge in made:
        bridge.end()


@pytest.fixture
def bridge(operator: Operator, start_tracker: StartTracker, start_bridge: StartBridge) -> Bridge:
    """Return a bridge to a tracker that loses its target after some frames."""
    start_tracker(coast_timeout_s=0.5)
    made = start_bridge()
    made.wait_for_tracker()
    return made


def test_point_starts_the_tracker_and_stop_ends_it(bridge: Bridge, operator: Operator) -> None:
    # The middle of the square of 30 pixels at (20, 40), in a picture of 160 x 120.
    assert bridge.ask(scene(20), POINT, 35 / WIDTH, 55 / HEIGHT)[-1] == ACCEPTED
    assert [target.target_id for target in operator.show(scene(20)).targets] == ['mavlink']
    bridge.wait_for_flags(TrackingFlags.ACTIVE)
    # The target may be known before the answer that says whose it is.
    operator.wait_until(
        lambda: bridge.newest_status().tracking_mode == TrackingMode.POINT,
        'the status of a point',
    )
    status = bridge.newest_status()
    assert (status.point_x, status.point_y) == pytest.approx((35 / WIDTH, 55 / HEIGHT), abs=0.01)
    assert status.radius == pytest.approx(15 / WIDTH, abs=0.01)
    assert math.isnan(status.rec_top_x)

    assert bridge.ask(scene(20), STOP)[-1] == ACCEPTED
    assert operator.show(scene(20)).targets == []
    status = bridge.wait_for_flags(TrackingFlags.IDLE)
    assert math.isnan(status.point_x)


def test_rectangle_is_followed_hidden_lost_and_found(bridge: Bridge, operator: Operator) -> None:
    box = (20 / WIDTH, 40 / HEIGHT, 50 / WIDTH, 70 / HEIGHT)
    assert bridge.ask(scene(20), RECTANGLE, *box)[-1] == ACCEPTED
    status = bridge.wait_for_flags(TrackingFlags.ACTIVE, scene(20))
    assert status.tracking_mode == TrackingMode.RECTANGLE
    corners = (status.rec_top_x, status.rec_top_y, status.rec_bottom_x, status.rec_bottom_y)
    assert corners == pytest.approx(box, abs=0.01)
    assert math.isnan(status.point_x)

    status = bridge.wait_for_flags(TrackingFlags.ACTIVE | TrackingFlags.COASTING, scene(None))
    assert not math.isnan(status.rec_top_x)
    status = bridge.wait_for_flags(TrackingFlags.IDLE, scene(None))
    assert math.isnan(status.rec_top_x)
    bridge.wait_for_flags(TrackingFlags.ACTIVE, scene(20))
    assert bridge.ground.texts() == ['target lost, still looking for it', 'target found again']


class ThingsOnly(FakeModel):
    """Sees no object in what fills most of the picture: the ground."""

    def decode_masks(self, *arguments: Any) -> MaskCandidates:
        found = super().decode_masks(*arguments)
        is_ground = np.count_nonzero(found.mask_logits > 0) > found.mask_logits.size / 2
        return replace(found, object_score_logit=-PRESENT_LOGIT) if is_ground else found


def test_click_on_nothing_fails_and_says_why(
    operator: Operator, start_tracker: StartTracker, start_bridge: StartBridge
) -> None:
    start_tracker(model_loader=lambda *_: ThingsOnly())
    bridge = start_bridge()
    bridge.wait_for_tracker()
    assert bridge.ask(scene(20), POINT, 0.75, 0.25)[-1] == FAILED
    assert operator.show(scene(20)).targets == []
    # A long text comes in several messages.
    operator.wait_until(lambda: 'object score' in ''.join(bridge.ground.texts()), 'the reason')


def test_shows_a_target_that_somebody_else_started(bridge: Bridge, operator: Operator) -> None:
    operator.prompts.publish(square_prompt(20, target_id='car'))
    status = bridge.wait_for_flags(TrackingFlags.ACTIVE, scene(20))
    assert status.tracking_mode == TrackingMode.RECTANGLE
    # The own one goes before it.
    bridge.ask(scene(20), POINT, 35 / WIDTH, 55 / HEIGHT)
    bridge.ground.listen()
    bridge.ground.received.clear()
    bridge.ground.command(REQUEST, common.MAVLINK_MSG_ID_CAMERA_TRACKING_IMAGE_STATUS)
    status = bridge.wait_for_flags(TrackingFlags.ACTIVE, scene(20))
    assert status.tracking_mode == TrackingMode.POINT


def test_silence_of_the_tracker_is_an_error(bridge: Bridge, operator: Operator) -> None:
    bridge.ask(scene(20), POINT, 35 / WIDTH, 55 / HEIGHT)
    bridge.wait_for_flags(TrackingFlags.ACTIVE, scene(20))
    # No image, and a watchdog that is patient: nothing is heard of the tracker any more.
    status = bridge.wait_for_flags(TrackingFlags.ERROR)
    assert math.isnan(status.point_x)


def test_no_tracker(operator: Operator, start_bridge: StartBridge) -> None:
    bridge = start_bridge()
    bridge.wait_for_flags(TrackingFlags.ERROR)
    bridge.ground.command(POINT, 0.5, 0.5)
    operator.wait_until(lambda: bridge.ground.results(POINT), 'an answer')
    assert bridge.ground.results(POINT) == [REJECTED]
    reason = f'no tracker answers at {operator.get_namespace()}'
    operator.wait_until(lambda: reason in ''.join(bridge.ground.texts()), 'the reason')


@pytest.mark.parametrize('delay_s', [0.0, 0.4])
def test_prompt_is_for_the_picture_that_the_operator_saw(
    operator: Operator, start_bridge: StartBridge, delay_s: float
) -> None:
    asked: list[Any] = []

    def answer(request: Any, response: Any) -> Any:
        asked.append(request.prompt)
        response.accepted = True
        return response

    operator.create_service(SetTarget, 'tracker/set_target', answer)
    bridge = start_bridge(video_delay_s=delay_s)

    def is_accepted() -> bool:
        bridge.ground.command(RECTANGLE, 0.125, 0.25, 0.5, 0.75)
        operator.listen()
        return ACCEPTED in bridge.ground.results(RECTANGLE)

    begun_ns = operator.get_clock().now().nanoseconds
    operator.wait_until(is_accepted, 'a verdict')
    spent_ns = operator.get_clock().now().nanoseconds - begun_ns
    prompt = asked[0]
    assert (prompt.target_id, prompt.normalized) == ('mavlink', True)
    assert list(prompt.box) == [0.125, 0.25, 0.5, 0.75]
    stamp_ns = stamp_ns_of(prompt.header)
    if delay_s:
        assert -0.4e9 <= stamp_ns - begun_ns <= spent_ns - 0.4e9
    else:
        assert stamp_ns == 0


def test_field_of_view_comes_from_camera_info(
    operator: Operator, start_bridge: StartBridge
) -> None:
    bridge = start_bridge()
    info = CameraInfo(width=640, height=480, distortion_model='plumb_bob', d=[0.0] * 5)
    info.k = np.array([500.0, 0.0, 319.5, 0.0, 500.0, 239.5, 0.0, 0.0, 1.0])

    def is_told() -> bool:
        operator.infos.publish(stamped(info, operator.next_stamp_ns()))
        bridge.ground.command(REQUEST, common.MAVLINK_MSG_ID_CAMERA_FOV_STATUS)
        operator.listen()
        views = bridge.ground.of('CAMERA_FOV_STATUS')
        return bool(views) and not math.isnan(views[-1].hfov)

    operator.wait_until(is_told, 'a field of view')
    view = bridge.ground.of('CAMERA_FOV_STATUS')[-1]
    expected = [math.degrees(2 * math.atan(half / 500)) for half in (320, 240)]
    assert [view.hfov, view.vfov] == pytest.approx(expected, abs=1e-3)


def test_diagnostics_count(operator: Operator, start_bridge: StartBridge) -> None:
    bridge = start_bridge()
    found: dict[str, Any] = {}

    def note(message: Any) -> None:
        found.update({status.name: status for status in message.status})

    operator.create_subscription(DiagnosticArray, '/diagnostics', note, 10)
    bridge.ground.send_bytes(b'no packet')
    bridge.ground.command(POINT, math.nan, 0.5)
    name = f'{bridge.node.get_fully_qualified_name()}: link'

    def values() -> dict[str, str]:
        status = found.get(name)
        return {} if status is None else {pair.key: pair.value for pair in status.values}

    operator.wait_until(lambda: values().get('commands refused') == '1', 'the count')
    assert values()['bad packets'] == '1'
    assert values()['last refusal'].startswith(f'command {POINT}: parameter 1: x is nan')
    assert int(values()['bytes sent']) > 0
    tracker = found[f'{bridge.node.get_fully_qualified_name()}: tracker']
    assert tracker.message == 'the tracker is silent'


def test_the_file_lists_every_parameter_with_the_default_of_the_code(
    context: Context, namespace: str
) -> None:
    written = yaml.safe_load(PARAMETERS_FILE.read_text())['/**']['mavlink_bridge']
    node = MavlinkBridgeNode(context=context, namespace=namespace)
    try:
        declared = {
            name: parameter.value for name, parameter in node.get_parameters_by_prefix('').items()
        }
    finally:
        node.close()
        node.destroy_node()
    ours = {name: value for name, value in declared.items() if name in written['ros__parameters']}
    assert written['ros__parameters'] == {
        name: list(value) if name == 'allowed_systems' else value for name, value in ours.items()
    }
    assert set(declared) - set(ours) <= {'use_sim_time', 'start_type_description_service'}


@pytest.mark.parametrize(
    ('parameter', 'complaint'),
    [
        (Parameter('connection', value='udp:127.0.0.1'), 'expected udpout:HOST:PORT'),
        (Parameter('system_id', value=0), 'a parameter cannot be used.*system_id'),
        (Parameter('connection', value=7), 'a parameter cannot be used.*connection'),
        (Parameter('connection', value='udpin:0.0.0.0:14550'), 'there is no key.*allow_unsigned'),
        (Parameter('signing_key_file', value='/no/such/file'), 'signing_key_file cannot be read'),
    ],
)
def test_bad_parameter_is_refused(
    context: Context, namespace: str, parameter: 'Parameter[Any]', complaint: str
) -> None:
    with pytest.raises(Sam2TrackerError, match=complaint):
        MavlinkBridgeNode(context=context, namespace=namespace, parameter_overrides=[parameter])


def test_strangers_are_let_in_when_somebody_says_so(context: Context, namespace: str) -> None:
    node = MavlinkBridgeNode(
        context=context,
        namespace=namespace,
        parameter_overrides=[
            Parameter('connection', value='udpin:0.0.0.0:14559'),
            Parameter('allow_unsigned', value=True),
        ],
    )
    node.close()
    node.destroy_node()


def test_missing_pymavlink_is_named_with_the_extra() -> None:
    program = (
        "import sys; sys.modules['pymavlink'] = None; "
        'from sam2_tracker_ros.ros.mavlink_bridge_node import main; sys.exit(main())'
    )
    done = subprocess.run(
        [sys.executable, '-c', program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "pip install '.[mavlink]'" in done.stderr
