# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How the gimbal looked in the last seconds."""

from collections import deque

from sam2_tracker_ros.gimbal.geometry import Pose, wrapped

# Longer than any image is on its way.
_KEPT_S = 3.0


class PoseHistory:
    """Poses in order of time, interpolated between and held at both ends."""

    def __init__(self) -> None:
        self._poses: deque[tuple[float, Pose]] = deque()

    @property
    def newest_s(self) -> float | None:
        """Time of the newest pose; None without any."""
        return self._poses[-1][0] if self._poses else None

    def covers(self, duration_s: float) -> bool:
        """Return whether poses are known for as long as that."""
        return bool(self._poses) and self._poses[-1][0] - self._poses[0][0] >= duration_s

    def add(self, stamp_s: float, pose: Pose) -> None:
        """Append a pose; one that is older than the newest starts the history anew."""
        if self._poses and stamp_s < self._poses[-1][0]:
            self._poses.clear()
        if self._poses:
            # Not wrapped, so that what lies between two poses is between their numbers.
            last = self._poses[-1][1]
            pose = Pose(
                last.yaw + wrapped(pose.yaw - last.yaw),
                pose.pitch,
                last.roll + wrapped(pose.roll - last.roll),
            )
            if stamp_s == self._poses[-1][0]:
                self._poses.pop()
        self._poses.append((stamp_s, pose))
        while self._poses[0][0] < stamp_s - _KEPT_S:
            self._poses.popleft()

    def at(self, stamp_s: float) -> Pose:
        """Return the pose at a time; there must be one."""
        after_s, after = self._poses[-1]
        if stamp_s >= after_s:
            return after
        for before_s, before in reversed(self._poses):
            if before_s <= stamp_s:
                part = (stamp_s - before_s) / (after_s - before_s)
                return Pose(*(a + part * (b - a) for a, b in zip(before, after, strict=True)))
            after_s, after = before_s, before
        return after
