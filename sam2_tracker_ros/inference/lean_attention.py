# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The same attention for less: exact algebra on the graph of a model.

Two changes of every `softmax(Q K) V`, which leave all results the same up to rounding:

- Rows of a softmax sum to 1, so P (X W + b) = (P X) W + b. Where the values are a projection of
  something narrower, as of memory tokens (64 channels to 256), attending to the narrow ones
  first costs a quarter of the product.
- Rows of the scores have nothing to do with each other. Working on some rows at a time keeps
  scores in the cache and never stores all of them, which for a SAM 2 of 1024 pixels are 470 MB.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
import math

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper, shape_inference

# Rows of scores at a time, and the number of scores from which on that is worth it: fewer stay in
# the cache anyway.
BLOCK_ROWS = 256
MIN_SCORES = 1 << 22


def make_lean(model: ModelProto, free_size: int) -> None:
    """
    Rewrite the attention of a model in place; what has another form stays as it is.

    :param free_size: what a size that the graph leaves free will be at most.
    """
    graph = model.graph
    weights = {weight.name: weight for weight in graph.initializer}
    nodes = [_copy(node) for node in graph.node]
    outputs = {item.name for item in graph.output}
    for attention in _found(nodes, outputs):
        _project_afterwards(nodes, attention, weights)
    _store(model, nodes)
    shapes = _shapes(model, free_size)
    for attention in _found(nodes, outputs):
        shape = shapes.get(attention.scores.output[0], ())
        rows = shape[-2] if len(shape) >= 2 else 0
        if rows > BLOCK_ROWS and rows % BLOCK_ROWS == 0 and math.prod(shape) >= MIN_SCORES:
            weights_added = _in_blocks(nodes, attention, rows // BLOCK_ROWS)
            graph.initializer.append(weights_added)
    _store(model, nodes)


@dataclass(frozen=True)
class _Attention:
    """
    One attention of a graph.

    :param scores: Q K.
    :param biased: adds something to the scores; None where nothing does.
    :param weighted: P V.
    """

    scores: NodeProto
    biased: NodeProto | None
    softmax: NodeProto
    weighted: NodeProto

    @property
    def steps(self) -> list[NodeProto]:
        """Its nodes in order; each takes the result of the one before first."""
        every = (self.scores, self.biased, self.softmax, self.weighted)
        return [node for node in every if node is not None]


def _found(nodes: list[NodeProto], outputs: set[str]) -> list[_Attention]:
    """Return each product, softmax and product whose values between nobody else uses."""
    makers = {name: node for node in nodes for name in node.output}
    takers = {name: node for node in nodes for name in node.input}
    uses = Counter(name for node in nodes for name in node.input)
    uses.update(outputs)
    found = []
    for softmax in (node for node in nodes if node.op_type == 'Softmax'):
        scores, biased = makers.get(softmax.input[0]), None
        if scores is not None and scores.op_type == 'Add':
            biased, scores = scores, makers.get(scores.input[0])
        weighted = takers.get(softmax.output[0])
        if scores is None or weighted is None or weighted.input[0] != softmax.output[0]:
            continue
        attention = _Attention(scores, biased, softmax, weighted)
        if scores.op_type == weighted.op_type == 'MatMul' and all(
            uses[node.output[0]] == 1 for node in attention.steps[:-1]
        ):
            found.append(attention)
    return found


def _project_afterwards(
    nodes: list[NodeProto], attention: _Attention, weights: Mapping[str, TensorProto]
) -> None:
    """Attend to what the values are projected from, where that is narrower."""
    weighted = attention.weighted
    values, result = weighted.input[1], weighted.output[0]
    makers = [node for node in nodes if values in node.output]
    takers = [node for node in nodes if values in node.input]
    if not makers or len(takers) != 1 or not _widens(makers[0], weights):
        return
    projection = makers[0]
    weighted.input[1] = projection.input[0]
    weighted.output[0] = projection.input[0] = f'{result}_before_projection'
    projection.output[0] = result
    nodes[:] = [node for node in nodes if node is not projection]
    nodes.insert(_place(nodes, weighted) + 1, projection)


def _widens(node: NodeProto, weights: Mapping[str, TensorProto]) -> bool:
    """Return whether a node is x W' + b with more channels than x."""
    if node.op_type != 'Gemm' or node.input[1] not in weights:
        return False
    given = {item.name: helper.get_attribute_value(item) for item in node.attribute}
    plain = {'transB': 1, 'transA': 0, 'alpha': 1.0, 'beta': 1.0}
    wide, narrow = weights[node.input[1]].dims
    return plain | given == plain and given.get('transB') == 1 and narrow < wide


def _in_blocks(nodes: list[NodeProto], attention: _Attention, blocks: int) -> TensorProto:
    """Split the rows of the queries and join those of the results; return the rows of each."""
    result = attention.weighted.output[0]
    rows = f'{result}_rows'
    parts: list[list[str]] = [[f'{result}_query_{index}' for index in range(blocks)]]
    split = helper.make_node('Split', [attention.scores.input[0], rows], parts[0], axis=-2)
    inserted = [split]
    for step, node in enumerate(attention.steps):
        parts.append([f'{result}_step_{step}_{index}' for index in range(blocks)])
        for before, after in zip(*parts[-2:], strict=True):
            copied = _copy(node)
            copied.name = after
            copied.input[0], copied.output[0] = before, after
            inserted.append(copied)
    inserted.append(helper.make_node('Concat', parts[-1], [result], axis=-2))
    place = _place(nodes, attention.weighted)
    nodes[place : place + 1] = _by_block(inserted, blocks)
    gone = attention.steps[:-1]
    nodes[:] = [node for node in nodes if not any(node is other for other in gone)]
    return numpy_helper.from_array(np.full(blocks, BLOCK_ROWS, np.int64), rows)


def _by_block(nodes: list[NodeProto], blocks: int) -> list[NodeProto]:
    """Order steps so that a block is finished before the next one starts."""
    steps = nodes[1:-1]
    ordered = [node for index in range(blocks) for node in steps[index::blocks]]
    return [nodes[0], *ordered, nodes[-1]]


def _shapes(model: ModelProto, free_size: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes that are known, with a number for every free size."""
    graph = shape_inference.infer_shapes(model, data_prop=True).graph
    return {
        item.name: tuple(
            size.dim_value if size.HasField('dim_value') else free_size
            for size in item.type.tensor_type.shape.dim
        )
        for item in graph.value_info
    }


def _place(nodes: list[NodeProto], node: NodeProto) -> int:
    return next(index for index, other in enumerate(nodes) if other is node)


def _copy(node: NodeProto) -> NodeProto:
    copied = NodeProto()
    copied.CopyFrom(node)
    return copied


def _store(model: ModelProto, nodes: list[NodeProto]) -> None:
    del model.graph.node[:]
    model.graph.node.extend(nodes)
