# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Attention that was rewritten gives what it gave; what is not attention stays as it is."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto
import onnxruntime
import pytest

from sam2_tracker_ros.inference.graph_writer import GraphWriter
from sam2_tracker_ros.inference.lean_attention import BLOCK_ROWS, MIN_SCORES, make_lean
from sam2_tracker_ros.inference.quantisation import quantised

ROWS, KEYS, WIDE, NARROW = 2 * BLOCK_ROWS, MIN_SCORES // (2 * BLOCK_ROWS), 32, 8
Array = NDArray[Any]


def written(
    keys: int | str = KEYS,
    rows: int = ROWS,
    *,
    with_bias: bool = False,
    heads: int = 0,
    shares_scores: bool = False,
    widens: bool = True,
) -> ModelProto:
    """
    Return softmax(q k' + bias) (x W' + b) as a graph.

    :param keys: their number, or a name where it is free.
    :param heads: of queries, keys and values [heads, ...]; 0 for none, with projected values.
    :param shares_scores: something else needs the scores too.
    :param widens: values are wider than what they are projected from.
    """
    rng = np.random.default_rng(0)
    w = GraphWriter(17)
    head = [heads] if heads else []
    query = w.input('query', np.float32, [*head, rows, WIDE])
    key = w.input('key', np.float32, [*head, WIDE, keys])
    inner = NARROW if widens else 2 * WIDE
    source = w.input('source', np.float32, [*head, keys, WIDE if heads else inner])
    scores = w.operator('MatMul', query, key)
    if with_bias:
        scores = w.operator('Add', scores, w.input('bias', np.float32, [keys]))
    values = source
    if not heads:
        weight = w.constant(rng.normal(size=(WIDE, inner)).astype(np.float32))
        shift = w.constant(rng.normal(size=WIDE).astype(np.float32))
        values = w.operator('Gemm', source, weight, shift, transB=1)
    found = w.operator('MatMul', w.operator('Softmax', scores, axis=-1), values)
    w.output('found', found, np.float32, [*head, rows, WIDE])
    if shares_scores:
        w.output('scores', scores, np.float32, [*head, rows, keys])
    return w.model()


def run(model: ModelProto) -> dict[str, Array]:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=['CPUExecutionProvider']
    )
    rng = np.random.default_rng(1)
    feeds = {
        item.name: rng.normal(
            size=[size if isinstance(size, int) else KEYS for size in item.shape]
        ).astype(np.float32)
        for item in session.get_inputs()
    }
    names = [item.name for item in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


def kinds(model: ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize(
    'form',
    [{}, {'with_bias': True}, {'keys': 'memory'}, {'widens': False}, {'heads': 2, 'keys': KEYS}],
    ids=['fixed', 'bias', 'free', 'narrowing', 'heads'],
)
def test_it_gives_what_it_gave(form: dict[str, Any]) -> None:
    plain, lean = written(**form), written(**form)
    make_lean(lean, KEYS)
    assert kinds(lean).count('Softmax') == 2 > kinds(plain).count('Softmax')
    np.testing.assert_allclose(run(lean)['found'], run(plain)['found'], atol=2e-5)


def test_values_are_projected_after_the_softmax_where_that_is_narrower() -> None:
    model = written()
    make_lean(model, KEYS)
    (projection,) = (node for node in model.graph.node if node.op_type == 'Gemm')
    makers = {name: node.op_type for node in model.graph.node for name in node.output}
    assert makers[projection.input[0]] == 'Concat'
    wider = written(widens=False)
    make_lean(wider, KEYS)
    (projection,) = (node for node in wider.graph.node if node.op_type == 'Gemm')
    assert projection.input[0] == 'source'


@pytest.mark.parametrize(
    'form',
    [
        {'rows': BLOCK_ROWS},
        {'rows': ROWS + 1},
        {'keys': 64},
        {'shares_scores': True, 'widens': False},
    ],
    ids=['few rows', 'rows that do not divide', 'few scores', 'scores that others need'],
)
def test_blocks_only_where_they_pay_and_fit(form: dict[str, Any]) -> None:
    model = written(**form)
    make_lean(model, 64)
    assert kinds(model).count('Softmax') == 1


def test_products_in_8_bits_are_near() -> None:
    """Only those with weights, here the projection; 8 bits are off by about a percent."""
    plain = written(rows=BLOCK_ROWS, keys=64)
    for node in plain.graph.node:
        node.name = f'vision/{node.output[0]}'
    changed = quantised(plain)
    assert 'MatMulInteger' in kinds(changed)
    assert kinds(changed).count('MatMul') == 2
    found, expected = run(changed)['found'], run(plain)['found']
    error = np.abs(found - expected).max() / np.abs(expected).max()
    assert 1e-5 < error < 0.03


def test_the_decoder_keeps_its_numbers_and_shared_weights_survive() -> None:
    """EfficientTAM's clones share a weight, which must not be turned round twice."""
    w = GraphWriter(17)
    weight = w.constant(np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32))
    again = w.constant(np.random.default_rng(1).normal(size=(4, 6)).astype(np.float32))
    value = w.input('key', np.float32, [5, 4])
    for _ in range(2):
        value = w.operator('Gemm', w.operator('Gemm', value, weight, transB=1), again, transB=1)
    w.output('found', value, np.float32, [5, 4])
    model = w.model()
    expected = run(model)['found']
    for node in model.graph.node:
        node.name = f'decoder/{node.output[0]}'
    np.testing.assert_allclose(run(quantised(model))['found'], expected, atol=1e-5)
    for node in model.graph.node:
        node.name = f'attention/{node.output[0]}'
    found = run(quantised(model))['found']
    assert 1e-5 < np.abs(found - expected).max() / np.abs(expected).max() < 0.1
