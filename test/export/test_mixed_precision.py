# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Mixed precision: what is in 16 bits, what stays float32, and that the file says so."""

from export.small_mixed import (
    FLOAT,
    SIGNIFICANT_BITS,
    TYPES,
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
