# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Which ONNX Runtime execution providers run the graphs: asked for by name, read back, never assumed.

ONNX Runtime lists a provider whose libraries cannot be loaded and then runs on the CPU with no
more than a printed warning. So what a session reports afterwards is compared with what was asked.
"""

from collections.abc import Sequence
from pathlib import Path

from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference.precision import PrecisionPolicy

RUNTIME_NAMES = {
    'tensorrt': 'TensorrtExecutionProvider',
    'cuda': 'CUDAExecutionProvider',
    'cpu': 'CPUExecutionProvider',
}
OUR_NAMES = {full: name for name, full in RUNTIME_NAMES.items()}


def choose_providers(
    wanted: Sequence[str], installed: Sequence[str], *, allow_fallback: bool
) -> tuple[str, ...]:
    """
    Turn our names into those of the runtime, most preferred first.

    :param wanted: `tensorrt`, `cuda` or `cpu`, most preferred first.
    :param installed: what the runtime says it has, in its own names.
    :param allow_fallback: leave out what is not installed, as long as one remains.
    :raises ModelError: a name is unknown, or a provider is not installed.
    """
    unknown = [name for name in wanted if name not in RUNTIME_NAMES]
    if unknown or not wanted:
        message = f'providers is {", ".join(wanted) or "empty"}; expected {_listed(RUNTIME_NAMES)}'
        raise ModelError(message)
    usable = tuple(name for name in wanted if RUNTIME_NAMES[name] in installed)
    if not usable or (not allow_fallback and usable != tuple(wanted)):
        available = [name for name, full in RUNTIME_NAMES.items() if full in installed]
        missing = [name for name in wanted if name not in usable]
        message = (
            f'the provider {_listed(missing)} is not part of this ONNX Runtime, which has '
            f'{_listed(available)}: install one that has it, or change providers'
        )
        raise ModelError(message)
    return tuple(RUNTIME_NAMES[name] for name in usable)


def check_running(
    chosen: Sequence[str], running: Sequence[str], *, allow_fallback: bool
) -> tuple[str, ...]:
    """
    Refuse a session that runs on something else than what was chosen.

    :param chosen: what was asked of the session, most preferred first.
    :param running: what the session reports.
    :param allow_fallback: any of the chosen ones will do.
    :return: what runs.
    :raises ModelError: the most preferred provider does not run.
    """
    accepted = tuple(chosen) if allow_fallback else tuple(chosen[:1])
    if not running or running[0] not in accepted:
        message = (
            f'ONNX Runtime runs on {_listed(running)} instead of {_listed(accepted)}: its '
            'libraries could not be loaded, see its warnings above; install them, change '
            'providers, or set allow_provider_fallback'
        )
        raise ModelError(message)
    return tuple(running)


def provider_options(
    providers: Sequence[str],
    policy: PrecisionPolicy,
    graph: str,
    stream: int = 0,
    engines: Path | None = None,
) -> list[tuple[str, dict[str, str]]]:
    """
    Return what each provider is told for one graph.

    :param providers: in the runtime's names.
    :param graph: a runtime graph or a module of a bundle.
    :param stream: address of the CUDA stream to compute on; 0 for one of the session's own.
    :param engines: folder for what TensorRT builds; None keeps nothing.
    """
    chosen = []
    for provider in providers:
        name = OUR_NAMES[provider]
        options = policy.options(name, graph)
        if stream and name != 'cpu':
            options['user_compute_stream'] = str(stream)
        if engines is not None and name == 'tensorrt':
            options |= {
                'trt_engine_cache_enable': 'True',
                'trt_engine_cache_path': str(engines),
                'trt_engine_cache_prefix': graph,
                'trt_timing_cache_enable': 'True',
                'trt_timing_cache_path': str(engines),
            }
        chosen.append((provider, options))
    return chosen


def _listed(names: Sequence[str] | dict[str, str]) -> str:
    return ', '.join(names) or 'none'
