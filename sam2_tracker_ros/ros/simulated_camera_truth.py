# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is true of the target, as a Target."""

import math

import numpy as np

from sam2_tracker_ros.core.bearing import CameraCalibration
from sam2_tracker_ros.core.geometry import touched_edges
from sam2_tracker_ros.core.types import (
    Edge,
    Float64Array,
    Reason,
    Scores,
    TargetResult,
    TargetState,
)
from sam2_tracker_ros.messages import target_message
from sam2_tracker_ros.messages.classes import Message, MessageClasses
from sam2_tracker_ros.testing.scenes import SceneFrame

_TARGET_ID = 'car'


def truth_message(
    classes: MessageClasses,
    frame: SceneFrame,
    middle: Float64Array,
    calibration: CameraCalibration,
    header: Message,
) -> Message:
    """
    Return the box of what is visible, and the direction of the middle wherever that is.

    :param middle: of the target, in the optical frame [3]; the unit does not matter.
    :return: TRACKING while a pixel is visible, else LOST; confidence is the visible part. Place
        and error are NaN while the middle is behind the camera, angles never are.
    """
    is_visible = frame.target is not None
    result = TargetResult(
        target_id=_TARGET_ID,
        epoch=0,
        state=TargetState.TRACKING if is_visible else TargetState.LOST,
        reason=Reason.NONE,
        measured=is_visible,
        box=frame.box,
        scores=Scores(confidence=frame.visible_fraction),
        motion=None,
        mask=frame.target,
        edges=Edge.NONE if frame.box is None else touched_edges(frame.box, calibration.size_px),
        time_since_measured_s=0.0,
        frames_since_measured=0,
    )
    message = target_message(classes, result, calibration.size_px, header)
    x, y, z = (middle / np.linalg.norm(middle)).tolist()
    message.bearing_valid = True
    message.bearing = classes.vector3(x=x, y=y, z=z)
    message.angle_x, message.angle_y = math.atan2(x, z), math.atan2(y, z)
    width, height = calibration.size_px
    place = math.nan, math.nan
    if z > 0.0:
        u, v, w = (calibration.matrix @ (x, y, z)).tolist()
        place = u / w + 0.5, v / w + 0.5  # CameraInfo counts from the middle of the first pixel
    message.center_x, message.center_y = place
    message.error_x, message.error_y = 2.0 * place[0] / width - 1.0, 2.0 * place[1] / height - 1.0
    return message
