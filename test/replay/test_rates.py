# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The same scene at several rates and with dropped frames: decisions at the same times."""

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
from sam2_tracker_ros.testing.scenes import SceneFrame

# A double of the target drives near the bridge that hides it.
SEED = 1
DURATION_S, FASTEST_HZ = 6.0, 60.0


class Story:
    """What was decided and when, and the overlap with the truth in the last frame."""

    def __init__(self) -> None:
        config = Config()
        self._tracker = Tracker(load_model(config.model), config)
        self.events: list[EventType] = []
        self.times_s: list[float] = []
        self.last_iou = 0.0

    def show(self, index: int, truth: SceneFrame, start_ns: int) -> None:
        """Track the next frame; the target is pointed at in the first."""
        prompts = [Prompt(box=truth.box)] if index == 0 else []
        frame = Frame(truth.image, truth.stamp_ns, PixelFormat.BGR)
        result = self._tracker.step(frame, prompts)
        self.events += [event.type for event in result.events]
        self.times_s += [
            (event.stamp_ns - start_ns) / NANOSECONDS_PER_SECOND for event in result.events
        ]
        box = result.targets[0].box
        if box is not None and truth.box is not None:
            self.last_iou = box_iou(box, truth.box)


def shown(rate_hz: float, drop_fraction: float = 0.0) -> set[int]:
    """Return which of the frames at the fastest rate a slower camera shows."""
    indices = np.arange(0, round(DURATION_S * FASTEST_HZ), round(FASTEST_HZ / rate_hz))
    dropped = np.random.default_rng(5).random(len(indices)) < drop_fraction
    dropped[[0, -1]] = False
    return set(indices[~dropped].tolist())


@pytest.fixture(scope='module')
def stories() -> dict[str, Story]:
    """Track the scene with the shipped model at every rate; it is drawn once."""
    shows = {
        'camera': shown(30.0),
        'slow': shown(10.0),
        'fast': shown(60.0),
        'dropping': shown(30.0, drop_fraction=0.3),
    }
    told = {name: Story() for name in shows}
    scene = DroneScene(SEED, DURATION_S, FASTEST_HZ)
    start_ns = scene.frame(0).stamp_ns
    for index in range(scene.frame_count):
        truth = scene.frame(index)
        for name, indices in shows.items():
            if index in indices:
                told[name].show(index, truth, start_ns)
    return told


@pytest.mark.parametrize('name', ['slow', 'fast', 'dropping'])
def test_decisions_do_not_depend_on_the_rate(stories: dict[str, Story], name: str) -> None:
    camera, other = stories['camera'], stories[name]
    expected = [EventType.ACQUIRED, EventType.COASTING, EventType.LOST, EventType.REACQUIRED]
    assert other.events == camera.events == expected
    assert other.times_s == pytest.approx(camera.times_s, abs=0.2)
    assert min(other.last_iou, camera.last_iou) > 0.7
