# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a built graph depends on: when any of it changes, it is built again."""

from collections.abc import Mapping
import hashlib
import json
import os
import re
from typing import Any, TypeAlias

import onnxruntime

from sam2_tracker_ros.inference.bundle import Bundle, Shapes
from sam2_tracker_ros.inference.device import describe_cpu, describe_gpu, describe_tensorrt
from sam2_tracker_ros.inference.digest import sha256_of
from sam2_tracker_ros.inference.sessions import Runtime

Key: TypeAlias = Mapping[str, Any]

# Changes whenever the same graphs and policy give other files.
FORMAT = 1


def build_key(bundle: Bundle, runtime: Runtime, recipe: str) -> Key:
    """
    Return everything that the files of a build depend on, as JSON holds it.

    :param recipe: version of what derives the runtime graphs from the bundle's.
    :raises ModelError: the GPU cannot be asked what it is.
    """
    return {
        'format': FORMAT,
        'model': bundle.name,
        'graphs': {stage: sha256_of(graph.path) for stage, graph in bundle.graphs.items()},
        'declared': {
            stage: [_shapes(graph.inputs), _shapes(graph.outputs)]
            for stage, graph in bundle.graphs.items()
        },
        'constants': sha256_of(bundle.constants.path),
        'recipe': recipe,
        'onnxruntime': onnxruntime.__version__,
        'providers': list(runtime.providers),
        'precision': runtime.policy.name,
        'policy': runtime.policy.digest,
        'device': _device(runtime.provider),
    }


def key_digest(key: Key) -> str:
    """Return the SHA-256 of a key."""
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()


def entry_name(key: Key) -> str:
    """Return the name of the folder of a build."""
    model = re.sub(r'[^\w.-]', '_', key['model'])[:64]
    return f'{model}-{key["precision"]}-{key_digest(key)[:16]}'


def _shapes(declared: Shapes | None) -> dict[str, list[int]]:
    return {name: list(shape) for name, shape in (declared or {}).items()}


def _device(provider: str) -> dict[str, str]:
    if provider == 'cpu':
        return describe_cpu()
    device = describe_gpu()
    if provider == 'tensorrt':
        device['tensorrt'] = describe_tensorrt()
        # The one way to keep TensorRT from using TF32.
        device['tf32_override'] = os.environ.get('NVIDIA_TF32_OVERRIDE', '')
    return device
