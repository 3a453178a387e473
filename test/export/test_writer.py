# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is written, and that nothing is written that differs from PyTorch."""

from collections.abc import Mapping
from dataclasses import replace
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

torch = pytest.importorskip('torch', reason="export needs torch: pip install '.[export]'")

from torch import nn  # noqa: E402

from sam2_tracker_ros.errors import ModelError  # noqa: E402
from sam2_tracker_ros.export.graph import Graph, ModelExport  # noqa: E402
from sam2_tracker_ros.export.writer import write_bundle  # noqa: E402

CHANNELS = 8


class Place(nn.Module):
    """A layer as small as the contract allows, and ways in which tracing can go wrong."""

    def __init__(self, mistake: str = '') -> None:
        super().__init__()
        torch.manual_seed(3)
        self.layer = nn.Linear(1, CHANNELS)
        self.mistake = mistake
        # A table that is stored once, however often it is used and under how many names.
        self.register_buffer('table', torch.randn(CHANNELS, CHANNELS))
        self.register_buffer('same_table', self.table.clone())

    def forward(self, ages: Any) -> Any:
        if self.mistake == 'length':
            ages = ages.reshape(int(ages.shape[0]))
        found = self.layer(ages[:, None]) @ self.table @ self.same_table
        if self.mistake == 'weight' and torch.onnx.is_in_onnx_export():
            found = found + torch.tensor([0.0] * (CHANNELS - 1) + [0.01])
        if self.mistake == 'nan':
            found = found * float('nan')
        return found


class Deaf(nn.Module):
    """Does not look at its input."""

    def __init__(self) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.randn(2, CHANNELS))

    def forward(self, ages: Any) -> Any:
        return self.places * 2.0


def described(module: Any, **changes: Any) -> ModelExport:
    graph = Graph(
        'pointer_tpos',
        module,
        {'normalized_diffs': torch.tensor([0.1, 0.9])},
        ('pointer_pos',),
        {'normalized_diffs': {0: 'pointers'}, 'pointer_pos': {0: 'pointers'}},
        ({'normalized_diffs': torch.tensor([0.2, 0.3, 0.7])},),
    )
    return ModelExport(
        name='toy',
        family='sam2',
        graphs=(replace(graph, **changes),),
        constants={'mean': [0.5, 0.5, 0.5]},
        source={'checkpoint': 'seeded:3'},
        parameters={'total': 16},
    )


def manifest_of(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / 'manifest.json').read_text())
    return content


def content_of(folder: Path) -> Mapping[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def weights_of(path: Path) -> list[int]:
    """Return the ONNX types of the stored weights."""
    return [weight.data_type for weight in onnx.load(path).graph.initializer]


def test_manifest_says_what_was_written(tmp_path: Path) -> None:
    module = Place()
    write_bundle(described(module), tmp_path)
    manifest = manifest_of(tmp_path)
    assert (manifest['format'], manifest['name'], manifest['family']) == (1, 'toy', 'sam2')
    assert (manifest['precision'], manifest['opset']) == ('fp32', 17)
    assert manifest['source'] == {'checkpoint': 'seeded:3'}
    assert manifest['parameters'] == {'total': 16}
    entry = manifest['graphs']['pointer_tpos']
    assert entry['inputs'] == {'normalized_diffs': [-1]}
    assert entry['outputs'] == {'pointer_pos': [-1, CHANNELS]}
    for file, digest in (
        (entry['file'], entry['sha256']),
        (manifest['constants'], manifest['constants_sha256']),
    ):
        assert hashlib.sha256((tmp_path / file).read_bytes()).hexdigest() == digest
    assert set(content_of(tmp_path)) == {'pointer_tpos.onnx', 'constants.json', 'manifest.json'}


def test_error_is_the_largest_of_all_inputs(tmp_path: Path) -> None:
    (error,) = write_bundle(described(Place()), tmp_path).errors
    assert (error.graph, error.tensor, error.tolerance) == ('pointer_tpos', 'pointer_pos', 1e-3)
    assert 0.0 <= error.max_abs < 1e-5
    with torch.no_grad():
        values = [Place()(torch.tensor(ages)).numpy() for ages in ([0.1, 0.9], [0.2, 0.3, 0.7])]
    assert any(error.rms == pytest.approx(np.sqrt((v**2).mean()), rel=1e-5) for v in values)
    assert manifest_of(tmp_path)['verification'] == [
        {
            'graph': 'pointer_tpos',
            'tensor': 'pointer_pos',
            'max_abs': error.max_abs,
            'rms': error.rms,
            'tolerance': 1e-3,
        }
    ]


@pytest.mark.parametrize('opset', [17, 20])
def test_opset_is_the_one_that_was_asked_for(tmp_path: Path, opset: int) -> None:
    write_bundle(described(Place()), tmp_path, opset=opset)
    imports = onnx.load(tmp_path / 'pointer_tpos.onnx').opset_import
    assert {item.domain: item.version for item in imports} == {'': opset}
    assert manifest_of(tmp_path)['opset'] == opset


@pytest.mark.parametrize('settings', [{'opset': 16}, {'opset': 99}, {'precision': 'int8'}])
def test_unknown_settings_are_refused(tmp_path: Path, settings: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=r'expected fp32, fp16, bf16 and 17 to 20'):
        write_bundle(described(Place()), tmp_path, **settings)


def test_equal_tables_are_stored_once(tmp_path: Path) -> None:
    write_bundle(described(Place()), tmp_path)
    stored = onnx.load(tmp_path / 'pointer_tpos.onnx').graph.initializer
    assert [list(weight.dims) for weight in stored].count([CHANNELS, CHANNELS]) == 1


class Wide(nn.Module):
    """A stage with a product that 16 bits may compute."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.inner = nn.Conv2d(3, 3, 3, padding=1)
        self.layer = nn.Linear(3, 3)

    def forward(self, pixel_values: Any) -> Any:
        inner = self.layer(self.inner(pixel_values).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return inner, inner + 1.0, inner * 2.0


@pytest.mark.parametrize(
    ('precision', 'kind'),
    [('fp16', onnx.TensorProto.FLOAT16), ('bf16', onnx.TensorProto.BFLOAT16)],
)
def test_mixed_precision_keeps_float32_outside(tmp_path: Path, precision: str, kind: int) -> None:
    export = described(
        Wide(),
        stage='vision_encoder',
        inputs={'pixel_values': torch.randn(1, 3, 8, 8)},
        outputs=('feats2', 'feats2_no_mem', 'vision_pos_embed'),
        free_axes={},
        more_inputs=(),
    )
    verification = write_bundle(export, tmp_path, precision=precision)
    path = tmp_path / 'vision_encoder.onnx'
    assert kind in weights_of(path)
    graph = onnx.load(path).graph
    outside = [item.type.tensor_type.elem_type for item in (*graph.input, *graph.output)]
    assert set(outside) == {onnx.TensorProto.FLOAT}
    assert manifest_of(tmp_path)['precision'] == precision
    # Really in 16 bits: off by more than float32 ever is, and by less than is accepted.
    assert all(1e-5 < error.max_abs < error.tolerance for error in verification.errors)
    assert {path.suffix for path in tmp_path.iterdir()} == {'.onnx', '.json'}


@pytest.mark.parametrize(
    ('export', 'reason'),
    [
        (
            described(Place('weight')),
            r'pointer_tpos pointer_pos is off by 1\.00e-02, expected at most 1\.00e-03',
        ),
        (described(Place('nan')), r'pointer_tpos pointer_pos is off by nan'),
        (
            described(Place('length')),
            r'pointer_tpos failed .*it was given normalized_diffs \(3,\)',
        ),
        (described(Deaf(), more_inputs=()), r'tracing lost an input'),
        (
            described(Place(), outputs=('places',), free_axes={}, more_inputs=()),
            r'the outputs are places .*expected pointer_pos \[P, Cm\]',
        ),
    ],
    ids=['other weight', 'not a number', 'frozen length', 'lost input', 'contract'],
)
def test_wrong_graph_leaves_the_old_bundle(
    tmp_path: Path, export: ModelExport, reason: str
) -> None:
    write_bundle(described(Place()), tmp_path)
    before = content_of(tmp_path)
    with pytest.raises(ModelError, match=reason):
        write_bundle(export, tmp_path)
    assert content_of(tmp_path) == before


def test_larger_error_of_later_inputs_counts(tmp_path: Path) -> None:
    """A graph may be right for the inputs that it was traced with only."""

    class Branching(Place):
        def forward(self, ages: Any) -> Any:
            scale = 2.0 if float(ages.max()) < 0.8 else 1.0  # frozen by tracing
            return super().forward(ages) * scale

    with pytest.raises(ModelError, match='pointer_tpos pointer_pos is off by'):
        write_bundle(described(Branching()), tmp_path)
    write_bundle(described(Branching(), more_inputs=()), tmp_path)


def test_new_bundle_replaces_the_old(tmp_path: Path) -> None:
    write_bundle(described(Place()), tmp_path)
    before = content_of(tmp_path)
    other = Place()
    nn.init.ones_(other.layer.weight)
    write_bundle(described(other), tmp_path)
    after = content_of(tmp_path)
    assert after['pointer_tpos.onnx'] != before['pointer_tpos.onnx']
    assert after['manifest.json'] != before['manifest.json']
    assert after.keys() == before.keys()
