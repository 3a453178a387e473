# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`sam2-tracker parity BUNDLE --against BUNDLE2`, without torch; and what needs it says so."""

import json
from pathlib import Path
import shutil
from typing import Any

import cv2
from inference.tiny_bundle import write_manifest
from isolated import run_isolated
import numpy as np
import onnx
from onnx import numpy_helper
import pytest

from sam2_tracker_ros.core.types import Box, UInt8Array
from sam2_tracker_ros.errors import SourceError
from sam2_tracker_ros.inference.bundle import bundle_folder
from sam2_tracker_ros.parity.clip import scenarios, seeded_clip
from sam2_tracker_ros.replay.clip_formats import recorded_clips
from sam2_tracker_ros.tools import main

ROOT = Path(__file__).resolve().parent.parent.parent
FRAMES = 6


@pytest.fixture(scope='module')
def clip() -> UInt8Array:
    return seeded_clip(192, FRAMES)


@pytest.fixture(scope='module')
def start(clip: UInt8Array) -> Box:
    box = scenarios(clip)['box'].prompts[0].box
    assert box is not None
    return box


@pytest.fixture(scope='module')
def other_nano(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nano with every weight of its decoder off by a few percent."""
    folder = tmp_path_factory.mktemp('bundles') / 'other'
    shutil.copytree(bundle_folder('nano'), folder)
    path = folder / 'mask_decoder.onnx'
    model = onnx.load(path)
    rng = np.random.default_rng(0)
    for tensor in model.graph.initializer:
        weights = numpy_helper.to_array(tensor)
        if weights.dtype == np.float32 and weights.ndim:
            noisy = weights * (1.0 + 0.03 * rng.normal(size=weights.shape))
            tensor.CopyFrom(numpy_helper.from_array(noisy.astype(np.float32), tensor.name))
    onnx.save(model, path)
    write_manifest(folder)
    return folder


@pytest.fixture
def recordings(clip: UInt8Array, start: Box, tmp_path: Path) -> Path:
    """Two clips; the target of the second is absent after half of it."""
    for name, absent_from in (('whole', FRAMES), ('half', FRAMES // 2)):
        frames = tmp_path / 'clips' / name / 'frames'
        frames.mkdir(parents=True)
        for index, image in enumerate(clip):
            cv2.imwrite(str(frames / f'{index:05d}.png'), image[:, :, ::-1])
        lines = [f'{start.left},{start.top},{start.width},{start.height}'] * absent_from
        lines += ['nan,nan,nan,nan'] * (FRAMES - absent_from)
        (frames.parent / 'groundtruth.txt').write_text('\n'.join(lines) + '\n')
    return tmp_path / 'clips'


def report_of(folder: Path, *words: object) -> dict[str, Any]:
    path = folder / 'report.json'
    assert main([*map(str, ('parity', *words)), '--json', str(path)]) == 0
    report: dict[str, Any] = json.loads(path.read_text())
    return report


def test_a_bundle_agrees_with_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = report_of(tmp_path, 'nano', '--against', 'nano', '--frames', FRAMES)
    (row,) = report['clips']
    assert (row['clip'], row['frames']) == ('seeded', FRAMES)
    assert (row['mask_miou'], row['box_miou'], row['worst_mask_iou']) == (1.0, 1.0, 1.0)
    assert row['score_error'] == 0.0
    assert row['truth_box_miou'] is None
    assert 'seeded' in capsys.readouterr().out


def test_bundles_that_differ_agree_less_whichever_comes_first(
    other_nano: Path, tmp_path: Path
) -> None:
    words = ('--frames', FRAMES)
    first = report_of(tmp_path, 'nano', '--against', other_nano, *words)['clips'][0]
    second = report_of(tmp_path, other_nano, '--against', 'nano', *words)['clips'][0]
    assert 0.3 < first['mask_miou'] < 0.9999
    assert first['score_error'] > 1e-3
    assert first == second


def test_recorded_clips_are_compared_with_their_truth(
    other_nano: Path, recordings: Path, tmp_path: Path
) -> None:
    words = ('nano', '--against', other_nano, '--clips', recordings)
    rows = report_of(tmp_path, *words)['clips']
    assert [row['clip'] for row in rows] == ['half', 'whole']
    assert [row['frames'] for row in rows] == [FRAMES, FRAMES]
    # The images are the same, and so is what is found; only the truth that counts differs.
    assert rows[0]['mask_miou'] == rows[1]['mask_miou']
    assert rows[0]['truth_box_miou'] != rows[1]['truth_box_miou']
    assert all(0.0 < value < 1.0 for row in rows for value in row['truth_box_miou'])


def test_a_single_clip_may_be_named_itself(recordings: Path, start: Box) -> None:
    (clip,) = recorded_clips(recordings / 'half')
    assert clip.start == start
    assert clip.truth == (start,) * 3 + (None,) * 3
    assert [frame.size_px for frame in clip.frames()] == [(192, 192)] * FRAMES


@pytest.mark.parametrize(
    ('content', 'expected'),
    [('1,2,3\n', 'damaged'), ('nan,nan,nan,nan\n', 'first frame'), ('', 'first frame')],
)
def test_a_clip_with_a_damaged_truth_is_refused(
    recordings: Path, content: str, expected: str
) -> None:
    (recordings / 'whole' / 'groundtruth.txt').write_text(content)
    with pytest.raises(SourceError, match=expected):
        recorded_clips(recordings)


@pytest.mark.parametrize(
    ('words', 'expected'),
    [
        (('giant', '--against', 'nano'), 'giant'),
        (('nano', '--against', 'giant'), 'giant'),
        (('nano', '--against', 'nano', '--clips', '.'), 'holds no clips'),
        (('nano', '--clips', '.'), '--against'),
        (('nano', '--against', 'nano', '--reference', 'x'), 'not allowed with'),
        (('nano', '--frames', '0'), 'at least 1'),
        (('nano', '--prompt', 'shout'), 'invalid choice'),
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
        status = main(['parity', *words])
    except SystemExit as error:
        status = int(error.code or 0)
    assert status == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert expected in line


def test_without_torch_the_reference_says_what_to_install() -> None:
    program = """
        import contextlib, io
        from sam2_tracker_ros.tools import main

        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            status = main(['parity', 'nano'])
        print(status, errors.getvalue(), end='')
    """
    (line,) = run_isolated(ROOT, program, absent=('torch', 'transformers')).splitlines()
    assert line.startswith('2 ')
    assert "pip install 'sam2_tracker_ros[export]'" in line
