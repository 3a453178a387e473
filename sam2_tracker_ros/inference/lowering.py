# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Runtime graphs in the numbers that a precision gives them; needs the package onnx."""

from collections.abc import Mapping

import onnx
from onnx.external_data_helper import uses_external_data

from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference.mixed_precision import to_mixed_precision
from sam2_tracker_ros.inference.quantisation import quantised
from sam2_tracker_ros.inference.sessions import Runtime


def lowered(graphs: Mapping[str, bytes], runtime: Runtime) -> dict[str, bytes]:
    """
    Put float32 graphs, by name, into the numbers of the precision.

    :raises ModelError: a graph is not whole in itself, or cannot be put into these numbers.
    """
    return {name: _lowered(name, content, runtime) for name, content in graphs.items()}


def _lowered(name: str, content: bytes, runtime: Runtime) -> bytes:
    model = onnx.load_model_from_string(content)
    outside = [item.name for item in model.graph.initializer if uses_external_data(item)]
    if outside:
        message = (
            f'{name} keeps {outside[0]} in another file, which could be any file; '
            'expected a graph that is whole in itself'
        )
        raise ModelError(message)
    numbers = runtime.policy.numbers(runtime.provider, name)
    if numbers == 'fp32':
        return content
    if numbers == 'int8':
        return bytes(quantised(model).SerializeToString())
    return bytes(to_mixed_precision(model, numbers).SerializeToString())
