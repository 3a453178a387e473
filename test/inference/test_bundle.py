# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a bundle folder must be; each damage gives one error that names file and remedy."""

import json
from pathlib import Path
import re
import shutil
from typing import Any

from inference.tiny_form import SLOTS, Form
import numpy as np
import pytest

from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference import bundle as bundle_module
from sam2_tracker_ros.inference.bundle import bundle_folder, read_bundle


def edit(path: Path, **changes: Any) -> None:
    """Change entries of a JSON file; None removes one."""
    content = json.loads(path.read_text()) | changes
    kept = {key: value for key, value in content.items() if value is not None}
    path.write_text(json.dumps(kept))


def test_every_form_is_read(bundle: Path, form: Form) -> None:
    """A manifest is not needed; EfficientTAM has no positions of pointers."""
    found = read_bundle(bundle)
    assert found.name == 'tiny'
    assert found.family == form.family
    stages = {'vision_encoder', 'mask_decoder', 'memory_encoder', 'memory_attention'}
    assert set(found.graphs) == stages | (set() if form.is_efficienttam else {'pointer_tpos'})
    assert found.constants.temporal_table.shape[0] == SLOTS


def test_a_temporal_table_with_extra_axes_is_read(published: Path) -> None:
    """The original keeps it as [slots, 1, 1, channels]."""
    path = published / 'constants.json'
    key = 'memory_temporal_positional_encoding'
    table = json.loads(path.read_text())[key]
    edit(path, **{key: [[[row]] for row in table]})
    np.testing.assert_allclose(read_bundle(published).constants.temporal_table, table)


def test_a_path_is_found_as_it_is(bundle: Path) -> None:
    """Absolute, as in a parameter file."""
    assert bundle_folder(str(bundle)) == bundle


def test_a_name_is_found_where_bundles_are(
    ours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installed bundles come before those of a source checkout, and these before the user's."""
    roots = tmp_path / 'installed', tmp_path / 'checkout', tmp_path / 'own'
    monkeypatch.setattr(bundle_module, 'BUNDLE_ROOTS', roots[:2])
    monkeypatch.setenv('SAM2_TRACKER_MODELS', str(roots[2]))
    monkeypatch.chdir(tmp_path.parent)
    for root in reversed(roots):
        shutil.copytree(ours, root / 'small')
        assert bundle_folder('small') == root / 'small'


def test_an_unknown_name_says_what_exists(
    ours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error lists what may be named."""
    shutil.copytree(ours, tmp_path / 'roots' / 'small')
    shutil.copytree(ours, tmp_path / 'own' / 'mine')
    monkeypatch.setattr(bundle_module, 'BUNDLE_ROOTS', (tmp_path / 'roots', tmp_path / 'none'))
    monkeypatch.setenv('SAM2_TRACKER_MODELS', str(tmp_path / 'own'))
    with pytest.raises(ModelError, match=r"unknown model 'smal': .* there are: mine, small;"):
        bundle_folder('smal')


def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    """An empty folder is not an unknown name."""
    with pytest.raises(ModelError, match='is no model bundle: expected a folder with manifest'):
        bundle_folder(str(tmp_path))


def test_a_missing_graph_is_named(bundle: Path) -> None:
    """Whether a manifest names it or not."""
    path = next(bundle.rglob('memory_attention.onnx'))
    path.unlink()
    with pytest.raises(ModelError, match=r'memory_attention.onnx is missing; copy, fetch or'):
        read_bundle(bundle)


def test_missing_constants_are_named(ours: Path) -> None:
    """The numbers are part of the bundle."""
    (ours / 'constants.json').unlink()
    with pytest.raises(ModelError, match=r'constants.json is missing'):
        read_bundle(ours)


def test_a_truncated_file_is_not_the_one_that_was_meant(ours: Path) -> None:
    """Half a graph has another digest."""
    path = ours / 'mask_decoder.onnx'
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ModelError, match=r'mask_decoder.onnx is not the file .* truncated'):
        read_bundle(ours)


def test_changed_constants_are_not_the_ones_that_were_meant(ours: Path) -> None:
    """Their digest is checked too."""
    edit(ours / 'constants.json', max_object_pointers=2)
    with pytest.raises(ModelError, match=r'constants.json is not the file that manifest.json'):
        read_bundle(ours)


def test_an_empty_file_is_refused(published: Path) -> None:
    """As an interrupted download leaves it; the published form has no digests."""
    (published / 'onnx' / 'pointer_tpos.onnx').write_bytes(b'')
    with pytest.raises(ModelError, match=r'pointer_tpos.onnx has 0 bytes; expected 1 to'):
        read_bundle(published)


def test_a_huge_json_file_is_not_read(ours: Path) -> None:
    """It would fill the memory before it could be refused."""
    with (ours / 'manifest.json').open('r+b') as stream:
        stream.truncate(bundle_module.MAX_JSON_BYTES + 1)
    with pytest.raises(ModelError, match=r'manifest.json has \d+ bytes; expected at most'):
        read_bundle(ours)


@pytest.mark.parametrize('content', ['{"format": 1', '', '[' * 100_000, '[1]', '\x00'])
def test_a_damaged_manifest_is_refused(ours: Path, content: str) -> None:
    """Whatever is in it."""
    (ours / 'manifest.json').write_text(content)
    with pytest.raises(ModelError, match=r'manifest.json (is not JSON|holds a JSON list)'):
        read_bundle(ours)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'format': 2}, r'has format 2; expected 1'),
        ({'graphs': None}, r"'graphs' is missing; expected a JSON value of type dict"),
        ({'graphs': {}}, r'names graphs for nothing; expected vision_encoder'),
        ({'family': 'sam3'}, r"family is 'sam3'; expected sam2 or efficienttam"),
        ({'family': 'efficienttam'}, r'pointer_tpos, vision_encoder; expected vision_encoder, m'),
        ({'name': 7}, r"'name' is 7; expected a JSON value of type str"),
        ({'constants_sha256': None}, r"'constants_sha256' is missing"),
        ({'name': '\ud800'}, r"'name' is '.ud800'; expected a JSON value"),
        ({'name': 'two\nlines'}, r"'name' is 'two.nlines'"),
        ({'constants': 'c' * 300}, r"'constants' is 'ccc"),
        ({'family': ['x' * 10_000] * 50}, r"'family' is \['xxx.{,1500}\]; expected"),
        ({'graphs': {'\ud800' * 500: {}}}, r'names graphs for \?{255}; expected vision_encoder'),
    ],
)
def test_a_wrong_manifest_entry_is_named(
    ours: Path, changes: dict[str, Any], message: str
) -> None:
    """With what was expected."""
    edit(ours / 'manifest.json', **changes)
    with pytest.raises(ModelError, match=message):
        read_bundle(ours)


@pytest.mark.parametrize('entry', [7, {'file': 'x.onnx', 'sha256': 3}, {'sha256': ''}])
def test_a_wrong_graph_entry_is_refused(ours: Path, entry: Any) -> None:
    """It must be an object with a file and a digest."""
    path = ours / 'manifest.json'
    (ours / 'x.onnx').write_bytes(b'x')
    edit(path, graphs=json.loads(path.read_text())['graphs'] | {'mask_decoder': entry})
    with pytest.raises(ModelError, match='expected'):
        read_bundle(ours)


@pytest.mark.parametrize('size', ['1e999', '-1e999', 'NaN', '"x"', 'null', '[]'])
def test_a_shape_of_no_whole_numbers_is_refused(ours: Path, size: str) -> None:
    """Infinity, which JSON writes as a large number, among them."""
    path = ours / 'manifest.json'
    text = json.dumps(json.loads(path.read_text()), indent=0)
    path.write_text(re.sub(r'\[\s*-?\d+', f'[{size}', text, count=1))
    with pytest.raises(ModelError, match='expected lists of whole numbers by name'):
        read_bundle(ours)


@pytest.mark.parametrize('name', ['a' * 255, 'a\0b', '.', 'onnx/' * 40])
def test_a_file_that_cannot_exist_is_missing(ours: Path, name: str) -> None:
    """The system's own error about a name does not get out."""
    edit(ours / 'manifest.json', constants=name)
    with pytest.raises(ModelError, match=r'is missing|expected a JSON value'):
        read_bundle(ours)


@pytest.mark.parametrize('is_absolute', [True, False])
def test_a_file_name_cannot_leave_the_folder(
    ours: Path, tmp_path: Path, is_absolute: bool
) -> None:
    """A bundle from elsewhere must not reach other files of this machine."""
    outside = tmp_path / 'outside.onnx'
    shutil.copy(ours / 'mask_decoder.onnx', outside)
    path = ours / 'manifest.json'
    graphs = json.loads(path.read_text())['graphs']
    graphs['mask_decoder']['file'] = str(outside) if is_absolute else '../outside.onnx'
    edit(path, graphs=graphs)
    with pytest.raises(ModelError, match='leads out of the bundle'):
        read_bundle(ours)


def test_files_may_be_links(bundle: Path, tmp_path: Path) -> None:
    """Download caches and symbolic installs keep them elsewhere."""
    for path in [path for path in bundle.rglob('*') if path.is_file()]:
        path.symlink_to(path.rename(tmp_path / path.name))
    assert read_bundle(bundle).name == 'tiny'


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'image_mean': None}, 'mean or image_mean is missing'),
        ({'image_mean': [0.5, 0.5]}, r'mean has the shape \(2,\); expected one number per colour'),
        ({'image_mean': ['red', 0, 0]}, 'mean is not a table of numbers'),
        ({'image_std': [0.2, 0.0, 0.2]}, 'expected positive numbers'),
        ({'memory_temporal_positional_encoding': None}, 'temporal_table .* is missing'),
        ({'memory_temporal_positional_encoding': [1.0]}, 'expected rows and columns'),
        ({'memory_temporal_positional_encoding': [[1.0], [1.0, 2.0]]}, 'not a table of numbers'),
        ({'memory_temporal_positional_encoding': [[float('nan')]]}, 'is not finite'),
        ({'max_object_pointers': 0}, 'max_object_pointers is 0; expected a whole number'),
        (
            {'max_object_pointers': 1 << 40},
            'is 1099511627776; expected a whole number, 1 to 65536',
        ),
        ({'image_mean': [10**400, 0, 0]}, 'mean is not a table of numbers'),
    ],
)
def test_constants_that_make_no_sense_are_refused(
    published: Path, changes: dict[str, Any], message: str
) -> None:
    """With the name of the number."""
    edit(published / 'constants.json', **changes)
    with pytest.raises(ModelError, match=message):
        read_bundle(published)
