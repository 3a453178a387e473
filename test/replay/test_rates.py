# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The same scene at several rates and with dropped frames: decisions at the same times."""

from dataclasses import dataclass

import numpy as np
import pytest

from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.core.geometry import box_iou
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import (
    NANOSECONDS_PER_SECOND,
    EventType,
    Frame,
    PixelFormat,
    Prompt,
)
from sam2_tracker_ros.inference import load_model
from sam2_tracker_ros.testing.drone_scene import DroneScene

# A double of the target drives near the bridge that hides it.
SEED = 1


@dataclass
class Story:
    """What was decided and when, and the overlap with the truth in the last frame."""

    events: list[EventType]
    times_s: list[float]
    last_iou: float


def story(rate_hz: float, drop_fraction: float) -> Story:
    """Track the scene with the shipped model."""
    config = Config()
    tracker = Tracker(load_model(config.model), config)
    scene = DroneScene(SEED, 8.0, rate_hz)
    dropped = np.random.default_rng(5).random(scene.frame_count) < drop_fraction
    dropped[[0, -1]] = False
    start_ns, told = scene.frame(0).stamp_ns, Story([], [], 0.0)
    for index in np.flatnonzero(~dropped):
        truth = scene.frame(int(index))
        prompts = [Prompt(box=truth.box)] if index == 0 else []
        frame = Frame(truth.image, truth.stamp_ns, PixelFormat.BGR)
        result = tracker.step(frame, prompts)
        told.events += [event.type for event in result.events]
        told.times_s += [
            (event.stamp_ns - start_ns) / NANOSECONDS_PER_SECOND for event in result.events
        ]
        box = result.targets[0].box
        if box is not None and truth.box is not None:
            told.last_iou = box_iou(box, truth.box)
    return told


@pytest.fixture(scope='module')
def at_camera_rate() -> Story:
    return story(30.0, 0.0)


@pytest.mark.parametrize(('rate_hz', 'drop_fraction'), [(10.0, 0.0), (60.0, 0.0), (30.0, 0.3)])
def test_decisions_do_not_depend_on_the_rate(
    at_camera_rate: Story, rate_hz: float, drop_fraction: float
) -> None:
    other = story(rate_hz, drop_fraction)
    expected = [EventType.ACQUIRED, EventType.COASTING, EventType.LOST, EventType.REACQUIRED]
    assert other.events == at_camera_rate.events == expected
    assert other.times_s == pytest.approx(at_camera_rate.times_s, abs=0.2)
    assert min(other.last_iou, at_camera_rate.last_iou) > 0.7
