# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How the camera looked when an image was taken, from the attitudes of its gimbal."""

from collections import deque
import math
import threading

from geometry_msgs.msg import QuaternionStamped
import numpy as np

from sam2_tracker_ros.core.bearing import CameraCalibration
from sam2_tracker_ros.core.camera_view import CameraView
from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND, Float64Array, Frame
from sam2_tracker_ros.messages import stamp_ns_of

_KEPT_NS = 2 * NANOSECONDS_PER_SECOND
# An image may be this much newer than the newest attitude, or lie in a gap that long.
_MAX_GAP_NS = NANOSECONDS_PER_SECOND // 10
# Gimbal frame (x along the optical axis, y right, z down) from the optical frame.
_GIMBAL_FROM_OPTICAL = np.array([(0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)])


class CameraAttitude:
    """Attitudes of the last seconds, as orientations of the camera; any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._attitudes: deque[tuple[int, Float64Array]] = deque()

    def put(self, message: QuaternionStamped) -> None:
        """Take a gimbal's attitude in a frame that keeps its heading; no rotation is left out."""
        turn = message.quaternion
        quaternion = np.array([turn.x, turn.y, turn.z, turn.w])
        length = math.sqrt(float(quaternion @ quaternion))
        if not 0.9 < length < 1.1:  # nor NaN
            return
        stamp_ns = stamp_ns_of(message.header)
        with self._lock:
            kept = self._attitudes
            if kept and stamp_ns <= kept[-1][0]:
                if stamp_ns == kept[-1][0]:
                    return
                kept.clear()
            kept.append((stamp_ns, quaternion / length))
            while kept[0][0] < stamp_ns - _KEPT_NS:
                kept.popleft()

    def view(self, frame: Frame, calibration: CameraCalibration | None) -> CameraView | None:
        """
        Return how the camera looked when it took a frame.

        :return: None without a calibration of the image, or when no attitude was measured near
            that time.
        """
        if calibration is None or calibration.problem(frame.size_px):
            return None
        orientation = self._orientation(frame.stamp_ns)
        return None if orientation is None else CameraView(calibration, orientation)

    def _orientation(self, stamp_ns: int) -> Float64Array | None:
        """Return the rotation [3, 3] from the optical into the level frame at a time."""
        with self._lock:
            kept = list(self._attitudes)
        after = next((index for index, item in enumerate(kept) if item[0] >= stamp_ns), len(kept))
        if after == len(kept):  # newer than all: go on turning as before
            after -= 1
        if after < 1 or stamp_ns < kept[0][0]:
            return None
        (before_ns, first), (after_ns, second) = kept[after - 1], kept[after]
        if max(after_ns - before_ns, stamp_ns - after_ns) > _MAX_GAP_NS:
            return None
        if first @ second < 0.0:  # the same rotation, the short way round
            second = -second
        part = (stamp_ns - before_ns) / (after_ns - before_ns)
        between = first + part * (second - first)
        level_from_gimbal = _matrix_of(between / np.linalg.norm(between))
        return np.asarray(level_from_gimbal @ _GIMBAL_FROM_OPTICAL)


def _matrix_of(quaternion: Float64Array) -> Float64Array:
    x, y, z, w = quaternion.tolist()
    return np.array(
        [
            (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
            (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
            (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
        ]
    )
