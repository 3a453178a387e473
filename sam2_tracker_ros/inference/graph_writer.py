# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Writes a graph: single operators, constants, and whole graphs put into it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto, helper, numpy_helper

from sam2_tracker_ros.errors import ModelError

# A size that stays free has a name.
Dims = Sequence[int | str]


class GraphWriter:
    """
    A graph under construction; values are known by their names.

    :param opset: of the standard operators, in everything that is put into the graph.
    """

    def __init__(self, opset: int) -> None:
        self._opset = opset
        self._nodes: list[NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._inputs: list[ValueInfoProto] = []
        self._outputs: list[ValueInfoProto] = []
        self._count = 0

    def input(self, name: str, dtype: Any, dims: Dims) -> str:
        """Declare an input."""
        self._inputs.append(_declared(name, dtype, dims))
        return name

    def output(self, name: str, value: str, dtype: Any, dims: Dims) -> None:
        """Declare a value as an output of that name."""
        self._nodes.append(helper.make_node('Identity', [value], [name]))
        self._outputs.append(_declared(name, dtype, dims))

    def constant(self, values: NDArray[Any]) -> str:
        """Store numbers."""
        name = self._new_name('constant')
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def integers(self, *values: int) -> str:
        """Store int64 numbers, as shapes, axes and indices are given."""
        return self.constant(np.array(values, np.int64))

    def operator(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Apply a standard operator of one output."""
        name = self._new_name(kind)
        self._nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def reduced(self, kind: str, value: str, *axes: int) -> str:
        """Apply ReduceMax, ReduceMin or ReduceSum, which drops the axes; all of them for none."""
        if kind == 'ReduceSum' or self._opset >= 18:
            given = (self.integers(*axes),) if axes else ()
            return self.operator(kind, value, *given, keepdims=0)
        attributes = {'axes': list(axes)} if axes else {}
        return self.operator(kind, value, keepdims=0, **attributes)

    def shaped(self, value: str, *dims: int) -> str:
        """Reshape a value; 0 keeps a size, -1 takes what is left."""
        return self.operator('Reshape', value, self.integers(*dims))

    def include(self, model: ModelProto, prefix: str, feeds: Mapping[str, str]) -> dict[str, str]:
        """
        Put a whole graph into this one.

        :param prefix: of its names in this graph.
        :param feeds: values for all its inputs.
        :return: its outputs' names in this graph.
        :raises ModelError: it is of another opset.
        """
        opset = next(item.version for item in model.opset_import if item.domain in ('', 'ai.onnx'))
        if opset != self._opset:
            message = (
                f'{prefix} is a graph of opset {opset}, others of the bundle of {self._opset}; '
                'expected one opset: export the bundle again, or set execution to modular'
            )
            raise ModelError(message)
        copied = GraphProto()
        copied.CopyFrom(model.graph)
        _rename(copied, feeds, f'{prefix}/')
        self._nodes.extend(copied.node)
        self._weights.extend(copied.initializer)
        return {item.name: f'{prefix}/{item.name}' for item in model.graph.output}

    def model(self) -> ModelProto:
        """Return the graph without what leads to no output."""
        graph = helper.make_graph(
            self._nodes, 'sam2_tracker_ros', self._inputs, self._outputs, self._weights
        )
        _remove_unused(graph)
        opsets = [helper.make_opsetid('', self._opset)]
        return helper.make_model(
            graph, opset_imports=opsets, ir_version=8, producer_name='sam2_tracker_ros'
        )

    def _new_name(self, kind: str) -> str:
        self._count += 1
        return f'{kind.lower()}_{self._count}'


def _declared(name: str, dtype: Any, dims: Dims) -> ValueInfoProto:
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return helper.make_tensor_value_info(name, kind, list(dims))


def _rename(graph: GraphProto, feeds: Mapping[str, str], prefix: str) -> None:
    """Give every value of a graph, and of the graphs that its nodes hold, a name of its own."""

    def new(name: str) -> str:
        return feeds.get(name, f'{prefix}{name}') if name else ''

    for weight in graph.initializer:
        weight.name = new(weight.name)
    for item in (*graph.input, *graph.output):
        item.name = new(item.name)
    del graph.value_info[:]
    for node in graph.node:
        node.name = f'{prefix}{node.name}' if node.name else ''
        node.input[:] = [new(name) for name in node.input]
        node.output[:] = [new(name) for name in node.output]
        for attribute in node.attribute:
            if attribute.HasField('g'):
                _rename(attribute.g, feeds, prefix)


def _remove_unused(graph: GraphProto) -> None:
    """Remove nodes and weights that no output needs."""
    used = {item.name for item in graph.output}
    kept = []
    for node in reversed(graph.node):
        if used.intersection(node.output):
            kept.append(node)
            used.update(_names_used(node))
    del graph.node[:]
    graph.node.extend(reversed(kept))
    weights = [weight for weight in graph.initializer if weight.name in used]
    del graph.initializer[:]
    graph.initializer.extend(weights)


def _names_used(node: NodeProto) -> set[str]:
    """Return the inputs of a node and of everything inside it."""
    names = set(node.input)
    for attribute in node.attribute:
        if attribute.HasField('g'):
            names.update(item.name for item in attribute.g.output)
            for inner in attribute.g.node:
                names |= _names_used(inner)
    return names
