# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`sam2-tracker benchmark` on few frames: what it prints, writes and refuses."""

import json
from pathlib import Path

from benchmarking.contender_doubles import ChildThread
from inference.tiny_bundle import write_bundle
from inference.tiny_form import OURS
import pytest

from sam2_tracker_ros.benchmarking import contender_process
from sam2_tracker_ros.tools import main

FEW = ('--frames', '2', '--warm-up', '2')


def benchmark(*words: object) -> int:
    return main(['benchmark', *FEW, *map(str, words)])


@pytest.fixture
def in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run contenders where no process need be started: twice for each of a matrix."""
    monkeypatch.setattr(contender_process, 'ChildProcess', ChildThread)


def test_stages_of_nano_go_into_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / 'bench.json'
    file.write_text('{"node": {"rate": 30.0}}')
    assert benchmark('--json', file) == 0
    report = json.loads(file.read_text())
    assert report['node'] == {'rate': 30.0}
    steps = report['steps']['nano']
    assert steps['warm_up_frames'] == 2
    assert steps['step_ms']['step']['count'] == 2
    assert steps['step_ms']['step']['p50'] <= steps['step_ms']['step']['p99']
    assert steps['machine']['cores'] >= 1
    assert steps['machine']['onnxruntime']
    assert 'step ' in capsys.readouterr().out


def test_the_profile_adds_up_to_the_graphs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Operators of the runs that count only: a frame's convolutions do not take a second."""
    file = tmp_path / 'bench.json'
    assert benchmark('--profile', '--json', file) == 0
    spent = json.loads(file.read_text())['operators_ms']['nano']
    assert spent['encoder']['Conv'] > 0.5 * sum(spent['encoder'].values())
    assert {'Conv', 'MatMul', 'Softmax'} <= set(spent['track_step'])
    assert 0.1 < sum(spent['track_step'].values()) < 1000.0
    assert 'Conv' in capsys.readouterr().out


@pytest.mark.usefixtures('in_threads')
def test_comparison_with_a_variant_and_one_that_cannot_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / 'bench.json'
    words = ('--compare', 'ours,card', '--variant', 'one:inference_threads=1')
    broken = ('--variant', 'broken:model=nowhere')
    assert benchmark(*words, *broken, '--json', file, '--out', tmp_path) == 0
    results = json.loads(file.read_text())['comparisons']['nano']
    rows = {row['name']: row for row in results['contenders']}
    assert list(rows) == ['ours', 'card', 'one', 'broken']
    assert rows['one']['facts']['threads'] == 1
    assert rows['one']['worst_mask_iou'] > 0.99
    assert 'nowhere' in rows['broken']['problem']
    assert (tmp_path / 'compare nano.png').stat().st_size > 1000
    assert '- broken: unknown model' in capsys.readouterr().out


@pytest.mark.usefixtures('in_threads')
def test_matrix_writes_a_table_and_tells_what_cannot_run(tmp_path: Path) -> None:
    tiny = write_bundle(tmp_path / 'tiny', OURS)
    file = tmp_path / 'matrix.json'
    axes = ('--axis', 'precision=fp32,bf16', '--axis', 'execution=fused,modular')
    bundles = ('--bundle', 'nano', '--bundle', tiny, '--bundle', 'nowhere')
    assert benchmark('--matrix', 'cpu', *axes, *bundles, '--json', file, '--out', tmp_path) == 0
    found = json.loads(file.read_text())['matrix']['cpu']['bundles']
    assert list(found) == ['nano', 'tiny', 'nowhere']
    rows = {row['name']: row for row in found['nano']['contenders']}
    assert rows['cpu fp32 fused']['modules_ratio'] > 0.0
    assert rows['cpu fp32 modular']['modules_ratio'] > 0.0
    assert rows['modules fp32']['worst_mask_iou'] is None
    assert 'problem' in rows['cpu bf16 modular']
    assert 'nowhere' in found['nowhere']['problem']
    table = (tmp_path / 'cpu.md').read_text()
    assert '## nano' in table
    assert '| cpu fp32 fused ' in table


@pytest.mark.parametrize(
    ('words', 'complaint'),
    [
        (('--compare', 'ours,theirs'), "'theirs' is not a contender"),
        (('--compare', 'ours', '--variant', 'fast'), "--variant is 'fast'"),
        (('--compare', 'ours', '--variant', 'fast:speed=1'), "unknown setting 'speed'"),
        (('--matrix', 'cpu', '--axis', 'precision=fp64'), '--axis is'),
        (('--growth', '--compare', 'ours'), 'not allowed with'),
    ],
)
def test_says_in_one_line_what_is_wrong(
    words: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = benchmark(*words)
    except SystemExit as ended:  # of the parser of arguments
        status = int(ended.code or 0)
    assert status == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert complaint in line


def test_a_file_of_something_else_stays_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / 'notes.txt'
    file.write_text('notes')
    assert benchmark('--json', file) == 2
    assert file.read_text() == 'notes'
    assert 'is not JSON' in capsys.readouterr().err
