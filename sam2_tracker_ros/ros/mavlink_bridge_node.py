# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node `mavlink_bridge`: ground stations and autopilots point the tracker, by MAVLink."""

from collections.abc import Callable
from importlib import import_module
import threading
import traceback
from types import ModuleType
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.client import Client
from rclpy.duration import Duration
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo
from std_srvs.srv import Trigger

from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND, Box, TargetState
from sam2_tracker_ros.errors import ConfigError
from sam2_tracker_ros.mavlink.optics import optics_of
from sam2_tracker_ros.mavlink.tracker import (
    Answer,
    Optics,
    Outcome,
    Selection,
    TrackedTarget,
    Verdict,
)
from sam2_tracker_ros.messages import calibration_from_camera_info
from sam2_tracker_ros.msg import Prompt, TargetArray
from sam2_tracker_ros.ros import qos
from sam2_tracker_ros.ros.mavlink_key import signing_key_of
from sam2_tracker_ros.ros.node_main import ClosingNode, run_node
from sam2_tracker_ros.ros.read_only import read_only_parameter
from sam2_tracker_ros.srv import SetTarget

# How long one turn waits for packets at most: by so much a verdict may be late.
_TURN_S = 0.01
_DIAGNOSTICS_PERIOD_S = 1.0
# For the turn that is going on at the end: connecting, or asking a name server, may take longer.
_LAST_TURN_S = 0.5
# Ground stations send a heartbeat every second.
_SILENCE_S = 5.0
# A system id that nobody has; ROS cannot tell the type of an empty list.
_ANY_SYSTEM = 0


class TrackerOverTopics:
    """
    The tracker of the node's namespace, as the camera asks for it from its own thread.

    :param target_id: of the one target that this camera starts.
    :param video_delay_s: age of the picture that the operator points at; 0 for the newest frame.
    :param silence_s: after so long without a word the tracker counts as gone.
    """

    def __init__(self, node: Node, target_id: str, video_delay_s: float, silence_s: float) -> None:
        self._clock = node.get_clock()
        self._name_of = node.resolve_service_name
        self._target_id = target_id
        self._video_delay = Duration(seconds=video_delay_s)
        self._silence_ns = round(silence_s * NANOSECONDS_PER_SECOND)
        # Replaced as a whole, so that the camera's thread needs no lock.
        self._heard: tuple[int, TargetArray] | None = None
        self._camera_info: CameraInfo | None = None
        self._set_target: Client[Any, Any] = node.create_client(SetTarget, 'tracker/set_target')
        self._stop: Client[Any, Any] = node.create_client(Trigger, 'tracker/stop')
        # All targets of a frame at once: one by one, the own one would be missing for a moment.
        node.create_subscription(TargetArray, 'tracker/targets', self._on_targets, qos.TARGET)
        node.create_subscription(
            CameraInfo, 'camera_info', self._on_camera_info, qos.CAMERA_INFO_INPUT
        )

    def start(self, selection: Selection, answer: Answer) -> None:
        """Start the target anew."""
        prompt = Prompt(target_id=self._target_id, normalized=True)
        if self._video_delay.nanoseconds:
            prompt.header.stamp = (self._clock.now() - self._video_delay).to_msg()
        if selection.box is not None:
            box = selection.box
            prompt.box = [box.left, box.top, box.right, box.bottom]
        elif selection.point is not None:
            prompt.point_x, prompt.point_y = [selection.point.x], [selection.point.y]
            prompt.point_labels = [Prompt.LABEL_FOREGROUND]
        request = SetTarget.Request(prompt=prompt)
        self._ask(self._set_target, request, lambda response: response.accepted, answer)

    def stop(self, answer: Answer) -> None:
        """Release every target."""
        self._ask(self._stop, Trigger.Request(), lambda response: response.success, answer)

    def target(self) -> TrackedTarget | None:
        """Return the own target, else the oldest one, such as the operator page started."""
        heard = self._heard
        if heard is None:
            return None
        heard_ns, array = heard
        # Below 0 the clock was set back, and nothing is known of its age.
        if not 0 <= self._clock.now().nanoseconds - heard_ns <= self._silence_ns:
            return None
        own = [target for target in array.targets if target.target_id == self._target_id]
        shown = next(iter([*own, *array.targets]), None)
        if shown is None:
            return TrackedTarget(TargetState.IDLE)
        return TrackedTarget(
            TargetState(shown.state),
            measured=shown.measured,
            box=Box(*(float(side) for side in shown.box_normalized)),
            is_own=bool(own),
        )

    def optics(self) -> Optics | None:
        """Return size and field of view, as CameraInfo gives them."""
        info = self._camera_info
        return None if info is None else optics_of(calibration_from_camera_info(info))

    def _ask(
        self,
        client: 'Client[Any, Any]',
        request: Any,
        is_accepted: Callable[[Any], bool],
        answer: Answer,
    ) -> None:
        if not client.service_is_ready():
            reason = f'no tracker answers at {self._name_of(client.srv_name)}; start it there'
            answer(Verdict(Outcome.UNAVAILABLE, reason))
            return

        def tell(future: Any) -> None:
            response = future.result()
            outcome = Outcome.ACCEPTED if is_accepted(response) else Outcome.REFUSED
            answer(Verdict(outcome, response.message))

        client.call_async(request).add_done_callback(tell)

    def _on_targets(self, array: TargetArray) -> None:
        self._heard = (self._clock.now().nanoseconds, array)

    def _on_camera_info(self, info: CameraInfo) -> None:
        self._camera_info = info


class MavlinkBridgeNode(ClosingNode):
    """
    Serves a MAVLink camera in a thread of its own, so that neither side waits for the other.

    :param node_arguments: of rclpy's Node.
    :raises Sam2TrackerError: pymavlink is missing, or a parameter cannot be used.
    """

    def __init__(self, **node_arguments: Any) -> None:
        super().__init__('mavlink_bridge', **node_arguments)
        mavlink = _tracking_camera_module()
        try:
            self._camera = self._new_camera(mavlink)
        except ParameterException as error:
            message = f'a parameter cannot be used: {error}'
            raise ConfigError(message) from error
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', qos.DIAGNOSTICS)
        self.create_timer(_DIAGNOSTICS_PERIOD_S, self._publish_diagnostics)
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name='mavlink', daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread and close the link."""
        self._is_stopping.set()
        self._thread.join(_LAST_TURN_S)
        if not self._thread.is_alive():
            self._camera.close()

    def _new_camera(self, mavlink: ModuleType) -> Any:
        self._connection = read_only_parameter(
            self,
            'connection',
            'udpout:127.0.0.1:14550',
            'Where the ground station or autopilot is.',
        )
        component_id = read_only_parameter(
            self, 'component_id', 100, 'MAVLink component id.', (1, 255)
        )
        system_id = read_only_parameter(
            self, 'system_id', 1, 'MAVLink system id: that of the vehicle.', (1, 255)
        )
        allowed = read_only_parameter(
            self,
            'allowed_systems',
            [_ANY_SYSTEM],
            'Systems whose commands are heard; 0: every one.',
        )
        self._tracker = TrackerOverTopics(
            self,
            read_only_parameter(
                self, 'target_id', 'mavlink', 'Name of the target that it starts.'
            ),
            read_only_parameter(
                self,
                'video_delay_s',
                0.0,
                'Age of the picture that the operator sees [s].',
                (0.0, 5.0),
            ),
            read_only_parameter(
                self,
                'tracker_timeout_s',
                0.5,
                'Silence that makes the status ERROR [s].',
                (0.1, 10.0),
            ),
        )
        settings = mavlink.CameraSettings(
            system_id=system_id,
            component_id=component_id,
            signing_key=signing_key_of(self, self._connection),
            allowed_systems=frozenset() if _ANY_SYSTEM in allowed else frozenset(allowed),
            model_name=read_only_parameter(
                self, 'model_name', 'SAM 2 tracker', 'Name of the camera.'
            ),
            video_uri=read_only_parameter(
                self, 'video_uri', '', 'Where the picture is served, or empty.'
            ),
            click_radius=read_only_parameter(
                self,
                'click_radius',
                0.05,
                'Radius up to which a point is a click [0..1].',
                (0.0, 1.0),
            ),
        )
        camera = mavlink.TrackingCamera(self._connection, self._tracker, settings)
        self.get_logger().info(f'camera {system_id}/{component_id} at {self._connection}')
        return camera

    def _serve(self) -> None:
        while not self._is_stopping.is_set():
            self._turn()

    def _turn(self) -> None:
        try:
            self._camera.turn(_TURN_S)
        except Exception:  # the node's one guard: whatever a packet does, the camera stays
            self.get_logger().error(traceback.format_exc(), throttle_duration_sec=1.0)
            self._is_stopping.wait(_TURN_S)

    def _publish_diagnostics(self) -> None:
        message = DiagnosticArray(status=[self._link_status(), self._tracker_status()])
        message.header.stamp = self.get_clock().now().to_msg()
        name = self.get_fully_qualified_name()
        for status in message.status:
            status.name, status.hardware_id = f'{name}: {status.name}', name
        self._diagnostics.publish(message)

    def _link_status(self) -> DiagnosticStatus:
        accounts = self._camera.accounts
        wire = accounts.wire
        values = {
            'connection': self._connection,
            'bytes received': wire.bytes_received,
            'bytes sent': wire.bytes_sent,
            'packets received': wire.packets_received,
            'packets sent': wire.packets_sent,
            'bad packets': wire.packets_bad,
            'unsigned packets': wire.packets_refused,
            'dropped packets': wire.packets_dropped,
            'link failures': wire.failures,
            'commands accepted': accounts.commands_accepted,
            'commands refused': accounts.commands_refused,
            'commands dropped': accounts.commands_dropped,
            'last refusal': accounts.last_refusal,
        }
        pairs = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
        if wire.problem:
            level, text = DiagnosticStatus.ERROR, f'{self._connection}: {wire.problem}'
        elif self._camera.silence_s > _SILENCE_S:
            level, text = DiagnosticStatus.WARN, f'nobody is heard at {self._connection}'
        else:
            level, text = DiagnosticStatus.OK, f'{self._connection} is in use'
        return DiagnosticStatus(name='link', level=level, message=text, values=pairs)

    def _tracker_status(self) -> DiagnosticStatus:
        target = self._tracker.target()
        if target is None:
            level, text = DiagnosticStatus.ERROR, 'the tracker is silent'
        else:
            level, text = DiagnosticStatus.OK, f'the target is {target.state.name}'
        return DiagnosticStatus(name='tracker', level=level, message=text)


def _tracking_camera_module() -> ModuleType:
    """
    Import what needs the optional package.

    :raises ConfigError: it is not installed.
    """
    try:
        return import_module('sam2_tracker_ros.mavlink.tracking_camera')
    except ModuleNotFoundError as error:
        message = (
            f'the bridge needs the Python package pymavlink ({error}): '
            "pip install 'sam2_tracker_ros[mavlink]', or in a checkout pip install '.[mavlink]'"
        )
        raise ConfigError(message) from error


def main() -> int:
    """Run the node until SIGINT or SIGTERM."""
    return run_node('mavlink_bridge', MavlinkBridgeNode)


if __name__ == '__main__':
    raise SystemExit(main())
