# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`sam2-tracker models build`, `list` and `clean` as a user calls them, with nano."""

import json
import os
from pathlib import Path
import subprocess
import sys

import pytest


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / 'cache'


def call(*words: str, cache: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, '-m', 'sam2_tracker_ros.tools', 'models', *words]
    environment = {**os.environ, 'XDG_CACHE_HOME': str(cache)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_build_says_where_it_is_and_what_it_is_for(cache: Path) -> None:
    """Progress goes to stderr, the second time there is none."""
    done = call('build', 'nano', cache=cache)
    assert done.returncode == 0, done.stderr
    (folder,) = (cache / 'sam2_tracker_ros').iterdir()
    assert f'kept: {folder}' in done.stdout
    assert 'runs on: CPUExecutionProvider, ONNX Runtime' in done.stdout
    assert 'building track_step' in done.stderr
    again = call('build', 'nano', '--json', cache=cache)
    assert again.stderr == ''
    report = json.loads(again.stdout)
    assert report['folder'] == str(folder)
    assert report['key']['model'] == 'nano'
    assert report['mask_iou'] is None
    assert report['size_bytes'] == sum(path.stat().st_size for path in folder.glob('*.onnx'))
    assert set(report['load_s']) == {'first', 'again'}


def test_builds_are_listed_and_removed(cache: Path) -> None:
    """With the bundle that they are of."""
    call('build', 'nano', cache=cache)
    (folder,) = (cache / 'sam2_tracker_ros').iterdir()
    listed = json.loads(call('list', '--json', cache=cache).stdout)
    assert {each['name']: each['builds'] for each in listed}['nano'] == [str(folder)]
    assert f'built: {folder}' in call(cache=cache).stdout
    assert 'removed 1 builds' in call('clean', cache=cache).stdout
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
def test_what_is_wrong_is_said_in_one_line(
    cache: Path, words: tuple[str, ...], message: str
) -> None:
    """With what to do instead."""
    done = call('build', *words, cache=cache)
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert done.stdout == ''
