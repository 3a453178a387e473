# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`sam2-tracker parity` against PyTorch, from the command line, on what `export` wrote."""

import json
from pathlib import Path

import pytest

pytest.importorskip('torch', reason='torch is not installed: make parity installs it')

from sam2_tracker_ros.tools import main

pytestmark = pytest.mark.parity

SOURCE, ARCHITECTURE, SIZE_PX = 'seeded:3', 'sam2.1-hiera-tiny', '256'
SHORT = ('--frames', '4', '--prompt', 'box')


def export(folder: Path, *options: str) -> str:
    """Write a bundle and return its path."""
    place = ('--architecture', ARCHITECTURE, '--image-size', SIZE_PX, '--out', str(folder))
    assert main(['export', SOURCE, *place, *options]) == 0
    return str(folder)


@pytest.mark.parametrize('memory', ['dynamic', 'static'])
def test_an_export_is_its_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], memory: str
) -> None:
    """The manifest says what to compare with; figures and pictures are written."""
    bundle = export(tmp_path / 'bundle', '--memory', memory)
    figures, pictures = tmp_path / 'figures.json', tmp_path / 'pictures'
    status = main(['parity', bundle, *SHORT, '--json', str(figures), '--out', str(pictures)])
    printed = capsys.readouterr().out
    assert status == 0, printed
    report = json.loads(figures.read_text())
    assert report['is_within']
    assert report['runs']['box'][0]['worst_mask_iou'] >= 0.999
    assert max(tensor['max_abs'] for tensor in report['stages']['tensors']) < 1e-3
    assert {path.suffix for path in pictures.iterdir()} == {'.png'}
    assert 'conditioned_feats' in printed


def test_a_padded_memory_is_over_the_bounds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The published form is exact when adapted at load, and not with the card's duplication."""
    bundle = export(tmp_path / 'bundle', '--form', 'published')
    assert main(['parity', bundle, *SHORT]) == 2
    assert '--reference' in capsys.readouterr().err
    reference = ('--reference', f'{SOURCE},{ARCHITECTURE},{SIZE_PX}')
    assert main(['parity', bundle, *SHORT, *reference]) == 0
    assert main(['parity', bundle, *SHORT, *reference, '--memory-padding', 'duplicate']) == 1
    assert 'OVER' in capsys.readouterr().out
