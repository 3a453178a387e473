# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How a gimbal answers rate commands."""

from collections import deque
import math
from typing import NamedTuple


class AxisPair(NamedTuple):
    """Something of both axes: angles or rates."""

    yaw: float
    pitch: float


_REST = AxisPair(0.0, 0.0)


class GimbalModel:
    """
    A gimbal that takes on a commanded rate after a dead time, like a first order lag.

    `angles` is what all commands have turned so far. `committed` is what they will have turned
    when everything on its way has had its effect and the gimbal is then stopped: its derivative
    is the newest command itself, without lag or dead time. Control that acts on it sees a pure
    integrator, and so cannot overshoot for the gimbal's slowness.
    """

    def __init__(self, start_s: float) -> None:
        self.angles = _REST
        self.committed = _REST
        self._rates = _REST
        self._now_s = start_s
        # Commands on their way, and the one in effect: (from when on it acts, rates).
        self._commands: deque[tuple[float, AxisPair]] = deque()
        self._command = _REST
        self._acting = _REST
        self._lag_s = 0.0

    def command(self, rates: AxisPair, delay_s: float, lag_s: float) -> None:
        """
        Give a command now.

        :param delay_s: until the gimbal starts to act on it.
        :param lag_s: time constant with which it takes the rates on.
        """
        self._command, self._lag_s = rates, lag_s
        self._commands.append((self._now_s + delay_s, rates))

    def advance(self, now_s: float) -> None:
        """Let time pass."""
        elapsed_s = max(0.0, now_s - self._now_s)
        self.committed = _moved(self.committed, self._command, elapsed_s)
        while self._commands and self._commands[0][0] <= now_s:
            acts_s, rates = self._commands.popleft()
            self._turn(acts_s - self._now_s)
            self._acting, self._now_s = rates, max(self._now_s, acts_s)
        self._turn(now_s - self._now_s)
        self._now_s = max(self._now_s, now_s)

    def _turn(self, elapsed_s: float) -> None:
        if elapsed_s <= 0.0:
            return
        left = math.exp(-elapsed_s / self._lag_s) if self._lag_s > 0.0 else 0.0
        behind = AxisPair(
            self._rates.yaw - self._acting.yaw, self._rates.pitch - self._acting.pitch
        )
        self.angles = _moved(self.angles, self._acting, elapsed_s)
        self.angles = _moved(self.angles, behind, self._lag_s * (1.0 - left))
        self._rates = _moved(self._acting, behind, left)


def _moved(start: AxisPair, step: AxisPair, factor: float) -> AxisPair:
    return AxisPair(start.yaw + step.yaw * factor, start.pitch + step.pitch * factor)
