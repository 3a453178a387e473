# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Small graphs, lowered to mixed precision and run with their rounding."""

from collections.abc import Iterator, Sequence
from typing import Any

from inference.reference import rounded_to_bfloat16
import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import TensorProto, helper, numpy_helper
import onnxruntime

from sam2_tracker_ros.export.emulation import emulated
from sam2_tracker_ros.inference.mixed_precision import to_mixed_precision

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
