# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Clips that never end, and keep their targets."""

from itertools import combinations

import numpy as np

from sam2_tracker_ros.benchmarking.clips import Clip, crowd_clip, drone_clip, open_clip
from sam2_tracker_ros.core.geometry import box_iou
from sam2_tracker_ros.core.types import Box, PixelFormat
from sam2_tracker_ros.testing.drone_scene import DroneScene


def test_frames_go_forwards_and_backwards_and_stamps_forwards() -> None:
    images = tuple(np.full((2, 2, 3), value, np.uint8) for value in range(4))
    clip = Clip('four', images, (Box(0, 0, 1, 1),), PixelFormat.BGR)
    frames = [clip.frame(index) for index in range(12)]
    assert [frame.pixels[0, 0, 0] for frame in frames] == [0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1]
    stamps = [frame.stamp_ns for frame in frames]
    assert stamps == sorted(set(stamps))


def test_a_scaled_clip_has_a_scaled_box() -> None:
    whole, half = drone_clip(frame_count=2), drone_clip(640, frame_count=2)
    assert (whole.size_px, half.size_px) == ((1280, 720), (640, 360))
    (box,), (scaled,) = whole.starts, half.starts
    assert scaled == Box(box.left / 2, box.top / 2, box.right / 2, box.bottom / 2)


def test_a_crowd_is_eight_cars_apart() -> None:
    crowd = crowd_clip()
    car = DroneScene().frame(0).target
    assert car is not None
    assert len(crowd.starts) == 8
    assert all(box_iou(one, other) == 0.0 for one, other in combinations(crowd.starts, 2))
    looks = []
    for box in crowd.starts:
        place = slice(int(box.top), int(box.bottom)), slice(int(box.left), int(box.right))
        looks.append(crowd.images[0][place][car.region])
        assert not np.array_equal(looks[-1], crowd.images[30][place][car.region])
    assert all(np.array_equal(look, looks[0]) for look in looks)


def test_textures_are_as_large_as_the_model_image() -> None:
    clip = open_clip('textures', 64)
    assert clip.size_px == (64, 64)
    assert clip.pixel_format is PixelFormat.RGB
