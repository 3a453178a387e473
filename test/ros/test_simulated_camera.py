# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The camera on a gimbal as others meet it: over DDS, in real and in simulated time."""

from collections.abc import Callable, Iterator
import math
import threading
import time
from typing import Any

from geometry_msgs.msg import QuaternionStamped, Vector3Stamped
import numpy as np
import pytest
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Float32

from ros.harness import DEADLINE_S
from sam2_tracker_ros.messages import stamp_ns_of
from sam2_tracker_ros.msg import Target
from sam2_tracker_ros.ros import simulated_camera_node
from sam2_tracker_ros.ros.simulated_camera_node import SimulatedCameraNode
from sam2_tracker_ros.testing.aerial_scene import AerialScene

ALL = QoSProfile(depth=1000)
PERIOD_S = 1.0 / 30.0


@pytest.fixture(scope='module', autouse=True)
def one_landscape() -> Iterator[None]:
    """Paint once: every camera of these tests has the same scene, whose target stands for 3 s."""
    scene = AerialScene()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulated_camera_node, 'AerialScene', lambda *_: scene)
        yield


class Pilot(Node):
    """Listens to everything, and may steer."""

    def __init__(self, context: Context, namespace: str) -> None:
        super().__init__('pilot', context=context, namespace=namespace)
        self.images: list[Image] = []
        self.infos: list[CameraInfo] = []
        self.attitudes: list[QuaternionStamped] = []
        self.truths: list[Target] = []
        self.clocks: list[Clock] = []
        self.rates = self.create_publisher(Vector3Stamped, 'gimbal/rate_command', 1)
        self.zoom = self.create_publisher(Float32, 'zoom', 1)
        self._answers: Publisher[Target] | None = None
        self.create_subscription(Image, 'image', self._on_image, qos_profile_sensor_data)
        self.create_subscription(CameraInfo, 'camera_info', self.infos.append, ALL)
        self.create_subscription(QuaternionStamped, 'gimbal/attitude', self.attitudes.append, ALL)
        self.create_subscription(Target, 'truth', self.truths.append, ALL)
        self.create_subscription(Clock, '/clock', self.clocks.append, ALL)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self)

    def _on_image(self, message: Image) -> None:
        self.images.append(message)
        if self._answers is not None:
            self._answers.publish(Target(header=message.header))

    def be_the_tracker(self) -> None:
        """Answer each image, as slowly as they are heard."""
        self._answers = self.create_publisher(Target, 'tracker/target', 10)

    def turn(self, pitch_rate: float, yaw_rate: float) -> None:
        message = Vector3Stamped()
        message.vector.y, message.vector.z = pitch_rate, yaw_rate
        self.rates.publish(message)

    def listen(self, timeout_s: float = 0.05) -> None:
        self._executor.spin_once(timeout_sec=timeout_s)

    def wait_until(self, condition: Callable[[], Any]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline
            self.listen()

    def end(self) -> None:
        self._executor.shutdown()
        self.destroy_node()


@pytest.fixture
def pilot(context: Context, namespace: str) -> Iterator[Pilot]:
    made = Pilot(context, namespace)
    yield made
    made.end()


RunCamera = Callable[..., None]


@pytest.fixture
def run_camera(context: Context, namespace: str, pilot: Pilot) -> RunCamera:
    """Run a camera beside the pilot until it ends; at_start is called with its first image."""

    def run(at_start: Callable[[], None] = lambda: None, **parameters: Any) -> None:
        values = {'wait_for_subscribers': 1, **parameters}
        node = SimulatedCameraNode(
            threading.Event(),
            context=context,
            namespace=namespace,
            parameter_overrides=[Parameter(name, value=item) for name, item in values.items()],
        )
        pilot.wait_until(pilot.rates.get_subscription_count)
        thread = threading.Thread(target=node.run, daemon=True)
        thread.start()
        pilot.wait_until(lambda: pilot.images)
        at_start()
        pilot.wait_until(lambda: not thread.is_alive())
        thread.join()
        for _ in range(200):
            pilot.listen(0.0)
        node.destroy_node()

    return run


def stamps_of(messages: list[Any]) -> list[int]:
    return [stamp_ns_of(message.header) for message in messages]


def test_what_belongs_to_an_image_has_its_stamp(pilot: Pilot, run_camera: RunCamera) -> None:
    run_camera(duration_s=1.0, simulated_time=True, speed=4.0, frame_id='eye')
    stamps = stamps_of(pilot.images)
    assert len(stamps) > 20
    assert set(stamps) <= set(stamps_of(pilot.infos))
    assert set(stamps) <= set(stamps_of(pilot.truths))
    assert set(stamps) <= set(stamps_of(pilot.attitudes))
    assert len(pilot.attitudes) >= 60
    first = pilot.images[0]
    assert (first.width, first.height, first.encoding) == (1280, 720, 'bgr8')
    assert first.header.frame_id == pilot.infos[0].header.frame_id == 'eye'
    truth = pilot.truths[0]
    assert (truth.state, truth.measured) == (Target.STATE_TRACKING, True)
    assert (truth.error_x, truth.error_y) == pytest.approx((0.0, 0.0), abs=0.05)
    assert truth.bearing.z > 0.99
    assert truth.box_left < truth.center_x < truth.box_right


@pytest.mark.parametrize(('pitch_rate', 'yaw_rate'), [(0.0, 0.2), (0.15, 0.0)])
def test_a_rate_command_turns_the_picture_the_right_way_and_goes_on(
    pilot: Pilot, run_camera: RunCamera, pitch_rate: float, yaw_rate: float
) -> None:
    """One message: + yaw moves the scene to the left, + pitch down, until the end."""
    run_camera(
        lambda: pilot.turn(pitch_rate, yaw_rate), duration_s=1.6, simulated_time=True, speed=2.0
    )
    times_s = np.array(stamps_of(pilot.truths)) * 1e-9
    cos_pitch = math.cos(math.radians(-31.0))
    for name, rate in (('angle_x', -yaw_rate * cos_pitch), ('angle_y', pitch_rate)):
        angles = np.array([getattr(truth, name) for truth in pilot.truths])
        late = times_s > times_s[-1] - 0.5
        slope = np.polyfit(times_s[late], angles[late], 1)[0]
        assert slope == pytest.approx(rate, abs=0.06)
    yaws = [2.0 * math.atan2(item.quaternion.z, item.quaternion.w) for item in pilot.attitudes]
    assert math.copysign(1.0, yaws[-1] - yaws[0]) == 1.0 or yaw_rate == 0.0


def test_images_stop_while_the_camera_stalls_and_the_gimbal_goes_on(
    pilot: Pilot, run_camera: RunCamera
) -> None:
    run_camera(
        lambda: pilot.turn(0.0, 0.2),
        duration_s=2.0,
        simulated_time=True,
        speed=4.0,
        rate_hz=15.0,
        stall_at_s=0.8,
        stall_s=0.6,
    )
    start_ns = stamps_of(pilot.truths)[0]
    gaps_s = np.diff(stamps_of(pilot.images)) * 1e-9
    assert 0.6 <= gaps_s.max() < 0.9
    ages_s = (np.array(stamps_of(pilot.images)) - start_ns) * 1e-9
    assert not ((ages_s > 0.8) & (ages_s < 1.4 - 1e-6)).any()
    assert len(pilot.truths) == 30
    attitude_gaps_s = np.diff(stamps_of(pilot.attitudes)) * 1e-9
    assert attitude_gaps_s.max() < 1.01 / 60.0
    assert pilot.truths[-1].angle_x < pilot.truths[20].angle_x < -0.01


def test_dropped_images_and_absent_camera_info(pilot: Pilot, run_camera: RunCamera) -> None:
    run_camera(
        duration_s=1.5, simulated_time=True, speed=5.0, drop_rate=0.5, publish_camera_info=False
    )
    assert pilot.infos == []
    assert 10 <= len(pilot.images) <= 35
    assert len(pilot.truths) == 45


def test_the_focal_length_follows_the_zoom(pilot: Pilot, run_camera: RunCamera) -> None:
    run_camera(
        lambda: pilot.zoom.publish(Float32(data=2.0)),
        duration_s=2.0,
        simulated_time=True,
        speed=4.0,
        rate_hz=15.0,
    )
    focal = [info.k[0] for info in pilot.infos]
    assert focal[0] == pytest.approx(1050.0)
    assert focal[-1] == pytest.approx(2100.0, rel=0.03)
    assert np.diff(focal).max() < 400.0
    first, last = (pilot.truths[index] for index in (0, -1))
    grown = (last.box_right - last.box_left) / (first.box_right - first.box_left)
    assert grown == pytest.approx(2.0, rel=0.1)


def test_simulated_time_ticks_finely_and_waits_for_the_tracker(
    pilot: Pilot, run_camera: RunCamera
) -> None:
    pilot.be_the_tracker()
    run_camera(duration_s=1.0, simulated_time=True, speed=10.0, wait_for_targets_s=30.0)
    ticks_ns = [stamp_ns_of(tick_as_header(tick)) for tick in pilot.clocks]
    steps_s = np.diff(ticks_ns) * 1e-9
    assert (steps_s >= 0.0).all()
    assert steps_s.max() < 0.006
    # The next image was made only when the one before was heard and answered.
    assert len(pilot.images) == 30


def test_in_real_time_the_stamps_are_those_of_the_clock(
    pilot: Pilot, run_camera: RunCamera
) -> None:
    before_ns = pilot.get_clock().now().nanoseconds
    run_camera(duration_s=1.5)
    after_ns = pilot.get_clock().now().nanoseconds
    stamps = stamps_of(pilot.images)
    assert pilot.clocks == []
    assert len(stamps) >= 1
    assert before_ns < stamps[0] <= stamps[-1] < after_ns
    frames = np.diff(stamps) * 1e-9 / PERIOD_S
    assert frames == pytest.approx(frames.round(), abs=1e-3), 'a multiple of the period'


def tick_as_header(tick: Clock) -> Any:
    header = QuaternionStamped().header
    header.stamp = tick.clock
    return header
