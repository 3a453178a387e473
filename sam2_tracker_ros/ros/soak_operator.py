# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A camera that is as fast as the tracker, and an operator who never rests."""

from dataclasses import dataclass
import struct
import time
from typing import Any

from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.client import Client
from rclpy.node import Node
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from rclpy.serialization import serialize_message
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND, EventType
from sam2_tracker_ros.messages import image_message, stamp_ns_of
from sam2_tracker_ros.msg import Prompt, TargetArray, TargetEvent
from sam2_tracker_ros.ros import qos
from sam2_tracker_ros.ros.message_classes import installed_message_classes
from sam2_tracker_ros.ros.processes import ProcessError
from sam2_tracker_ros.ros.soak_film import SIZE_PX, SoakFilm, box_of, middle_of

_FRAME_ID = 'camera_optical_frame'
# A best effort image may be lost; the soak goes on without it.
_ANSWER_TIMEOUT_S = 5.0
# So many without an answer, one after the other, and the tracker has gone silent.
_MOST_UNANSWERED = 12
# CDR: four bytes that tell the order of bytes, then the header's stamp.
_STAMP = struct.Struct('<iI')
_STAMP_OFFSET = 4
_PICTURES = (
    (Image, 'tracker/mask'),
    (CompressedImage, 'tracker/mask/compressed'),
    (Image, 'tracker/overlay'),
    (CompressedImage, 'tracker/overlay/compressed'),
)


@dataclass
class Counts:
    """What happened so far; `wrong` of `measured` boxes were not on their disc."""

    published: int = 0
    answered: int = 0
    lost: int = 0
    dropped: int = 0
    measured: int = 0
    wrong: int = 0
    prompts: int = 0
    acquired: int = 0
    rejected: int = 0
    pictures: int = 0
    parameters_set: int = 0


class SoakOperator(Node):
    """
    Shows frames one after the other; between two of them it may prompt, look or set something.

    :param film: is played again and again.
    """

    def __init__(self, film: SoakFilm) -> None:
        super().__init__('soak')
        self.counts = Counts()
        self.latencies_s: list[float] = []
        self.is_ready = False
        self._index = 0
        self._targets_in_newest = 0
        # The image that is not answered: its stamp and its index.
        self._waiting: tuple[int, int] | None = None
        self._unanswered = 0
        classes = installed_message_classes()
        header = classes.header_of(0, _FRAME_ID)
        self._images = [
            bytearray(serialize_message(image_message(classes, image, 'bgr8', header)))
            for image in film.images
        ]
        self._info = _camera_info()
        self._image = self.create_publisher(Image, 'image', qos_profile_sensor_data)
        self._infos = self.create_publisher(CameraInfo, 'camera_info', qos_profile_sensor_data)
        self._prompts = self.create_publisher(Prompt, 'tracker/prompt', qos.PROMPT)
        self._set_parameters: Client[Any, Any] = self.create_client(
            SetParameters, 'tracker/set_parameters'
        )
        self._pictures: list[Subscription[Any]] = []
        self.create_subscription(
            TargetArray, 'tracker/targets', self._on_targets, QoSProfile(depth=50)
        )
        self.create_subscription(TargetEvent, 'tracker/events', self._on_event, qos.EVENT)

    def is_connected(self) -> bool:
        """Return whether the tracker would get images, prompts and parameters."""
        return (
            self._image.get_subscription_count() > 0
            and self._infos.get_subscription_count() > 0
            and self._prompts.get_subscription_count() > 0
            and self._set_parameters.service_is_ready()
        )

    def show(self) -> None:
        """Publish the next image, with its CameraInfo."""
        image = self._images[self._index % len(self._images)]
        stamp_ns = time.time_ns()
        stamp = self._info.header.stamp
        stamp.sec, stamp.nanosec = divmod(stamp_ns, NANOSECONDS_PER_SECOND)
        _STAMP.pack_into(image, _STAMP_OFFSET, stamp.sec, stamp.nanosec)
        self._waiting = stamp_ns, self._index
        self._infos.publish(self._info)
        self._image.publish(bytes(image))
        self._index += 1
        self.counts.published += 1

    def may_show(self) -> bool:
        """
        Return whether the last image is answered: the next one would replace none that waits.

        :raises ProcessError: the tracker answers no more.
        """
        if self._waiting is not None:
            waited_ns = time.time_ns() - self._waiting[0]
            if waited_ns > _ANSWER_TIMEOUT_S * NANOSECONDS_PER_SECOND:
                self._waiting = None
                self.counts.lost += 1
                self._unanswered += 1
        if self._unanswered > _MOST_UNANSWERED:
            message = (
                f'{self._unanswered} images after each other were not answered within '
                f'{_ANSWER_TIMEOUT_S:g} s each; see tracker.log beside the results'
            )
            raise ProcessError(message)
        return not self._waiting

    def is_at_rest(self) -> bool:
        """Return whether nothing is tracked or looked at."""
        return not (self._targets_in_newest or self._pictures)

    def add(self, place: int) -> None:
        """Point at a disc; if it is tracked already it starts anew."""
        box = box_of(place, self._index)
        sides = [box.left, box.top, box.right, box.bottom]
        self._prompt(Prompt(action=Prompt.ACTION_ADD, target_id=str(place), box=sides))

    def refine(self, place: int) -> None:
        """Point at the middle of a disc that is tracked."""
        x, y = middle_of(place, self._index)
        prompt = Prompt(action=Prompt.ACTION_REFINE, target_id=str(place))
        prompt.point_x, prompt.point_y = [x], [y]
        prompt.point_labels = [Prompt.LABEL_FOREGROUND]
        self._prompt(prompt)

    def remove(self, place: int) -> None:
        """Let a target go."""
        self._prompt(Prompt(action=Prompt.ACTION_REMOVE, target_id=str(place)))

    def clear(self) -> None:
        """Let all of them go."""
        self._prompt(Prompt(action=Prompt.ACTION_CLEAR))

    def look(self) -> None:
        """Subscribe to every picture that the tracker draws on demand."""
        if not self._pictures:
            self._pictures = [
                self.create_subscription(message_class, topic, self._on_picture, qos.IMAGE)
                for message_class, topic in _PICTURES
            ]

    def look_away(self) -> None:
        """Subscribe to none of them."""
        for subscription in self._pictures:
            self.destroy_subscription(subscription)
        self._pictures = []

    def set_parameter(self, name: str, value: float) -> None:
        """Set a parameter of the tracker."""
        typed = ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=value)
        request = SetParameters.Request(parameters=[Parameter(name=name, value=typed)])
        future = self._set_parameters.call_async(request)
        future.add_done_callback(self._on_set)

    def _prompt(self, prompt: Prompt) -> None:
        self._prompts.publish(prompt)
        self.counts.prompts += 1

    def _on_set(self, future: Any) -> None:
        self.counts.parameters_set += all(each.successful for each in future.result().results)

    def _on_picture(self, _: Any) -> None:
        self.counts.pictures += 1

    def _on_event(self, message: TargetEvent) -> None:
        self.is_ready |= message.type == EventType.MODEL_READY
        self.counts.acquired += message.type == EventType.ACQUIRED
        self.counts.rejected += message.type == EventType.PROMPT_REJECTED

    def _on_targets(self, message: TargetArray) -> None:
        """Note an answer; what the watchdog repeats has a stamp of its own."""
        stamp_ns = stamp_ns_of(message.header)
        if self._waiting is None or self._waiting[0] != stamp_ns:
            return
        index, self._waiting = self._waiting[1], None
        self.latencies_s.append((time.time_ns() - stamp_ns) / NANOSECONDS_PER_SECOND)
        counts = self.counts
        counts.answered += 1
        counts.dropped = message.frames_dropped
        self._unanswered = 0
        self._targets_in_newest = len(message.targets)
        for target in message.targets:
            if target.measured:
                counts.measured += 1
                x, y = middle_of(int(target.target_id), index)
                is_on_it = (
                    target.box_left < x < target.box_right
                    and target.box_top < y < target.box_bottom
                )
                counts.wrong += not is_on_it


def _camera_info() -> CameraInfo:
    """Return the intrinsics of a camera without distortion."""
    width, height = SIZE_PX
    focal_px, middle = float(width), ((width - 1) / 2.0, (height - 1) / 2.0)
    message = CameraInfo(width=width, height=height, distortion_model='plumb_bob', d=[0.0] * 5)
    message.header.frame_id = _FRAME_ID
    message.k = [focal_px, 0.0, middle[0], 0.0, focal_px, middle[1], 0.0, 0.0, 1.0]
    message.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    message.p = [
        *(focal_px, 0.0, middle[0], 0.0),
        *(0.0, focal_px, middle[1], 0.0),
        *(0.0, 0.0, 1.0, 0.0),
    ]
    return message
