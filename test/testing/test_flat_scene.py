# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The flat scene: its truth, and that a model which knows colours holds it exactly."""

import numpy as np
import pytest

from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.core.geometry import box_iou
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import EventType, Frame, PixelFormat, Prompt
from sam2_tracker_ros.testing.fake_model import FakeModel
from sam2_tracker_ros.testing.scenes import FlatScene


@pytest.mark.parametrize('size_px', [(160, 120), (320, 180)])
def test_the_mask_is_exactly_the_pixels_of_the_colour(size_px: tuple[int, int]) -> None:
    scene = FlatScene(size_px)
    for index in range(0, scene.frame_count, 7):
        frame = scene.frame(index)
        colored = (frame.image == np.array(scene.TARGET_BGR)).all(axis=2)
        assert np.array_equal(frame.mask, colored)
        assert (frame.box is None) == (not colored.any())


def test_the_disc_is_hidden_and_leaves_and_comes_back() -> None:
    scene = FlatScene(frame_count=120)
    seen = [scene.frame(index).box is not None for index in range(120)]
    changes = [index for index in range(1, 120) if seen[index] != seen[index - 1]]
    assert seen[0]
    assert seen[-1]
    assert len(changes) == 6, 'hidden by the bar twice, out of the image once'


def test_without_occluder_and_exit_it_is_always_whole() -> None:
    scene = FlatScene(has_occluder=False, leaves=False)
    fractions = [scene.frame(index).visible_fraction for index in range(scene.frame_count)]
    assert min(fractions) > 0.95


def test_the_colour_model_holds_it() -> None:
    scene = FlatScene((192, 144), frame_count=150)
    tracker = Tracker(FakeModel(), Config())
    first_box = scene.frame(0).box
    events, overlaps = [], []
    for index in range(scene.frame_count):
        truth = scene.frame(index)
        frame = Frame(truth.image, truth.stamp_ns, PixelFormat.BGR)
        prompts = [Prompt(box=first_box)] if index == 0 else []
        result = tracker.step(frame, prompts)
        target = result.targets[0]
        events += [event.type for event in result.events]
        assert not (target.measured and truth.box is None), 'measured while hidden'
        if target.measured and target.box is not None and truth.visible_fraction > 0.99:
            assert truth.box is not None
            overlaps.append(box_iou(target.box, truth.box))
    assert events[0] is EventType.ACQUIRED
    assert EventType.REACQUIRED in events
    assert len(overlaps) > 40
    assert np.mean(overlaps) > 0.8
