# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Explicitly typed mixed precision: products in 16 bits, everything else in float32.

A product (MatMul, Gemm, Conv, ConvTranspose) stores its weights and computes in 16 bits, between
Cast nodes; inputs, outputs and all other operators keep their types. So softmax, normalisation,
reductions, rotary positions, resizing, sigmoids, prompts, gates and their constants (-1e9, -1024)
are float32 because nothing touches them. Float32 stay also the products from which nothing but
such operators leads to

- a softmax: a rounded score is an error in the exponent, unscaled scores overflow fp16, and
  softmax would widen them to float32 again anyway;
- a sine or cosine: these are the position encodings of prompts;
- an output that is decided by: mask and object score logits, predicted IoU, pointers.

The types are in the file, so that the CUDA provider and a strongly typed TensorRT network have no
choice. Convolutions stay float32 in bf16, which ONNX gives them in opset 22 only.

ONNX Runtime brings a converter, onnxruntime.transformers.float16. It knows no bfloat16, converts
all but what is listed (here the rule is the other way round), selects by operator or by the names
that a tracer gave, and clips a weight that is too large for fp16, which here is an error.

A CPU does not show what 16 bits cost: ONNX Runtime's CPU provider has no bfloat16 products, and
runs fp16 ones in float32 without rounding what goes in and out, explicit casts or not, so that
only the weights are rounded and nothing overflows. export/emulation.py makes it happen there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import (
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    helper,
    numpy_helper,
    shape_inference,
)

from sam2_tracker_ros.core.types import Float32Array
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference.memory_input import round_to_bfloat16

TYPES = {'fp16': TensorProto.FLOAT16, 'bf16': TensorProto.BFLOAT16}
_PRODUCTS = {
    'fp16': ('MatMul', 'Gemm', 'Conv', 'ConvTranspose'),
    'bf16': ('MatMul', 'Gemm'),
}
_SENSITIVE = ('Softmax', 'Sin', 'Cos')
# Of inference/contract.py and inference/fused_graphs.py.
_DECISIONS = (
    'found',
    'pointer',
    'low_res_mask',
    'high_res_mask',
    'iou',
    'object_score_logits',
    'object_pointer',
    'pointer_pos',
)


def to_mixed_precision(model: ModelProto, precision: str) -> ModelProto:
    """
    Return a graph of the same inputs and outputs whose products are in 16 bits.

    :param model: float32, opset 13 or later; not changed.
    :param precision: fp16 or bf16.
    :raises ModelError: the precision is unknown, or a weight is too large for it.
    """
    if precision not in TYPES:
        message = f'precision {precision!r}: expected {" or ".join(TYPES)}'
        raise ModelError(message)
    mixed = ModelProto()
    mixed.CopyFrom(model)
    lowering = _Lowering(
        precision,
        kept=_kept(mixed.graph),
        not_float=_not_float(mixed),
        names={name for graph in _graphs(mixed.graph) for name in _names(graph)},
    )
    lowering.lower(mixed.graph, {}, {})
    lowering.remove_unused(mixed.graph, set())
    return mixed


@dataclass
class _Weight:
    """
    A float32 weight.

    :param graph: that holds it.
    :param rounded: the name of its 16-bit form, once there is one.
    """

    tensor: TensorProto
    graph: GraphProto
    rounded: str = ''


@dataclass
class _Lowering:
    """
    The change of one model.

    :param kept: outputs of the products that stay float32.
    :param not_float: tensors that are known to be of another type.
    :param names: all that are taken.
    :param replaceable: weights and casts that are to go when nothing uses them any more.
    """

    precision: str
    kept: set[str]
    not_float: set[str]
    names: set[str]
    replaceable: set[str] = field(default_factory=set)

    def lower(
        self, graph: GraphProto, rounded: Mapping[str, str], weights: Mapping[str, _Weight]
    ) -> None:
        """
        Put the products of a graph and of its branches in 16 bits.

        :param rounded: the names of 16-bit tensors in the graphs around, by what they hold.
        :param weights: of the graphs around, by name.
        """
        rounded = dict(rounded)
        inputs = {item.name for item in graph.input}  # may replace a weight of the same name
        own = (weight for weight in graph.initializer if weight.name not in inputs)
        weights = {**weights, **{weight.name: _Weight(weight, graph) for weight in own}}
        nodes: list[NodeProto] = []
        for node in graph.node:
            for branch in branches(node):
                self.lower(branch, rounded, weights)
            if node.op_type == 'Identity' and node.input[0] in weights:  # as tracing shares them
                weights[node.output[0]] = weights[node.input[0]]
                self.replaceable.add(node.output[0])
            nodes += self._lowered(node, rounded, weights) if self._is_lowered(node) else [node]
        replace_all(graph.node, nodes)

    def remove_unused(self, graph: GraphProto, used: set[str]) -> None:
        """
        Remove what was replaced.

        :param used: names that the graphs around take afterwards; those of this graph are added.
        """
        used.update(item.name for item in graph.output)
        nodes = []
        for node in reversed(graph.node):
            if self.replaceable.issuperset(node.output) and used.isdisjoint(node.output):
                continue
            used.update(node.input)
            for branch in branches(node):
                self.remove_unused(branch, used)
            nodes.append(node)
        replace_all(graph.node, nodes[::-1])
        gone = self.replaceable - used
        replace_all(graph.initializer, [w for w in graph.initializer if w.name not in gone])

    def _is_lowered(self, node: NodeProto) -> bool:
        return (
            node.op_type in _PRODUCTS[self.precision]
            and node.output[0] not in self.kept
            and self.not_float.isdisjoint(node.input)
        )

    def _lowered(
        self, node: NodeProto, rounded: dict[str, str], weights: Mapping[str, _Weight]
    ) -> list[NodeProto]:
        """Return the product and the casts around it."""
        nodes = []
        for name in dict.fromkeys(node.input):
            if name in weights:
                rounded[name] = self._rounded_weight(weights[name])
            elif name and name not in rounded:
                rounded[name] = self._new_name(name)
                to = TYPES[self.precision]
                nodes.append(helper.make_node('Cast', [name], [rounded[name]], to=to))
        result = node.output[0]
        rounded[result] = self._new_name(result)
        self.replaceable.add(result)
        node.input[:] = [rounded.get(name, '') for name in node.input]
        node.output[0] = rounded[result]
        widening = helper.make_node('Cast', [rounded[result]], [result], to=TensorProto.FLOAT)
        return [*nodes, node, widening]

    def _rounded_weight(self, weight: _Weight) -> str:
        """Return the name of the 16-bit form; the float32 one stays while others use it."""
        if weight.rounded:
            return weight.rounded
        name, values = weight.tensor.name, numpy_helper.to_array(weight.tensor)
        content, restored = _in_16_bits(values, self.precision)
        lost = np.isfinite(values) & ~np.isfinite(restored)
        if lost.any():
            message = (
                f'the weight {name} holds {values[lost][0]:g}, which is too large for '
                f'{self.precision}: export with another --precision'
            )
            raise ModelError(message)
        weight.rounded = self._new_name(name)
        weight.graph.initializer.append(
            helper.make_tensor(
                weight.rounded, TYPES[self.precision], values.shape, content, raw=True
            )
        )
        self.replaceable.add(name)
        return weight.rounded

    def _new_name(self, name: str) -> str:
        new = f'{name}_{self.precision}'
        while new in self.names:
            new += '_'
        self.names.add(new)
        return new


def _in_16_bits(values: Float32Array, precision: str) -> tuple[bytes, Float32Array]:
    """Return rounded values as a file stores them, and as float32."""
    if precision == 'fp16':
        with np.errstate(over='ignore'):
            half = values.astype('<f2')
        return half.tobytes(), half.astype(np.float32)
    rounded = round_to_bfloat16(np.ascontiguousarray(values))
    upper = (rounded.view(np.uint32) >> np.uint32(16)).astype('<u2')
    return upper.tobytes(), rounded


def _kept(graph: GraphProto) -> set[str]:
    """Return the outputs of the products that lead to what needs float32, by no other product."""
    nodes = [node for each in _graphs(graph) for node in each.node]
    sources: dict[str, list[NodeProto]] = {}
    for node in nodes:
        for name in node.output:
            sources.setdefault(name, []).append(node)
    waiting = [item.name for item in graph.output if item.name in _DECISIONS]
    waiting += [name for node in nodes if node.op_type in _SENSITIVE for name in node.input]
    seen, kept = set(waiting), set()
    while waiting:
        name = waiting.pop()
        for node in sources.get(name, ()):
            if node.op_type in _PRODUCTS['fp16']:
                kept.add(name)
                continue
            if node.op_type == 'Shape':  # says nothing about values
                continue
            taken = [*node.input, *(item.name for each in branches(node) for item in each.output)]
            waiting += [each for each in taken if each not in seen]
            seen.update(taken)
    return kept


def _not_float(model: ModelProto) -> set[str]:
    """Return the tensors that are known not to be float32."""
    found = set()
    for graph in _graphs(shape_inference.infer_shapes(model).graph):
        for item in (*graph.input, *graph.value_info, *graph.output):
            if item.type.tensor_type.elem_type != TensorProto.FLOAT:
                found.add(item.name)
        found |= {item.name for item in graph.initializer if item.data_type != TensorProto.FLOAT}
    return found


def _graphs(graph: GraphProto) -> Iterator[GraphProto]:
    """Return a graph and all inside it."""
    yield graph
    for node in graph.node:
        for branch in branches(node):
            yield from _graphs(branch)


def branches(node: NodeProto) -> list[GraphProto]:
    """Return the graphs that a node holds: branches of If, the body of a Loop."""
    return [attribute.g for attribute in node.attribute if attribute.HasField('g')]


def _names(graph: GraphProto) -> Iterator[str]:
    """Return the names that a graph uses up."""
    for item in (*graph.input, *graph.initializer):
        yield item.name
    for node in graph.node:
        yield from node.output


def replace_all(items: Any, kept: Sequence[Any]) -> None:
    """Make a repeated field hold exactly these."""
    del items[:]
    items.extend(kept)
