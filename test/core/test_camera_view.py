# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the camera's turning does to places in the image, and to what is expected of a target."""

from dataclasses import replace
import math
from typing import Any

from core.film import RED, RecordingModel, box_at, drawn, settings
import cv2
import numpy as np
import pytest

from sam2_tracker_ros.core.bearing import CameraCalibration
from sam2_tracker_ros.core.camera_view import CameraView
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import Float64Array, Frame, Prompt, StepResult, TargetState
from sam2_tracker_ros.testing.scenes import pinhole

SIZE = (640, 480)
CAMERA = pinhole(SIZE, 500.0)


def turned(x: float, y: float, z: float = 0.0) -> Float64Array:
    """Return a rotation about the axes of the optical frame, in degrees."""
    rotation, _ = cv2.Rodrigues(np.radians([x, y, z]))
    return np.asarray(rotation, np.float64)


def projected(calibration: CameraCalibration, rays: Float64Array) -> Float64Array:
    """Return where OpenCV sees directions; its pixel centres are whole numbers."""
    points, _ = cv2.projectPoints(
        rays.reshape(-1, 1, 3),
        np.zeros(3),
        np.zeros(3),
        calibration.matrix,
        calibration.distortion,
    )
    return np.asarray(points[:, 0] + 0.5, np.float64)


@pytest.mark.parametrize('turn', [(0, 8, 0), (-6, 0, 0), (4, -9, 0), (3, 5, 20)])
def test_far_points_move_as_opencv_projects_them(turn: tuple[float, float, float]) -> None:
    before, view = CameraView(CAMERA, turned(2, 1, 3)), CameraView(CAMERA, turned(*turn))
    rng = np.random.default_rng(1)
    for _ in range(50):
        ray = np.append(rng.uniform(-0.4, 0.4, 2), 1.0)
        (point,) = projected(CAMERA, ray)
        level = before.orientation @ ray
        (expected,) = projected(CAMERA, view.orientation.T @ level)
        assert view.moved(tuple(point), before, SIZE) == pytest.approx(tuple(expected), abs=1e-6)


def test_a_zoom_moves_points_away_from_the_middle() -> None:
    before = CameraView(CAMERA, np.eye(3))
    zoomed = CameraView(pinhole(SIZE, 1000.0), np.eye(3))
    assert zoomed.moved((420.0, 240.0), before, SIZE) == pytest.approx((520.0, 240.0))
    assert zoomed.moved((320.0, 240.0), before, SIZE) == pytest.approx((320.0, 240.0))


def test_a_distorted_lens_is_followed_to_first_order() -> None:
    lens = replace(CAMERA, distortion=np.array([-0.25, 0.07, 0.001, -0.001, 0.0]))
    before, view = CameraView(lens, np.eye(3)), CameraView(lens, turned(1, 2))
    (point,) = projected(lens, np.array([0.3, -0.2, 1.0]))
    (expected,) = projected(lens, view.orientation.T @ np.array([0.3, -0.2, 1.0]))
    assert view.moved(tuple(point), before, SIZE) == pytest.approx(tuple(expected), abs=0.5)


def test_what_turns_behind_the_camera_is_far_outside() -> None:
    before, view = CameraView(CAMERA, np.eye(3)), CameraView(CAMERA, turned(0, 120))
    x, y = view.moved((320.0, 240.0), before, SIZE)
    assert math.isfinite(x)
    assert math.isfinite(y)
    assert x < -SIZE[0]


def test_where_a_lens_shows_nothing_the_point_stays() -> None:
    """Beyond the edge of a distortion that folds back, there is no direction."""
    lens = replace(CAMERA, distortion=np.array([-0.6, 0.0, 0.0, 0.0, 0.0]))
    before, view = CameraView(CAMERA, np.eye(3)), CameraView(lens, turned(0, 5))
    assert view.moved((1.0, 1.0), before, SIZE) == (1.0, 1.0)


@pytest.mark.parametrize('center', [1e17, 1e300])
def test_a_calibration_that_means_no_camera_moves_nothing(center: float) -> None:
    """Half a pixel beside such a principal point is nothing: the step must not fail on it."""
    matrix = np.array([[500.0, 0.0, center], [0.0, 500.0, 240.0], [0.0, 0.0, 1.0]])
    view = CameraView(replace(CAMERA, matrix=matrix), np.eye(3))
    before = CameraView(CAMERA, np.eye(3))
    assert view.calibration.problem(SIZE) == ''
    assert view.moved((320.0, 200.0), before, SIZE) == (320.0, 200.0)
    assert np.isfinite(before.moved((320.0, 200.0), view, SIZE)).all()


# A camera that follows: the target stands still in the image while it moves through the world.
FOLLOW_DEG = 1.2
FRAMES_SEEN, FRAMES_HIDDEN = 12, 12
SMALL = (96, 96)
SMALL_CAMERA = pinhole(SMALL, 96.0)
# The camera stands still as soon as the target is hidden; 96 px of focal length.
SPEED_PX = 96.0 * math.tan(math.radians(FOLLOW_DEG))


def followed_and_hidden(*, is_turning_known: bool) -> tuple[Tracker, StepResult]:
    """Let a target be followed to the right, then vanish while the camera stops."""
    tracker = Tracker(RecordingModel(), settings(coast_timeout_s=10.0))
    result: Any = None
    for index in range(FRAMES_SEEN + FRAMES_HIDDEN):
        is_seen = index < FRAMES_SEEN
        angle = FOLLOW_DEG * min(index, FRAMES_SEEN - 1)
        view = CameraView(SMALL_CAMERA, turned(0, angle))
        frame = Frame(
            drawn((box_at(30, 48), RED)) if is_seen else drawn(),
            10**18 + index * 33_333_333,
            view=view if is_turning_known else None,
        )
        prompts = [Prompt(box=box_at(30, 48))] if index == 0 else []
        result = tracker.step(frame, prompts)
    return tracker, result


def test_a_hidden_target_goes_on_when_the_camera_stops() -> None:
    _, result = followed_and_hidden(is_turning_known=True)
    (target,) = result.targets
    assert target.state is TargetState.COASTING
    assert target.box is not None
    travelled = FRAMES_HIDDEN * SPEED_PX
    assert target.box.center[0] - 30.0 == pytest.approx(travelled, rel=0.25)
    assert target.motion is not None
    assert target.motion.velocity[0] == pytest.approx(30.0 * SPEED_PX, rel=0.25)


def test_without_attitudes_it_is_expected_where_it_vanished() -> None:
    _, result = followed_and_hidden(is_turning_known=False)
    (target,) = result.targets
    assert target.box is not None
    assert target.box.center[0] == pytest.approx(30.0, abs=3.0)


def test_while_it_is_followed_it_does_not_move_in_the_image() -> None:
    tracker = Tracker(RecordingModel(), settings())
    for index in range(20):
        view = CameraView(SMALL_CAMERA, turned(0, FOLLOW_DEG * index))
        frame = Frame(drawn((box_at(30, 48), RED)), 10**18 + index * 33_333_333, view=view)
        result = tracker.step(frame, [Prompt(box=box_at(30, 48))] if index == 0 else [])
    (target,) = result.targets
    assert target.measured
    assert target.motion is not None
    assert target.motion.velocity[0] == pytest.approx(0.0, abs=6.0)


def test_an_image_of_the_same_time_moves_nothing() -> None:
    """A camera that stamps two images alike has not turned in no time."""
    tracker = Tracker(RecordingModel(), settings())
    for index, angle in enumerate((0.0, 0.0, 5.0)):
        view = CameraView(SMALL_CAMERA, turned(0, angle))
        stamp_ns = 10**18 + min(index, 1) * 33_333_333
        frame = Frame(drawn((box_at(30, 48), RED)), stamp_ns, view=view)
        result = tracker.step(frame, [Prompt(box=box_at(30, 48))] if index == 0 else [])
    (target,) = result.targets
    assert target.motion is not None
    assert target.motion.velocity[0] == pytest.approx(0.0, abs=6.0)


@pytest.mark.parametrize('step_deg', [1.0, 6.0])
def test_a_resting_object_stays_measured_however_fast_the_camera_turns(step_deg: float) -> None:
    """Six degrees between two frames are three lengths of a target that is ten pixels long."""
    tracker = Tracker(RecordingModel(), settings())
    before = CameraView(SMALL_CAMERA, np.eye(3))
    for index in range(5):
        view = CameraView(SMALL_CAMERA, turned(0, step_deg * index))
        x, y = view.moved((80.0, 48.0), before, SMALL)
        frame = Frame(drawn((box_at(x, y, 6, 6), RED)), 10**18 + index * 33_333_333, view=view)
        result = tracker.step(frame, [Prompt(box=box_at(80, 48, 6, 6))] if index == 0 else [])
        assert result.targets[0].measured


def test_when_attitudes_begin_and_end_the_motion_in_the_image_stays_what_it_is() -> None:
    """A target rests in the world while the camera turns; its attitude is told for a while."""
    tracker = Tracker(RecordingModel(), settings())
    place = CameraView(SMALL_CAMERA, np.eye(3))
    velocities = []
    for index in range(30):
        view = CameraView(SMALL_CAMERA, turned(0, 0.6 * index))
        x, y = view.moved((85.0, 48.0), place, SMALL)
        is_told = 10 <= index < 20
        frame = Frame(
            drawn((box_at(x, y, 16, 16), RED)),
            10**18 + index * 33_333_333,
            view=view if is_told else None,
        )
        prompts = [Prompt(box=box_at(x, y, 16, 16))] if index == 0 else []
        (target,) = tracker.step(frame, prompts).targets
        assert target.motion is not None
        velocities.append(target.motion.velocity[0])
    # About -31 pixels a second, more at the edge of the image than in its middle.
    np.testing.assert_allclose(velocities[8:], -34.0, atol=8.0)
