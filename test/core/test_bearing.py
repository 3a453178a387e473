# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Directions against OpenCV's projection of known directions, and covariances against sampling."""

from dataclasses import replace
import math

import cv2
import numpy as np
import pytest

from sam2_tracker_ros.core.bearing import CameraCalibration, bearing_of
from sam2_tracker_ros.core.types import Box, Float64Array, Motion

SIZE_PX = (640, 480)
MATRIX = np.array([[420.0, 0.0, 310.0], [0.0, 430.0, 250.0], [0.0, 0.0, 1.0]])
PINHOLE = CameraCalibration(SIZE_PX, 'plumb_bob', np.zeros(5), MATRIX)
CALIBRATIONS = {
    'pinhole': PINHOLE,
    'no coefficients': replace(PINHOLE, distortion=np.zeros(0)),
    'no model': replace(PINHOLE, distortion_model='', distortion=np.zeros(0)),
    'plumb_bob': replace(PINHOLE, distortion=np.array([-0.28, 0.09, 1e-3, -7e-4, -0.01])),
    'plumb_bob, 4': replace(PINHOLE, distortion=np.array([-0.2, 0.05, 1e-3, 1e-3])),
    'barrel': replace(PINHOLE, distortion=np.array([-0.35, 0.14, 2e-3, 1e-3, -0.025])),
    'rational_polynomial': replace(
        PINHOLE,
        distortion_model='rational_polynomial',
        distortion=np.array([0.7, 0.1, 1e-4, -2e-4, 0.004, 1.05, 0.25, 0.02]),
    ),
    'equidistant': CameraCalibration(
        SIZE_PX,
        'equidistant',
        np.array([-0.02, 0.006, -0.004, 0.0008]),
        np.array([[290.0, 0.0, 318.0], [0.0, 291.0, 242.0], [0.0, 0.0, 1.0]]),
    ),
    'equidistant, no coefficients': CameraCalibration(
        SIZE_PX,
        'equidistant',
        np.zeros(4),
        np.array([[290.0, 0.0, 318.0], [0.0, 291.0, 242.0], [0.0, 0.0, 1.0]]),
    ),
}
EVERY = pytest.mark.parametrize('calibration', CALIBRATIONS.values(), ids=CALIBRATIONS)


def project(calibration: CameraCalibration, rays: Float64Array) -> Float64Array:
    """Return OpenCV's pixels [N, 2] of rays, pixel centres at whole numbers."""
    points = np.ascontiguousarray(rays.reshape(-1, 1, 3))
    rest = np.zeros(3)
    if calibration.distortion_model == 'equidistant':
        pixels, _ = cv2.fisheye.projectPoints(
            points, rest, rest, calibration.matrix, calibration.distortion
        )
    else:
        pixels, _ = cv2.projectPoints(
            points, rest, rest, calibration.matrix, calibration.distortion
        )
    return np.asarray(pixels, np.float64).reshape(-1, 2)


def seen(calibration: CameraCalibration, count: int = 1000) -> tuple[Float64Array, Float64Array]:
    """Return unit rays in view [count, 3] and their pixels in the full image [count, 2]."""
    random = np.random.default_rng(4)
    slopes = random.uniform([-0.7, -0.55], [0.7, 0.5], (count, 2))
    rays = np.column_stack([slopes, np.ones(count)])
    pixels = project(calibration, rays) + 0.5
    assert (pixels > 0.0).all()
    assert (pixels < SIZE_PX).all()
    return rays / np.linalg.norm(rays, axis=1, keepdims=True), pixels


def small_box(x: float, y: float) -> Box:
    """Return a box of 8 x 6 pixels."""
    return Box(x - 4.0, y - 3.0, x + 4.0, y + 3.0)


@EVERY
def test_a_thousand_directions_come_back(calibration: CameraCalibration) -> None:
    rays, pixels = seen(calibration)
    assert calibration.problem() == ''
    np.testing.assert_allclose(calibration.rays(pixels, SIZE_PX), rays, atol=2e-6)


@EVERY
def test_a_binned_image_is_the_same_direction(calibration: CameraCalibration) -> None:
    rays, pixels = seen(calibration, 100)
    np.testing.assert_allclose(calibration.rays(pixels / 2.0, (320, 240)), rays, atol=2e-6)


@EVERY
def test_a_resized_image_need_not_keep_its_aspect(calibration: CameraCalibration) -> None:
    rays, pixels = seen(calibration, 100)
    resized = pixels * [0.3, 1.7]
    np.testing.assert_allclose(calibration.rays(resized, (192, 816)), rays, atol=2e-6)


@EVERY
@pytest.mark.parametrize('binning', [1, 2])
def test_a_region_of_interest(calibration: CameraCalibration, binning: int) -> None:
    rays, pixels = seen(calibration, 100)
    region = replace(calibration, roi=(100, 60, 400, 300))
    inside = (pixels - [100.0, 60.0]) / binning
    found = region.rays(inside, (400 // binning, 300 // binning))
    np.testing.assert_allclose(found, rays, atol=2e-6)


def test_the_principal_point_is_a_pixel_centre() -> None:
    bearing = bearing_of(PINHOLE, small_box(310.5, 250.5), None, SIZE_PX)
    assert bearing is not None
    np.testing.assert_allclose(bearing.ray, [0.0, 0.0, 1.0], atol=1e-12)
    np.testing.assert_allclose(bearing.angles, [0.0, 0.0], atol=1e-12)


def test_right_and_down_are_positive() -> None:
    bearing = bearing_of(PINHOLE, small_box(310.5 + 420.0 / 2.0, 250.5 + 43.0), None, SIZE_PX)
    assert bearing is not None
    assert bearing.angles == pytest.approx((math.atan(0.5), math.atan(0.1)))
    np.testing.assert_allclose(bearing.ray, np.array([0.5, 0.1, 1.0]) / math.sqrt(1.26))


def test_angular_size_is_the_angle_between_the_sides() -> None:
    box = Box(310.5 - 210.0, 250.5 - 86.0, 310.5 + 210.0, 250.5 + 86.0)
    bearing = bearing_of(PINHOLE, box, None, SIZE_PX)
    assert bearing is not None
    assert bearing.size == pytest.approx((2.0 * math.atan(0.5), 2.0 * math.atan(0.2)))


def test_without_motion_rates_and_covariance_are_unknown() -> None:
    bearing = bearing_of(PINHOLE, small_box(100.0, 100.0), None, SIZE_PX)
    assert bearing is not None
    assert np.isnan(bearing.rates).all()
    assert np.isnan(bearing.covariance).all()
    assert bearing.covariance.shape == (2, 2)


COVARIANCE = np.array([[9.0, 3.0], [3.0, 4.0]])


def test_rates_and_covariance_of_a_pinhole_in_closed_form() -> None:
    slope_x, slope_y = 0.4, -0.3
    box = small_box(310.5 + 420.0 * slope_x, 250.5 + 430.0 * slope_y)
    bearing = bearing_of(PINHOLE, box, Motion((30.0, -20.0), COVARIANCE), SIZE_PX)
    assert bearing is not None
    # d atan(x / f) / dx = (1 / f) / (1 + slope^2)
    jacobian = np.diag([1 / 420.0 / (1 + slope_x**2), 1 / 430.0 / (1 + slope_y**2)])
    np.testing.assert_allclose(bearing.rates, jacobian @ [30.0, -20.0], rtol=1e-5)
    np.testing.assert_allclose(bearing.covariance, jacobian @ COVARIANCE @ jacobian.T, rtol=1e-5)


@EVERY
def test_covariance_against_samples(calibration: CameraCalibration) -> None:
    center = np.array([480.0, 120.0])
    bearing = bearing_of(calibration, small_box(*center), Motion((0, 0), COVARIANCE), SIZE_PX)
    assert bearing is not None
    samples = np.random.default_rng(5).multivariate_normal(center, COVARIANCE, 20_000)
    rays = calibration.rays(samples, SIZE_PX)
    angles = np.arctan2(rays[:, :2], rays[:, 2:])
    scale = np.sqrt(np.diag(bearing.covariance))
    sampled = np.cov(angles.T) / np.outer(scale, scale)
    np.testing.assert_allclose(bearing.covariance / np.outer(scale, scale), sampled, atol=0.04)


@EVERY
def test_rates_are_those_of_the_moved_box(calibration: CameraCalibration) -> None:
    velocity, dt_s = (60.0, -45.0), 1e-3
    before = bearing_of(calibration, small_box(200, 300), Motion(velocity, COVARIANCE), SIZE_PX)
    moved = small_box(200 + velocity[0] * dt_s, 300 + velocity[1] * dt_s)
    after = bearing_of(calibration, moved, None, SIZE_PX)
    assert before is not None
    assert after is not None
    expected = (np.array(after.angles) - np.array(before.angles)) / dt_s
    np.testing.assert_allclose(before.rates, expected, rtol=2e-3)


def test_half_the_resolution_is_the_same_bearing() -> None:
    motion = Motion((30.0, -20.0), COVARIANCE)
    halved = Motion((15.0, -10.0), COVARIANCE / 4.0)
    full = bearing_of(PINHOLE, Box(400, 100, 440, 130), motion, SIZE_PX)
    half = bearing_of(PINHOLE, Box(200, 50, 220, 65), halved, (320, 240))
    assert full is not None
    assert half is not None
    np.testing.assert_allclose(half.angles, full.angles)
    np.testing.assert_allclose(half.size, full.size)
    np.testing.assert_allclose(half.rates, full.rates, rtol=1e-5)
    np.testing.assert_allclose(half.covariance, full.covariance, rtol=1e-5)


@pytest.mark.parametrize(
    ('calibration', 'message'),
    [
        (replace(PINHOLE, matrix=np.zeros((3, 3))), 'no focal length'),
        (replace(PINHOLE, matrix=np.diag([400.0, 0.0, 1.0])), 'no focal length'),
        (replace(PINHOLE, matrix=np.diag([-400.0, 400.0, 1.0])), 'no focal length'),
        (replace(PINHOLE, size_px=(0, 480)), 'no focal length or size'),
        (replace(PINHOLE, matrix=np.full((3, 3), np.nan)), 'not finite'),
        (replace(PINHOLE, distortion=np.array([np.inf, 0, 0, 0, 0])), 'not finite'),
        (replace(PINHOLE, distortion_model='magic', distortion=np.ones(5)), "model 'magic'"),
        (replace(PINHOLE, distortion_model='', distortion=np.ones(5)), "model ''"),
        (replace(PINHOLE, distortion=np.full(3, 0.1)), 'plumb_bob with 3 coefficients'),
        (
            replace(PINHOLE, distortion_model='equidistant', distortion=np.full(5, 0.1)),
            'equidistant with 5 coefficients',
        ),
    ],
)
def test_a_calibration_that_cannot_be_used_says_why(
    calibration: CameraCalibration, message: str
) -> None:
    assert message in calibration.problem()
    assert bearing_of(calibration, small_box(100, 100), None, SIZE_PX) is None


def test_outside_what_a_lens_can_see_there_is_no_bearing() -> None:
    # An equidistant lens with this focal length sees 180 degrees to each side within 912 pixels.
    fisheye = CALIBRATIONS['equidistant, no coefficients']
    inside = bearing_of(fisheye, small_box(600.0, 240.0), None, SIZE_PX)
    assert inside is not None
    assert inside.angles[0] > 0.9
    assert bearing_of(fisheye, small_box(1800.0, 240.0), None, SIZE_PX) is None


def test_beyond_the_fold_of_a_polynomial_there_is_no_bearing() -> None:
    # r (1 - 0.3 r^2) is at most 0.70: no direction is seen 0.9 focal lengths from the centre.
    folding = replace(PINHOLE, distortion=np.array([-0.3, 0.0, 0.0, 0.0, 0.0]))
    assert bearing_of(folding, small_box(310.5 + 0.5 * 420.0, 250.5), None, SIZE_PX) is not None
    assert bearing_of(folding, small_box(310.5 + 0.9 * 420.0, 250.5), None, SIZE_PX) is None


@pytest.mark.parametrize('size_px', [(768, 432), (480, 640)])
def test_an_image_of_another_shape_is_not_the_calibrated_one(size_px: tuple[int, int]) -> None:
    assert bearing_of(PINHOLE, small_box(100, 100), None, size_px) is None
    problem = PINHOLE.problem(size_px)
    assert f'{size_px[0]} x {size_px[1]}, CameraInfo is for 640 x 480' in problem
    assert PINHOLE.problem((320, 240)) == PINHOLE.problem((319, 240)) == ''
