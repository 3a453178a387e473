# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where to look for a target that is lost."""

import itertools
import math

from sam2_tracker_ros.core.types import Edge, Reason
from sam2_tracker_ros.gimbal.gimbal_model import AxisPair

# A place counts as visited from this near [rad].
_ARRIVED = 0.01
# A target that moved slower [rad/s] says nothing about where it went.
_MOVING = 0.02

_WAY_OUT = {
    Reason.LEFT_FRAME_LEFT: AxisPair(-1.0, 0.0),
    Reason.LEFT_FRAME_RIGHT: AxisPair(1.0, 0.0),
    Reason.LEFT_FRAME_TOP: AxisPair(0.0, 1.0),
    Reason.LEFT_FRAME_BOTTOM: AxisPair(0.0, -1.0),
}
_WAY_OVER_EDGE = {
    Edge.LEFT: AxisPair(-1.0, 0.0),
    Edge.RIGHT: AxisPair(1.0, 0.0),
    Edge.TOP: AxisPair(0.0, 1.0),
    Edge.BOTTOM: AxisPair(0.0, -1.0),
}


def way_it_went(reason: Reason, edges: Edge, rates: tuple[float, float]) -> AxisPair:
    """
    Return the direction in which a target got out of sight, of length 1.

    :param edges: borders of the picture that it touched when it was seen last.
    :param rates: of azimuth and elevation, at that time.
    """
    if reason in _WAY_OUT:
        return _WAY_OUT[reason]
    # A target that fills the picture, or lies in a corner, does not tell.
    if edges in _WAY_OVER_EDGE:
        return _WAY_OVER_EDGE[edges]
    speed = math.hypot(*rates)
    if speed < _MOVING:
        return AxisPair(1.0, 0.0)
    return AxisPair(rates[0] / speed, rates[1] / speed)


class SearchPattern:
    """
    Back to where the target was seen last, on the way it went, then from side to side.

    :param origin: yaw and pitch that point there.
    :param way: direction of the sweep, of length 1; the first side is this one.
    """

    def __init__(self, origin: AxisPair, way: AxisPair) -> None:
        self._origin, self._way = origin, way
        self._sides = itertools.chain([0.0, 1.0], itertools.cycle([-1.0, 1.0]))
        self._side = next(self._sides)

    def rates(
        self, pose: AxisPair, *, rate: float, extent: float, response_time_s: float
    ) -> AxisPair:
        """
        Return the rates towards the next place, slower near it.

        :param pose: yaw and pitch, where the gimbal will come to rest.
        """
        to_go = self._to_go(pose, extent)
        if math.hypot(*to_go) < _ARRIVED:
            self._side = next(self._sides)
            to_go = self._to_go(pose, extent)
        speed = min(1.0 / response_time_s, rate / max(_ARRIVED, math.hypot(*to_go)))
        return AxisPair(speed * to_go.yaw, speed * to_go.pitch)

    def _to_go(self, pose: AxisPair, extent: float) -> AxisPair:
        return AxisPair(
            self._origin.yaw + self._side * extent * self._way.yaw - pose.yaw,
            self._origin.pitch + self._side * extent * self._way.pitch - pose.pitch,
        )
