# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One graph, opened and ready to run."""

from collections.abc import Mapping
from dataclasses import dataclass
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.core.types import Float32Array
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference.contract import Tensor
from sam2_tracker_ros.inference.providers import check_running, choose_providers

# ONNX Runtime's errors have no common base of their own.
_RUNTIME_ERRORS: tuple[type[Exception], ...] = (
    RuntimeError,
    ValueError,
    *(
        member
        for member in vars(onnxruntime_pybind11_state).values()
        if isinstance(member, type) and issubclass(member, Exception)
    ),
)
_NO_KERNEL = onnxruntime_pybind11_state.NotImplemented
_ERRORS_ONLY = 3


@dataclass(frozen=True)
class Runtime:
    """
    How graphs are run.

    :param providers: in the runtime's names, most preferred first.
    :param threads: of one operator on the CPU.
    """

    providers: tuple[str, ...]
    allow_fallback: bool
    threads: int


def runtime_from_config(config: ModelConfig) -> Runtime:
    """
    Read the settings.

    :raises ModelError: a provider that is asked for is not there.
    """
    return Runtime(
        providers=choose_providers(
            config.providers,
            onnxruntime.get_available_providers(),
            allow_fallback=config.allow_provider_fallback,
        ),
        allow_fallback=config.allow_provider_fallback,
        threads=config.inference_threads or _usable_cores(),
    )


class GraphSession:
    """
    A graph that runs.

    :param stage: name of the graph in messages.
    :param source: the file, or its content.
    :raises ModelError: the file is no graph, or cannot run where it should.
    """

    def __init__(self, stage: str, source: Path | bytes, runtime: Runtime) -> None:
        self._stage = stage
        try:
            self._session = onnxruntime.InferenceSession(
                source if isinstance(source, bytes) else str(source),
                sess_options=_options(runtime),
                providers=list(runtime.providers),
            )
        except _RUNTIME_ERRORS as error:
            where = stage if isinstance(source, bytes) else source
            if isinstance(error, _NO_KERNEL):
                message = (
                    f'{where} cannot run on {", ".join(runtime.providers)} '
                    f'({_first_line(error)}): no operator for numbers of its type, which is '
                    'bfloat16 in a bf16 bundle; set providers to cuda or tensorrt, or use a '
                    'bundle exported with --precision fp32 or fp16'
                )
            else:
                message = (
                    f'{where} cannot be opened as a graph ({_first_line(error)}); it is damaged '
                    'or needs another ONNX Runtime: copy, fetch or export the bundle again'
                )
            raise ModelError(message) from error
        self.providers = check_running(
            runtime.providers, self._session.get_providers(), allow_fallback=runtime.allow_fallback
        )
        self.inputs = _tensors(self._session.get_inputs())
        self.outputs = _tensors(self._session.get_outputs())
        self._output_names = list(self.outputs)

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, Float32Array]:
        """
        Compute every output.

        :param feeds: by the names of the inputs; contiguous arrays are not copied.
        :raises ModelError: inference failed.
        """
        try:
            values = self._session.run(self._output_names, feeds)
        except _RUNTIME_ERRORS as error:
            given = ', '.join(f'{name} {np.shape(feed)}' for name, feed in feeds.items())
            message = (
                f'{self._stage} failed ({_first_line(error)}); it was given {given}: '
                'check memory and providers, and that the bundle is complete'
            )
            raise ModelError(message) from error
        return dict(zip(self._output_names, values, strict=True))


def _usable_cores() -> int:
    """Return the cores that this process may use, as far as the system tells."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _options(runtime: Runtime) -> Any:
    """Threads that spin while they wait would take the cores from the rest of the robot."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = runtime.threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = _ERRORS_ONLY
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    return options


def _tensors(declared: list[Any]) -> dict[str, Tensor]:
    return {item.name: Tensor(item.type, tuple(item.shape)) for item in declared}


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
