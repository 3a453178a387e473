# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Weights, branches and numbers of other kinds in mixed precision."""

from export.small_mixed import (
    FLOAT,
    TYPES,
    Array,
    coarse,
    fine,
    lowered,
    model_of,
    result,
    rounded,
    run,
    weight,
)
import numpy as np
import onnx
from onnx import helper
import pytest

from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.export.emulation import emulated
from sam2_tracker_ros.inference.mixed_precision import to_mixed_precision


@pytest.mark.parametrize('precision', TYPES)
def test_a_weight_that_others_use_too_is_kept_in_both_types(precision: str) -> None:
    x, w = fine(6, 6), fine(6, 6)
    model = model_of(
        [
            helper.make_node('MatMul', ['x', 'w'], ['first']),
            helper.make_node('MatMul', ['first', 'w'], ['second']),
            helper.make_node('Mul', ['second', 'zero'], ['nothing']),
            helper.make_node('Add', ['nothing', 'w'], ['result']),
        ],
        {'x': x},
        {'w': w, 'zero': np.zeros((), np.float32)},
    )
    mixed = lowered(model, precision)
    np.testing.assert_array_equal(run(emulated(mixed), {'x': x})[0], w)
    np.testing.assert_array_equal(weight(mixed, FLOAT)['w'], w)
    (stored,) = weight(mixed, TYPES[precision]).values()
    np.testing.assert_array_equal(stored, rounded(w, precision))


@pytest.mark.parametrize('precision', TYPES)
def test_a_weight_under_another_name_is_stored_once(precision: str) -> None:
    """As tracing leaves it where two layers have equal weights."""
    x, w = fine(6, 6), fine(6, 6)
    model = model_of(
        [
            helper.make_node('Identity', ['w'], ['other']),
            helper.make_node('MatMul', ['x', 'w'], ['first']),
            helper.make_node('MatMul', ['first', 'other'], ['result']),
        ],
        {'x': x},
        {'w': w},
    )
    mixed = lowered(model, precision)
    assert [item.data_type for item in mixed.graph.initializer] == [TYPES[precision]]
    assert 'Identity' not in {node.op_type for node in mixed.graph.node}


@pytest.mark.parametrize('is_then', [True, False])
@pytest.mark.parametrize('precision', TYPES)
def test_branches_use_tensors_and_weights_of_the_graph_around(
    precision: str, *, is_then: bool
) -> None:
    """Both branches round the same tensors, and a name that would be given is taken."""
    x, w, v = fine(5, 6), coarse(6, 6), coarse(6, 6)

    def branch(name: str, taken: str) -> onnx.GraphProto:
        node = helper.make_node('MatMul', [taken, 'w'], [name])
        declared = helper.make_tensor_value_info(name, FLOAT, [None, None])
        return helper.make_graph([node], name, [], [declared])

    taken = f'x_{precision}'
    model = model_of(
        [
            helper.make_node('Neg', ['x'], [taken]),
            helper.make_node(
                'If',
                ['condition'],
                ['chosen'],
                then_branch=branch('then', 'x'),
                else_branch=branch('else', taken),
            ),
            helper.make_node('MatMul', ['x', 'v'], ['outside']),
            helper.make_node('Add', ['chosen', 'outside'], ['result']),
        ],
        {'x': x, 'condition': np.array(True)},
        {'w': w, 'v': v},
    )
    r = rounded(x, precision)
    expected = rounded(r @ (w if is_then else -w), precision) + rounded(r @ v, precision)
    inputs = {'x': x, 'condition': np.array(is_then)}
    np.testing.assert_array_equal(result(model, inputs, precision), expected.astype(np.float32))
    assert len(weight(lowered(model, precision), TYPES[precision])) == 2


def test_a_weight_too_large_for_fp16_is_refused() -> None:
    x, w = fine(5, 8), fine(8, 6)
    w[3, 4] = -70000.0
    nodes = [helper.make_node('MatMul', ['x', 'layer.weight'], ['result'])]
    model = model_of(nodes, {'x': x}, {'layer.weight': w})
    with pytest.raises(ModelError, match=r'layer\.weight holds -70000, which is too large for fp'):
        to_mixed_precision(model, 'fp16')
    assert np.isfinite(result(model, {'x': x}, 'bf16')).all()


def test_a_tensor_too_large_for_fp16_shows_in_the_emulation() -> None:
    """So that verification refuses the export."""
    x = np.full((1, 2), 300.0, np.float32)
    w = np.full((2, 1), 300.0, np.float32)
    model = model_of([helper.make_node('MatMul', ['x', 'w'], ['result'])], {'x': x}, {'w': w})
    assert np.isinf(result(model, {'x': x}, 'fp16')).all()
    assert np.isfinite(result(model, {'x': x}, 'bf16')).all()


def test_products_of_whole_numbers_stay_as_they_are() -> None:
    inputs: dict[str, Array] = {
        'count': np.arange(6, dtype=np.int32).reshape(2, 3),
        'size': np.full((3, 2), 1001, np.int32),
    }
    nodes = [
        helper.make_node('MatMul', ['count', 'size'], ['cells']),
        helper.make_node('MatMul', ['cells', 'cells'], ['pairs']),
        helper.make_node('Cast', ['pairs'], ['result'], to=FLOAT),
    ]
    model = model_of(nodes, inputs, {})
    assert lowered(model, 'fp16') == model


@pytest.mark.parametrize('precision', TYPES)
def test_a_weight_that_may_be_given_as_an_input_is_one(precision: str) -> None:
    x, w, other = fine(5, 8), coarse(8, 6), coarse(8, 6)
    nodes = [helper.make_node('MatMul', ['x', 'w'], ['result'])]
    model = model_of(nodes, {'x': x, 'w': w}, {'w': w})
    expected = rounded(rounded(x, precision) @ other, precision)
    found = result(model, {'x': x, 'w': other}, precision)
    np.testing.assert_array_equal(found, expected)


def test_an_unknown_precision_is_refused() -> None:
    x, w = fine(5, 8), fine(8, 6)
    model = model_of([helper.make_node('MatMul', ['x', 'w'], ['result'])], {'x': x}, {'w': w})
    with pytest.raises(ModelError, match=r'int8.*expected fp16 or bf16'):
        to_mixed_precision(model, 'int8')
