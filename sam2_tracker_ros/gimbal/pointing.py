# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where the camera looks: as measured, and as the commands since then have turned it."""

from sam2_tracker_ros.gimbal.geometry import Pose
from sam2_tracker_ros.gimbal.gimbal_model import AxisPair, GimbalModel
from sam2_tracker_ros.gimbal.pose_history import PoseHistory

# An attitude outside of these [s] is from another clock.
_MAX_AGE_S = 1.0
_MAX_LEAD_S = 0.1
# Over which the vehicle's own turning is looked at, and how much of it [rad/s] is believed: a
# gimbal at its stop looks like a vehicle that turns against every command.
_DRIFT_S = 0.1
_MAX_DRIFT = 0.5


class Pointing:
    """
    Poses of the last seconds; without any measured one they are reckoned from the commands.

    Reckoning drifts away from the truth, but all that counts is how far the gimbal turned from
    one measurement of the target to the command that answers it.

    :param pitch: of the gimbal at the start, until one is measured.
    """

    def __init__(self, start_s: float, pitch: float) -> None:
        self._start = Pose(0.0, pitch, 0.0)
        self._measured = PoseHistory()
        self._model = GimbalModel(start_s)
        self._turned = PoseHistory()
        self._turned.add(start_s, Pose(0.0, 0.0, 0.0))

    def is_measured(self, now_s: float) -> bool:
        """Return whether there is a current measured pose."""
        newest_s = self._measured.newest_s
        return newest_s is not None and now_s - newest_s < _MAX_AGE_S

    def measured(self, stamp_s: float, pose: Pose, now_s: float) -> tuple[str, bool]:
        """
        Take a measured pose.

        :return: why it cannot be used, or empty; and whether directions that were found before
            are in another frame now
        """
        age_s = now_s - stamp_s
        if not -_MAX_LEAD_S <= age_s <= _MAX_AGE_S:
            return f'its stamp is {age_s:.3f} s old: stamp it with the clock of the images', False
        newest_s = self._measured.newest_s
        self._measured.add(stamp_s, pose)
        return '', newest_s is None or stamp_s < newest_s

    def command(self, rates: AxisPair, delay_s: float, lag_s: float) -> None:
        """Take the rates that the gimbal was told now; see GimbalModel."""
        self._model.command(rates, delay_s, lag_s)

    def advance(self, now_s: float) -> None:
        """Let time pass."""
        self._model.advance(now_s)
        self._turned.add(now_s, Pose(self._model.angles.yaw, self._model.angles.pitch, 0.0))

    def at(self, stamp_s: float) -> Pose:
        """Return the pose at a time up to now."""
        newest_s = self._measured.newest_s
        if newest_s is None:
            return _turned(self._start, self._turned.at(stamp_s))
        measured = self._measured.at(stamp_s)
        if stamp_s <= newest_s:
            return measured
        before, after = self._turned.at(newest_s), self._turned.at(stamp_s)
        return _turned(measured, Pose(after.yaw - before.yaw, after.pitch - before.pitch, 0.0))

    def coming(self, now_s: float) -> AxisPair:
        """Return where the gimbal would come to rest if it was stopped now."""
        pose, model = self.at(now_s), self._model
        return AxisPair(
            pose.yaw + model.committed.yaw - model.angles.yaw,
            pose.pitch + model.committed.pitch - model.angles.pitch,
        )

    def drift(self, now_s: float) -> AxisPair:
        """
        Return the rates at which the camera turns besides what it was told, as a gust does it.

        Zero without measured poses: it is then part of the target's motion as the camera sees it.
        """
        newest_s = self._measured.newest_s
        if newest_s is None or not self.is_measured(now_s) or not self._measured.covers(_DRIFT_S):
            return AxisPair(0.0, 0.0)
        measured, before = self._measured.at(newest_s), self._measured.at(newest_s - _DRIFT_S)
        told, told_before = self._turned.at(newest_s), self._turned.at(newest_s - _DRIFT_S)
        return AxisPair(
            _believed(measured.yaw - before.yaw - (told.yaw - told_before.yaw)),
            _believed(measured.pitch - before.pitch - (told.pitch - told_before.pitch)),
        )


def _believed(angle: float) -> float:
    return min(_MAX_DRIFT, max(-_MAX_DRIFT, angle / _DRIFT_S))


def _turned(pose: Pose, by: Pose) -> Pose:
    return Pose(pose.yaw + by.yaw, pose.pitch + by.pitch, pose.roll)
