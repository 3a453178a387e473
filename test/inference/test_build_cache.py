# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is built once, kept, used again, and built again when it cannot be used."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
import hashlib
import json
import math
from pathlib import Path
import resource

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
import pytest

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference.build_cache import Sessions, kept_build, open_runtime_graphs
from sam2_tracker_ros.inference.build_entry import entries, remove_builds
from sam2_tracker_ros.inference.build_key import build_key, key_digest
from sam2_tracker_ros.inference.bundle import Bundle, read_bundle
from sam2_tracker_ros.inference.precision import policy_from_file
from sam2_tracker_ros.inference.sessions import Runtime, runtime_from_config

FEED = {'x': np.arange(8, dtype=np.float32).reshape(2, 4)}
ROUGH = 'is_exact: false\ninstead: tf32\ncpu:\n  numbers: {encoder: fp16}\n'


def graph(*, weights_outside: bool = False) -> bytes:
    """Return y = relu(x w + 1)."""
    weights = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
    stored = numpy_helper.from_array(weights, 'w')
    if weights_outside:
        stored.ClearField('raw_data')
        stored.data_location = TensorProto.EXTERNAL
        stored.external_data.add(key='location', value='../secret')
    nodes = [
        helper.make_node('MatMul', ['x', 'w'], ['xw']),
        helper.make_node('Add', ['xw', 'one'], ['sum']),
        helper.make_node('Relu', ['sum'], ['y']),
    ]
    made = helper.make_graph(
        nodes,
        'small',
        [helper.make_tensor_value_info('x', TensorProto.FLOAT, [2, 4])],
        [helper.make_tensor_value_info('y', TensorProto.FLOAT, [2, 3])],
        [stored, numpy_helper.from_array(np.ones(3, np.float32), 'one')],
    )
    opsets = [helper.make_opsetid('', 17)]
    content: bytes = helper.make_model(
        made, opset_imports=opsets, ir_version=8
    ).SerializeToString()
    return content


@dataclass
class Start:
    """One start of a model after the other, with what happened in them."""

    bundle: Bundle
    runtime: Runtime
    recipe: str = '1'
    made: int = 0
    mask_iou: float = 1.0
    compared: int = 0
    said: list[str] = field(default_factory=list)

    def make(self) -> Mapping[str, bytes]:
        self.made += 1
        return {'encoder': graph(), 'track_step': graph()}

    def gate(self, sessions: Sessions) -> float:
        assert set(sessions) == {'encoder', 'track_step'}
        self.compared += 1
        return self.mask_iou

    def __call__(self) -> Sessions:
        return open_runtime_graphs(
            self.bundle,
            self.runtime,
            self.recipe,
            self.make,
            on_progress=self.said.append,
            gate=self.gate,
        )

    @property
    def folder(self) -> Path:
        (folder,) = (path for path in self.runtime.cache_folder.iterdir())
        return folder


@pytest.fixture
def start(ours: Path, tmp_path: Path) -> Start:
    config = ModelConfig(cache_folder=str(tmp_path / 'cache'))
    return Start(read_bundle(ours), runtime_from_config(config))


@pytest.fixture
def rough(start: Start, tmp_path: Path) -> Start:
    """Start in a precision that must be compared."""
    path = tmp_path / 'rough.yaml'
    path.write_text(ROUGH)
    start.runtime = replace(start.runtime, policy=policy_from_file(path))
    return start


def result(sessions: Sessions, name: str = 'encoder') -> list[float]:
    return [float(value) for value in sessions[name].run(FEED)['y'].ravel()]


def test_the_second_start_makes_nothing(start: Start) -> None:
    """And computes the same."""
    first = start()
    assert any('kept in' in text for text in start.said)
    start.said.clear()
    second = start()
    assert start.made == 1
    assert start.said == []
    assert list(first) == list(second) == ['encoder', 'track_step']
    assert result(first) == result(second)
    assert start.compared == 0, 'fp32 needs no comparison'


def test_what_is_kept_for_a_cpu_is_optimised(start: Start) -> None:
    """Product, sum and activation are one operator of the runtime."""
    start()
    kept = onnx.load(start.folder / 'encoder.onnx')
    assert len(kept.graph.node) < len(onnx.load_model_from_string(graph()).graph.node)


def test_an_entry_says_what_it_is(start: Start) -> None:
    """In the clear."""
    start()
    entry = kept_build(start.bundle, start.runtime, start.recipe)
    assert entry is not None
    record = json.loads((start.folder / 'entry.json').read_text())
    assert record['key'] == entry.key == build_key(start.bundle, start.runtime, '1')
    assert set(record['key']['graphs']) == set(start.bundle.graphs)
    assert {'cpu', 'cpu_flags'} == set(record['key']['device'])
    assert set(record['files']) == {'encoder', 'track_step'}
    assert record['mask_iou'] is None
    assert [each.folder for each in entries(start.runtime.cache_folder)] == [start.folder]


def changed_graph(start: Start) -> None:
    path = start.bundle.graphs['mask_decoder'].path
    path.write_bytes(path.read_bytes() + b' ')


def changed_constants(start: Start) -> None:
    path = start.bundle.constants.path
    path.write_bytes(path.read_bytes() + b' ')


def changed_recipe(start: Start) -> None:
    start.recipe = '2'


def changed_policy(start: Start) -> None:
    policy = replace(start.runtime.policy, digest='another')
    start.runtime = replace(start.runtime, policy=policy)


def changed_precision(start: Start) -> None:
    policy = replace(start.runtime.policy, name='another')
    start.runtime = replace(start.runtime, policy=policy)


def changed_name(start: Start) -> None:
    start.bundle = replace(start.bundle, name='../another model')


@pytest.mark.parametrize(
    'change',
    [
        changed_graph,
        changed_constants,
        changed_recipe,
        changed_policy,
        changed_precision,
        changed_name,
    ],
    ids=lambda change: change.__name__,
)
def test_what_is_kept_is_for_exactly_this(start: Start, change: Callable[[Start], None]) -> None:
    """Each part of the key makes another entry, inside the cache folder."""
    start()
    change(start)
    start()
    assert start.made == 2
    assert len(list(start.runtime.cache_folder.iterdir())) == 2


def test_the_machine_is_part_of_the_key(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runtime, providers and processor."""
    found = [build_key(start.bundle, start.runtime, '1')]
    more = replace(start.runtime, providers=('CPUExecutionProvider', 'CUDAExecutionProvider'))
    found.append(build_key(start.bundle, more, '1'))
    monkeypatch.setattr('onnxruntime.__version__', '0.0')
    found.append(build_key(start.bundle, start.runtime, '1'))
    monkeypatch.setattr(
        'sam2_tracker_ros.inference.build_key.describe_cpu', lambda: {'cpu': 'another'}
    )
    found.append(build_key(start.bundle, start.runtime, '1'))
    assert len({key_digest(key) for key in found}) == 4


def truncate(folder: Path) -> None:
    path = folder / 'encoder.onnx'
    path.write_bytes(path.read_bytes()[:-7])


def swap(folder: Path) -> None:
    path = folder / 'encoder.onnx'
    path.write_bytes(path.read_bytes()[:-1] + b'?')


def remove(folder: Path) -> None:
    (folder / 'track_step.onnx').unlink()


def no_json(folder: Path) -> None:
    (folder / 'entry.json').write_text('{')


def other_json(folder: Path) -> None:
    (folder / 'entry.json').write_text('[]')


def other_key(folder: Path) -> None:
    path = folder / 'entry.json'
    path.write_text(path.read_text().replace('"recipe": "1"', '"recipe": "0"'))


def leads_out(folder: Path) -> None:
    path = folder / 'entry.json'
    path.write_text(path.read_text().replace('"encoder"', '"../encoder"'))


@pytest.mark.parametrize(
    'damage',
    [truncate, swap, remove, no_json, other_json, other_key, leads_out],
    ids=lambda damage: damage.__name__,
)
def test_a_damaged_entry_is_built_again(start: Start, damage: Callable[[Path], None]) -> None:
    """And said so, once."""
    expected = result(start())
    damage(start.folder)
    start.said.clear()
    assert result(start()) == expected
    assert start.made == 2
    assert [text for text in start.said if 'building it again' in text] == start.said[:1]
    start()
    assert start.made == 2


def test_an_entry_whose_graph_does_not_open_is_built_again(start: Start) -> None:
    """Even when its digest is right."""
    start()
    path = start.folder / 'encoder.onnx'
    path.write_bytes(b'no graph')
    record = json.loads((start.folder / 'entry.json').read_text())
    digest = hashlib.sha256(b'no graph').hexdigest()
    record['files']['encoder'] = {'size_bytes': len('no graph'), 'sha256': digest}
    (start.folder / 'entry.json').write_text(json.dumps(record))
    start()
    assert start.made == 2


def test_an_interrupted_build_is_no_entry(start: Start) -> None:
    """Files without entry.json count for nothing."""
    start()
    (start.folder / 'entry.json').unlink()
    (start.folder / 'entry.json.part').write_text('{')
    assert kept_build(start.bundle, start.runtime, '1') is None
    start()
    assert start.made == 2
    assert not (start.folder / 'entry.json.part').exists()


def test_two_at_once_build_once(start: Start) -> None:
    """The second one waits."""
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(start) for _ in range(2)]
        assert result(both[0].result()) == result(both[1].result())
    assert start.made == 1


@contextmanager
def no_room() -> Iterator[None]:
    """Let no file grow, as on a full disk; pytest's own output neither, so for a moment only."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize('why', ['a file', 'no folder', 'no room'])
def test_without_a_cache_everything_runs(start: Start, tmp_path: Path, why: str) -> None:
    """It takes as long every time, and says so once."""
    useless = Path('/proc/self/cache') if why == 'no folder' else tmp_path / 'useless'
    if why == 'a file':
        useless.write_text('')
    start.runtime = replace(start.runtime, cache_folder=useless)
    found = []
    for number in (1, 2):
        start.said.clear()
        with no_room() if why == 'no room' else nullcontext():
            found.append(result(start()))
        assert start.made == number
        assert len([text for text in start.said if 'nothing is kept' in text]) == 1
    assert found[0] == found[1]
    assert kept_build(start.bundle, start.runtime, '1') is None


def test_numbers_are_those_of_the_precision(rough: Start) -> None:
    """The encoder's weights are rounded to fp16, the other graph's are not."""
    sessions = rough()
    assert result(sessions) != result(sessions, 'track_step')
    np.testing.assert_allclose(result(sessions), result(sessions, 'track_step'), rtol=1e-2)


def test_a_precision_is_compared_once(rough: Start) -> None:
    """The verdict is kept."""
    rough.mask_iou = 0.99
    rough()
    rough()
    assert rough.compared == 1
    entry = kept_build(rough.bundle, rough.runtime, '1')
    assert entry is not None
    assert entry.mask_iou == 0.99


@pytest.mark.parametrize(
    ('mask_iou', 'what'),
    [
        (0.97, r'worst frame is 0.970; expected an IoU of at least 0.98: set precision to tf32'),
        (math.nan, r'numbers that are not finite; expected .*: set precision to tf32'),
    ],
)
def test_other_masks_are_refused(rough: Start, mask_iou: float, what: str) -> None:
    """Every time, though compared once."""
    rough.mask_iou = mask_iou
    for _ in range(2):
        with pytest.raises(ModelError, match=what):
            rough()
    assert (rough.made, rough.compared) == (1, 1)


def test_other_masks_are_refused_without_a_cache_too(rough: Start) -> None:
    """Then it takes a comparison each time."""
    rough.mask_iou = 0.5
    rough.runtime = replace(rough.runtime, cache_folder=Path('/proc/self/cache'))
    for _ in range(2):
        with pytest.raises(ModelError, match=r'worst frame is 0.500'):
            rough()
    assert rough.compared == 2


def test_a_graph_with_weights_elsewhere_is_refused(start: Start) -> None:
    """Elsewhere could be anywhere."""
    outside = replace(start, runtime=start.runtime)
    with pytest.raises(ModelError, match='encoder keeps w in another file'):
        open_runtime_graphs(
            outside.bundle,
            outside.runtime,
            '1',
            lambda: {'encoder': graph(weights_outside=True)},
            on_progress=outside.said.append,
            gate=None,
        )


def test_a_graph_that_cannot_run_is_said_to_be(start: Start) -> None:
    """Not that the cache is to blame."""
    broken = onnx.load_model_from_string(graph())
    broken.graph.node[2].op_type = 'Nonsense'
    with pytest.raises(ModelError, match='encoder cannot be opened as a graph'):
        open_runtime_graphs(
            start.bundle,
            start.runtime,
            '1',
            lambda: {'encoder': broken.SerializeToString()},
            on_progress=start.said.append,
            gate=None,
        )


def test_builds_can_be_removed(start: Start) -> None:
    """All of them, finished or not; other folders stay."""
    start()
    start.recipe = '2'
    start()
    other = start.runtime.cache_folder / 'mine'
    other.mkdir()
    assert remove_builds(start.runtime.cache_folder) == 2
    assert list(start.runtime.cache_folder.iterdir()) == [other]
    assert remove_builds(start.runtime.cache_folder / 'nothing') == 0
