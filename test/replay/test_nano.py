# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The shipped model on the demo scene, every frame: found, hidden, lost, found again."""

import numpy as np
import pytest

from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.core.geometry import box_iou
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import Box, EventType, Frame, PixelFormat, Prompt
from sam2_tracker_ros.inference import load_model
from sam2_tracker_ros.testing.drone_scene import DroneScene


@pytest.mark.parametrize('seed', [0, 2])
def test_nano_comes_back_on_the_right_car(seed: int) -> None:
    config = Config()
    tracker = Tracker(load_model(config.model), config)
    scene = DroneScene(seed=seed, duration_s=6.0)
    events, overlaps = [], []
    for index in range(scene.frame_count):
        truth = scene.frame(index)
        prompts = [Prompt(box=truth.box)] if index == 0 else []
        frame = Frame(truth.image, truth.stamp_ns, PixelFormat.BGR)
        result = tracker.step(frame, prompts)
        events += [event.type for event in result.events]
        (target,) = result.targets
        assert isinstance(target.box, Box)
        if truth.box is None:
            assert not target.measured, f'measured while hidden, frame {index}'
        elif target.measured:
            overlaps.append(box_iou(target.box, truth.box))
    assert events == [
        EventType.ACQUIRED,
        EventType.COASTING,
        EventType.LOST,
        EventType.REACQUIRED,
    ]
    assert np.mean(overlaps) > 0.8
    assert overlaps[-1] > 0.7
