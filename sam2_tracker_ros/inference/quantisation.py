# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Products in 8-bit integers, for CPUs.

Weights are rounded once, each output channel by its own scale; activations while the graph runs,
by one scale for each tensor. Decoder and memory encoder stay in float32: they cost little, and
what they get wrong is in the mask at once.
"""

from collections import Counter
import logging
from pathlib import Path
import tempfile

import onnx
from onnx import ModelProto, TensorProto
from onnxruntime.quantization import QuantType, quantize_dynamic

_PRODUCTS = ('MatMul', 'Gemm')
_KEPT = ('decoder/', 'memory/', 'times/')


def quantised(model: ModelProto) -> ModelProto:
    """
    Return a runtime graph whose products with weights are in 8-bit integers.

    :param model: float32, of fused_graphs.py; not changed.
    """
    kept = [
        node.name
        for node in model.graph.node
        if node.op_type in _PRODUCTS and node.name.startswith(_KEPT)
    ]
    source = ModelProto()
    source.CopyFrom(model)
    _unshare(source)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'quantised.onnx'
        logger = logging.getLogger()
        before = logger.level
        # It advises on the root logger to prepare the graph, which is only for static scales.
        logger.setLevel(logging.ERROR)
        try:
            quantize_dynamic(
                source,
                path,
                op_types_to_quantize=['MatMul'],
                per_channel=True,
                weight_type=QuantType.QInt8,
                # A Gemm is split into a MatMul of a longer name and an Add first.
                nodes_to_exclude=[*kept, *(f'{name}_MatMul' for name in kept)],
                extra_options={'MatMulConstBOnly': True, 'DefaultTensorType': TensorProto.FLOAT},
            )
        finally:
            logger.setLevel(before)
        return onnx.load(path)


def _unshare(model: ModelProto) -> None:
    """Give each Gemm a weight of its own: the library turns them round in place, once for each."""
    graph = model.graph
    weights = {weight.name: weight for weight in graph.initializer}
    seen: Counter[str] = Counter()
    for node in graph.node:
        name = node.input[1] if node.op_type == 'Gemm' else ''
        if name not in weights:
            continue
        seen[name] += 1
        if seen[name] > 1:
            copied = TensorProto()
            copied.CopyFrom(weights[name])
            copied.name = node.input[1] = f'{name}_{seen[name]}'
            graph.initializer.append(copied)
