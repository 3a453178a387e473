# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Contenders in processes of their own, in turns; real ones on a few frames."""

import os
from pathlib import Path

from benchmarking.contender_doubles import ChildThread, Still
import numpy as np
import pytest

from sam2_tracker_ros.benchmarking import contender_process
from sam2_tracker_ros.benchmarking.clips import Clip, drone_clip
from sam2_tracker_ros.benchmarking.contender_process import Opened, Timed, Usage
from sam2_tracker_ros.benchmarking.contenders import (
    CARD_SETTINGS,
    BoxContender,
    Contender,
    Found,
    OriginalContender,
    TrackerContender,
)
from sam2_tracker_ros.benchmarking.interleaved import Plan, Record, compare, figures_of
from sam2_tracker_ros.benchmarking.tables import comparison_table, heading
from sam2_tracker_ros.core.config import Config, config_from_flat_dict
from sam2_tracker_ros.core.types import Box, PixelFormat
from sam2_tracker_ros.errors import Sam2TrackerError

BLACK = np.zeros((20, 20, 3), np.uint8)
CLIP = Clip('black', (BLACK, BLACK), (Box(0, 0, 10, 10),), PixelFormat.BGR)
PLAN = Plan(warm_up=1, frames=3, settle_s=0.0)


@pytest.fixture
def in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run contenders where no process need be started, which takes longer than all they do."""
    monkeypatch.setattr(contender_process, 'ChildProcess', ChildThread)


def record(name: str, steps_s: list[float], encode_s: float = 0.0) -> Record:
    stages = {'prepare': 0.001, 'encode': encode_s} if encode_s else {}
    found = Found(None, None, stages)
    timed = [Timed(found, step_s, 2.0 * step_s, 1.0, 0.25) for step_s in steps_s]
    ones = [1.0] * len(steps_s)
    usage = Usage(110.0, 150.0)
    return Record(name, Opened({}, 100.0), 1.0, 2.0, timed, ones, ones, usage=usage)


def test_figures_of_known_times() -> None:
    slow = record('slow', [0.010, 0.020, 0.030])
    fast = record('fast', [0.005, 0.010, 0.060], encode_s=0.004)
    figures = figures_of(fast, slow)
    assert figures['ratio'] == 0.5
    assert figures['p50_ratio'] == pytest.approx(0.5)
    assert figures['step_ms']['p50'] == pytest.approx(10.0)
    assert figures['graphs_ms']['p50'] == pytest.approx(4.0)
    assert figures['cpu_ms']['p50'] == pytest.approx(20.0)
    assert figures['idle_cpu_share'] == 0.25
    assert figures['peak_mib'] == 150.0
    assert figures['worst_mask_iou'] is None
    assert figures_of(slow, slow)['ratio'] == 1.0
    assert figures_of(slow, slow)['graphs_ms'] is None


def test_each_turn_starts_with_another_one_and_only_the_first_frame_is_prompted(
    tmp_path: Path,
) -> None:
    log = tmp_path / 'log'
    done = compare([Still(name, log=str(log)) for name in 'ab'], CLIP, PLAN)
    assert log.read_text().split() == ['a0!', 'b0!', 'b1', 'a1', 'a2', 'b2', 'b3', 'a3']
    processes = {record.opened.facts['process'] for record in done.records if record.opened}
    assert len(processes | {os.getpid()}) == 3
    assert [len(record.timed) for record in done.records] == [3, 3]


@pytest.mark.usefixtures('in_threads')
def test_what_fails_is_left_out_with_its_reason() -> None:
    contenders: list[Contender] = [
        Still('none', opens=False),
        Still('base'),
        Still('other', left=5.0),
        Still('failing', fails_at=1),
        BoxContender('csrt'),
    ]
    results = compare(contenders, CLIP, PLAN).as_dict()
    assert results['baseline'] == 'base'
    rows = {row['name']: row for row in results['contenders']}
    assert rows['none']['problem'] == 'LookupError: no model of that name'
    assert rows['failing']['problem'] == 'RuntimeError: out of luck'
    assert rows['other']['worst_box_iou'] == pytest.approx(1 / 3)
    assert rows['other']['worst_mask_iou'] is None
    lines = comparison_table(results).splitlines()
    assert [line.split()[1] for line in lines if line.startswith('| ')][2:] == ['base', 'other']
    assert '- none: LookupError: no model of that name' in lines
    assert 'black, 20 x 20, 3 frames after 1 to warm up' in heading(results)


def test_a_process_that_ends_is_left_out_with_its_status() -> None:
    results = compare([Still('base'), Still('dying', dies_at=2)], CLIP, PLAN).as_dict()
    base, dying = results['contenders']
    assert base['step_ms']['count'] == 3
    assert 'dying ended with status 9' in dying['problem']


@pytest.mark.usefixtures('in_threads')
def test_nothing_to_compare_is_an_error() -> None:
    with pytest.raises(Sam2TrackerError, match='no contender can be opened: none: LookupError'):
        compare([Still('none', opens=False)], CLIP, PLAN)
    with pytest.raises(Sam2TrackerError, match=r'base failed, to which .* out of luck'):
        compare([Still('base', fails_at=1), Still('other')], CLIP, PLAN)


def test_nano_beside_the_card_and_a_box_tracker() -> None:
    card = config_from_flat_dict({**Config().as_flat_dict(), **CARD_SETTINGS})
    contenders: list[Contender] = [
        TrackerContender('ours', Config()),
        TrackerContender('card', card),
        BoxContender('mil'),
        TrackerContender('lost', config_from_flat_dict({'model': 'nowhere'})),
    ]
    results = compare(contenders, drone_clip(frame_count=4), Plan(2, 3)).as_dict()
    ours, card_row, mil, lost = results['contenders']
    assert ours['worst_mask_iou'] == ours['ratio'] == 1.0
    assert card_row['worst_mask_iou'] > 0.9
    assert mil['worst_mask_iou'] is None
    assert mil['worst_box_iou'] > 0.3
    assert "unknown model 'nowhere'" in lost['problem']
    assert card_row['facts']['settings'] == CARD_SETTINGS
    for row in (ours, card_row, mil):
        assert row['step_ms']['count'] == len(row['steps_ms']) == 3
        assert row['peak_mib'] >= row['loaded_mib'] > 50.0
    assert set(ours['stages_ms']) >= {'prepare', 'encode', 'decide'}
    assert 0.0 < ours['graphs_ms']['p50'] < ours['step_ms']['p50']


@pytest.mark.usefixtures('in_threads')
def test_an_original_needs_pytorch_or_says_so(tmp_path: Path) -> None:
    contenders: list[Contender] = [
        Still('base'),
        OriginalContender('pytorch', bundle=str(tmp_path)),
    ]
    row = compare(contenders, CLIP, PLAN).as_dict()['contenders'][1]
    assert 'which is missing' in row['problem'] or str(tmp_path) in row['problem']
