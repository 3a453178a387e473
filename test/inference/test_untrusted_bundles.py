# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Models of people who mean no good: a file is data, and says nothing about other files."""

import ast
from collections.abc import Callable
from contextlib import suppress
import hashlib
import json
import os
from pathlib import Path
import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st
from inference.tiny_bundle import write_bundle
from inference.tiny_form import OURS, PUBLISHED, Form
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
import pytest

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference import load_model
from sam2_tracker_ros.inference.build_entry import entries
from sam2_tracker_ros.inference.bundle import read_bundle
from sam2_tracker_ros.inference.precision import policy_from_file
from sam2_tracker_ros.inference.self_contained import check_graph_file

PACKAGE = Path(__file__).resolve().parent.parent.parent / 'sam2_tracker_ros'
STAGE = 'memory_encoder'
ELSEWHERE = 'weights in another file'
PICKLES = {'cloudpickle', 'dill', 'joblib', 'marshal', 'pickle', 'shelve'}


def outside(location: str) -> TensorProto:
    """Return four numbers that are in another file."""
    tensor = TensorProto(
        name='stolen', data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL
    )
    tensor.external_data.add(key='location', value=location)
    return tensor


def constant(tensor: TensorProto) -> onnx.NodeProto:
    return helper.make_node('Constant', [], ['stolen'], value=tensor)


def as_initializer(model: onnx.ModelProto, tensor: TensorProto) -> None:
    model.graph.initializer.append(tensor)


def as_constant(model: onnx.ModelProto, tensor: TensorProto) -> None:
    model.graph.node.insert(0, constant(tensor))


def in_a_branch(model: onnx.ModelProto, tensor: TensorProto) -> None:
    branch = helper.make_graph(
        [constant(tensor)],
        'branch',
        [],
        [helper.make_tensor_value_info('stolen', TensorProto.FLOAT, [4])],
    )
    yes = numpy_helper.from_array(np.array(True), 'yes')
    model.graph.initializer.append(yes)
    node = helper.make_node('If', ['yes'], ['taken'], then_branch=branch, else_branch=branch)
    model.graph.node.append(node)


def in_a_function(model: onnx.ModelProto, tensor: TensorProto) -> None:
    opsets = [helper.make_opsetid('', 17)]
    made = helper.make_function('own', 'Steal', [], ['stolen'], [constant(tensor)], opsets)
    model.functions.append(made)
    model.opset_import.append(helper.make_opsetid('own', 1))
    model.graph.node.append(helper.make_node('Steal', [], ['taken'], domain='own'))


def as_sparse(model: onnx.ModelProto, tensor: TensorProto) -> None:
    indices = numpy_helper.from_array(np.arange(4), 'indices')
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(tensor, indices, [4]))


def varint(value: int) -> bytes:
    found = b''
    while value > 0x7F:
        found += bytes([value & 0x7F | 0x80])
        value >>= 7
    return found + bytes([value])


Change = Callable[[onnx.ModelProto, TensorProto], None]


def changed(folder: Path, change: Callable[[onnx.ModelProto], None]) -> Path:
    """Change a graph of a bundle, and the digest with it."""
    is_ours = (folder / 'manifest.json').exists()
    path = (folder if is_ours else folder / 'onnx') / f'{STAGE}.onnx'
    model = onnx.load(path)
    change(model)
    path.write_bytes(model.SerializeToString())
    if is_ours:
        manifest = json.loads((folder / 'manifest.json').read_text())
        kept = manifest['graphs'][STAGE]
        kept['sha256'] = hashlib.sha256(path.read_bytes()).hexdigest()
        (folder / 'manifest.json').write_text(json.dumps(manifest))
    return folder


@pytest.mark.parametrize('execution', ['fused', 'modular'])
@pytest.mark.parametrize('form', [OURS, PUBLISHED], ids=['ours', 'published'])
@pytest.mark.parametrize('location', ['/etc/hostname', '../secret', 'beside', 'link'])
def test_weights_in_another_file_are_not_read(
    tmp_path: Path, form: Form, location: str, execution: str
) -> None:
    folder = write_bundle(tmp_path / 'tiny', form)
    (tmp_path / 'secret').write_bytes(bytes(16))
    inside = folder if form is OURS else folder / 'onnx'
    (inside / 'beside').write_bytes(bytes(16))
    (inside / 'link').symlink_to('/etc/hostname')
    changed(folder, lambda model: as_initializer(model, outside(location)))
    with pytest.raises(ModelError, match=f'{STAGE}.onnx has {ELSEWHERE}'):
        load_model(ModelConfig(model=str(folder), execution=execution))


@pytest.mark.parametrize(
    'place', [as_initializer, as_constant, in_a_branch, in_a_function, as_sparse]
)
def test_there_is_no_place_to_hide_them(ours: Path, place: Change) -> None:
    changed(ours, lambda model: place(model, outside('/etc/hostname')))
    with pytest.raises(ModelError, match=ELSEWHERE):
        read_bundle(ours)


def test_a_location_alone_is_enough(ours: Path) -> None:
    tensor = outside('beside')
    tensor.data_location = TensorProto.DEFAULT
    changed(ours, lambda model: as_initializer(model, tensor))
    with pytest.raises(ModelError, match=ELSEWHERE):
        read_bundle(ours)


def test_a_compiled_program_is_not_run(ours: Path) -> None:
    """A TensorRT engine or the like, inside the file or beside it."""

    def add(model: onnx.ModelProto) -> None:
        node = helper.make_node(
            'EPContext', [], ['made'], domain='com.microsoft', ep_cache_context='../engine'
        )
        model.graph.node.append(node)

    changed(ours, add)
    with pytest.raises(ModelError, match='holds a compiled program'):
        read_bundle(ours)


def test_an_operator_of_a_library_is_not_there(ours: Path) -> None:
    """No library is ever loaded for a model."""

    def add(model: onnx.ModelProto) -> None:
        model.opset_import.append(helper.make_opsetid('evil', 1))
        name = model.graph.input[0].name
        model.graph.node.append(helper.make_node('Own', [name], ['made'], domain='evil'))

    changed(ours, add)
    with pytest.raises(ModelError, match=f'{STAGE}.* cannot be opened as a graph'):
        load_model(ModelConfig(model=str(ours), execution='modular'))


def test_a_model_does_not_set_options_of_the_session(
    ours: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its metadata may ask for profiling, which writes files."""

    def add(model: onnx.ModelProto) -> None:
        text = json.dumps({'session_options': {'enable_profiling': 1}})
        helper.set_model_props(model, {'ort_config': text})

    changed(ours, add)
    (tmp_path / 'here').mkdir()
    monkeypatch.chdir(tmp_path / 'here')
    load_model(ModelConfig(model=str(ours), execution='modular'))
    assert not list(Path.cwd().iterdir())


def test_a_graph_in_another_format_is_not_opened(ours: Path) -> None:
    """ONNX Runtime would take its own format by the name of the file."""
    (ours / f'{STAGE}.onnx').rename(ours / f'{STAGE}.ort')
    manifest = json.loads((ours / 'manifest.json').read_text())
    manifest['graphs'][STAGE]['file'] = f'{STAGE}.ort'
    (ours / 'manifest.json').write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match=r'ends in \.onnx'):
        read_bundle(ours)


@pytest.mark.parametrize('name', ['manifest.json', f'{STAGE}.onnx'])
def test_a_pipe_does_not_stop_the_node(ours: Path, name: str) -> None:
    (ours / name).unlink()
    os.mkfifo(ours / name)
    with pytest.raises(ModelError, match=name):
        read_bundle(ours)


@settings(max_examples=200, deadline=None)
@given(start=st.integers(0, 2000), noise=st.binary(max_size=40), cut=st.integers(0, 2000))
def test_noise_is_no_graph(
    tmp_path_factory: pytest.TempPathFactory, start: int, noise: bytes, cut: int
) -> None:
    whole = (PACKAGE.parent / 'resource' / 'nano' / 'pointer_tpos.onnx').read_bytes()
    path = tmp_path_factory.mktemp('noise') / 'x.onnx'
    path.write_bytes(whole[:start] + noise + whole[start + cut :])
    with suppress(ModelError):
        check_graph_file(path)


def test_messages_in_each_other_have_an_end(tmp_path: Path) -> None:
    """A graph in an attribute of a node of a graph, and so on."""
    content = b''
    for _ in range(50):
        # A graph's node, that node's attribute, that attribute's graph.
        for tag in (b'\x32', b'\x2a', b'\x0a'):
            content = tag + varint(len(content)) + content
    path = tmp_path / 'deep.onnx'
    path.write_bytes(b'\x3a' + varint(len(content)) + content)
    with pytest.raises(ModelError, match='deep in each other'):
        check_graph_file(path)


def test_a_listing_says_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`sam2-tracker models` reads every bundle that it finds."""
    folder = write_bundle(tmp_path / 'tiny', OURS)
    changed(folder, lambda model: as_initializer(model, outside('/etc/hostname')))
    monkeypatch.setenv('SAM2_TRACKER_MODELS', str(tmp_path))
    done = subprocess.run(
        ['sam2-tracker', 'models', 'list'], capture_output=True, text=True, check=True
    )
    assert ELSEWHERE in ' '.join(done.stdout.split())


@pytest.mark.parametrize('place', ['entry', 'cache'])
@pytest.mark.parametrize('whose', ['everybody', 'somebody else'])
def test_a_build_that_others_may_have_made_is_not_used(
    ours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, whose: str
) -> None:
    cache = tmp_path / 'cache'
    config = ModelConfig(model=str(ours), cache_folder=str(cache))
    load_model(config)
    (entry,) = entries(cache)
    folder = entry.folder if place == 'entry' else cache
    if whose == 'everybody':
        folder.chmod(0o777)
    elif os.geteuid() == 0:
        os.chown(folder, 12345, -1)
    else:
        monkeypatch.setattr(os, 'geteuid', lambda: os.getuid() + 1)
    said: list[str] = []
    load_model(config, said.append)
    assert any('nothing is kept' in text for text in said)
    expected = 'everybody may write' if whose == 'everybody' else 'belongs to another user'
    assert any(expected in text for text in said)


def test_a_build_is_for_its_owner_alone(ours: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        load_model(ModelConfig(model=str(ours), cache_folder=str(tmp_path)))
    finally:
        os.umask(before)
    (entry,) = entries(tmp_path)
    assert entry.folder.stat().st_mode & 0o077 == 0


def test_yaml_makes_no_objects(tmp_path: Path) -> None:
    path = tmp_path / 'precision.yaml'
    path.write_text(f'instead: !!python/object/apply:os.mkdir ["{tmp_path}/made"]\n')
    with pytest.raises(ModelError):
        policy_from_file(path)
    assert not (tmp_path / 'made').exists()


def test_nothing_that_runs_code_is_read() -> None:
    """No pickles, no YAML with objects, no libraries of operators, in no module."""
    found = []
    for path in [*PACKAGE.rglob('*.py'), *(PACKAGE.parent / 'training').rglob('*.py')]:
        for node in ast.walk(ast.parse(path.read_text())):
            problem = _problem(node)
            if problem:
                found.append(f'{path.name}: {problem}')
    assert not found


def _problem(node: ast.AST) -> str:
    if isinstance(node, ast.Import | ast.ImportFrom):
        module = node.module if isinstance(node, ast.ImportFrom) else None
        names = [module or '', *(name.name for name in node.names)]
        taken = PICKLES & {name.split('.')[0] for name in names}
        return f'imports {taken}' if taken else ''
    if not isinstance(node, ast.Call):
        return ''
    called = ast.unparse(node.func)
    keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
    if called in ('np.load', 'numpy.load') and keywords.get('allow_pickle') != 'False':
        return called
    if called == 'torch.load' and keywords.get('weights_only') != 'True':
        return called
    if called in ('yaml.load', 'yaml.full_load', 'yaml.unsafe_load', 'eval', 'exec'):
        return called
    return called if called.endswith('register_custom_ops_library') else ''
