# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The messages of MAVLink's camera protocol, filled in."""

from collections.abc import Iterator
import itertools
import math
from typing import Any

from pymavlink.dialects.v20 import common

from sam2_tracker_ros.mavlink.tracker import Optics
from sam2_tracker_ros.mavlink.tracking_status import TrackingStatus

_NAN = math.nan
_UNKNOWN_PLACE = 2**31 - 1
_VENDOR = 'sam2_tracker_ros'
_NAME_BYTES = 32
# Of one STATUSTEXT, and how many of them a text may take.
_TEXT_BYTES = 50
_MAX_TEXT_CHUNKS = 5
_STREAM_TYPES = {
    'rtsp': common.VIDEO_STREAM_TYPE_RTSP,
    'udp': common.VIDEO_STREAM_TYPE_RTPUDP,
    'tcp': common.VIDEO_STREAM_TYPE_TCP_MPEG,
}


def heartbeat() -> Any:
    """Return a camera's HEARTBEAT."""
    return common.MAVLink_heartbeat_message(
        common.MAV_TYPE_CAMERA, common.MAV_AUTOPILOT_INVALID, 0, 0, common.MAV_STATE_ACTIVE, 3
    )


def camera_information(
    boot_ms: int, model_name: str, optics: Optics | None, *, has_video: bool
) -> Any:
    """
    Return CAMERA_INFORMATION.

    Focal length and sensor size are in millimetres there, which no calibration in pixels gives;
    CAMERA_FOV_STATUS has the angles.
    """
    flags = common.CAMERA_CAP_FLAGS_HAS_TRACKING_POINT
    flags |= common.CAMERA_CAP_FLAGS_HAS_TRACKING_RECTANGLE
    if has_video:
        flags |= common.CAMERA_CAP_FLAGS_HAS_VIDEO_STREAM
    width, height = (0, 0) if optics is None else optics.size_px
    return common.MAVLink_camera_information_message(
        time_boot_ms=boot_ms,
        vendor_name=_name_bytes(_VENDOR),
        model_name=_name_bytes(model_name),
        firmware_version=0,
        focal_length=_NAN,
        sensor_size_h=_NAN,
        sensor_size_v=_NAN,
        resolution_h=width,
        resolution_v=height,
        lens_id=0,
        flags=flags,
        cam_definition_version=0,
        cam_definition_uri=b'',
    )


def camera_settings(boot_ms: int) -> Any:
    """Return CAMERA_SETTINGS: always video, without zoom and focus."""
    return common.MAVLink_camera_settings_message(boot_ms, common.CAMERA_MODE_VIDEO, _NAN, _NAN)


def camera_fov_status(boot_ms: int, optics: Optics | None) -> Any:
    """Return CAMERA_FOV_STATUS; place and attitude of the camera are not known here."""
    across, down = (_NAN, _NAN) if optics is None else optics.field_of_view_deg
    return common.MAVLink_camera_fov_status_message(
        boot_ms, *(_UNKNOWN_PLACE,) * 6, [_NAN] * 4, across, down
    )


def camera_tracking_image_status(status: TrackingStatus) -> Any:
    """Return CAMERA_TRACKING_IMAGE_STATUS."""
    data = common.CAMERA_TRACKING_TARGET_DATA_IN_STATUS if status.is_active else 0
    box = status.rectangle
    return common.MAVLink_camera_tracking_image_status_message(
        int(status.flags),
        int(status.mode),
        data,
        *status.point,
        status.radius,
        box.left,
        box.top,
        box.right,
        box.bottom,
    )


def video_stream_information(uri: str, optics: Optics | None) -> Any:
    """Return VIDEO_STREAM_INFORMATION of the one stream, which somebody else serves."""
    width, height = (0, 0) if optics is None else optics.size_px
    across = _NAN if optics is None else optics.field_of_view_deg[0]
    return common.MAVLink_video_stream_information_message(
        stream_id=1,
        count=1,
        type=_STREAM_TYPES.get(uri.partition(':')[0], common.VIDEO_STREAM_TYPE_RTSP),
        flags=common.VIDEO_STREAM_STATUS_FLAGS_RUNNING,
        framerate=0.0,
        resolution_h=width,
        resolution_v=height,
        bitrate=0,
        rotation=0,
        hfov=0 if math.isnan(across) else round(across),
        name=b'camera',
        uri=uri.encode()[:160],
    )


def message_interval(message_id: int, interval_us: int) -> Any:
    """Return MESSAGE_INTERVAL."""
    return common.MAVLink_message_interval_message(message_id, interval_us)


def command_ack(
    number: int, sender: tuple[int, int], result: int, *, progress: int = 0, parameter: int = 0
) -> Any:
    """
    Return COMMAND_ACK.

    :param sender: system and component of who is answered.
    :param parameter: number of the one that is to blame, or 0.
    """
    return common.MAVLink_command_ack_message(number, result, progress, parameter, *sender)


class StatusTexts:
    """Cuts texts into STATUSTEXT messages, which a ground station puts together again."""

    def __init__(self) -> None:
        self._ids = itertools.cycle(range(1, 2**16))

    def chunks(self, severity: int, text: str) -> Iterator[Any]:
        """Return the messages of one text, which is cut when it is too long."""
        data = text.encode('ascii', 'replace')[: _TEXT_BYTES * _MAX_TEXT_CHUNKS]
        text_id = next(self._ids) if len(data) > _TEXT_BYTES else 0
        for number, begin in enumerate(range(0, len(data), _TEXT_BYTES)):
            part = data[begin : begin + _TEXT_BYTES]
            yield common.MAVLink_statustext_message(severity, part, text_id, number)
        if text_id and len(data) % _TEXT_BYTES == 0:
            # A text ends with the first chunk that is not full.
            number = len(data) // _TEXT_BYTES
            yield common.MAVLink_statustext_message(severity, b'', text_id, number)


def _name_bytes(name: str) -> list[int]:
    return list(name.encode('ascii', 'replace')[: _NAME_BYTES - 1].ljust(_NAME_BYTES, b'\0'))
