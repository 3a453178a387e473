# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the hovering drone's camera shows is where the geometry says, and hidden when it is."""

import math

import cv2
import numpy as np
import pytest

from sam2_tracker_ros.core.types import Box, Float64Array
from sam2_tracker_ros.testing.aerial_ground import CENTER, EYE
from sam2_tracker_ros.testing.aerial_objects import House
from sam2_tracker_ros.testing.aerial_path import CAMERA_HEIGHT_PX, CAR_MIDDLE_PX
from sam2_tracker_ros.testing.aerial_scene import AerialScene
from sam2_tracker_ros.testing.pan_tilt import Attitude
from sam2_tracker_ros.testing.scenes import SceneFrame
from sam2_tracker_ros.testing.vehicle import LENGTH_PX, WIDTH_PX, Pose, Vehicle


@pytest.fixture(scope='module')
def scene() -> AerialScene:
    return AerialScene(seed=3)


def aimed(scene: AerialScene, time_s: float, **rates: float) -> Attitude:
    yaw, pitch = scene.aim(time_s)
    return Attitude(yaw, pitch, **rates)


def shown(scene: AerialScene, time_s: float) -> SceneFrame:
    return scene.render(time_s, aimed(scene, time_s))


def projected(
    scene: AerialScene, points: Float64Array, attitude: Attitude, zoom: float
) -> Float64Array:
    """Project world points [N, 3] (x, y, height) with OpenCV, from Euler angles of our own."""
    yaw, pitch, roll = (
        cv2.Rodrigues(np.array(axis) * angle)[0]
        for axis, angle in (
            ((0.0, 0.0, 1.0), attitude.yaw),
            ((0.0, 1.0, 0.0), attitude.pitch),
            ((1.0, 0.0, 0.0), attitude.roll),
        )
    )
    optical_from_gimbal = np.array([(0, 1, 0), (0, 0, 1), (1, 0, 0)], np.float64)
    rotation = np.asarray(optical_from_gimbal @ (yaw @ pitch @ roll).T, np.float64)
    level = np.column_stack(
        [
            -(points[:, 1] - CENTER[1]),  # the world's y is south
            points[:, 0] - CENTER[0],
            CAMERA_HEIGHT_PX - points[:, 2],
        ]
    )
    matrix = scene.calibration(zoom).matrix
    found, _ = cv2.projectPoints(level, cv2.Rodrigues(rotation)[0], np.zeros(3), matrix, None)
    return np.asarray(found[:, 0], np.float64)


def corners_of(pose: Pose, height: float) -> Float64Array:
    cos, sin = math.cos(pose.heading_rad), math.sin(pose.heading_rad)
    offsets = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (LENGTH_PX / 2, WIDTH_PX / 2)
    turned = offsets @ np.array([(cos, sin), (-sin, cos)])
    return np.column_stack([turned + np.array((pose.x, pose.y)), np.full(4, height)])


@pytest.mark.parametrize('zoom', [1.0, 2.5])
@pytest.mark.parametrize('time_s', [0.0, 10.0, 15.0])
def test_the_target_is_where_opencv_projects_it(
    scene: AerialScene, time_s: float, zoom: float
) -> None:
    yaw, pitch = scene.aim(time_s)
    attitude = Attitude(yaw + 0.08, pitch - 0.04, roll=0.06)
    pose = scene.target_pose(time_s)
    x, y, z = scene.target_in_camera(time_s, attitude).tolist()
    matrix = scene.calibration(zoom).matrix
    expected = projected(scene, np.array([(pose.x, pose.y, CAR_MIDDLE_PX)]), attitude, zoom)[0]
    assert (matrix @ (x, y, z))[:2] / z == pytest.approx(expected, abs=1e-6)
    box = scene.render(time_s, attitude, zoom).box
    assert isinstance(box, Box)
    outline = np.vstack([corners_of(pose, 4.0), corners_of(pose, 22.0)])
    pixels = projected(scene, outline, attitude, zoom)
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    # Corners of cars are round and mirrors stand out.
    assert (box.left, box.top) == pytest.approx(low, abs=0.11 * box.width)
    assert (box.right, box.bottom) == pytest.approx(high, abs=0.11 * box.width)


def test_it_looks_at_the_target_when_aimed(scene: AerialScene) -> None:
    for time_s in (1.0, 12.0, 31.0):
        x, y, z = scene.target_in_camera(time_s, aimed(scene, time_s))
        assert (x / z, y / z) == pytest.approx((0.0, 0.0), abs=1e-9)


def test_the_target_is_hidden_for_about_a_second_in_every_lap(scene: AerialScene) -> None:
    for lap in range(2):
        times_s = 4.8 + lap * scene.lap_s + np.arange(0.0, 3.4, 1.0 / 15.0)
        fractions = np.array(
            [shown(scene, time_s).visible_fraction for time_s in times_s.tolist()]
        )
        hidden_s = times_s[fractions == 0.0]
        assert 0.8 <= np.ptp(hidden_s) + 1.0 / 15.0 <= 1.3
        assert np.diff(hidden_s).max() < 0.1, 'once, not several times'
        assert fractions[0] > 0.95
        assert fractions[-1] > 0.95
        first, last = (scene.target_offset(float(time_s)) for time_s in hidden_s[[0, -1]])
        between = math.acos(first @ last / np.linalg.norm(first) / np.linalg.norm(last))
        assert math.degrees(between) / np.ptp(hidden_s) < 15.0


def test_elsewhere_it_is_seen(scene: AerialScene) -> None:
    for time_s in (0.0, 3.0, 8.0, 11.0, 14.0, 17.0, 19.0):
        assert shown(scene, time_s).visible_fraction > 0.97


def test_it_has_the_promised_size(scene: AerialScene) -> None:
    for time_s in np.arange(0.5, 19.0, 1.3).tolist():
        frame = shown(scene, time_s)
        if frame.visible_fraction > 0.99 and frame.box is not None:
            assert 60.0 <= max(frame.box.width, frame.box.height) <= 200.0


def test_a_red_look_alike_is_near_when_it_is_hidden(scene: AerialScene) -> None:
    image = shown(scene, 6.0).image.astype(np.float64)
    red = image[..., 2] > 1.9 * np.maximum(image[..., 0], image[..., 1])
    assert np.count_nonzero(red) > 2000


def test_same_seed_same_pixels_in_any_order(scene: AerialScene) -> None:
    other = AerialScene(seed=3)
    other.render(2.0, aimed(other, 2.0))
    first, second = shown(scene, 9.0), shown(other, 9.0)
    assert first.image.tobytes() == second.image.tobytes()
    assert first.box == second.box
    assert shown(scene, 9.0 + 1 / 30).image.tobytes() != first.image.tobytes()


def test_another_seed_is_another_landscape(scene: AerialScene) -> None:
    other = shown(AerialScene(seed=4), 1.0).image.astype(int)
    assert np.abs(other - shown(scene, 1.0).image.astype(int)).mean() > 10.0


@pytest.mark.parametrize('pitch', [0.17, -0.2, -1.4])
@pytest.mark.parametrize('yaw', [0.0, 2.0, 4.0])
def test_wherever_it_looks_nothing_is_black(scene: AerialScene, yaw: float, pitch: float) -> None:
    image = scene.render(1.0, Attitude(yaw, pitch, 0.05)).image
    assert np.percentile(image.max(axis=2), 1.0) > 25


def test_the_rolling_shutter_shears_what_is_above_and_below(scene: AerialScene) -> None:
    """The target at the top is exposed first: turned to the right, it is still farther right."""
    yaw, pitch = scene.aim(1.0)
    at_rest = scene.render(1.0, Attitude(yaw, pitch - 0.25)).box
    turning = scene.render(1.0, Attitude(yaw, pitch - 0.25, yaw_rate=1.0)).box
    assert at_rest is not None
    assert turning is not None
    rows = 359.5 - at_rest.center[1]
    shift = 1050.0 * math.cos(pitch - 0.25) * 0.015 * rows / 720.0
    assert turning.center[0] - at_rest.center[0] == pytest.approx(shift, abs=1.0)


def test_a_house_hides_what_lies_behind_it() -> None:
    house = House(CENTER[0] + 500.0, CENTER[1] - 300.0, 200.0, 120.0, 0.4, 90.0, (60, 60, 140))
    outline = house.silhouette(EYE)
    middle = np.array([house.x, house.y])
    away = (middle - CENTER) / np.linalg.norm(middle - CENTER)
    for distance, is_hidden in ((0.0, True), (150.0, True), (400.0, False), (-150.0, False)):
        point = middle + distance * away
        inside = cv2.pointPolygonTest(outline.astype(np.float32), point.tolist(), False)
        assert (inside > 0) is is_hidden


def test_a_car_in_perspective_is_the_car_of_an_affine_view() -> None:
    vehicle, pose = Vehicle((44, 40, 176)), Pose(150.0, 100.0, 0.5)
    affine = np.array([(0.9, -0.2, 40.0), (0.2, 0.9, 10.0), (0.0, 0.0, 1.0)])
    perspective = affine.copy()
    perspective[2, 0] = 1e-12
    images = [np.full((240, 320, 3), 120, np.uint8) for _ in range(2)]
    cover = np.zeros((200, 300), np.uint8)
    for image, matrix in zip(images, (affine, perspective), strict=True):
        assert vehicle.draw(image, matrix, pose, cover).visible_fraction > 0.99
    # Both warps round to parts of a pixel, each in its own way.
    difference = np.abs(images[0].astype(int) - images[1])
    assert difference.mean() < 0.3
