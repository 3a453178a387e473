# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
From pixels to directions in the camera optical frame (REP-103: x right, y down, z forward).

Calibrations follow sensor_msgs/CameraInfo: the matrix is for the full, unbinned sensor; binning
and region of interest map it to the image (REP-104), and an image that the driver resized is
scaled to the calibrated size.
"""

from dataclasses import dataclass
from functools import cached_property
import math

import cv2
import numpy as np

from sam2_tracker_ros.core.types import Box, Float64Array, Motion

# Step of the numerical derivative of angle by pixel.
_STEP_PX = 0.5
# Binning and resizing change both sides alike, but for rounding.
_MAX_ASPECT_RATIO = 1.02
# Undoing distortion stops there; OpenCV's default of 5 rounds is off by half a milliradian.
_UNDISTORT_CRITERIA = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-10)
# A direction that does not lead back to its pixel this closely is none.
_MAX_PROJECTION_ERROR_PX = 1e-4

# Numbers of distortion coefficients by model. Calibration tools write 8 of the rational one;
# OpenCV's 12 and 14 are those, a thin prism and a tilted sensor.
COEFFICIENTS: dict[str, tuple[int, ...]] = {
    'plumb_bob': (0, 4, 5),
    'rational_polynomial': (0, 8, 12, 14),
    'equidistant': (0, 4),
}


@dataclass(frozen=True)
class CameraCalibration:
    """
    Intrinsics of a camera as CameraInfo gives them.

    :param size_px: width and height of the calibrated, full image.
    :param distortion_model: a key of COEFFICIENTS.
    :param distortion: coefficients in the order of OpenCV.
    :param matrix: [3, 3] of the full image in pixels.
    :param roi: left, top, width, height of the region in full pixels; zeros for the whole image.
    :param binning: pixels of the sensor that make one, across and down; 0 means 1. It says which
        shape an image may have; how far an image is scaled is the ratio of the region to it.
    """

    size_px: tuple[int, int]
    distortion_model: str
    distortion: Float64Array
    matrix: Float64Array
    roi: tuple[int, int, int, int] = (0, 0, 0, 0)
    binning: tuple[int, int] = (0, 0)

    def problem(self, image_size_px: tuple[int, int] | None = None) -> str:
        """
        Return why directions cannot be computed, or an empty text.

        :param image_size_px: width and height of the image, when one is known.
        """
        return (
            self._matrix_problem()
            or self._distortion_problem()
            or self._region_problem()
            or (self._size_problem(image_size_px) if image_size_px else '')
        )

    def _matrix_problem(self) -> str:
        (fx, _, cx), (_, fy, cy), _ = self.matrix.tolist()
        if not (np.isfinite(self.matrix).all() and np.isfinite(self.distortion).all()):
            return 'CameraInfo holds numbers that are not finite; calibrate the camera'
        if fx <= 0.0 or fy <= 0.0 or min(self.size_px) <= 0:
            return 'CameraInfo has no focal length or size; calibrate the camera'
        if (self.matrix != [[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]]).any():
            return 'k of CameraInfo is not [fx 0 cx, 0 fy cy, 0 0 1]; calibrate the camera'
        return ''

    def _distortion_problem(self) -> str:
        counts = COEFFICIENTS.get(self.distortion_model)
        if counts is None and self.distortion.any():
            names = ', '.join(COEFFICIENTS)
            return f'unknown distortion model {self.distortion_model!r}; expected one of {names}'
        if counts is not None and len(self.distortion) not in counts:
            return (
                f'{self.distortion_model} with {len(self.distortion)} coefficients; '
                f'expected one of {counts}'
            )
        return ''

    def _region_problem(self) -> str:
        """Refuse a region that leaves the sensor, and bins that are larger than the region."""
        left, top, width, height = self.roi
        region = self._region_px()
        is_inside = left + region[0] <= self.size_px[0] and top + region[1] <= self.size_px[1]
        if not is_inside or min(self.roi) < 0 or bool(width) != bool(height):
            return (
                f'the region of interest {width} x {height} at ({left}, {top}) is not within '
                f'{self.size_px[0]} x {self.size_px[1]}; correct the CameraInfo'
            )
        if self.binning[0] > region[0] or self.binning[1] > region[1]:
            return (
                f'binning {self.binning[0]} x {self.binning[1]} leaves nothing of '
                f'{region[0]} x {region[1]}; correct the CameraInfo'
            )
        return ''

    def _size_problem(self, image_size_px: tuple[int, int]) -> str:
        """Refuse an image that cannot be the calibrated one, binned or resized."""
        width, height = self._region_px()
        width, height = width // (self.binning[0] or 1), height // (self.binning[1] or 1)
        ratio = (image_size_px[0] / width) / (image_size_px[1] / height)
        if 1.0 / _MAX_ASPECT_RATIO < ratio < _MAX_ASPECT_RATIO:
            return ''
        return (
            f'the image is {image_size_px[0]} x {image_size_px[1]}, CameraInfo is for '
            f'{width} x {height}; publish the CameraInfo of this image'
        )

    def _region_px(self) -> tuple[int, int]:
        """Return width and height of what the image shows, in pixels of the full image."""
        _, _, width, height = self.roi
        return (width, height) if width and height else self.size_px

    @cached_property
    def _edge(self) -> float:
        """
        Return how far from the optical axis the distortion still grows, infinity for always.

        Beyond, a polynomial that was fitted to the image folds back and shows a pixel a second
        time. In radians for equidistant, otherwise on the plane at distance 1.
        """
        k = np.zeros(14)
        k[: len(self.distortion)] = self.distortion
        if self.distortion_model == 'equidistant':
            top, bottom = np.array([1.0, *k[:4]]), np.ones(1)
        else:
            top, bottom = np.array([1.0, k[0], k[1], k[4]]), np.array([1.0, k[5], k[6], k[7]])
        # Of r top(r^2) / bottom(r^2), where it stops to grow or has a pole; x d/dx of the
        # coefficient c_n is n c_n.
        above, below = np.arange(len(top)), np.arange(len(bottom))
        try:
            with np.errstate(over='ignore', invalid='ignore'):
                slope = np.convolve((1 + 2 * above) * top, bottom)
                slope -= 2 * np.convolve(top, below * bottom)
                roots = np.concatenate([np.roots(slope[::-1]), np.roots(bottom[::-1])])
        except np.linalg.LinAlgError:  # coefficients of no lens, too large to calculate with
            return 0.0
        ends = roots.real[np.isreal(roots) & (roots.real > 0.0)]
        return math.sqrt(ends.min()) if len(ends) else math.inf

    def rays(self, points_px: Float64Array, image_size_px: tuple[int, int]) -> Float64Array:
        """
        Return unit vectors [N, 3] in the optical frame through points of the image.

        :param points_px: [N, 2], pixels of the image; the outer corner of the top left pixel is
            (0, 0), so a pixel's centre, CameraInfo's integer coordinate, is at + 0.5. A binned
            pixel is the middle of its bin; image_geometry takes the centre of its first pixel.
        :param image_size_px: width and height of the image the points are in.
        :return: NaN for points that the lens shows no direction in front of the camera at.
        """
        left, top, _, _ = self.roi
        width, height = self._region_px()
        scale = np.array([width / image_size_px[0], height / image_size_px[1]])
        full = points_px * scale + np.array([left, top]) - 0.5
        if self.distortion_model != 'equidistant' and not self.distortion.any():
            plane = (full - self.matrix[:2, 2]) / self.matrix.diagonal()[:2]
            return _unit(np.column_stack([plane, np.ones(len(plane))]))
        pixels = np.ascontiguousarray(full, np.float64).reshape(-1, 1, 2)
        coefficients = self.distortion if self.distortion.any() else np.zeros(4)
        at_rest = np.zeros(3)
        if self.distortion_model == 'equidistant':
            plane = cv2.fisheye.undistortPoints(pixels, self.matrix, coefficients)
            rays = cv2.convertPointsToHomogeneous(plane)
            back, _ = cv2.fisheye.projectPoints(rays, at_rest, at_rest, self.matrix, coefficients)
        else:
            plane = cv2.undistortPointsIter(
                pixels, self.matrix, coefficients, np.eye(3), np.eye(3), _UNDISTORT_CRITERIA
            )
            rays = cv2.convertPointsToHomogeneous(plane)
            back, _ = cv2.projectPoints(rays, at_rest, at_rest, self.matrix, coefficients)
        seen = np.asarray(rays, np.float64)[:, 0]
        off_axis = np.hypot(seen[:, 0], seen[:, 1])
        if self.distortion_model == 'equidistant':
            off_axis = np.arctan(off_axis)
        is_seen = np.abs(back - pixels).max(axis=(1, 2)) < _MAX_PROJECTION_ERROR_PX
        is_seen &= off_axis < self._edge
        return np.where(is_seen[:, None], _unit(seen), math.nan)


@dataclass(frozen=True)
class Bearing:
    """
    Direction of a box centre; angles in radians, + right and + down, rates in radians per second.

    :param ray: unit vector [3].
    :param size: angles between the sides of the box; NaN where a side is out of view.
    :param covariance: [2, 2] of the angles in square radians; NaN when unknown.
    """

    ray: Float64Array
    angles: tuple[float, float]
    rates: tuple[float, float]
    size: tuple[float, float]
    covariance: Float64Array


def bearing_of(
    calibration: CameraCalibration,
    box: Box,
    motion: Motion | None,
    image_size_px: tuple[int, int],
) -> Bearing | None:
    """
    Return the direction of the box, or None when the calibration cannot give one.

    :param motion: of the box centre; rates and covariance are NaN without it.
    """
    if calibration.problem(image_size_px):
        return None
    x, y = box.center
    samples = np.array(
        [
            (x, y),
            (x - _STEP_PX, y),
            (x + _STEP_PX, y),
            (x, y - _STEP_PX),
            (x, y + _STEP_PX),
            (box.left, y),
            (box.right, y),
            (x, box.top),
            (x, box.bottom),
        ]
    )
    rays = calibration.rays(samples, image_size_px)
    if not np.isfinite(rays[:5]).all():
        return None
    angles = np.column_stack(
        [np.arctan2(rays[:, 0], rays[:, 2]), np.arctan2(rays[:, 1], rays[:, 2])]
    )
    jacobian = np.column_stack([angles[2] - angles[1], angles[4] - angles[3]]) / (2 * _STEP_PX)
    rates: Float64Array = np.full(2, math.nan)
    covariance: Float64Array = np.full((2, 2), math.nan)
    if motion is not None:
        rates = jacobian @ np.array(motion.velocity)
        covariance = np.asarray(jacobian @ motion.center_covariance @ jacobian.T)
    return Bearing(
        ray=rays[0],
        angles=(float(angles[0, 0]), float(angles[0, 1])),
        rates=(float(rates[0]), float(rates[1])),
        size=(_angle_between(rays[5], rays[6]), _angle_between(rays[7], rays[8])),
        covariance=covariance,
    )


def _unit(vectors: Float64Array) -> Float64Array:
    """Return vectors [N, 3] at length 1; NaN for those too long to be measured."""
    with np.errstate(over='ignore', invalid='ignore'):
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.where(np.isfinite(lengths), vectors / lengths, math.nan)


def _angle_between(first: Float64Array, second: Float64Array) -> float:
    (a, b, c), (d, e, f) = first.tolist(), second.tolist()
    cross = math.hypot(b * f - c * e, c * d - a * f, a * e - b * d)
    return math.atan2(cross, a * d + b * e + c * f)
