# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""An operator with a camera on the other side of DDS, and scenes whose truth is known."""

from collections.abc import Callable
import threading
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Point, PointStamped
import numpy as np
from rclpy.client import Client
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_srvs.srv import Trigger

from sam2_tracker_ros.core.model import Features
from sam2_tracker_ros.core.types import EventType, UInt8Array
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.messages import native_bytes, stamp_ns_of
from sam2_tracker_ros.msg import Prompt, Target, TargetArray, TargetEvent
from sam2_tracker_ros.ros.tracker_node import ModelLoader, TrackerNode
from sam2_tracker_ros.ros.tracker_process import Spinning
from sam2_tracker_ros.srv import SetTarget
from sam2_tracker_ros.testing.fake_model import FakeModel

# How long anything may take on a busy machine before a test gives up.
DEADLINE_S = 30.0
WIDTH, HEIGHT = 160, 120
GREY, RED, BLUE = (90, 90, 90), (220, 30, 30), (30, 40, 220)
FIRST_STAMP_NS = 1_700_000_000_000_000_123
FRAME_PERIOD_NS = 33_000_000
RELIABLE = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE)
LATE_JOINER = QoSProfile(
    depth=50,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)


class SwitchableModel(FakeModel):
    """A FakeModel that can be made to fail, or to stop until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.is_failing = False
        self.may_run = threading.Event()
        self.may_run.set()
        self.is_asked = threading.Event()

    def encode_image(self, image: UInt8Array) -> Features:
        self.is_asked.set()
        assert self.may_run.wait(DEADLINE_S)
        if self.is_failing:
            message = 'the graph gave up'
            raise ModelError(message)
        return super().encode_image(image)


def scene(
    x: int | None, y: int = 40, side: int = 30, size: tuple[int, int] = (WIDTH, HEIGHT)
) -> UInt8Array:
    """Return grey ground with a red square whose top left corner is at (x, y), or without it."""
    pixels = np.full((size[1], size[0], 3), GREY, np.uint8)
    if x is not None:
        pixels[y : y + side, x : x + side] = RED
    return pixels


class Operator(Node):
    """Publishes images and prompts, and remembers everything that the tracker says."""

    def __init__(self, context: Context, namespace: str, **arguments: Any) -> None:
        super().__init__('operator', context=context, namespace=namespace, **arguments)
        self.targets: list[Target] = []
        self.arrays: list[TargetArray] = []
        self.events: list[TargetEvent] = []
        self.statuses: dict[str, Any] = {}
        self.images = self.create_publisher(Image, 'image', qos_profile_sensor_data)
        self.jpegs = self.create_publisher(
            CompressedImage, 'image/compressed', qos_profile_sensor_data
        )
        self.infos = self.create_publisher(CameraInfo, 'camera_info', qos_profile_sensor_data)
        self.prompts = self.create_publisher(Prompt, 'tracker/prompt', RELIABLE)
        self.clicks = self.create_publisher(Point, 'tracker/prompt/click', RELIABLE)
        self.points = self.create_publisher(PointStamped, 'tracker/prompt/point', RELIABLE)
        self.set_target: Client[Any, Any] = self.create_client(SetTarget, 'tracker/set_target')
        self.stop: Client[Any, Any] = self.create_client(Trigger, 'tracker/stop')
        self.create_subscription(Target, 'tracker/target', self.targets.append, RELIABLE)
        self.create_subscription(TargetArray, 'tracker/targets', self.arrays.append, RELIABLE)
        self.create_subscription(TargetEvent, 'tracker/events', self.events.append, LATE_JOINER)
        self.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, RELIABLE)
        self._spinner = SingleThreadedExecutor(context=context)
        self._spinner.add_node(self)
        self._stamp_ns = FIRST_STAMP_NS

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            node_name, _, name = status.name.partition(': ')
            if node_name == f'{self.get_namespace()}/tracker':
                self.statuses[name] = status

    def end(self) -> None:
        self._spinner.shutdown()
        self.destroy_node()

    def listen(self) -> None:
        """Let in what has come, waiting for it a moment."""
        self._spinner.spin_once(timeout_sec=0.05)

    def wait_until(self, condition: Callable[[], Any], what: str) -> None:
        """Let messages in until the condition holds."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, f'waited in vain for {what}'
            self.listen()

    def wait_for_tracker(self, image_topic: str = 'image') -> None:
        """Wait until an active tracker and this operator know each other."""
        publishers = [self.prompts, self.clicks, self.points]
        publishers.append(self.jpegs if image_topic == 'image/compressed' else self.images)
        topics = ['tracker/target', 'tracker/targets', 'tracker/events', '/diagnostics']
        self.wait_until(
            lambda: (
                all(publisher.get_subscription_count() for publisher in publishers)
                and all(self.count_publishers(topic) for topic in topics)
                and self.set_target.service_is_ready()
                and self.stop.service_is_ready()
            ),
            'an active tracker',
        )

    def next_stamp_ns(self) -> int:
        self._stamp_ns += FRAME_PERIOD_NS
        return self._stamp_ns

    def rewind(self, stamp_ns: int) -> None:
        self._stamp_ns = stamp_ns

    def image(self, pixels: UInt8Array, encoding: str = 'rgb8') -> Image:
        message = Image(
            height=pixels.shape[0],
            width=pixels.shape[1],
            encoding=encoding,
            step=pixels.size // pixels.shape[0],
            data=native_bytes(pixels),
        )
        return stamped(message, self.next_stamp_ns())

    def show(self, pixels: UInt8Array) -> TargetArray:
        """Publish a picture and return the tracker's answer for exactly this frame."""
        message = self.image(pixels)
        self.images.publish(message)
        return self.wait_for_frame(stamp_ns_of(message.header))

    def publish_image(self, pixels: UInt8Array, received: int, encoding: str = 'rgb8') -> int:
        """Publish a picture, wait until the tracker has received so many, return its stamp."""
        message = self.image(pixels, encoding)
        self.images.publish(message)
        self.wait_until(
            lambda: self.value('input', 'frames received') == str(received),
            f'the arrival of image {received}',
        )
        return stamp_ns_of(message.header)

    def start_target(self, x: int) -> Target:
        """Start the target `car` on the square of `scene`, and return it."""
        self.show(scene(x))
        self.prompts.publish(square_prompt(x, target_id='car'))
        self.wait_until(lambda: self.show(scene(x)).targets, 'a target')
        return self.arrays[-1].targets[-1]

    def wait_for_frame(self, stamp_ns: int) -> TargetArray:
        """Return the array of the frame with that stamp, after all its targets have come."""

        def array_of_frame() -> TargetArray | None:
            found = [item for item in self.arrays if stamp_ns_of(item.header) == stamp_ns]
            return found[-1] if found else None

        def is_complete() -> bool:
            array = array_of_frame()
            expected = 0 if array is None else max(len(array.targets), 1)
            return 0 < expected <= len(self.targets_of(stamp_ns))

        self.wait_until(is_complete, f'the frame of stamp {stamp_ns}')
        array = array_of_frame()
        assert array is not None
        return array

    def targets_of(self, stamp_ns: int) -> list[Target]:
        return [item for item in self.targets if stamp_ns_of(item.header) == stamp_ns]

    def events_of(self, event_type: EventType) -> list[TargetEvent]:
        return [event for event in self.events if event.type == event_type]

    def wait_for_event(self, event_type: EventType, count: int = 1) -> TargetEvent:
        self.wait_until(
            lambda: len(self.events_of(event_type)) >= count, f'{count} {event_type.name}'
        )
        return self.events_of(event_type)[-1]

    def client(self, service: Any, name: str) -> 'Client[Any, Any]':
        """Return a client of one of the tracker's services, when the service is there."""
        made: Client[Any, Any] = self.create_client(service, f'tracker/{name}')
        self.wait_until(made.service_is_ready, name)
        return made

    def ask(self, client: 'Client[Any, Any]', request: Any, pixels: UInt8Array | None) -> Any:
        """Call a service; while its answer is outstanding, show the picture again and again."""
        future = client.call_async(request)
        while not future.done():
            if pixels is not None:
                self.show(pixels)
            else:
                self.wait_until(future.done, 'the answer of a service')
        return future.result()

    def select(self, pixels: UInt8Array | None, **fields: Any) -> SetTarget.Response:
        return self.ask(self.set_target, SetTarget.Request(prompt=prompt(**fields)), pixels)

    def level(self, status: str) -> bytes | None:
        """Return the level of a status of the diagnostics, None while there is none."""
        found = self.statuses.get(status)
        return None if found is None else found.level

    def value(self, status: str, key: str) -> str:
        """Return a value of the diagnostics, or an empty text while there is none."""
        found = self.statuses.get(status)
        values = {} if found is None else {pair.key: pair.value for pair in found.values}
        return str(values.get(key, ''))


def stamped(message: Any, stamp_ns: int) -> Any:
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 1_000_000_000)
    message.header.frame_id = 'camera_optical'
    return message


def prompt(**fields: Any) -> Prompt:
    message = Prompt()
    for name, value in fields.items():
        setattr(message, name, value)
    return message


def square_prompt(x: int, y: int = 40, side: int = 30, **fields: Any) -> Prompt:
    """Return the box around the square of `scene`."""
    return prompt(box=[float(x), float(y), float(x + side), float(y + side)], **fields)


class RunningTracker:
    """A tracker node spinning in a thread of this process."""

    def __init__(
        self,
        context: Context,
        namespace: str,
        model_loader: ModelLoader,
        on_hopeless: Callable[[], None] = lambda: None,
        **parameters: Any,
    ) -> None:
        # Nothing stalls by itself, however busy the machine is, unless a test asks for it.
        defaults = {
            'diagnostics_period_s': 0.1,
            'watchdog_rate_hz': 20.0,
            'input_timeout_s': 60.0,
            'camera_info_timeout_s': 60.0,
        }
        values = {**defaults, **parameters}
        self.node = TrackerNode(
            model_loader,
            on_hopeless,
            context=context,
            namespace=namespace,
            parameter_overrides=[Parameter(name, value=item) for name, item in values.items()],
        )
        self._spinning = Spinning(self.node)

    def end(self) -> None:
        self.node.close()
        self._spinning.end()
        self.node.destroy_node()


StartTracker = Callable[..., RunningTracker]
