# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The way of a fast car around a closed road, as a hovering drone sees it.

World pixels: x east, y south, 22 in a metre; angles clockwise as seen from above.
"""

from dataclasses import dataclass
import math

import numpy as np

from sam2_tracker_ros.core.types import BoolArray, Float64Array
from sam2_tracker_ros.testing.vehicle import Pose

# Height of the drone over the ground, and of a car's middle.
CAMERA_HEIGHT_PX = 520.0
CAR_MIDDLE_PX = 14.0
# From the middle of the road to the middle of a lane.
LANE_PX = 38.0

# The middle of the road, to the right and ahead of what lies below the drone [px], in the
# direction of travel: out on the far leg past the hall, back on the near leg, which is fast.
_COURSE = (
    *((-650, 530), (-560, 640), (-450, 715), (-310, 790), (-160, 834), (0, 850), (150, 836)),
    *((280, 775), (395, 775), (480, 660), (605, 620), (690, 525), (765, 410), (812, 290)),
    *((825, 180), (790, 70), (705, 20), (625, 80), (560, 190), (470, 300), (330, 378)),
    *((170, 420), (0, 432), (-170, 420), (-330, 378), (-470, 300), (-560, 190), (-625, 80)),
    *((-705, 20), (-790, 75), (-815, 190), (-775, 310), (-720, 420)),
)
_START = -480.0, 640.0
_SAMPLES = 8192

# How fast the direction from the drone may turn: past the hall, on the near leg, elsewhere.
_SLOW_RATE, _FAST_RATE, _USUAL_RATE = (math.radians(rate) for rate in (9.0, 40.0, 21.0))
_SLOW_AZIMUTHS_DEG = -13.0, 27.0
_FAST_LEG_PX = 640.0
_MAX_SPEED_PX_S = 560.0
_MAX_SIDEWAYS_PX_S2 = 200.0
_MAX_FORWARD_PX_S2 = 170.0
_SMOOTHING_PX = 45.0
_SET_OFF_S = 1.6


@dataclass(frozen=True)
class Layout:
    """
    How a landscape lies: turned about the point below the drone, perhaps mirrored.

    :param center: of the world, below the drone.
    """

    center: tuple[float, float]
    turn_rad: float
    is_mirrored: bool

    def place(self, points: Float64Array) -> Float64Array:
        """Return world pixels [N, 2] of points to the right and ahead of the drone [N, 2]."""
        right = points[:, 0] * (-1.0 if self.is_mirrored else 1.0)
        cos, sin = math.cos(self.turn_rad), math.sin(self.turn_rad)
        x = self.center[0] + cos * right + sin * points[:, 1]
        return np.column_stack([x, self.center[1] + sin * right - cos * points[:, 1]])

    def azimuth_deg(self, points: Float64Array) -> Float64Array:
        """Return the azimuths in the layout, -180..180, of world points [N, 2]."""
        offset = points - self.center
        azimuth = np.arctan2(offset[:, 0], -offset[:, 1]) - self.turn_rad
        azimuth *= -1.0 if self.is_mirrored else 1.0
        return np.asarray(np.degrees((azimuth + math.pi) % (2.0 * math.pi) - math.pi))


class Lane:
    """
    A closed line along the course that is driven again and again.

    :param offset_px: from the middle of the road, + to the side that cars drive on.
    :param is_reversed: driven against the course.
    """

    def __init__(self, layout: Layout, offset_px: float, *, is_reversed: bool = False) -> None:
        knots = layout.place(np.array(_COURSE, np.float64))
        middle = _closed_spline(knots[::-1] if is_reversed else knots)
        along = np.roll(middle, -1, axis=0) - np.roll(middle, 1, axis=0)
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        right = np.column_stack([-along[:, 1], along[:, 0]])
        # The mirrored world drives on the left.
        self.points = middle + (-offset_px if layout.is_mirrored else offset_px) * right
        self.headings = np.unwrap(np.arctan2(along[:, 1], along[:, 0]))
        self.steps_px = np.linalg.norm(np.roll(self.points, -1, axis=0) - self.points, axis=1)
        self._way_px = np.concatenate([[0.0], np.cumsum(self.steps_px)])
        # A lap turns the car once around.
        first, last = self.headings[0], self.headings[-1]
        lap = 2.0 * math.pi * round((last - first) / (2.0 * math.pi))
        self._closed = np.vstack([self.points, self.points[:1]])
        self._closed_headings = np.append(self.headings, first + lap)

    @property
    def length_px(self) -> float:
        """Length of a lap."""
        return float(self._way_px[-1])

    def pose(self, way_px: float) -> Pose:
        """Return where a car is that has driven so far."""
        way = way_px % self.length_px
        x, y, heading = (
            float(np.interp(way, self._way_px, values))
            for values in (*self._closed.T, self._closed_headings)
        )
        return Pose(x, y, heading)

    def way_of(self, index: int) -> float:
        """Return the way of one of the points."""
        return float(self._way_px[index])

    def nearest(self, point: Float64Array) -> int:
        """Return the index of the nearest of the points."""
        return int(np.argmin(np.linalg.norm(self.points - point, axis=1)))


class Drive:
    """
    The target's drive: it waits, sets off smoothly, and goes round after round.

    :param start_delay_s: how long it waits.
    """

    def __init__(self, layout: Layout, start_delay_s: float) -> None:
        self.lane = Lane(layout, LANE_PX)
        self._start_delay_s = start_delay_s
        speeds = _speeds(self.lane, layout)
        durations = 2.0 * self.lane.steps_px / (speeds + np.roll(speeds, -1))
        self._times_s = np.concatenate([[0.0], np.cumsum(durations)])
        ways = np.concatenate([[0.0], np.cumsum(self.lane.steps_px)])
        self._ways_px = ways
        start = layout.place(np.array([_START], np.float64))[0]
        self._start_s = float(self._times_s[self.lane.nearest(start)])

    @property
    def lap_s(self) -> float:
        """How long a lap takes."""
        return float(self._times_s[-1])

    def pose(self, time_s: float) -> Pose:
        """Return where the car is."""
        driven_s = time_s - self._start_delay_s
        if driven_s <= 0.0:
            clock_s = 0.0
        elif driven_s < _SET_OFF_S:
            # The clock of the drive starts like a cosine, so that the speed has no jump.
            phase = math.pi * driven_s / _SET_OFF_S
            clock_s = (driven_s - _SET_OFF_S / math.pi * math.sin(phase)) / 2.0
        else:
            clock_s = driven_s - _SET_OFF_S / 2.0
        lap_time_s = (self._start_s + clock_s) % self.lap_s
        return self.lane.pose(float(np.interp(lap_time_s, self._times_s, self._ways_px)))


def _closed_spline(knots: Float64Array) -> Float64Array:
    """Return points along the closed uniform cubic B-spline of control points [N, 2]."""
    parameter = np.arange(_SAMPLES) * len(knots) / _SAMPLES
    index = parameter.astype(int)
    t = (parameter - index)[:, None]
    weights = (
        (1.0 - t) ** 3,
        3.0 * t**3 - 6.0 * t**2 + 4.0,
        -3.0 * t**3 + 3.0 * t**2 + 3.0 * t + 1.0,
        t**3,
    )
    spline = sum(
        weight * knots[(index + shift) % len(knots)]
        for weight, shift in zip(weights, (-1, 0, 1, 2), strict=True)
    )
    return np.asarray(spline / 6.0)


def _speeds(lane: Lane, layout: Layout) -> Float64Array:
    """Return the speed at each point of the lane [px/s], smooth around the lap."""
    offset = lane.points - layout.center
    height = np.full(len(offset), CAMERA_HEIGHT_PX - CAR_MIDDLE_PX)
    rays = np.column_stack([offset, height])
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    turn_per_px = np.linalg.norm(np.roll(rays, -1, axis=0) - rays, axis=1) / lane.steps_px
    azimuths, distances = layout.azimuth_deg(lane.points), np.hypot(*offset.T)
    rates = np.full(len(offset), _USUAL_RATE)
    is_near = distances < _FAST_LEG_PX
    rates[is_near] = _FAST_RATE
    rates[~is_near & _between(azimuths, *_SLOW_AZIMUTHS_DEG)] = _SLOW_RATE
    bends = np.abs(np.gradient(lane.headings)) / lane.steps_px
    bends[[0, -1]] = bends[[1, -2]]
    limits = np.minimum(rates / np.maximum(turn_per_px, 1e-9), _MAX_SPEED_PX_S)
    limits = np.minimum(limits, np.sqrt(_MAX_SIDEWAYS_PX_S2 / np.maximum(bends, 1e-9)))
    return _smooth(_reachable(limits, lane.steps_px), _SMOOTHING_PX / lane.steps_px.mean())


def _between(values: Float64Array, low: float, high: float) -> BoolArray:
    return np.asarray((values > low) & (values < high), np.bool_)


def _reachable(limits: Float64Array, steps_px: Float64Array) -> Float64Array:
    """Return the highest speeds within limits that the engine and the brakes allow."""
    squares = limits**2
    gain = 2.0 * _MAX_FORWARD_PX_S2 * steps_px
    count = len(squares)
    for index in range(2 * count):  # the second lap starts with the speed at the end of the first
        here, before = index % count, (index - 1) % count
        squares[here] = min(squares[here], squares[before] + gain[before])
    for index in range(2 * count, 0, -1):
        here, after = (index - 1) % count, index % count
        squares[here] = min(squares[here], squares[after] + gain[here])
    return np.asarray(np.sqrt(squares))


def _smooth(values: Float64Array, sigma: float) -> Float64Array:
    """Return values around a lap under a moving Gaussian, sigma in samples."""
    reach = math.ceil(3.0 * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.concatenate([values[-reach:], values, values[:reach]])
    return np.asarray(np.convolve(padded, weights / weights.sum(), 'valid'))
