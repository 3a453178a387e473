# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Growth, on a few frames of nano, and its pictures."""

from functools import lru_cache
from pathlib import Path

import cv2
import pytest

from sam2_tracker_ros.benchmarking import growth
from sam2_tracker_ros.benchmarking.clips import drone_clip
from sam2_tracker_ros.benchmarking.plots import draw_costs, draw_frames
from sam2_tracker_ros.benchmarking.steps import TimedTracker, in_turns, timings_ms
from sam2_tracker_ros.benchmarking.tables import growth_table
from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.core.model import AnyModel
from sam2_tracker_ros.inference import load_model


@lru_cache(maxsize=1)
def nano() -> AnyModel:
    return load_model(Config().model)


def test_trackers_take_turns_over_the_same_frames() -> None:
    trackers = [TimedTracker(nano(), Config(), drone_clip(frame_count=4)) for _ in range(3)]
    runs = in_turns(trackers, 4)
    assert [len(steps) for steps in runs] == [4, 4, 4]
    for steps in zip(*runs, strict=True):
        assert len({step.result.stamp_ns for step in steps}) == 1
    timings = timings_ms(runs[0])
    assert timings['step']['count'] == 4
    assert sum(timings[stage]['p50'] for stage in timings if stage != 'step') > 0.0


def test_growth_over_frames_compares_late_with_early(tmp_path: Path) -> None:
    found = growth.over_frames(nano(), Config(), 130, turns=2, checkpoints=(120,))
    assert found.frames[-1] == 130
    assert len(found.frames) == 128  # the two turns at the checkpoint are frames too
    (late,) = found.late
    assert late.frame == 120
    assert late.ratio > 0.0
    assert len(found.frames) == len(found.step_ms) == len(found.resident_mib)
    draw_frames(tmp_path / 'frames.png', found)
    assert cv2.imread(str(tmp_path / 'frames.png')) is not None


def test_growth_over_targets_and_resolution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth, 'WARM_UP_FRAMES', 2)
    targets = growth.over_targets(nano(), Config(), 2, (1, 3))
    widths = growth.over_resolution(nano(), Config(), 2, (640, 1280))
    assert [cost.value for cost in targets] == [1, 3]
    assert targets[0].ratio == widths[0].ratio == 1.0
    assert all(cost.measured_share == 1.0 for cost in targets)
    draw_costs(tmp_path / 'costs.png', {'targets': targets, 'widths': widths}, 'number')
    assert cv2.imread(str(tmp_path / 'costs.png')) is not None
    frames = {
        'frames': [1, 2],
        'resident_mib': [10.0, 10.0],
        'slope_mib': 0.0,
        'late': [{'frame': 1000, 'ratio': 1.02, 'late_p50_ms': 10.2, 'early_p50_ms': 10.0}],
    }
    results = {'frames': frames, 'targets': {'windows': growth.as_json(targets)}}
    table = growth_table(results | {'camera_width_px': growth.as_json(widths)})
    assert 'frame 1000: 1.020 of frame 100' in table
    assert 'targets, windows: 1: ' in table
