# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the camera tells by itself: that it is there, and what it tracks."""

from collections.abc import Callable
from typing import Any

from pymavlink.dialects.v20 import common

from sam2_tracker_ros.core.types import TargetState
from sam2_tracker_ros.mavlink import camera_messages
from sam2_tracker_ros.mavlink.streams import Stream
from sam2_tracker_ros.mavlink.tracker import Tracker
from sam2_tracker_ros.mavlink.tracking_status import TrackingFlags, TrackingMode, tracking_status

_HEARTBEAT_S = 1.0
_STATUS_S = 0.2
# Without a target nothing moves, but silence would leave the last status standing.
_CALM_STATUS_S = 1.0
_STATUS = common.MAVLINK_MSG_ID_CAMERA_TRACKING_IMAGE_STATUS
_MILLISECONDS = 1000.0


class Telemetry:
    """
    Makes the camera's messages, and sends those that are due.

    :param send: takes a message.
    :param video_uri: where the picture is served, or empty.
    :param clock: seconds that never jump.
    """

    def __init__(
        self,
        tracker: Tracker,
        send: Callable[[Any], None],
        clock: Callable[[], float],
        *,
        model_name: str,
        video_uri: str,
    ) -> None:
        self._tracker = tracker
        self._send = send
        self._clock = clock
        self._model_name = model_name
        self._video_uri = video_uri
        self._boot_s = clock()
        # How the camera's own target was started.
        self.own_mode = TrackingMode.NONE
        self._told_flags = TrackingFlags.IDLE
        self._seen_state: TargetState | None = None
        self._texts = camera_messages.StatusTexts()
        self._heartbeats = Stream(_HEARTBEAT_S)
        self._makers: dict[int, Callable[[], Any]] = {
            common.MAVLINK_MSG_ID_CAMERA_INFORMATION: self._camera_information,
            common.MAVLINK_MSG_ID_CAMERA_SETTINGS: self._camera_settings,
            common.MAVLINK_MSG_ID_CAMERA_FOV_STATUS: self._camera_fov_status,
            _STATUS: self._tracking_status,
        }
        if video_uri:
            video = common.MAVLINK_MSG_ID_VIDEO_STREAM_INFORMATION
            self._makers[video] = self._video_stream_information
        self._streams = {number: Stream(None) for number in self._makers}
        self._streams[_STATUS] = Stream(_STATUS_S)

    def message(self, number: int) -> Any:
        """Return the message of that id, None when the camera has none."""
        maker = self._makers.get(number)
        return None if maker is None else maker()

    def stream(self, number: int) -> Stream | None:
        """Return when the message of that id is sent, None when the camera has none."""
        return self._streams.get(number)

    def say(self, severity: int, text: str) -> None:
        """Tell people something, in as many messages as it takes."""
        for chunk in self._texts.chunks(severity, text):
            self._send(chunk)

    def send_due(self) -> None:
        """Send what is due."""
        now_s = self._clock()
        if self._heartbeats.is_due(now_s):
            self._send(camera_messages.heartbeat())
            self._heartbeats.sent(now_s)
        self._send_status(now_s)
        for number, stream in self._streams.items():
            if number != _STATUS and stream.is_due(now_s):
                self._send(self._makers[number]())
                stream.sent(now_s)

    def _send_status(self, now_s: float) -> None:
        """Send the tracking status when it is due, and at once when it is another one."""
        target = self._tracker.target()
        status = tracking_status(target, self.own_mode)
        stream = self._streams[_STATUS]
        if stream.is_due(now_s) or (stream.is_on and status.flags != self._told_flags):
            self._send(camera_messages.camera_tracking_image_status(status))
            stream.sent(now_s, slowest_s=0.0 if status.is_active else _CALM_STATUS_S)
            self._told_flags = status.flags
        # IDLE does not tell a lost target from a stopped one; people are told in words.
        state = None if target is None else target.state
        if state is TargetState.LOST and self._seen_state is not state:
            self.say(common.MAV_SEVERITY_WARNING, 'target lost, still looking for it')
        elif state is TargetState.TRACKING and self._seen_state is TargetState.LOST:
            self.say(common.MAV_SEVERITY_INFO, 'target found again')
        self._seen_state = state

    def _camera_information(self) -> Any:
        return camera_messages.camera_information(
            self._boot_ms(),
            self._model_name,
            self._tracker.optics(),
            has_video=bool(self._video_uri),
        )

    def _camera_settings(self) -> Any:
        return camera_messages.camera_settings(self._boot_ms())

    def _camera_fov_status(self) -> Any:
        return camera_messages.camera_fov_status(self._boot_ms(), self._tracker.optics())

    def _tracking_status(self) -> Any:
        status = tracking_status(self._tracker.target(), self.own_mode)
        return camera_messages.camera_tracking_image_status(status)

    def _video_stream_information(self) -> Any:
        return camera_messages.video_stream_information(self._video_uri, self._tracker.optics())

    def _boot_ms(self) -> int:
        return round((self._clock() - self._boot_s) * _MILLISECONDS) % 2**32
