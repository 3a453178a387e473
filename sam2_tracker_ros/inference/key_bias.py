# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Make a memory attention of fixed length exact while the memory bank is not full.

The published graph always attends to M memory tokens. Filling unused places with copies changes
the result, because every copy takes its share of attention. Instead an input `memory_bias` [M] is
added to the scores in front of each softmax over the memory: 0 keeps a token, DROP takes it out,
and what remains is exactly attention over the tokens that exist.
"""

from pathlib import Path

import onnx
from onnx import TensorProto, helper, shape_inference

from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference.memory_input import BIAS_INPUT


def with_key_bias(path: Path, length: int) -> bytes:
    """
    Add the input to a graph.

    :param length: M, of the memory axis.
    :return: the changed graph, serialized.
    :raises ModelError: it cannot be told which softmax is over the memory.
    """
    model = onnx.load(path)
    sizes = _last_sizes(model)
    found = [sizes.get(node.input[0]) for node in model.graph.node if node.op_type == 'Softmax']
    if length not in found or None in found:
        message = (
            f'{path}: expected softmax nodes of known size, some over the {length} memory tokens; '
            f'found sizes {found}, so that the first frames could not be exact: '
            'export memory_attention with a free memory axis, or set memory_padding to balanced'
        )
        raise ModelError(message)
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        if node.op_type == 'Softmax' and sizes[node.input[0]] == length:
            scores, biased = node.input[0], f'{node.input[0]}_with_{BIAS_INPUT}'
            nodes.append(helper.make_node('Add', [scores, BIAS_INPUT], [biased]))
            node.input[0] = biased
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    bias = helper.make_tensor_value_info(BIAS_INPUT, TensorProto.FLOAT, [length])
    model.graph.input.append(bias)
    return bytes(model.SerializeToString())


def _last_sizes(model: onnx.ModelProto) -> dict[str, int]:
    """Return the size of the last axis of every tensor inside the graph that has a known one."""
    inferred = shape_inference.infer_shapes(model, data_prop=True)
    dims = {item.name: item.type.tensor_type.shape.dim for item in inferred.graph.value_info}
    return {
        name: shape[-1].dim_value
        for name, shape in dims.items()
        if shape and shape[-1].HasField('dim_value')
    }
