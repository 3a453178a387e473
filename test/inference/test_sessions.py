# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How graphs are opened and run."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
import pytest

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference.sessions import (
    GraphSession,
    Runtime,
    Storage,
    cache_folder,
    runtime_from_config,
)

CPU, CUDA = 'CPUExecutionProvider', 'CUDAExecutionProvider'
FEED = {'x': np.array([-1.0, 2.0], np.float32)}


@pytest.fixture
def runtime() -> Runtime:
    return runtime_from_config(ModelConfig(inference_threads=1))


@pytest.fixture
def graph() -> bytes:
    """Return y = relu(x - 1 + 1), of which an optimiser leaves less."""
    one = helper.make_tensor('one', TensorProto.FLOAT, [1], [1.0])
    zero = helper.make_node('Sub', ['one', 'one'], ['zero'])
    nodes = [zero, helper.make_node('Add', ['x', 'zero'], ['same'])]
    nodes.append(helper.make_node('Relu', ['same'], ['y']))
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in 'xy']
    made = helper.make_graph(nodes, 'small', tensors[:1], tensors[1:], [one])
    opsets = [helper.make_opsetid('', 17)]
    return bytes(helper.make_model(made, opset_imports=opsets, ir_version=8).SerializeToString())


def test_the_runtime_is_what_the_settings_say(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On a CPU there is no stream."""
    config = ModelConfig(inference_threads=3, cache_folder=str(tmp_path))
    runtime = runtime_from_config(config)
    assert (runtime.provider, runtime.providers, runtime.stream) == ('cpu', (CPU,), 0)
    assert (runtime.threads, runtime.cache_folder) == (3, tmp_path)
    assert runtime.policy.name == 'fp32'
    monkeypatch.setattr('os.sched_getaffinity', lambda _: {1, 4, 5}, raising=False)
    assert runtime_from_config(ModelConfig()).threads == 3


def test_builds_are_kept_in_the_cache_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Unless the settings name a folder."""
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.delenv('XDG_CACHE_HOME', raising=False)
    assert cache_folder(ModelConfig()) == tmp_path / '.cache' / 'sam2_tracker_ros'
    monkeypatch.setenv('XDG_CACHE_HOME', '/var/cache/robot')
    assert cache_folder(ModelConfig()) == Path('/var/cache/robot/sam2_tracker_ros')
    assert cache_folder(ModelConfig(cache_folder='~/mine')) == tmp_path / 'mine'


def test_a_precision_that_the_provider_lacks_is_refused() -> None:
    """Before any graph is opened."""
    with pytest.raises(ModelError, match='fp16 is not for the provider cpu; expected tensorrt'):
        runtime_from_config(ModelConfig(precision='fp16'))


def test_what_is_bound_is_computed_in_place(runtime: Runtime, graph: bytes) -> None:
    """Without arrays going in and out."""
    session = GraphSession('small', graph, runtime)
    found = np.zeros(2, np.float32)
    binding = session.binding()
    for bind, array, name in (
        (binding.bind_input, FEED['x'], 'x'),
        (binding.bind_output, found, 'y'),
    ):
        bind(name, 'cpu', 0, np.float32, array.shape, array.ctypes.data)
    session.run_bound(binding)
    assert found.tolist() == [0.0, 2.0]


def test_a_binding_that_does_not_fit_is_refused(runtime: Runtime, graph: bytes) -> None:
    """With the name of the graph."""
    session = GraphSession('small', graph, runtime)
    with pytest.raises(ModelError, match='small failed'):
        session.run_bound(session.binding())


def test_an_optimised_graph_is_written_and_opened_as_it_is(
    runtime: Runtime, graph: bytes, tmp_path: Path
) -> None:
    """It gives the same."""
    path = tmp_path / 'small.onnx'
    expected = GraphSession('small', graph, runtime, Storage(optimised=path)).run(FEED)
    kept = onnx.load(path)
    assert [node.op_type for node in kept.graph.node] != ['Sub', 'Add', 'Relu']
    session = GraphSession('small', path, runtime, Storage(is_optimised=True))
    assert session.run(FEED)['y'].tolist() == expected['y'].tolist() == [0.0, 2.0]


@pytest.mark.filterwarnings('ignore:Specified provider')
def test_a_graph_that_runs_elsewhere_than_it_should_is_refused(
    runtime: Runtime, graph: bytes
) -> None:
    """The session is asked which provider got its operators."""
    elsewhere = replace(runtime, providers=(CUDA, CPU))
    with pytest.raises(ModelError, match=f'runs on {CPU} instead of {CUDA}'):
        GraphSession('small', graph, elsewhere)
    with_leave = replace(elsewhere, allow_fallback=True)
    assert GraphSession('small', graph, with_leave).providers == (CPU,)


@pytest.mark.filterwarnings('ignore:Specified provider')
def test_operators_that_only_a_cpu_has_are_refused_without_it(
    runtime: Runtime, graph: bytes
) -> None:
    """A GPU alone means all of the graph."""
    alone = replace(runtime, providers=(CUDA,))
    with pytest.raises(ModelError, match=f'cannot run on {CUDA} alone: .* add cpu to the end'):
        GraphSession('small', graph, alone)
