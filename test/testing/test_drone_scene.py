# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The truth that the drone scene tells is what its images show."""

import math

import numpy as np
import pytest

from sam2_tracker_ros.core.types import BoolArray, Float64Array
from sam2_tracker_ros.testing.drone_scene import DroneScene
from sam2_tracker_ros.testing.scenes import SceneFrame


@pytest.fixture(scope='module')
def scene() -> DroneScene:
    return DroneScene(seed=3, duration_s=8.0)


@pytest.fixture(scope='module')
def frames(scene: DroneScene) -> list[SceneFrame]:
    return [scene.frame(index) for index in range(0, scene.frame_count, 6)]


def reddish(frame: SceneFrame) -> BoolArray:
    """Return pixels as red as the car's paint: found by colour, not by the scene's geometry."""
    image: Float64Array = frame.image.astype(np.float64)
    mask: BoolArray = image[..., 2] > 1.9 * np.maximum(image[..., 0], image[..., 1])
    return mask


def test_a_frame_is_the_same_from_another_scene_and_in_another_order(scene: DroneScene) -> None:
    other = DroneScene(seed=3, duration_s=8.0)
    other.frame(100)
    first, second = scene.frame(17), other.frame(17)
    assert first.image.tobytes() == second.image.tobytes()
    assert first.box == second.box
    assert np.array_equal(first.mask, second.mask)


def test_another_seed_gives_another_landscape(scene: DroneScene) -> None:
    other = DroneScene(seed=4, duration_s=8.0).frame(0).image.astype(int)
    assert np.abs(other - scene.frame(0).image.astype(int)).mean() > 10.0


def test_the_box_is_tight_around_the_mask(frames: list[SceneFrame]) -> None:
    for frame in frames:
        rows, columns = np.nonzero(frame.mask)
        if frame.box is None:
            assert not len(rows)
            assert frame.visible_fraction == 0.0
            continue
        assert (frame.box.left, frame.box.right) == (columns.min(), columns.max() + 1)
        assert (frame.box.top, frame.box.bottom) == (rows.min(), rows.max() + 1)
        assert 0.0 < frame.visible_fraction <= 1.0


def test_the_mask_is_where_the_red_car_is(frames: list[SceneFrame]) -> None:
    seen = [frame for frame in frames if frame.visible_fraction > 0.9]
    assert len(seen) > 20
    for frame in seen:
        red = reddish(frame)
        assert np.count_nonzero(red & frame.mask) > 0.4 * np.count_nonzero(frame.mask)


def test_a_look_alike_of_the_same_colour_is_outside_the_mask(frames: list[SceneFrame]) -> None:
    """Beside the mask there are nearly as many red pixels as in it."""
    beside = [
        np.count_nonzero(reddish(frame) & ~frame.mask) / np.count_nonzero(reddish(frame))
        for frame in frames
        if frame.visible_fraction > 0.9
    ]
    assert np.median(beside) > 0.35


def test_the_target_has_the_size_that_the_scene_promises(frames: list[SceneFrame]) -> None:
    for frame in frames:
        if frame.visible_fraction > 0.99 and frame.box is not None:
            assert 80.0 <= max(frame.box.width, frame.box.height) <= 140.0


def test_the_bridge_hides_the_target_for_one_to_one_and_a_half_seconds(
    scene: DroneScene,
) -> None:
    fractions = [scene.frame(index).visible_fraction for index in range(70, 170)]
    hidden = [index for index, fraction in enumerate(fractions) if fraction == 0.0]
    assert hidden == list(range(hidden[0], hidden[-1] + 1))
    assert 1.0 <= len(hidden) / scene.rate_hz <= 1.5
    assert fractions[0] > 0.95
    assert fractions[-1] > 0.95


def test_the_fraction_falls_steadily_under_the_bridge(scene: DroneScene) -> None:
    fractions = [scene.frame(index).visible_fraction for index in range(85, 110)]
    going = [fraction for fraction in fractions if 0.0 < fraction < 0.95]
    assert len(going) > 10
    assert all(np.diff(going) < 0.0)


def test_the_camera_moves_and_the_sensor_is_noisy(scene: DroneScene) -> None:
    boxes = [scene.frame(index).box for index in range(0, 60, 20)]
    centers = [box.center for box in boxes if box is not None]
    assert math.dist(centers[0], centers[-1]) > 5.0
    dark = scene.frame(0).image.astype(float)
    assert np.abs(np.diff(dark, axis=1)).mean() > 2.0


def test_stamps_advance_by_the_rate(scene: DroneScene) -> None:
    stamps = [scene.frame(index).stamp_ns for index in (0, 1, 30)]
    assert stamps[1] - stamps[0] == 33_333_333
    assert stamps[2] - stamps[0] == 1_000_000_000


def test_the_calibration_fits_the_image(scene: DroneScene) -> None:
    calibration = scene.calibration
    assert calibration.size_px == scene.size_px == (1280, 720)
    middle = calibration.rays(np.array([[640.0, 360.0]]), scene.size_px)
    assert middle[0] == pytest.approx((0.0, 0.0, 1.0), abs=1e-9)
