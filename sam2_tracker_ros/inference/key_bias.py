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

import numpy as np
import onnx
from onnx import TensorProto, helper, shape_inference
import onnxruntime

from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference.memory_input import BIAS_INPUT


def add_key_bias(model: onnx.ModelProto, path: Path, length: int) -> None:
    """
    Add the input to a graph, in place.

    :param path: the file that it comes from.
    :param length: M, of the memory axis.
    :raises ModelError: it cannot be told which softmax is over the memory.
    """
    sizes = _last_sizes(model)
    if any(node.input[0] not in sizes for node in model.graph.node if node.op_type == 'Softmax'):
        sizes |= _measured_sizes(model)
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


def _last_sizes(model: onnx.ModelProto) -> dict[str, int]:
    """Return the size of the last axis of every tensor inside the graph that has a known one."""
    inferred = shape_inference.infer_shapes(model, data_prop=True)
    dims = {item.name: item.type.tensor_type.shape.dim for item in inferred.graph.value_info}
    return {
        name: shape[-1].dim_value
        for name, shape in dims.items()
        if shape and shape[-1].HasField('dim_value')
    }


def _measured_sizes(model: onnx.ModelProto) -> dict[str, int]:
    """
    Return the size of the last axis of what each softmax takes, as seen when the graph runs.

    A graph that was made for any length works out its sizes while it runs.
    """
    inputs = {
        item.name: tuple(size.dim_value for size in item.type.tensor_type.shape.dim)
        for item in model.graph.input
    }
    if not all(all(shape) for shape in inputs.values()):
        return {}
    names = [node.input[0] for node in model.graph.node if node.op_type == 'Softmax']
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    del probe.graph.output[:]
    for index, name in enumerate(names):
        shape = f'{BIAS_INPUT}_shape_{index}'
        probe.graph.node.append(helper.make_node('Shape', [name], [shape]))
        probe.graph.output.append(helper.make_tensor_value_info(shape, TensorProto.INT64, None))
    session = onnxruntime.InferenceSession(
        probe.SerializeToString(), providers=['CPUExecutionProvider']
    )
    feeds = {name: np.zeros(shape, np.float32) for name, shape in inputs.items()}
    return {
        name: int(shape[-1]) for name, shape in zip(names, session.run(None, feeds), strict=True)
    }
