# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A fast red car around a hovering drone whose camera can be turned."""

from dataclasses import dataclass
import math

import cv2
import numpy as np

from sam2_tracker_ros.core.bearing import CameraCalibration
from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND, Float64Array, UInt8Array
from sam2_tracker_ros.testing.aerial_ground import CENTER, HAZE_BGR, haze_at, make_landscape
from sam2_tracker_ros.testing.aerial_objects import House
from sam2_tracker_ros.testing.aerial_path import (
    CAMERA_HEIGHT_PX,
    CAR_MIDDLE_PX,
    Drive,
    Layout,
)
from sam2_tracker_ros.testing.aerial_traffic import TARGET_BGR, Traffic, side_roads
from sam2_tracker_ros.testing.ground import ROOF_COLORS_BGR
from sam2_tracker_ros.testing.image_sensor import ImageSensor
from sam2_tracker_ros.testing.pan_tilt import OPTICAL_FROM_GIMBAL, Attitude
from sam2_tracker_ros.testing.scenes import START_NS, SceneFrame, pinhole
from sam2_tracker_ros.testing.vehicle import Pose, Seen, Vehicle

# To the right and ahead of the drone, in its layout.
_HALL = 0.0, 690.0
_LEAST_OPACITY = 0.05
_SKY_BGR = (212, 176, 138)
# The level frame (north, east, down) from the world (east, south, down).
_LEVEL_FROM_WORLD = np.array([(0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)])


@dataclass(frozen=True)
class _View:
    """
    What a camera projects.

    :param image_from_world: [3, 3], of the ground, which has its origin where the world has it.
    :param lift: [3], added to its last column for a pixel of height.
    :param down: [3], of the homogeneous pixel (x, y, 1): how much its ray points downwards.
    """

    image_from_world: Float64Array
    lift: Float64Array
    down: Float64Array


class AerialScene:
    """
    A red car drives round after round, past look-alikes and behind a house that hides it.

    :param seed: of everything random; other seeds give other landscapes, turned and mirrored.
    :param start_delay_s: how long the car stands before it sets off.
    """

    size_px = (1280, 720)
    _FOCAL_PX = 1050.0
    _NOISE_SIGMA = 3.0
    _READOUT_S = 0.015

    def __init__(self, seed: int = 0, start_delay_s: float = 3.0) -> None:
        self._seed = seed
        rng = np.random.default_rng((seed, 0))
        turn = float(rng.uniform(-math.pi, math.pi))
        layout = Layout(CENTER, turn, is_mirrored=bool(rng.integers(2)))
        self._drive = Drive(layout, start_delay_s)
        self._target = Vehicle(TARGET_BGR)
        self._traffic = Traffic(layout, rng)
        self._landscape = make_landscape(seed, layout, side_roads(layout), _hall(layout))
        origin = self._landscape.origin
        self._world_from_picture = np.array(
            [(1.0, 0.0, origin[0]), (0.0, 1.0, origin[1]), (0.0, 0.0, 1.0)]
        )
        self._sensor = ImageSensor(seed, rng, self.size_px, self._NOISE_SIGMA)
        self._exposure_phase = float(rng.uniform(0.0, 2.0 * math.pi))

    def calibration(self, zoom: float = 1.0) -> CameraCalibration:
        """Return the intrinsics of the camera."""
        return pinhole(self.size_px, self._FOCAL_PX * zoom)

    @property
    def lap_s(self) -> float:
        """After this time the target is where it was."""
        return self._drive.lap_s

    def target_pose(self, time_s: float) -> Pose:
        """Return where the target is."""
        return self._drive.pose(time_s)

    def target_offset(self, time_s: float) -> Float64Array:
        """Return the way from the camera to the target's middle [3], north, east, down, in px."""
        pose = self.target_pose(time_s)
        depth = CAMERA_HEIGHT_PX - CAR_MIDDLE_PX
        return _LEVEL_FROM_WORLD @ (pose.x - CENTER[0], pose.y - CENTER[1], depth)

    def target_in_camera(self, time_s: float, attitude: Attitude) -> Float64Array:
        """Return the same in the optical frame (x right, y down, z forward)."""
        return OPTICAL_FROM_GIMBAL @ attitude.level_from_gimbal.T @ self.target_offset(time_s)

    def aim(self, time_s: float) -> tuple[float, float]:
        """Return yaw and pitch [rad] with which the camera looks at the target's middle."""
        north, east, down = self.target_offset(time_s).tolist()
        return math.atan2(east, north), math.atan2(-down, math.hypot(north, east))

    def render(self, time_s: float, attitude: Attitude, zoom: float = 1.0) -> SceneFrame:
        """
        Render what a camera sees.

        Rows are exposed one after the other, the middle one at that time.
        """
        view = self._view(attitude, zoom)
        image = np.asarray(
            cv2.warpPerspective(
                self._landscape.image,
                view.image_from_world @ self._world_from_picture,
                self.size_px,
                flags=cv2.INTER_LINEAR,
                borderValue=HAZE_BGR,
            ),
            np.uint8,
        )
        _paint_sky(image, view.down)
        for vehicle, pose in self._traffic.at(time_s):
            self._draw(vehicle, image, view, pose)
        seen = self._draw(self._target, image, view, self.target_pose(time_s))
        gain = 1.0 + 0.1 * math.sin(0.6 * time_s + self._exposure_phase)
        return SceneFrame(
            image=self._sensor.expose(image, round(time_s * 1e6), gain),
            stamp_ns=START_NS + round(time_s * NANOSECONDS_PER_SECOND),
            target=seen.mask,
            visible_fraction=seen.visible_fraction,
        )

    def _draw(self, vehicle: Vehicle, image: UInt8Array, view: _View, pose: Pose) -> Seen:
        opacity = 1.0 - haze_at(math.dist((pose.x, pose.y), CENTER))
        if opacity < _LEAST_OPACITY:
            return Seen()
        cover = self._landscape.cover
        return vehicle.draw(
            image, view.image_from_world, pose, cover, lift=view.lift, opacity=opacity
        )

    def _view(self, attitude: Attitude, zoom: float) -> _View:
        matrix = self._rolling_shutter(attitude, zoom) @ self.calibration(zoom).matrix
        camera_from_world = OPTICAL_FROM_GIMBAL @ attitude.level_from_gimbal.T @ _LEVEL_FROM_WORLD
        image_from_space = matrix @ camera_from_world
        corner = image_from_space @ (-CENTER[0], -CENTER[1], CAMERA_HEIGHT_PX)
        return _View(
            image_from_world=np.column_stack([image_from_space[:, :2], corner]),
            lift=-image_from_space[:, 2],
            down=np.linalg.inv(image_from_space)[2],
        )

    def _rolling_shutter(self, attitude: Attitude, zoom: float) -> Float64Array:
        """Return how rows are shifted that are read before and after the middle one [3, 3]."""
        about_x, about_y = attitude.optical_rates
        height = self.size_px[1]
        per_row = self._READOUT_S / height * self._FOCAL_PX * zoom
        shift_x, shift_y = -about_y * per_row, about_x * per_row
        middle = (height - 1) / 2.0
        return np.array(
            [
                (1.0, shift_x, -shift_x * middle),
                (0.0, 1.0 + shift_y, -shift_y * middle),
                (0.0, 0.0, 1.0),
            ]
        )


def _hall(layout: Layout) -> House:
    """Return the house on this side of the far leg, behind which the target is hidden."""
    (x, y) = layout.place(np.array([_HALL]))[0].tolist()
    return House(x, y, 192.0, 140.0, layout.turn_rad, 150.0, ROOF_COLORS_BGR[2])


def _paint_sky(image: UInt8Array, down: Float64Array) -> None:
    """
    Paint what lies above the horizon, when it is in view.

    :param down: see _View.
    """
    height, width = image.shape[:2]
    corners = np.array([(0, 0, 1), (width, 0, 1), (0, height, 1), (width, height, 1)])
    if (corners @ down).min() > 0.0:
        return
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    below = np.add.outer(y * np.float32(down[1]), x * np.float32(down[0]) + np.float32(down[2]))
    rows, columns = np.nonzero(below <= 0.0)
    # A ray through the middle has a length of about 1: this is the sine of the elevation.
    blue = np.clip(-3.0 * below[rows, columns], 0.0, 1.0)[:, None]
    haze = np.array(HAZE_BGR, np.float32)
    image[rows, columns] = haze + blue * (np.array(_SKY_BGR, np.float32) - haze)
