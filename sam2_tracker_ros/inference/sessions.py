# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One graph, opened and ready to run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import os
from pathlib import Path
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.core.types import Float32Array
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference.contract import Tensor
from sam2_tracker_ros.inference.device import preload_libraries, shared_stream
from sam2_tracker_ros.inference.precision import PrecisionPolicy, read_policy
from sam2_tracker_ros.inference.providers import (
    OUR_NAMES,
    RUNTIME_NAMES,
    check_running,
    choose_providers,
    provider_options,
)

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
_CPU = RUNTIME_NAMES['cpu']
# A graph of one Identity, opset 17: what is opened to see which providers work.
_PROBE = (
    b'\x08\x08\x12\x00:;\n\x10\n\x01x\x12\x01y"\x08Identity\x12\x05probeZ\x0f\n\x01x\x12\n\n\x08'
    b'\x08\x01\x12\x04\n\x02\x08\x01b\x0f\n\x01y\x12\n\n\x08\x08\x01\x12\x04\n\x02\x08\x01B\x04\n'
    b'\x00\x10\x11'
)


@dataclass(frozen=True)
class Runtime:
    """
    How graphs are run.

    :param providers: in the runtime's names, most preferred first; each was seen to start.
    :param threads: of one operator on the CPU.
    :param cache_folder: where built graphs are kept; it may not exist.
    :param profiles: folder for what each graph's operators cost; None to measure nothing.
    :param stream: address of the CUDA stream that all sessions share; 0 on a CPU.
    """

    providers: tuple[str, ...]
    allow_fallback: bool
    threads: int
    policy: PrecisionPolicy
    cache_folder: Path
    stream: int = 0
    profiles: Path | None = None

    @property
    def provider(self) -> str:
        """Our name of the most preferred provider."""
        return OUR_NAMES[self.providers[0]]


@dataclass(frozen=True)
class Storage:
    """
    What a session keeps on disk, or was read from.

    :param optimised: the graph as optimised for this processor is written to this file.
    :param is_optimised: the graph was written that way; it is not optimised again.
    :param engines: folder for engines and timings of TensorRT.
    """

    optimised: Path | None = None
    is_optimised: bool = False
    engines: Path | None = None


_NOTHING_STORED = Storage()


def runtime_from_config(config: ModelConfig) -> Runtime:
    """
    Read the settings, and start the providers.

    :raises ModelError: a provider that is asked for is not there, cannot be started or does not
        have the precision that is asked for.
    """
    policy = read_policy(config.precision)
    chosen = choose_providers(
        config.providers,
        onnxruntime.get_available_providers(),
        allow_fallback=config.allow_provider_fallback,
    )
    if chosen[0] != _CPU:
        preload_libraries(tensorrt=RUNTIME_NAMES['tensorrt'] in chosen)
    providers = _started(chosen, allow_fallback=config.allow_provider_fallback)
    policy.check_provider(OUR_NAMES[providers[0]])
    return Runtime(
        providers=providers,
        allow_fallback=config.allow_provider_fallback,
        threads=config.inference_threads or _usable_cores(),
        policy=policy,
        cache_folder=cache_folder(config),
        stream=0 if providers[0] == _CPU else shared_stream(),
    )


def cache_folder(config: ModelConfig) -> Path:
    """Return the folder of the settings, else `sam2_tracker_ros` in the XDG cache home."""
    home = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
    folder = config.cache_folder or f'{home}/sam2_tracker_ros'
    # Unlike pathlib, it leaves '~' alone where there is no home.
    return Path(os.path.expanduser(folder))  # noqa: PTH111


class GraphSession:
    """
    A graph that runs.

    :param stage: name of the graph in messages and in the precision's file.
    :param source: the file, or its content.
    :param storage: what of it is kept on disk.
    :raises ModelError: the file is no graph, or cannot run where it should.
    """

    def __init__(
        self,
        stage: str,
        source: Path | bytes,
        runtime: Runtime,
        storage: Storage = _NOTHING_STORED,
    ) -> None:
        self._stage = stage
        try:
            self._session = onnxruntime.InferenceSession(
                source if isinstance(source, bytes) else str(source),
                sess_options=_options(stage, runtime, storage),
                providers=provider_options(
                    runtime.providers, runtime.policy, stage, runtime.stream, storage.engines
                ),
                enable_fallback=0,
            )
            self.inputs = _tensors(self._session.get_inputs())
            self.outputs = _tensors(self._session.get_outputs())
        except _RUNTIME_ERRORS as error:
            where = stage if isinstance(source, bytes) else str(source)
            raise _refusal(where, error, runtime) from error
        self.providers = check_running(
            runtime.providers, _in_use(self._session), allow_fallback=runtime.allow_fallback
        )
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

    def end_profiling(self) -> Path:
        """Return the file with what was measured; nothing is measured afterwards."""
        return Path(self._session.end_profiling())

    def binding(self) -> Any:
        """Return a new onnxruntime.IOBinding: inputs and outputs that stay where they are."""
        return self._session.io_binding()

    def run_bound(self, binding: Any, run_options: Any = None) -> None:
        """
        Compute what is bound.

        :param binding: of `binding`.
        :param run_options: an onnxruntime.RunOptions.
        :raises ModelError: inference failed.
        """
        try:
            self._session.run_with_iobinding(binding, run_options)
        except _RUNTIME_ERRORS as error:
            message = f'{self._stage} failed ({_first_line(error)}): check memory and providers'
            raise ModelError(message) from error


def _started(chosen: Sequence[str], *, allow_fallback: bool) -> tuple[str, ...]:
    """
    Return the providers that work, of those chosen.

    One that does not is found before anything is built for it.

    :raises ModelError: the most preferred one does not work.
    """
    if chosen[0] == _CPU:
        return tuple(chosen)
    try:
        # Its warnings, which say what is missing, are not silenced here.
        probe = onnxruntime.InferenceSession(_PROBE, providers=list(chosen), enable_fallback=0)
    except _RUNTIME_ERRORS as error:
        if allow_fallback and len(chosen) > 1:
            return _started(chosen[1:], allow_fallback=True)
        message = (
            f'{chosen[0]} cannot be started ({_first_line(error)}): install the libraries that '
            'the errors above name, change providers, or set allow_provider_fallback'
        )
        raise ModelError(message) from error
    running = check_running(chosen, probe.get_providers(), allow_fallback=allow_fallback)
    return tuple(name for name in chosen if name in running)


def _usable_cores() -> int:
    """Return the cores that this process may use, as far as the system tells."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _options(stage: str, runtime: Runtime, storage: Storage) -> Any:
    """
    Return what all sessions have in common.

    Threads that spin while they wait would take the cores from the rest of the robot. Planning
    memory by pattern is off: at 1024 px it takes a fifth more memory and saves no time.
    """
    options = onnxruntime.SessionOptions()
    options.enable_mem_pattern = False
    options.intra_op_num_threads = runtime.threads
    options.inter_op_num_threads = 1
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = (
        level.ORT_DISABLE_ALL if storage.is_optimised else level.ORT_ENABLE_ALL
    )
    if storage.optimised is not None:
        options.optimized_model_filepath = str(storage.optimised)
    if runtime.profiles is not None:
        options.enable_profiling = True
        options.profile_file_prefix = str(runtime.profiles / stage)
    options.log_severity_level = _ERRORS_ONLY
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    options.add_session_config_entry('session.record_ep_graph_assignment_info', '1')
    if _CPU not in runtime.providers:
        # Else what a GPU cannot do would go to the CPU, and its data to and fro, unnoticed.
        options.add_session_config_entry('session.disable_cpu_ep_fallback', '1')
    return options


def _in_use(session: Any) -> tuple[str, ...]:
    """Return the providers that run operators of a graph, where the runtime tells which do."""
    started = tuple(session.get_providers())
    if not hasattr(session, 'get_provider_graph_assignment_info'):
        return started
    used = {part.ep_name for part in session.get_provider_graph_assignment_info()}
    return tuple(name for name in started if name in used) or started


def _refusal(where: str, error: Exception, runtime: Runtime) -> ModelError:
    providers = ', '.join(runtime.providers)
    if isinstance(error, _NO_KERNEL):
        return ModelError(
            f'{where} cannot run on {providers} ({_first_line(error)}): no operator for numbers '
            'of its type, which is bfloat16 in a bf16 bundle; set providers to cuda or tensorrt, '
            'or use a bundle exported with --precision fp32 or fp16'
        )
    if 'fallback to CPU EP has been explicitly disabled' in str(error):
        return ModelError(
            f'{where} cannot run on {providers} alone: some of its operators are only there on '
            'the CPU; add cpu to the end of providers to let it run those'
        )
    return ModelError(
        f'{where} cannot be opened as a graph ({_first_line(error)}); it is damaged '
        'or needs another ONNX Runtime: copy, fetch or export the bundle again'
    )


def _tensors(declared: list[Any]) -> dict[str, Tensor]:
    return {item.name: Tensor(item.type, tuple(item.shape)) for item in declared}


def _first_line(error: Exception) -> str:
    """Return the first line of a message, without the place in the runtime that it may name."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return re.sub(r'^/\S+:\d+ .*[)\]] (?=[A-Z[])', '', line).rstrip('. ')
