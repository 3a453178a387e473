# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Mixed precision: what is in 16 bits, what stays float32, and that the file says so."""

from collections.abc import Iterator, Sequence
from typing import Any

from inference.reference import rounded_to_bfloat16
import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import TensorProto, helper, numpy_helper
import onnxruntime
import pytest

from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.export.emulation import emulated
from sam2_tracker_ros.export.mixed_precision import to_mixed_precision

Array = NDArray[Any]

FLOAT = TensorProto.FLOAT
TYPES = {'fp16': TensorProto.FLOAT16, 'bf16': TensorProto.BFLOAT16}
SIGNIFICANT_BITS = {'fp16': 11, 'bf16': 8}
RANDOM = np.random.default_rng(0)


def rounded(values: Array, precision: str) -> Array:
    if precision == 'fp16':
        return values.astype(np.float16).astype(np.float64)
    return rounded_to_bfloat16(values.astype(np.float64))


def model_of(
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, Array],
    weights: dict[str, Array],
    output: str = 'result',
    rank: int = 2,
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        'graph',
        [
            helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(values.dtype), [None] * values.ndim
            )
            for name, values in inputs.items()
        ],
        [helper.make_tensor_value_info(output, FLOAT, [None] * rank)],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)


def run(model: onnx.ModelProto, inputs: dict[str, Array]) -> list[Array]:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=['CPUExecutionProvider']
    )
    return list(session.run(None, inputs))


def lowered(model: onnx.ModelProto, precision: str) -> onnx.ModelProto:
    """Return the mixed graph after the checks that every one must pass."""
    before = model.SerializeToString()
    mixed = to_mixed_precision(model, precision)
    assert model.SerializeToString() == before
    onnx.checker.check_model(mixed)
    onnx.shape_inference.infer_shapes(mixed, check_type=True, strict_mode=True)
    assert mixed.graph.input == model.graph.input
    assert mixed.graph.output == model.graph.output
    return mixed


def result(model: onnx.ModelProto, inputs: dict[str, Array], precision: str) -> Array:
    return run(emulated(lowered(model, precision)), inputs)[0]


def weight(model: onnx.ModelProto, kind: int) -> dict[str, Array]:
    """Return the weights of a type, as float64."""
    return {
        item.name: numpy_helper.to_array(item).astype(np.float64)
        for item in model.graph.initializer
        if item.data_type == kind
    }


def graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField('g'):
                yield from graphs(attribute.g)


def coarse(*shape: int) -> Array:
    """Return numbers that 16 bits hold and whose sums float32 holds: products are then exact."""
    return RANDOM.integers(-4, 5, shape).astype(np.float32)


def fine(*shape: int) -> Array:
    """Return numbers that 16 bits do not hold."""
    return (RANDOM.integers(-(2**15), 2**15, shape) / 2**14).astype(np.float32)


@pytest.mark.parametrize('precision', TYPES)
def test_products_round_what_goes_in_and_what_comes_out(precision: str) -> None:
    """
    Bit by bit: the numbers are such that sums are exact and only rounding is left.

    What comes out of one product goes into the next as it is.
    """
    x, w, v, c = fine(5, 8), coarse(8, 6), coarse(6, 3), coarse(3)
    model = model_of(
        [
            helper.make_node('MatMul', ['x', 'w'], ['hidden']),
            helper.make_node('Gemm', ['hidden', 'v', 'c'], ['result']),
        ],
        {'x': x},
        {'w': w, 'v': v, 'c': c},
    )
    hidden = rounded(rounded(x, precision) @ w, precision)
    expected = rounded(hidden @ v + c, precision)
    np.testing.assert_array_equal(result(model, {'x': x}, precision), expected)
    operators = [node.op_type for node in lowered(model, precision).graph.node]
    assert operators == ['Cast', 'MatMul', 'Gemm', 'Cast']
    exact = (x.astype(np.float64) @ w) @ v + c
    assert np.abs(expected - exact).max() > 2.0 ** -SIGNIFICANT_BITS[precision]


@pytest.mark.parametrize('precision', TYPES)
def test_weights_are_stored_rounded_to_nearest(precision: str) -> None:
    w = fine(8, 6)
    w[0, :2] = 1.0 + 2.0 ** -SIGNIFICANT_BITS[precision], 1e-30  # a tie, and nothing in fp16
    nodes = [helper.make_node('MatMul', ['x', 'w'], ['result'])]
    mixed = lowered(model_of(nodes, {'x': fine(5, 8)}, {'w': w}), precision)
    (stored,) = weight(mixed, TYPES[precision]).values()
    np.testing.assert_array_equal(stored, rounded(w, precision))
    assert not weight(mixed, FLOAT)


def test_convolutions_are_rounded_in_fp16() -> None:
    x, w = fine(1, 2, 6, 6), coarse(3, 2, 3, 3)
    u = coarse(3, 2, 2, 2)
    model = model_of(
        [
            helper.make_node('Conv', ['x', 'w'], ['hidden']),
            helper.make_node('ConvTranspose', ['hidden', 'u'], ['result'], strides=[2, 2]),
        ],
        {'x': x},
        {'w': w, 'u': u},
        rank=4,
    )
    pixels = rounded(x, 'fp16')[0]
    shifted = [[pixels[:, i : i + 4, j : j + 4] for j in range(3)] for i in range(3)]
    hidden = rounded(np.einsum('ijcyx,ocij->oyx', shifted, w), 'fp16')
    spread = rounded(np.einsum('cyx,coij->oyixj', hidden, u), 'fp16')
    np.testing.assert_array_equal(result(model, {'x': x}, 'fp16')[0], spread.reshape(2, 8, 8))


def test_convolutions_stay_float32_in_bf16() -> None:
    """The operator takes no bfloat16 in the opsets that we write."""
    x, w = fine(1, 2, 6, 6), fine(3, 2, 3, 3)
    nodes = [helper.make_node('Conv', ['x', 'w'], ['result'])]
    model = model_of(nodes, {'x': x}, {'w': w}, rank=4)
    np.testing.assert_array_equal(result(model, {'x': x}, 'bf16'), run(model, {'x': x})[0])


@pytest.mark.parametrize('precision', TYPES)
def test_scores_are_float32_and_may_exceed_fp16(precision: str) -> None:
    """Scores of up to a million, scaled down afterwards, with tokens that are dropped."""
    query, key, value = 100.0 * fine(4, 16), 200.0 * fine(7, 16), coarse(7, 16)
    bias = np.array([0, 0, 0, 0, 0, -1e9, -1e9], np.float32)
    inputs = {'query': query, 'key': key, 'value': value, 'bias': bias}
    model = model_of(
        [
            helper.make_node('Transpose', ['key'], ['turned']),
            helper.make_node('MatMul', ['query', 'turned'], ['scores']),
            helper.make_node('Mul', ['scores', 'scale'], ['scaled']),
            helper.make_node('Add', ['scaled', 'bias'], ['biased']),
            helper.make_node('Softmax', ['biased'], ['weights']),
            helper.make_node('MatMul', ['weights', 'value'], ['result']),
        ],
        inputs,
        {'scale': np.float32(1e-5) * np.ones((), np.float32)},
    )
    scores = query.astype(np.float64) @ key.T
    assert np.abs(scores).max() > np.finfo(np.float16).max
    weights = np.exp(scores * 1e-5 + bias)
    weights = rounded(weights / weights.sum(-1, keepdims=True), precision)
    expected = rounded(weights @ value, precision)
    spacing = 2.0 ** (1 - SIGNIFICANT_BITS[precision])
    np.testing.assert_allclose(
        result(model, inputs, precision), expected, rtol=spacing, atol=spacing
    )


@pytest.mark.parametrize('precision', TYPES)
@pytest.mark.parametrize('operator', ['Sin', 'Cos'])
def test_angles_are_float32(precision: str, operator: str) -> None:
    points, frequencies = 1000.0 * fine(5, 2), fine(2, 8)
    model = model_of(
        [
            helper.make_node('MatMul', ['points', 'frequencies'], ['angles']),
            helper.make_node(operator, ['angles'], ['result']),
        ],
        {'points': points},
        {'frequencies': frequencies},
    )
    exact = run(model, {'points': points})[0]
    np.testing.assert_array_equal(result(model, {'points': points}, precision), exact)


@pytest.mark.parametrize('precision', TYPES)
@pytest.mark.parametrize(
    ('output', 'is_exact'),
    [
        ('low_res_mask', True),
        ('high_res_mask', True),
        ('iou', True),
        ('object_score_logits', True),
        ('object_pointer', True),
        ('pointer_pos', True),
        ('feats2', False),
    ],
)
def test_the_last_product_of_a_decision_is_float32(
    precision: str, output: str, *, is_exact: bool
) -> None:
    """Also where it is decided in branches whether there is an object."""
    x, w, b = fine(5, 8), fine(8, 6), fine(6)

    def branch(name: str, operator: str) -> onnx.GraphProto:
        node = helper.make_node(operator, ['logits', 'b'], [name])
        declared = helper.make_tensor_value_info(name, FLOAT, [None, None])
        return helper.make_graph([node], name, [], [declared])

    model = model_of(
        [
            helper.make_node('MatMul', ['x', 'w'], ['logits']),
            helper.make_node(
                'If',
                ['present'],
                [output],
                then_branch=branch('then', 'Add'),
                else_branch=branch('else', 'Sub'),
            ),
        ],
        {'x': x, 'present': np.array(True)},
        {'w': w, 'b': b},
        output,
    )
    inputs = {'x': x, 'present': np.array(True)}
    found = result(model, inputs, precision)
    assert np.array_equal(found, run(model, inputs)[0]) == is_exact


@pytest.mark.parametrize('precision', TYPES)
def test_a_product_whose_size_alone_matters_to_a_softmax_is_in_16_bits(precision: str) -> None:
    x, w = fine(5, 8), fine(8, 6)
    model = model_of(
        [
            helper.make_node('MatMul', ['x', 'w'], ['hidden']),
            helper.make_node('Shape', ['hidden'], ['size']),
            helper.make_node('ConstantOfShape', ['size'], ['zeros']),
            helper.make_node('Softmax', ['zeros'], ['shares']),
            helper.make_node('Add', ['hidden', 'shares'], ['result']),
        ],
        {'x': x},
        {'w': w},
    )
    assert not weight(lowered(model, precision), FLOAT)


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
