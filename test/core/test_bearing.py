# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Directions against OpenCV's projection of known directions, and covariances against sampling."""

from dataclasses import replace
import math

import cv2
import numpy as np
import pytest

from sam2_tracker_ros.core.bearing import COEFFICIENTS, CameraCalibration, bearing_of
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
    'rational_polynomial, thin prism': replace(
        PINHOLE,
        distortion_model='rational_polynomial',
        distortion=np.array(
            [0.7, 0.1, 1e-4, -2e-4, 0.004, 1.05, 0.25, 0.02, 1e-3, -5e-4, 8e-4, 2e-4]
        ),
    ),
    'rational_polynomial, tilted sensor': replace(
        PINHOLE,
        distortion_model='rational_polynomial',
        distortion=np.array(
            [0.7, 0.1, 1e-4, -2e-4, 0.004, 1.05, 0.25, 0.02, 1e-3, -5e-4, 8e-4, 2e-4, 0.01, -0.02]
        ),
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
# A thousandth of the angle of a pixel of a 4K camera.
MAX_ERROR_RAD = 1e-6
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


def seen(calibration: CameraCalibration) -> tuple[Float64Array, Float64Array]:
    """Return 1,000 unit rays in view [1000, 3] and their pixels in the full image [1000, 2]."""
    random = np.random.default_rng(4)
    if calibration.distortion_model == 'equidistant':
        # Up to 63 degrees off the axis, to the sides of the image.
        off_axis, around = random.uniform(0.0, [1.1, math.tau], (4000, 2)).T
        rays = np.column_stack(
            [
                np.sin(off_axis) * np.cos(around),
                np.sin(off_axis) * np.sin(around),
                np.cos(off_axis),
            ]
        )
    else:
        slopes = random.uniform([-0.75, -0.6], [0.8, 0.55], (4000, 2))
        rays = np.column_stack([slopes, np.ones(len(slopes))])
    pixels = project(calibration, rays) + 0.5
    in_view = ((pixels > 0.0) & (pixels < SIZE_PX)).all(axis=1)
    assert np.count_nonzero(in_view) > 1000
    rays, pixels = rays[in_view][:1000], pixels[in_view][:1000]
    return rays / np.linalg.norm(rays, axis=1, keepdims=True), pixels


def assert_same_directions(found: Float64Array, rays: Float64Array) -> None:
    """Fail where unit rays [N, 3] are more than MAX_ERROR_RAD apart."""
    sines = np.linalg.norm(np.cross(found, rays), axis=1)
    assert np.arctan2(sines, (found * rays).sum(axis=1)).max() < MAX_ERROR_RAD


def small_box(x: float, y: float) -> Box:
    """Return a box of 8 x 6 pixels."""
    return Box(x - 4.0, y - 3.0, x + 4.0, y + 3.0)


@EVERY
def test_a_thousand_directions_come_back(calibration: CameraCalibration) -> None:
    rays, pixels = seen(calibration)
    assert calibration.problem(SIZE_PX) == ''
    assert_same_directions(calibration.rays(pixels, SIZE_PX), rays)


@EVERY
def test_a_binned_image_shows_the_same_directions(calibration: CameraCalibration) -> None:
    rays, pixels = seen(calibration)
    binned = replace(calibration, binning=(2, 2))
    assert binned.problem((320, 240)) == ''
    assert_same_directions(binned.rays(pixels / 2.0, (320, 240)), rays)


@EVERY
def test_a_resized_image_shows_the_same_directions(calibration: CameraCalibration) -> None:
    rays, pixels = seen(calibration)
    assert calibration.problem((480, 360)) == ''
    assert_same_directions(calibration.rays(pixels * 0.75, (480, 360)), rays)


@EVERY
def test_a_region_of_interest_shows_the_same_directions(calibration: CameraCalibration) -> None:
    rays, pixels = seen(calibration)
    region = replace(calibration, roi=(100, 60, 400, 300))
    assert region.problem((400, 300)) == ''
    assert_same_directions(region.rays(pixels - [100.0, 60.0], (400, 300)), rays)


@EVERY
def test_a_binned_and_resized_region_shows_the_same_directions(
    calibration: CameraCalibration,
) -> None:
    rays, pixels = seen(calibration)
    camera = replace(calibration, roi=(100, 60, 400, 320), binning=(2, 2))
    assert camera.problem((150, 120)) == ''
    inside = (pixels - [100.0, 60.0]) / 2.0 * 0.75
    assert_same_directions(camera.rays(inside, (150, 120)), rays)


@EVERY
def test_bins_need_not_be_square(calibration: CameraCalibration) -> None:
    rays, pixels = seen(calibration)
    binned = replace(calibration, binning=(2, 1))
    assert binned.problem((320, 480)) == ''
    assert 'CameraInfo is for 320 x 480' in binned.problem((320, 240))
    assert_same_directions(binned.rays(pixels / [2.0, 1.0], (320, 480)), rays)


def test_the_principal_point_is_a_pixel_centre() -> None:
    bearing = bearing_of(PINHOLE, small_box(310.5, 250.5), None, SIZE_PX)
    assert bearing is not None
    np.testing.assert_allclose(bearing.ray, [0.0, 0.0, 1.0], atol=1e-12)
    np.testing.assert_allclose(bearing.angles, [0.0, 0.0], atol=1e-12)


def test_pixels_are_those_of_image_geometry() -> None:
    """It counts pixel centres in whole numbers, and moves the principal point with the region."""
    region = replace(PINHOLE, roi=(100, 60, 400, 300))
    (ray,) = region.rays(np.array([[7.5, 9.5]]), (400, 300))
    plane = (7.0 - (310.0 - 100.0)) / 420.0, (9.0 - (250.0 - 60.0)) / 430.0
    assert (ray[0] / ray[2], ray[1] / ray[2]) == pytest.approx(plane)


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
def test_rates_are_those_of_a_direction_that_turns(calibration: CameraCalibration) -> None:
    dt_s = 1e-4
    angles, rates = np.array([0.3, -0.2]), np.array([0.5, -0.35])
    before, after = (
        project(calibration, np.append(np.tan(angles + rates * t), 1.0)) + 0.5
        for t in (-dt_s / 2.0, dt_s / 2.0)
    )
    velocity = ((after - before) / dt_s)[0]
    center = ((after + before) / 2.0)[0]
    motion = Motion((velocity[0], velocity[1]), COVARIANCE)
    bearing = bearing_of(calibration, small_box(*center), motion, SIZE_PX)
    assert bearing is not None
    np.testing.assert_allclose(bearing.angles, angles, atol=1e-6)
    np.testing.assert_allclose(bearing.rates, rates, rtol=1e-4)


@EVERY
def test_angular_size_is_the_angle_between_what_is_seen_at_the_sides(
    calibration: CameraCalibration,
) -> None:
    box = Box(380.0, 120.0, 470.0, 200.0)
    bearing = bearing_of(calibration, box, None, SIZE_PX)
    assert bearing is not None
    sides = [(380.0, 160.0), (470.0, 160.0), (425.0, 120.0), (425.0, 200.0)]
    left, right, top, bottom = (direction_at(calibration, np.array(side)) for side in sides)
    expected = math.acos(left @ right), math.acos(top @ bottom)
    assert bearing.size == pytest.approx(expected, rel=1e-6)


def direction_at(calibration: CameraCalibration, pixel: Float64Array) -> Float64Array:
    """Return the unit ray that OpenCV projects to a pixel, found by Newton's method."""
    slopes: Float64Array = np.zeros(2)
    step = 1e-6
    for _ in range(20):
        tried = slopes + step * np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        at, right, down = project(calibration, np.column_stack([tried, np.ones(3)])) + 0.5
        jacobian = np.column_stack([right - at, down - at]) / step
        slopes = slopes + np.linalg.solve(jacobian, pixel - at)
    return np.append(slopes, 1.0) / math.sqrt(slopes @ slopes + 1.0)


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
        (replace(PINHOLE, matrix=np.ones((3, 3))), 'k of CameraInfo is not'),
        (replace(PINHOLE, matrix=MATRIX * 2.0), 'k of CameraInfo is not'),
        (replace(PINHOLE, distortion_model='magic', distortion=np.ones(5)), "model 'magic'"),
        (replace(PINHOLE, distortion_model='', distortion=np.ones(5)), "model ''"),
        (replace(PINHOLE, distortion=np.full(3, 0.1)), 'plumb_bob with 3 coefficients'),
        (
            replace(PINHOLE, distortion_model='equidistant', distortion=np.full(5, 0.1)),
            'equidistant with 5 coefficients',
        ),
        (
            replace(PINHOLE, distortion_model='rational_polynomial', distortion=np.full(5, 0.1)),
            'rational_polynomial with 5 coefficients',
        ),
        (
            replace(PINHOLE, roi=(300, 0, 400, 480)),
            '400 x 480 at (300, 0) is not within 640 x 480',
        ),
        (replace(PINHOLE, roi=(10, 0, 0, 0)), 'region of interest'),
        (replace(PINHOLE, roi=(0, 0, 100, 0)), 'region of interest'),
        (replace(PINHOLE, binning=(4_000_000_000, 1)), 'binning 4000000000 x 1 leaves nothing'),
        (replace(PINHOLE, roi=(0, 0, 40, 30), binning=(2, 31)), 'binning 2 x 31 leaves nothing'),
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


def test_where_a_polynomial_grows_again_there_is_no_bearing() -> None:
    # r (1 - 0.3 r^2 + 0.02 r^4) grows to 0.73, falls, and passes 0.9 far out of any field of view.
    again = replace(PINHOLE, distortion=np.array([-0.3, 0.02, 0.0, 0.0, 0.0]))
    assert bearing_of(again, small_box(310.5 + 0.6 * 420.0, 250.5), None, SIZE_PX) is not None
    assert bearing_of(again, small_box(310.5 + 0.9 * 420.0, 250.5), None, SIZE_PX) is None


@pytest.mark.parametrize('model', COEFFICIENTS)
def test_only_the_first_of_several_directions_is_one(model: str) -> None:
    """Whatever is fitted, what comes back grows outwards: nothing behind a fold."""
    random = np.random.default_rng(6)
    outwards = np.column_stack([np.linspace(310.5, 310.5 + 900.0, 200), np.full(200, 250.5)])
    for _ in range(50):
        coefficients = random.normal(0.0, 0.5, COEFFICIENTS[model][1])
        if model != 'equidistant':
            coefficients[2:4] = 0.0
        camera = replace(PINHOLE, distortion_model=model, distortion=coefficients)
        rays = camera.rays(outwards, SIZE_PX)
        angles = np.arctan2(rays[:, 0], rays[:, 2])
        found = angles[np.isfinite(angles)]
        assert len(found) > 10
        assert (np.diff(found) > 0.0).all()


@pytest.mark.parametrize('numbers', [(1e308, 1e308), (1.0, 5e-324), (-1e200, 1e200)])
def test_coefficients_of_no_lens_give_no_bearing(numbers: tuple[float, float]) -> None:
    distortion = np.array([numbers[0], 0.0, 0.0, 0.0, numbers[1]])
    camera = replace(PINHOLE, distortion=distortion)
    assert bearing_of(camera, small_box(500.0, 400.0), None, SIZE_PX) is None


def test_whatever_camera_info_holds_nothing_is_raised() -> None:
    random = np.random.default_rng(7)
    numbers = [0.0, 1.0, -1.0, 0.3, 1e3, 1e-300, -1e300, 1e308, math.nan, math.inf]
    whole = [0, 1, 7, 640, 4_294_967_295]
    for _ in range(500):
        model = str(random.choice([*COEFFICIENTS, '', 'magic']))
        camera = CameraCalibration(
            size_px=tuple(random.choice(whole, 2).tolist()),
            distortion_model=model,
            distortion=random.choice(numbers[: random.integers(1, 11)], random.integers(0, 15)),
            matrix=np.where(random.random((3, 3)) < 0.2, random.choice(numbers, (3, 3)), MATRIX),
            roi=tuple((random.choice(whole, 4) * (random.random() < 0.3)).tolist()),
            binning=tuple((random.choice(whole, 2) * (random.random() < 0.3)).tolist()),
        )
        for size_px in (SIZE_PX, camera.size_px):
            if min(size_px) > 0:
                bearing = bearing_of(camera, small_box(100.0, 100.0), None, size_px)
                if bearing is not None:
                    assert np.linalg.norm(bearing.ray) == pytest.approx(1.0)


@pytest.mark.parametrize('size_px', [(768, 432), (480, 640)])
def test_an_image_of_another_shape_is_not_the_calibrated_one(size_px: tuple[int, int]) -> None:
    assert bearing_of(PINHOLE, small_box(100, 100), None, size_px) is None
    problem = PINHOLE.problem(size_px)
    assert f'{size_px[0]} x {size_px[1]}, CameraInfo is for 640 x 480' in problem
    assert PINHOLE.problem((320, 240)) == PINHOLE.problem((319, 240)) == ''
