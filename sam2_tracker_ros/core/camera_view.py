# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How a camera looked when it took an image, and what its turning does to places in the image."""

from dataclasses import dataclass

import numpy as np

from sam2_tracker_ros.core.bearing import CameraCalibration
from sam2_tracker_ros.core.types import Float64Array

# Step of the numerical derivative of direction by pixel.
_STEP_PX = 0.5
# What turns further out of the view than this cosine is kept there: it is far outside anyway.
_LEAST_FORWARD = 0.1


@dataclass(frozen=True)
class CameraView:
    """
    How a camera looked.

    :param calibration: of the image; its `problem` is empty.
    :param orientation: rotation [3, 3] from the optical frame (x right, y down, z forward) into a
        frame that does not turn with the camera.
    """

    calibration: CameraCalibration
    orientation: Float64Array

    def moved(
        self, point_px: tuple[float, float], before: 'CameraView', size_px: tuple[int, int]
    ) -> tuple[float, float]:
        """
        Return where in this image is what was far away at a point of an earlier one.

        Turning and zooming are undone exactly for a lens without distortion, to first order for
        others. What the camera's own way through space does is not known here.

        :param size_px: width and height of both images.
        """
        point = np.array([point_px])
        (ray,) = before.calibration.rays(point, size_px)
        x, y, z = self.orientation.T @ before.orientation @ ray
        steps = np.array([(0.0, 0.0), (_STEP_PX, 0.0), (0.0, _STEP_PX)])
        rays = self.calibration.rays(point + steps, size_px)
        plane = rays[:, :2] / rays[:, 2:]
        scale = ((plane[1:] - plane[0]) / _STEP_PX).T
        offset = np.array([x, y]) / max(float(z), _LEAST_FORWARD) - plane[0]
        try:
            shift = np.linalg.solve(scale, offset)
        except np.linalg.LinAlgError:  # a calibration so far off that half a pixel is nothing
            return point_px
        if not np.isfinite(shift).all():
            return point_px
        return point_px[0] + float(shift[0]), point_px[1] + float(shift[1])
