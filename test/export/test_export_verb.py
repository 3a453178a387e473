# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`sam2-tracker export` as a user types it."""

from collections.abc import Callable, Iterator
import json
from pathlib import Path
from typing import Any

from isolated import run_isolated
import pytest

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.inference import load_model
from sam2_tracker_ros.tools import main

ROOT = Path(__file__).resolve().parent.parent.parent
REASON = "export needs torch and transformers: pip install '.[export]'"


def test_missing_torch_is_one_line_that_says_what_to_install() -> None:
    program = """
        import contextlib, io, sys
        from sam2_tracker_ros.tools import main

        stderr = io.StringIO()
        with contextlib.redirect_stderr(stderr):
            status = main(['export', 'seeded:1', '--out', sys.argv[1]])
        print(status, stderr.getvalue(), end='')
    """
    printed = run_isolated(ROOT, program, '/nowhere', absent=('torch', 'transformers'))
    assert printed == (
        '2 sam2-tracker export: the Python package torch is missing, which export needs: '
        "pip install 'sam2_tracker_ros[export]'\n"
    )


def test_missing_transformers_is_one_line_that_says_what_to_install(tmp_path: Path) -> None:
    pytest.importorskip('torch', reason=REASON)
    program = """
        import sys
        from sam2_tracker_ros.errors import ModelError
        from sam2_tracker_ros.export.sources import Source, open_source

        try:
            open_source(Source(sys.argv[1]))
        except ModelError as error:
            print(error)
    """
    for source in ('seeded:1', str(tmp_path)):
        printed = run_isolated(ROOT, program, source, absent=('transformers',))
        assert 'transformers is missing' in printed
        assert "pip install 'sam2_tracker_ros[export]'" in printed


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Save a small SAM 2.1 as transformers does."""
    torch = pytest.importorskip('torch', reason=REASON)
    pytest.importorskip('transformers', reason=REASON)
    from references.small_sam2 import small_sam2  # noqa: PLC0415

    from sam2_tracker_ros.export.seeded import randomise  # noqa: PLC0415

    folder = tmp_path_factory.mktemp('checkpoints') / 'small-sam2'
    model = small_sam2(128, 64)  # the only memory that the library opens again
    randomise(model, seed=2)
    model.save_pretrained(folder)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield folder
    torch.set_num_threads(threads)


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def export(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(['export', *map(str, arguments)])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def manifest_of(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / 'manifest.json').read_text())
    return content


def test_checkpoint_becomes_a_bundle_that_is_found_by_name(
    checkpoint: Path, tmp_path: Path, export: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('SAM2_TRACKER_MODELS', str(tmp_path))
    status, table, _ = export(checkpoint)
    assert status == 0
    *lines, last = table.splitlines()
    assert last == f'small-sam2 is in {tmp_path / "small-sam2"}'
    assert lines[0].split() == ['graph', 'tensor', 'max_abs', 'rms', 'tolerance']
    tensors = [tuple(line.split()[:2]) for line in lines[1:]]
    manifest = manifest_of(tmp_path / 'small-sam2')
    assert tensors == [(error['graph'], error['tensor']) for error in manifest['verification']]
    assert all(error['max_abs'] < 1e-3 for error in manifest['verification'])
    assert sorted({graph for graph, _ in tensors}) == sorted(manifest['graphs'])
    spec = load_model(ModelConfig(model='small-sam2')).spec
    assert (spec.name, spec.precision) == ('small-sam2', 'fp32')


def test_source_of_the_manifest_opens_the_original_again(
    checkpoint: Path, tmp_path: Path, export: Run
) -> None:
    from sam2_tracker_ros.export.sources import Source, open_source  # noqa: PLC0415

    folder = tmp_path / 'bundle'
    assert export(checkpoint, '--image-size', 160, '--out', folder)[0] == 0
    manifest = manifest_of(folder)
    assert manifest['name'] == 'bundle'
    model = open_source(Source(**manifest['source']))
    assert model.config.image_size == 160
    table = model.memory_temporal_positional_encoding.detach().flatten(1).tolist()
    assert table == json.loads((folder / 'constants.json').read_text())['temporal_table']
    assert load_model(ModelConfig(model=str(folder))).spec.image_size_px == 160


def test_options_change_name_and_content(
    checkpoint: Path, tmp_path: Path, export: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('SAM2_TRACKER_MODELS', str(tmp_path))
    options = ('--precision', 'fp16', '--memory', 'static', '--opset', '18', '--json')
    status, printed, _ = export(checkpoint, *options)
    assert status == 0
    folder = tmp_path / 'small-sam2-fp16-static'
    manifest = manifest_of(folder)
    assert json.loads(printed) == {
        'folder': str(folder),
        'verification': manifest['verification'],
    }
    assert (manifest['precision'], manifest['opset']) == ('fp16', 18)
    assert 'memory_bias' in manifest['graphs']['memory_attention']['inputs']


def test_published_form(checkpoint: Path, tmp_path: Path, export: Run) -> None:
    folder = tmp_path / 'published'
    assert export(checkpoint, '--form', 'published', '--out', folder)[0] == 0
    assert not (folder / 'manifest.json').exists()
    spec = load_model(ModelConfig(model=str(folder))).spec
    assert spec.memory_mask_size_px == spec.image_size_px


@pytest.mark.parametrize(
    ('options', 'reason'),
    [
        (('--form', 'published', '--precision', 'fp16'), 'published form'),
        (('--image-size', '100'), 'expected a multiple of 32'),
        (('--image-size', '32'), 'expected fewer of these'),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    checkpoint: Path, tmp_path: Path, export: Run, options: tuple[str, ...], reason: str
) -> None:
    folder = tmp_path / 'bundle'
    status, printed, error = export(checkpoint, '--out', folder, *options)
    assert (status, printed) == (2, '')
    line = error.splitlines()[-1]  # after the library's own progress bar
    assert line.startswith('sam2-tracker export: ')
    assert reason in line
    assert not list(tmp_path.iterdir())


def test_files_of_others_are_left_alone(checkpoint: Path, tmp_path: Path, export: Run) -> None:
    """A fetched bundle, for example, has no manifest of ours."""
    (tmp_path / 'constants.json').write_text('{}')
    status, _, error = export(checkpoint, '--out', tmp_path)
    assert status == 2
    assert 'holds other files' in error.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ['constants.json']


@pytest.mark.parametrize('source', ['seeded:one', 'no/such/folder', 'seeded:1'])
def test_unknown_source_is_one_line(
    checkpoint: Path, tmp_path: Path, export: Run, source: str
) -> None:
    architecture = ('--architecture', 'sam9') if source == 'seeded:1' else ()
    status, _, error = export(source, '--out', tmp_path / 'bundle', *architecture)
    assert status == 2
    assert len(error.splitlines()) == 1
    assert 'expected' in error
    assert not list(tmp_path.rglob('*.onnx'))


def test_checkpoint_without_all_weights_is_refused(
    checkpoint: Path, tmp_path: Path, export: Run
) -> None:
    """The library would draw the missing ones, and the bundle would match them."""
    from safetensors.torch import load_file, save_file  # noqa: PLC0415

    weights = load_file(checkpoint / 'model.safetensors')
    weights = {name: value for name, value in weights.items() if 'memory_attention' not in name}
    broken = tmp_path / 'broken'
    broken.mkdir()
    save_file(weights, broken / 'model.safetensors', metadata={'format': 'pt'})
    (broken / 'config.json').write_bytes((checkpoint / 'config.json').read_bytes())
    status, _, error = export(broken, '--out', tmp_path / 'bundle')
    assert status == 2
    assert 'lacks' in error.splitlines()[-1]
    assert 'memory_attention' in error.splitlines()[-1]


def test_truncated_checkpoint_is_refused(checkpoint: Path, tmp_path: Path, export: Run) -> None:
    broken = tmp_path / 'broken'
    broken.mkdir()
    content = (checkpoint / 'model.safetensors').read_bytes()
    (broken / 'model.safetensors').write_bytes(content[: len(content) // 2])
    (broken / 'config.json').write_bytes((checkpoint / 'config.json').read_bytes())
    status, _, error = export(broken, '--out', tmp_path / 'bundle')
    assert status == 2
    assert 'cannot be opened as a checkpoint' in error
