# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`sam2-tracker` as a user calls it: results with nano, and one line for what is wrong."""

import json
from pathlib import Path
import subprocess
import sys

import cv2
import pytest

from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.core.geometry import box_iou
from sam2_tracker_ros.core.types import Box
from sam2_tracker_ros.testing.drone_scene import DroneScene
from sam2_tracker_ros.tools import main

FRAMES = 24


def call(*words: object, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, '-m', 'sam2_tracker_ros.tools', *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def call_here(*words: str) -> int:
    """Return the status of a call in this process, which need not be started."""
    try:
        return main(words)
    except SystemExit as ended:  # of the parser of arguments
        return int(ended.code or 0)


@pytest.fixture(scope='module')
def scene() -> DroneScene:
    return DroneScene(seed=0, duration_s=6.0)


@pytest.fixture(scope='module')
def images(scene: DroneScene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('recording') / 'images'
    folder.mkdir()
    for index in range(FRAMES):
        cv2.imwrite(str(folder / f'{index}.jpg'), scene.frame(index).image)
    return folder


@pytest.fixture(scope='module')
def box(scene: DroneScene) -> str:
    first = scene.frame(0).box
    assert first is not None
    return f'{first.left},{first.top},{first.width},{first.height}'


def test_replay_tracks_the_car_and_writes_everything(
    scene: DroneScene, images: Path, box: str, tmp_path: Path
) -> None:
    out = tmp_path / 'out'
    words = ('--box', box, '--out', out, '--json', '--set', 'coast_timeout_s=1.5')
    done = call('replay', images, *words, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report['frames'] == FRAMES
    assert report['states'] == {'TRACKING': FRAMES}
    assert [event['event'] for event in report['events']] == ['ACQUIRED']
    names = {path.name for path in out.iterdir()}
    assert names == {'config.json', 'overlay.mp4', 'results.jsonl', 'timeline.png'}
    config = json.loads((out / 'config.json').read_text())
    assert config['box'] == box
    assert set(config['settings']) == set(Config().as_flat_dict())
    assert config['settings']['coast_timeout_s'] == 1.5
    lines = [json.loads(line) for line in (out / 'results.jsonl').read_text().splitlines()]
    last = next(line for line in reversed(lines) if line['type'] == 'target')
    truth = scene.frame(last['frame']).box
    assert truth is not None
    assert box_iou(Box(*last['box']), truth) > 0.5


def test_a_replay_that_fails_leaves_earlier_results_alone(
    images: Path, box: str, tmp_path: Path
) -> None:
    assert call('replay', images, '--box', box, '--out', 'out', folder=tmp_path).returncode == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / 'out').iterdir()}
    done = call('replay', images, '--point', '9999,2', '--out', 'out', folder=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert 'rejected' in line
    assert {path.name: path.read_bytes() for path in (tmp_path / 'out').iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ['out']


def test_two_replays_write_the_same_json_lines(images: Path, box: str, tmp_path: Path) -> None:
    for name in ('first', 'second'):
        done = call('replay', images, '--box', box, '--out', name, folder=tmp_path)
        assert done.returncode == 0, done.stderr
    first = (tmp_path / 'first' / 'results.jsonl').read_bytes()
    assert first == (tmp_path / 'second' / 'results.jsonl').read_bytes()
    assert first


@pytest.mark.parametrize(
    ('words', 'expected'),
    [
        ((), 'VERB'),
        (('sing',), 'sing'),
        (('replay',), 'INPUT'),
        (('replay', 'images'), '--box'),
        (('replay', 'images', '--box', '1,2,3'), 'X,Y,W,H'),
        (('replay', 'images', '--box', '1,2,nan,4'), 'X,Y,W,H'),
        (('replay', 'images', '--point', 'here'), 'X,Y'),
        (('replay', 'images', '--point', '1,2', '--box', '1,2,3,4'), 'not allowed with'),
        (('replay', 'absent', '--point', '1,2'), 'does not exist'),
        (('replay', 'images', '--point', '1,2', '--topic', '/a'), '--topic'),
        (('replay', 'images', '--point', '1,2', '--fps', '0'), 'frame rate'),
        (('replay', 'images', '--point', '1,2', '--prompt-frame', '-1'), 'whole number'),
        (('replay', 'images', '--point', '1,2', '--max-frames', '0'), 'at least 1'),
        (('replay', 'images', '--point', '1,2', '--set', 'a=1'), "unknown setting 'a'"),
        (('replay', 'images', '--point', '1,2', '--set', 'a'), 'NAME=VALUE'),
        (
            ('replay', 'images', '--point', '1,2', '--set', 'reacquire_frames=many'),
            'whole number',
        ),
        (
            ('replay', 'images', '--point', '1,2', '--set', 'min_predicted_iou=2'),
            'from 0 to 1',
        ),
        (('replay', 'images', '--point', '1,2', '--model', 'giant'), 'giant'),
        (('replay', 'images', '--point', '9999,2'), 'rejected'),
        (('replay', 'images', '--point', '1,2', '--prompt-frame', '99'), 'frame 99'),
        (('replay', 'images', '--point', '1,2', '--out', 'images'), '--out'),
        (('benchmark', '--frames', '0'), 'at least 1'),
        (('benchmark', '--model', 'giant'), 'giant'),
    ],
)
def test_bad_input_is_one_clear_line(
    images: Path,
    words: tuple[str, ...],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / 'images').symlink_to(images)
    monkeypatch.chdir(tmp_path)
    assert call_here(*words) == 2
    said = capfd.readouterr().err
    assert expected in said
    assert len(said.strip().splitlines()) == 1, said


def test_models_lists_nano(capfd: pytest.CaptureFixture[str]) -> None:
    assert call_here('models', '--json') == 0
    listed = json.loads(capfd.readouterr().out)
    nano = next(bundle for bundle in listed if bundle['name'] == 'nano')
    assert Path(nano['where']).is_dir()
    assert 0 < nano['size_bytes'] <= 15e6
    assert nano['problem'] == ''
    assert call_here('models') == 0
    assert 'nano' in capfd.readouterr().out


@pytest.mark.parametrize('verb', ['replay', 'models', 'benchmark'])
def test_every_verb_has_help(verb: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert call_here(verb, '--help') == 0
    assert '--json' in capfd.readouterr().out
