# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The place in the picture where the target is wanted, as directions of the camera."""

import math

from sam2_tracker_ros.gimbal.types import Observation

# How much of what was learned a new measurement leaves: a zoom is followed within ten images.
_KEPT = 0.8
# Half of a view of 60 degrees, until the first measurement says more.
_USUAL_TANGENT = 0.58
# A target that seems larger [rad] is too near the edge of what a tangent can tell.
_MAX_SIZE = 1.5


class Framing:
    """
    Turns a place from -1..1 of half the picture into angles, and approaches it smoothly.

    The scale comes from the measurements themselves, so no CameraInfo is needed here: through a
    pinhole the tangent of an angle is the place times one factor, the tangent of half the field
    of view. Each measurement gives it twice, by where the target is and by how large it is; the
    second also works in the middle of the picture. With a distorting lens the factor is right
    where the target is, which is the wanted place as soon as it is there.
    """

    def __init__(self) -> None:
        self._place: tuple[float, float] | None = None
        self._products, self._squares = [0.0, 0.0], [0.0, 0.0]

    def learn(self, observation: Observation) -> None:
        """Take the scale from a measurement."""
        x, y, z = observation.ray
        tangents = (x / z, y / z)
        squared = 1.0 + tangents[0] ** 2 + tangents[1] ** 2
        for axis in (0, 1):
            place, half = observation.error[axis], observation.extent[axis]
            angle = observation.size[axis]
            # False with NaN too: such a measurement says nothing about the scale.
            if not (abs(place) <= 1.0 and 0.0 < half <= 1.0 and 0.0 < angle < _MAX_SIZE):
                continue
            across = math.hypot(1.0, tangents[1 - axis])
            size = math.tan(angle)
            # What half the box is in tangents: its angle is seen aslant when it is off the axis.
            half_tangent = size * squared / (across + math.sqrt(across**2 + size**2 * squared))
            products = place * tangents[axis] + half * half_tangent
            self._products[axis] = _KEPT * self._products[axis] + products
            self._squares[axis] = _KEPT * self._squares[axis] + place**2 + half**2

    def approach(self, wanted: tuple[float, float], part: float) -> None:
        """
        Move a part 0..1 of the way to a place.

        :param wanted: -1..1 of half the picture, + right and + down.
        """
        x, y = self._place or wanted
        self._place = (x + part * (wanted[0] - x), y + part * (wanted[1] - y))

    def tangents(self) -> tuple[float, float]:
        """Return the place as tangents of the angles from the optical axis."""
        x, y = self._place or (0.0, 0.0)
        return x * self._scale(0), y * self._scale(1)

    def _scale(self, axis: int) -> float:
        if self._squares[axis] == 0.0:
            return _USUAL_TANGENT
        return self._products[axis] / self._squares[axis]
