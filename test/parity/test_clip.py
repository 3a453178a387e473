# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The seeded clip: the same for everybody, and its target is hidden in the middle."""

import numpy as np
import pytest

from sam2_tracker_ros.core.types import Box, UInt8Array
from sam2_tracker_ros.parity.clip import Scenario, scenarios, seeded_clip

SIZE_PX = 128


@pytest.fixture(scope='module')
def clip() -> UInt8Array:
    return seeded_clip(SIZE_PX, 24)


def patch_of(frame: UInt8Array, box: Box) -> UInt8Array:
    rows, columns = slice(int(box.top), int(box.bottom)), slice(int(box.left), int(box.right))
    return frame[rows, columns]


def visible_share(frame: UInt8Array, patch: UInt8Array) -> float:
    """Return the share of the columns of a patch that stand somewhere in the frame."""
    height, width = patch.shape[:2]
    columns = np.lib.stride_tricks.sliding_window_view(frame, height, axis=0)
    found = [(columns == patch[:, column].T).all(axis=(2, 3)).any() for column in range(width)]
    return float(np.mean(found))


def target_box(scenario: Scenario) -> Box:
    box = scenario.prompts[0].box
    assert box is not None
    return box


def test_the_same_seed_gives_the_same_pixels_and_another_one_others(clip: UInt8Array) -> None:
    assert np.array_equal(clip, seeded_clip(SIZE_PX, 24))
    assert not np.array_equal(clip, seeded_clip(SIZE_PX, 24, seed=4))
    assert clip.dtype == np.uint8
    assert clip.shape == (24, SIZE_PX, SIZE_PX, 3)


def test_a_longer_clip_starts_like_a_short_one(clip: UInt8Array) -> None:
    assert np.array_equal(seeded_clip(SIZE_PX, 60)[:24], clip)


def test_the_target_is_hidden_in_the_middle_and_comes_back(clip: UInt8Array) -> None:
    patch = patch_of(clip[0], target_box(scenarios(clip)['box']))
    shares = [visible_share(frame[: SIZE_PX // 2], patch) for frame in clip]
    assert shares[0] == 1.0
    assert shares[-1] == 1.0
    hidden = [index for index, share in enumerate(shares) if share == 0.0]
    assert hidden
    assert hidden == list(range(hidden[0], hidden[-1] + 1))
    assert 8 <= hidden[0] <= hidden[-1] <= 15


def test_the_second_target_is_a_look_alike_somewhere_else(clip: UInt8Array) -> None:
    first, second = (prompt.box for prompt in scenarios(clip)['two'].prompts)
    assert first is not None
    assert second is not None
    mirrored = patch_of(clip[0], second)[:, ::-1]
    assert np.array_equal(patch_of(clip[0], first), mirrored)
    assert abs(first.center[1] - second.center[1]) > first.height


def test_a_correction_points_at_the_target_three_quarters_into_the_clip(clip: UInt8Array) -> None:
    scenario = scenarios(clip)['correction']
    start, correction = scenario.prompts
    assert (start.frame, correction.frame) == (0, 18)
    assert scenario.target_count == 1
    assert scenario.prompts_in(18) == (correction,)
    patch = patch_of(clip[0], target_box(scenario))
    (point,) = correction.points
    column, row = int(point.x), int(point.y)
    centre = patch[patch.shape[0] // 2, patch.shape[1] // 2]
    assert np.array_equal(clip[18, row, column], centre)
