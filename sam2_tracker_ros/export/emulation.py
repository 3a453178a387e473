# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
What 16 bits cost, on a processor that has none.

ONNX Runtime's CPU provider has no bfloat16 products. Its fp16 products run in float32 on numbers
that were never rounded, since it takes the file's casts out together with its own; only weights
are rounded, and nothing overflows. Here every 16-bit tensor is a float32 one that went through 16
bits explicitly, which ONNX Runtime leaves alone.
"""

from collections.abc import Mapping

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from sam2_tracker_ros.inference.mixed_precision import TYPES, branches, replace_all


def emulated(model: ModelProto) -> ModelProto:
    """
    Return a float32 graph that rounds where a graph in mixed precision does, for the CPU provider.

    Every 16-bit tensor becomes a float32 one that was cast to 16 bits and back: weights, and what
    goes into a product and comes out of it. Sums inside a product are float32, as on tensor cores.

    :param model: of `to_mixed_precision`; not changed.
    """
    copy = ModelProto()
    copy.CopyFrom(model)
    _emulate(copy.graph, {})
    return copy


def _emulate(graph: GraphProto, types: Mapping[str, int]) -> None:
    """
    Replace the 16-bit tensors of a graph and of its branches.

    :param types: of the 16-bit tensors of the graphs around.
    """
    types = dict(types)
    for weight in graph.initializer:
        if weight.data_type in TYPES.values():
            types[weight.name] = weight.data_type
            values = numpy_helper.to_array(weight).astype(np.float32)
            weight.CopyFrom(numpy_helper.from_array(values, weight.name))
    nodes: list[NodeProto] = []
    for node in graph.node:
        for branch in branches(node):
            _emulate(branch, types)
        nodes.append(node)
        to = _output_type(node, types)
        if to is None:
            continue
        name = node.output[0]
        types[name] = to
        exact, stored = f'{name}_exact', f'{name}_stored'
        if node.op_type == 'Cast':
            node.output[0] = stored
        else:
            node.output[0] = exact
            nodes.append(helper.make_node('Cast', [exact], [stored], to=to))
        nodes.append(helper.make_node('Cast', [stored], [name], to=TensorProto.FLOAT))
    replace_all(graph.node, nodes)


def _output_type(node: NodeProto, types: Mapping[str, int]) -> int | None:
    """Return the 16-bit type that a node gives, None when it is another one."""
    if node.op_type == 'Cast':
        (to,) = (attribute.i for attribute in node.attribute if attribute.name == 'to')
        return to if to in TYPES.values() else None
    return next((types[name] for name in node.input if name in types), None)
