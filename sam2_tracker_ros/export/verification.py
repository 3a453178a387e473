# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Does a written graph compute what PyTorch computes? Per tensor, over every set of inputs."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.core.types import Float32Array
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.export.graph import Graph, Inputs
from sam2_tracker_ros.inference.sessions import GraphSession, runtime_from_config

# What a tensor may be off by: in float32 an absolute bound; in 16 bits a part of the tensor's own
# size, since every product is rounded to 11 (fp16) or 8 (bf16) significant bits.
TOLERANCE = 1e-3
RELATIVE_TOLERANCES = {'fp16': 0.05, 'bf16': 0.3}


@dataclass(frozen=True)
class TensorError:
    """
    How far one output of one graph is from PyTorch's.

    :param max_abs: largest difference, for the inputs that come closest to the tolerance.
    :param rms: root of the mean square of PyTorch's values for those inputs, to compare with.
    :param tolerance: the largest difference that is accepted for them.
    """

    graph: str
    tensor: str
    max_abs: float
    rms: float
    tolerance: float

    @property
    def is_accepted(self) -> bool:
        """Whether the tensor is close enough; NaN is not."""
        return self.max_abs <= self.tolerance


@dataclass(frozen=True)
class Verification:
    """The errors of all outputs of all graphs."""

    errors: tuple[TensorError, ...]

    def table(self) -> str:
        """Show the errors to people."""
        lines = [f'{"graph":18} {"tensor":22} {"max_abs":>9} {"rms":>9} {"tolerance":>9}']
        lines += [
            f'{error.graph:18} {error.tensor:22} {error.max_abs:9.2e} {error.rms:9.2e} '
            f'{error.tolerance:9.2e}{"" if error.is_accepted else "  TOO FAR"}'
            for error in self.errors
        ]
        return '\n'.join(lines)

    def as_json(self) -> list[dict[str, Any]]:
        """Return the errors for manifest.json."""
        return [asdict(error) for error in self.errors]

    def check(self) -> None:
        """
        Refuse what is too far from PyTorch.

        :raises ModelError: names graph, tensor, error and tolerance.
        """
        wrong = [error for error in self.errors if not error.is_accepted]
        if wrong:
            found = '; '.join(
                f'{error.graph} {error.tensor} is off by {error.max_abs:.2e}, expected at most '
                f'{error.tolerance:.2e}'
                for error in wrong
            )
            message = (
                f'the exported graphs differ from PyTorch: {found}; nothing was written: '
                'choose a higher --precision, or report the versions of torch and onnxruntime'
            )
            raise ModelError(message)


def compare_graph(graph: Graph, path: Path, precision: str) -> tuple[TensorError, ...]:
    """
    Run a written graph and its module on the same inputs.

    :param path: of the graph, runnable on the CPU provider.
    :param precision: fp32, fp16 or bf16; decides the tolerances.
    :raises ModelError: the graph does not run, or has lost an input.
    """
    session = GraphSession(graph.stage, path, runtime_from_config(ModelConfig(providers=('cpu',))))
    if set(session.inputs) != set(graph.inputs):
        message = (
            f'{path.name}: the inputs are {", ".join(session.inputs)}; expected '
            f'{", ".join(graph.inputs)}: tracing lost an input, which then has no effect'
        )
        raise ModelError(message)
    pairs = [_both(graph, session, inputs) for inputs in (graph.inputs, *graph.more_inputs)]
    return tuple(
        _tensor_error(graph.stage, name, [(e[number], f[number]) for e, f in pairs], precision)
        for number, name in enumerate(graph.outputs)
    )


def _both(
    graph: Graph, session: GraphSession, inputs: Inputs
) -> tuple[list[Float32Array], list[Float32Array]]:
    """Return the outputs of PyTorch and of the graph."""
    with torch.no_grad():
        expected = (graph.original or graph.module)(*inputs.values())
    expected = expected if isinstance(expected, tuple) else (expected,)
    feeds = {name: np.ascontiguousarray(value.numpy()) for name, value in inputs.items()}
    found = session.run(feeds)
    return [value.numpy() for value in expected], [found[name] for name in graph.outputs]


def _tensor_error(
    stage: str,
    name: str,
    pairs: Iterable[tuple[Float32Array, Float32Array]],
    precision: str,
) -> TensorError:
    """Return the error for the inputs that come closest to their tolerance; NaN is furthest."""
    relative = RELATIVE_TOLERANCES.get(precision)
    errors = []
    for expected, found in pairs:
        fits = expected.shape == found.shape
        max_abs = float(np.abs(expected - found).max()) if fits else math.nan
        rms = float(np.sqrt(np.mean(np.square(expected, dtype=np.float64))))
        tolerance = TOLERANCE if relative is None else relative * rms
        errors.append(TensorError(stage, name, max_abs, rms, tolerance))
    refused = [error for error in errors if not error.is_accepted]
    return max(refused or errors, key=lambda error: error.max_abs / max(error.tolerance, 1e-30))
