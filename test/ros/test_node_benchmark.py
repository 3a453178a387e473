# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`node_benchmark` gives numbers of frames with a target, or one line that says why not."""

from collections.abc import Iterator
import json
import os
from pathlib import Path
import signal
import subprocess
from unittest.mock import patch

import pytest

from sam2_tracker_ros.ros import node_benchmark as tool
from sam2_tracker_ros.ros.accounts import WINDOW_FRAMES


def node_benchmark(*words: object) -> subprocess.CompletedProcess[str]:
    command = ['node_benchmark', *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put back what the program sets for its process; let it be content with fewer frames."""
    monkeypatch.setattr(tool, 'WINDOW_FRAMES', 20)
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = [signal.getsignal(number) for number in numbers]
    with patch.dict(os.environ):
        yield
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)


def test_refuses_numbers_of_few_frames_and_keeps_the_file(tmp_path: Path) -> None:
    file = tmp_path / 'bench.json'
    file.write_text('{"model": {"name": "nano"}}')
    done = node_benchmark('--duration', 4, '--json', file)  # 120 frames
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f'expected {WINDOW_FRAMES}, and most with it: take a longer --duration' in line
    assert json.loads(file.read_text()) == {'model': {'name': 'nano'}}


@pytest.mark.usefixtures('in_this_process')
def test_throughput_latency_and_start_of_nano_are_added_to_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / 'bench.json'
    file.write_text('{"steps": {}}')
    assert tool.main(['--duration', '4', '--json', str(file)]) == 0, capsys.readouterr().err
    assert 'throughput at saturation [Hz]' in capsys.readouterr().out
    report = json.loads(file.read_text())
    assert report['steps'] == {}
    node = report['node']
    assert node['machine']['cores'] >= 1
    assert node['start to MODEL_READY [s]'] > 0.0
    latencies = [node[f'latency at 30 Hz p{percent} [ms]'] for percent in (50, 95, 99)]
    assert 0.0 < latencies[0] <= latencies[1] <= latencies[2]
    assert latencies[0] > node['step p50 [ms]']
    assert node['throughput at saturation [Hz]'] > 0.0
    assert 0.0 < node['processed at 60 Hz [Hz]'] < 61.0
    for run in ('30 Hz', 'saturation', '60 Hz'):
        assert 0 <= node[f'{run}: frames without a result'] < node[f'{run}: images published']
    expected = node['node overhead p50 [ms]'] / node['step p50 [ms]']
    assert node['overhead / step'] == pytest.approx(expected)


@pytest.mark.parametrize(
    ('words', 'status', 'complaint'),
    [(('--duration', 1), 2, '--duration'), (('--model', 'giant'), 1, "unknown model 'giant'")],
)
def test_says_in_one_line_what_is_wrong(
    tmp_path: Path, words: tuple[object, ...], status: int, complaint: str
) -> None:
    done = node_benchmark(*words, '--json', tmp_path / 'bench.json')
    assert done.returncode == status
    assert complaint in done.stderr.splitlines()[-1]
    assert not (tmp_path / 'bench.json').exists()
