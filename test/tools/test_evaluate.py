# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`sam2-tracker evaluate` with nano, from the words of the command to its files."""

import json
from pathlib import Path
from typing import Any

import cv2
import pytest

from sam2_tracker_ros.core.config import settings_info
from sam2_tracker_ros.testing.drone_scene import DroneScene
from sam2_tracker_ros.tools import main

FRAMES = 6
REAL_CLIP = Path(__file__).resolve().parents[3] / 'shared' / 'clips' / 'gt_davis_kite-surf'
SELECTORS = settings_info()['memory_selection'].choices


@pytest.fixture(scope='module')
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('clips')
    scene = DroneScene(seed=0, duration_s=6.0)
    frames = folder / 'drone' / 'frames'
    frames.mkdir(parents=True)
    boxes = []
    for index in range(FRAMES):
        frame = scene.frame(index)
        assert frame.box is not None
        box = frame.box
        boxes.append(f'{box.left},{box.top},{box.width},{box.height}')
        cv2.imwrite(str(frames / f'{index:05d}.jpg'), frame.image)
    (folder / 'drone' / 'groundtruth.txt').write_text('\n'.join(boxes))
    return folder


def report_of(folder: Path, *words: object) -> dict[str, Any]:
    path = folder / 'deep' / 'report.json'
    assert main([*map(str, ('evaluate', *words)), '--json', str(path)]) == 0
    report: dict[str, Any] = json.loads(path.read_text())
    return report


def test_every_selector_and_a_baseline_side_by_side(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = report_of(tmp_path, clips, '--trackers', 'mil', '--out', tmp_path / 'out')
    names = [f'nano {selector}' for selector in SELECTORS] + ['mil']
    assert [run['contender'] for run in report['runs']] == names
    assert all(run['auc'] > 0.3 and len(run['rows']) == FRAMES for run in report['runs'])
    assert [summary['contender'] for summary in report['summaries']] == names
    assert report['machine']['cores'] >= 1
    written = {path.name for path in (tmp_path / 'out').iterdir()}
    assert written == {'drone_sheet.jpg', 'drone_plot.png'}
    printed = capsys.readouterr().out
    assert all(f'mean of 1                    {name}' in printed for name in names)
    assert 'recall' in printed


def test_processes_find_what_one_finds(clips: Path, tmp_path: Path) -> None:
    words = ('--set', 'inference_threads=1')
    one = report_of(tmp_path, clips, *words)['runs']
    assert report_of(tmp_path, clips, *words, '--jobs', '2')['runs'] == one


def test_a_real_clip(tmp_path: Path) -> None:
    if not REAL_CLIP.is_dir():
        pytest.skip('the recorded clips are not part of the project')
    (run,) = report_of(tmp_path, REAL_CLIP, '--selectors', 'recency')['runs']
    assert run['problem'] == ''
    assert run['frames'] == 50
    assert 0.3 < run['region_and_contour'] <= 1.0


@pytest.mark.parametrize(
    ('words', 'expected'),
    [
        ((), 'nothing to run on'),
        (('.',), 'holds no clips'),
        (('--scenes', '1', '--selectors', 'luck'), 'motion_aware'),
        (('--scenes', '1', '--trackers', 'boosting'), 'csrt,kcf,mil'),
        (('--scenes', '1', '--models', 'giant'), 'giant'),
        (('--scenes', '1', '--jobs', '0'), 'at least 1'),
    ],
)
def test_bad_input_is_one_clear_line(
    words: tuple[str, ...],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        status = main(['evaluate', *words])
    except SystemExit as error:
        status = int(error.code or 0)
    assert status == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert expected in line
