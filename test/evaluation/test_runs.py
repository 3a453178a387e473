# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Trackers on a flat clip: what is counted, and that nothing ends the run."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from sam2_tracker_ros.core.config import ModelConfig, config_from_flat_dict
from sam2_tracker_ros.core.model import AnyModel
from sam2_tracker_ros.core.types import Box, TargetState
from sam2_tracker_ros.errors import ConfigError
from sam2_tracker_ros.evaluation.contenders import BASELINES, Baseline, Ours
from sam2_tracker_ros.evaluation.pictures import COLUMNS, draw_plot, draw_sheet
from sam2_tracker_ros.evaluation.runs import run_clip
from sam2_tracker_ros.evaluation.tables import accuracy_table, loss_table, summarize
from sam2_tracker_ros.replay.clip_formats import recorded_clips
from sam2_tracker_ros.replay.recorded_clips import RecordedClip
from sam2_tracker_ros.testing.fake_model import FakeModel
from sam2_tracker_ros.testing.scenes import FlatScene

FRAMES = 90
RATE_HZ = 30


def fake_model(config: ModelConfig) -> AnyModel:
    return FakeModel(96)


OURS = Ours('fake', config_from_flat_dict({'coast_timeout_s': 0.2}), fake_model)


@pytest.fixture(scope='module')
def clip(tmp_path_factory: pytest.TempPathFactory) -> RecordedClip:
    """Film a disc that goes behind a bar and out of the image, and comes back."""
    folder = tmp_path_factory.mktemp('clips') / 'flat'
    scene = FlatScene(frame_count=FRAMES)
    lines = []
    for name in ('frames', 'masks'):
        (folder / name).mkdir(parents=True)
    for index in range(FRAMES):
        frame = scene.frame(index)
        box = frame.box or Box(0, 0, 0, 0)
        lines.append(f'{box.left},{box.top},{box.width},{box.height}')
        cv2.imwrite(str(folder / 'frames' / f'{index:05d}.png'), frame.image)
        mask = frame.mask.astype(np.uint8) * 255
        cv2.imwrite(str(folder / 'masks' / f'{index:05d}.png'), mask)
    (folder / 'groundtruth.txt').write_text('\n'.join(lines))
    return recorded_clips(folder)[0]


def test_a_model_that_knows_the_colour_is_nearly_perfect(clip: RecordedClip) -> None:
    run = run_clip(OURS, clip)
    figures = run.figures
    assert (figures.frames, len(run.rows), len(run.cells)) == (FRAMES, FRAMES, COLUMNS)
    assert figures.problem == ''
    assert figures.auc is not None
    assert figures.auc > 0.75
    assert figures.region_and_contour is not None
    assert figures.region_and_contour > 0.75
    loss = figures.loss
    assert loss is not None
    assert loss.recall == 1.0
    assert loss.false_reacquisitions == 0
    # Twice behind the bar and once out of the image.
    absences = np.array([box is None for box in clip.truth], np.int64)
    assert len(loss.to_lost_s) == np.count_nonzero(np.diff(absences) > 0)
    for delay in loss.to_lost_s:
        assert delay is not None
        assert 0.1 < delay < 0.3
    assert all(delay is not None for delay in loss.to_reacquired_s)


def test_a_refused_prompt_counts_as_zero_and_says_why(clip: RecordedClip) -> None:
    outside = replace(clip, start=Box(-60, -60, -40, -40))
    figures = run_clip(OURS, outside).figures
    assert figures.problem
    assert (figures.auc, figures.precision, figures.normalized_precision) == (0.0, 0.0, 0.0)
    assert figures.region_and_contour == 0.0
    table = accuracy_table([figures], [summarize('fake', [figures])])
    assert figures.problem in table


def test_lost_is_no_answer(clip: RecordedClip) -> None:
    rows = run_clip(OURS, clip).rows
    for row in rows:
        if row.state is TargetState.LOST and row.is_present:
            assert row.iou == 0.0
    ignoring = replace(clip, ignored=frozenset({1}))
    assert run_clip(OURS, ignoring).rows[1].is_present is None


def test_without_truth_there_are_only_pictures(clip: RecordedClip) -> None:
    run = run_clip(OURS, replace(clip, truth=()))
    assert (run.figures.auc, run.figures.loss) == (None, None)
    assert len(run.cells) == COLUMNS
    assert len(accuracy_table([run.figures], []).splitlines()) == 1
    assert summarize('fake', [run.figures]).clips == 0


def test_mil_of_plain_opencv_has_boxes_and_no_masks(clip: RecordedClip) -> None:
    short = replace(clip, truth=clip.truth[:6])
    figures = run_clip(Baseline('mil'), short).figures
    assert figures.auc is not None
    assert figures.auc > 0.15  # the frame with the prompt alone; MIL's random numbers vary
    assert figures.region is None
    assert '0/0' in loss_table([summarize('mil', [figures])])


@pytest.mark.parametrize('name', ['csrt', 'kcf'])
def test_trackers_of_contrib(clip: RecordedClip, name: str) -> None:
    if not (hasattr(cv2, BASELINES[name]) or hasattr(cv2, 'legacy')):
        with pytest.raises(ConfigError, match=r'sam2_tracker_ros\[evaluate\]'):
            Baseline(name).begin()
        pytest.skip('this OpenCV has no contrib modules; the message was checked instead')
    figures = run_clip(Baseline(name), replace(clip, truth=clip.truth[:6])).figures
    assert figures.auc is not None
    assert figures.auc > 0.3


def test_a_sheet_has_a_row_for_each_tracker(clip: RecordedClip, tmp_path: Path) -> None:
    run = run_clip(OURS, clip)
    draw_sheet(tmp_path / 'sheet.jpg', {'one': run.cells, 'two': run.cells})
    sheet = cv2.imread(str(tmp_path / 'sheet.jpg'))
    assert sheet is not None
    assert sheet.shape[:2] == (2 * (240 + 26), COLUMNS * 320)
    draw_plot(tmp_path / 'plot.png', {'one': run.rows, 'two': run.rows}, RATE_HZ)
    assert (tmp_path / 'plot.png').stat().st_size > 1000
