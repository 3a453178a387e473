# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The cars around the target: some look like it, and none is in its way."""

from collections.abc import Iterator
from dataclasses import dataclass
import math

import numpy as np

from sam2_tracker_ros.core.types import Float64Array
from sam2_tracker_ros.testing.aerial_path import Lane, Layout
from sam2_tracker_ros.testing.vehicle import Pose, Vehicle

TARGET_BGR = (44, 40, 176)
_WHITE, _BLUE, _GREY, _GREEN = (196, 200, 202), (132, 86, 40), (110, 108, 104), (64, 92, 40)

_ONCOMING_PX_S = 150.0
# Far enough that cars that pass do not overlap in the image.
_ONCOMING_LANE_PX = 58.0
_ONCOMING_BGR = (_GREEN, _WHITE, _BLUE)
# Parts of a lap ahead of the first of them.
_ONCOMING_PARTS = (0.0, 0.32, 0.71)
# Where the first of them is when.
_MEETING, _MEETING_S = (560.0, 640.0), 9.0

# Places to the right and ahead of the drone, and headings clockwise from the right.
_PARKED = (
    (_WHITE, (312.0, 565.0), -90.0),
    (TARGET_BGR, (-330.0, 545.0), -28.0),
    (_WHITE, (-860.0, 720.0), -40.0),
    (_BLUE, (120.0, 298.0), 4.0),
    (TARGET_BGR, (-60.0, 296.0), 2.0),
)

_ROAD_LENGTH_PX = 5200.0
_OUTER_AHEAD_PX = 1330.0
_CROSSING_RIGHT_PX = 330.0
_OUTER_LANE_PX = 27.0
_OUTER = ((TARGET_BGR, 190.0), (_GREY, 205.0), (_WHITE, -180.0), (_BLUE, -195.0))


def side_roads(layout: Layout) -> list[Float64Array]:
    """Return the middles of the straight roads, in world pixels [N, 2]."""
    way = np.linspace(-_ROAD_LENGTH_PX / 2.0, _ROAD_LENGTH_PX / 2.0, 60)
    outer = np.column_stack([way, np.full_like(way, _OUTER_AHEAD_PX)])
    crossing = np.column_stack([np.full_like(way, _CROSSING_RIGHT_PX), way])
    return [layout.place(outer), layout.place(crossing)]


@dataclass(frozen=True)
class _Straight:
    """A car on the outer road, which comes back at its other end."""

    start_px: float
    speed_px_s: float

    def place(self, time_s: float) -> tuple[float, float]:
        way = (self.start_px + self.speed_px_s * time_s) % _ROAD_LENGTH_PX
        lane = -math.copysign(_OUTER_LANE_PX, self.speed_px_s)
        return way - _ROAD_LENGTH_PX / 2.0, _OUTER_AHEAD_PX + lane


class Traffic:
    """All cars but the target; their places depend on the time alone."""

    def __init__(self, layout: Layout, rng: np.random.Generator) -> None:
        self._layout = layout
        self._lane = Lane(layout, _ONCOMING_LANE_PX, is_reversed=True)
        meeting = layout.place(np.array([_MEETING]))[0]
        first = self._lane.way_of(self._lane.nearest(meeting)) - _MEETING_S * _ONCOMING_PX_S
        self._oncoming = [
            (Vehicle(color), first + part * self._lane.length_px)
            for color, part in zip(_ONCOMING_BGR, _ONCOMING_PARTS, strict=True)
        ]
        self._parked = [
            (Vehicle(color), self._pose(place, math.radians(heading)))
            for color, place, heading in _PARKED
        ]
        self._outer = [
            (Vehicle(color), _Straight(float(rng.uniform(0.0, _ROAD_LENGTH_PX)), speed))
            for color, speed in _OUTER
        ]

    def at(self, time_s: float) -> Iterator[tuple[Vehicle, Pose]]:
        """Give each car and where it is."""
        yield from self._parked
        for vehicle, trip in self._outer:
            heading = 0.0 if trip.speed_px_s > 0.0 else math.pi
            yield vehicle, self._pose(trip.place(time_s), heading)
        for vehicle, start_px in self._oncoming:
            yield vehicle, self._lane.pose(start_px + _ONCOMING_PX_S * time_s)

    def _pose(self, place: tuple[float, float], heading: float) -> Pose:
        """Return the pose in the world of one in the layout."""
        (x, y) = self._layout.place(np.array([place]))[0].tolist()
        if self._layout.is_mirrored:
            heading = math.pi - heading
        return Pose(x, y, heading + self._layout.turn_rad)
