# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`sam2-tracker models build`, `list` and `clean` as a user calls them, with nano."""

import json
from pathlib import Path
import subprocess
import sys

import pytest

from sam2_tracker_ros.tools import main


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a cache of the test's own; processes that it starts use it too."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    return tmp_path / 'cache'


def build_nano(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, '-m', 'sam2_tracker_ros.tools', 'models', 'build', 'nano', *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_build_says_where_it_is_and_what_it_is_for(cache: Path) -> None:
    """Progress goes to stderr, the second time there is none."""
    done = build_nano()
    assert done.returncode == 0, done.stderr
    (folder,) = (cache / 'sam2_tracker_ros').iterdir()
    assert f'kept: {folder}' in done.stdout
    assert 'runs on: CPUExecutionProvider, ONNX Runtime' in done.stdout
    assert 'building track_step' in done.stderr
    again = build_nano('--json')
    assert again.stderr == ''
    report = json.loads(again.stdout)
    assert report['folder'] == str(folder)
    assert report['key']['model'] == 'nano'
    assert report['mask_iou'] is None
    assert report['size_bytes'] == sum(path.stat().st_size for path in folder.glob('*.onnx'))
    assert set(report['load_s']) == {'first', 'again'}


def test_builds_are_listed_and_removed(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the bundle that they are of."""

    def printed(*words: str) -> str:
        assert main(['models', *words]) == 0
        return capsys.readouterr().out

    printed('build', 'nano')
    (folder,) = (cache / 'sam2_tracker_ros').iterdir()
    listed = json.loads(printed('list', '--json'))
    assert {each['name']: each['builds'] for each in listed}['nano'] == [str(folder)]
    assert f'built: {folder}' in printed()
    assert 'removed 1 builds' in printed('clean')
    assert not folder.exists()


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (('nothing',), "unknown model 'nothing'"),
        (('nano', '--set', 'precision=fp8'), 'expected one of fp32, tf32, fp16, bf16, int8'),
        (('nano', '--set', 'precision=bf16'), 'bf16 is not for the provider cpu; expected'),
        (('nano', '--set', 'execution=modular'), 'for which nothing is built; expected fused'),
        (('nano', '--set', 'cache_folder=/proc/self/x'), 'nothing is kept in /proc/self/x'),
    ],
)
@pytest.mark.usefixtures('cache')
def test_what_is_wrong_is_said_in_one_line(
    words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what to do instead."""
    assert main(['models', 'build', *words]) == 2
    printed = capsys.readouterr()
    assert message in printed.err.splitlines()[-1]
    assert printed.out == ''
