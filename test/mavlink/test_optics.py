# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Resolution and field of view from a calibration."""

import math
from typing import Any

import numpy as np
import pytest

from sam2_tracker_ros.core.bearing import CameraCalibration
from sam2_tracker_ros.mavlink.optics import optics_of


def calibration(**fields: Any) -> CameraCalibration:
    given: dict[str, Any] = {
        'size_px': (640, 480),
        'distortion_model': 'plumb_bob',
        'distortion': np.zeros(5),
        'matrix': np.array([[500.0, 0.0, 319.5], [0.0, 400.0, 239.5], [0.0, 0.0, 1.0]]),
        **fields,
    }
    return CameraCalibration(**given)


def test_pinhole() -> None:
    optics = optics_of(calibration())
    assert optics is not None
    assert optics.size_px == (640, 480)
    expected = [2 * math.degrees(math.atan(ratio)) for ratio in (320 / 500, 240 / 400)]
    assert optics.field_of_view_deg == pytest.approx(expected)


def test_principal_point_beside_the_middle() -> None:
    matrix = np.array([[500.0, 0.0, 99.5], [0.0, 400.0, 239.5], [0.0, 0.0, 1.0]])
    optics = optics_of(calibration(matrix=matrix))
    assert optics is not None
    expected = math.degrees(math.atan(100 / 500) + math.atan(540 / 500))
    assert optics.field_of_view_deg[0] == pytest.approx(expected)


def test_region_and_binning() -> None:
    optics = optics_of(calibration(roi=(160, 120, 320, 240), binning=(2, 2)))
    assert optics is not None
    assert optics.size_px == (160, 120)
    assert optics.field_of_view_deg[0] == pytest.approx(2 * math.degrees(math.atan(160 / 500)))


def test_calibration_that_gives_no_angles() -> None:
    optics = optics_of(calibration(matrix=np.zeros((3, 3))))
    assert optics is not None
    assert optics.size_px == (640, 480)
    assert all(math.isnan(angle) for angle in optics.field_of_view_deg)


@pytest.mark.parametrize('size_px', [(0, 0), (70_000, 480)])
def test_size_that_cannot_be(size_px: tuple[int, int]) -> None:
    assert optics_of(calibration(size_px=size_px)) is None
