# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A simulated drone over a road: the scene of the demo."""

from dataclasses import dataclass
import math

import cv2
import numpy as np

from sam2_tracker_ros.core.bearing import CameraCalibration
from sam2_tracker_ros.core.types import Float64Array
from sam2_tracker_ros.testing.ground import (
    ROAD_WIDTH_PX,
    SIDE_ROAD_OFFSET_PX,
    make_ground,
    road_y,
)
from sam2_tracker_ros.testing.image_sensor import ImageSensor
from sam2_tracker_ros.testing.scenes import SceneFrame, pinhole, stamp_ns_at
from sam2_tracker_ros.testing.vehicle import Pose, Vehicle


@dataclass(frozen=True)
class Trip:
    """
    A car's way along a road.

    :param start_x: world x at time 0.
    :param speed_px_s: along world x; negative drives to the left.
    :param offset_px: from the middle of the main road, downwards.
    :param sway_px: how much the speed varies.
    """

    start_x: float
    speed_px_s: float
    offset_px: float
    sway_px: float = 0.0

    def pose(self, time_s: float) -> Pose:
        """Return where the car is."""
        x = self.start_x + self.speed_px_s * time_s + self.sway_px * math.sin(0.7 * time_s)
        rise = float(road_y(x + 5.0) - road_y(x - 5.0))
        heading = math.atan2(rise, 10.0) + (math.pi if self.speed_px_s < 0.0 else 0.0)
        return Pose(x, float(road_y(x)) + self.offset_px, heading)


class DroneScene:
    """
    A drone follows a red car past a red look-alike and under a bridge that hides it for a second.

    :param seed: of everything random; other seeds give other landscapes.
    :param duration_s: the car is under the bridge in the middle of it; at least 4.
    """

    size_px = (1280, 720)
    _SPEED_PX_S = 132.0
    _FOCAL_PX = 1050.0
    _NOISE_SIGMA = 3.0

    def __init__(self, seed: int = 0, duration_s: float = 20.0, rate_hz: float = 30.0) -> None:
        self.rate_hz = rate_hz
        self.frame_count = round(duration_s * rate_hz)
        start_x, middle_s = 860.0, duration_s / 2.0
        lane = ROAD_WIDTH_PX / 4.0 - 2.0
        self._trip = Trip(start_x, self._SPEED_PX_S, lane, sway_px=8.0)
        bridge_x = self._trip.pose(middle_s).x
        ahead = Trip(bridge_x + 330.0 - 117.0 * middle_s, 117.0, SIDE_ROAD_OFFSET_PX)
        self._target = Vehicle((44, 40, 176))
        self._others = [
            (Vehicle((44, 40, 176)), ahead),
            (Vehicle((196, 200, 202)), Trip(start_x + 900.0, -150.0, -lane)),
            (Vehicle((132, 86, 40)), Trip(bridge_x + 1300.0, -120.0, -lane)),
        ]
        width = round(start_x + self._SPEED_PX_S * duration_s + 860.0)
        self._ground = make_ground(seed, width, bridge_x)
        rng = np.random.default_rng(seed + 1)
        self._sensor = ImageSensor(seed, rng, self.size_px, self._NOISE_SIGMA)
        self._phases = rng.uniform(0.0, 2.0 * math.pi, 8)

    @property
    def calibration(self) -> CameraCalibration:
        """Intrinsics of the camera."""
        return pinhole(self.size_px, self._FOCAL_PX)

    def frame(self, index: int) -> SceneFrame:
        """Render one frame."""
        time_s = index / self.rate_hz
        matrix = self._image_from_world(time_s)
        image = np.asarray(
            cv2.warpAffine(
                self._ground.image,
                matrix[:2],
                self.size_px,
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REFLECT,
            ),
            np.uint8,
        )
        for vehicle, trip in self._others:
            vehicle.draw(image, matrix, trip.pose(time_s), self._ground.cover)
        seen = self._target.draw(image, matrix, self._trip.pose(time_s), self._ground.cover)
        gain = 1.0 + 0.1 * math.sin(0.6 * time_s + self._phases[7])
        return SceneFrame(
            image=self._sensor.expose(image, index, gain),
            stamp_ns=stamp_ns_at(index, self.rate_hz),
            target=seen.mask,
            visible_fraction=seen.visible_fraction,
        )

    def _image_from_world(self, time_s: float) -> Float64Array:
        """Return the camera's view [3, 3]: it follows the car, sways, turns, zooms, vibrates."""
        car = self._trip.pose(time_s)
        wave = [
            math.sin(rate * time_s + phase)
            for rate, phase in zip(
                (0.41, 0.53, 0.33, 0.27, 57.0, 71.0, 64.0), self._phases, strict=False
            )
        ]
        x = car.x + 110.0 * wave[0]
        y = car.y + 90.0 + 45.0 * wave[1]
        angle = 0.12 * wave[2] + 0.0012 * wave[6]
        zoom = 1.02 + 0.1 * wave[3]
        cos, sin = zoom * math.cos(angle), zoom * math.sin(angle)
        middle_x = self.size_px[0] / 2.0 + 0.9 * wave[4]
        middle_y = self.size_px[1] / 2.0 + 0.9 * wave[5]
        return np.array(
            [
                (cos, -sin, middle_x - cos * x + sin * y),
                (sin, cos, middle_y - sin * x - cos * y),
                (0.0, 0.0, 1.0),
            ]
        )
