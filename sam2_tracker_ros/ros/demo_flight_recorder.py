# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a closed loop says: targets, truth, where the gimbal looks and what it is told."""

from dataclasses import dataclass, field
from typing import Any

from geometry_msgs.msg import QuaternionStamped, Vector3Stamped

from sam2_tracker_ros.messages import stamp_ns_of
from sam2_tracker_ros.msg import GimbalFollowerStatus, Target
from sam2_tracker_ros.ros import qos
from sam2_tracker_ros.ros.demo_recorder import EVERYTHING, Recorder, Recording


@dataclass
class FlightRecording(Recording):
    """
    Messages of one flight.

    :param truths: Target messages of the simulated camera, by the stamp of the image.
    :param attitudes: x, y, z, w of the gimbal in the level frame, by stamp.
    :param commands: pitch and yaw rate in radians per second, by stamp.
    :param statuses: what the follower did, in order.
    :param published: every Target, in order; repeated ones of the watchdog too.
    """

    truths: dict[int, Any] = field(default_factory=dict)
    attitudes: dict[int, tuple[float, float, float, float]] = field(default_factory=dict)
    commands: dict[int, tuple[float, float]] = field(default_factory=dict)
    statuses: list[Any] = field(default_factory=list)
    published: list[Any] = field(default_factory=list)


class FlightRecorder(Recorder):
    """Keeps everything that passes between camera, tracker and gimbal; sends the prompts."""

    recording: FlightRecording

    def __init__(self, **node_arguments: Any) -> None:
        super().__init__(**node_arguments)
        kept = self.recording
        self.create_subscription(Target, 'truth', self._on_truth, qos.TRUTH)
        for message_class, topic, handler in (
            (QuaternionStamped, 'gimbal/attitude', self._on_attitude),
            (Vector3Stamped, 'gimbal/rate_command', self._on_command),
            (GimbalFollowerStatus, 'gimbal_follower/status', kept.statuses.append),
        ):
            self.create_subscription(message_class, topic, handler, EVERYTHING)

    def _new_recording(self) -> FlightRecording:
        return FlightRecording()

    def _on_target(self, message: Any) -> None:
        super()._on_target(message)
        self.recording.published.append(message)

    def _on_truth(self, message: Any) -> None:
        stamp_ns = stamp_ns_of(message.header)
        self.recording.image_stamps.append(stamp_ns)
        self.recording.truths[stamp_ns] = message

    def _on_attitude(self, message: QuaternionStamped) -> None:
        turn = message.quaternion
        self.recording.attitudes[stamp_ns_of(message.header)] = turn.x, turn.y, turn.z, turn.w

    def _on_command(self, message: Vector3Stamped) -> None:
        self.recording.commands[stamp_ns_of(message.header)] = message.vector.y, message.vector.z
