# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
What a precision means: one file of config/precision/ for each.

    is_exact: true               needs no comparison of its masks with float32
    instead: tf32                what to use where its masks are not good enough
    cuda:                        a provider that has this precision
      options: {use_tf32: true}  the provider's, for every graph
      graph_options: {}          more of them for single graphs, by name
      numbers: {encoder: fp16}   type of the products of a runtime graph; float32 if not named
"""

from collections.abc import Mapping
from dataclasses import dataclass
import hashlib
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from sam2_tracker_ros.errors import ModelError, shown

PRECISIONS = ('fp32', 'tf32', 'fp16', 'bf16', 'int8')
MIN_MASK_IOU = 0.98
_PACKAGE_DIR = Path(__file__).resolve().parent.parent
# Where the files are: installed, and in a source checkout.
_ROOTS = (_PACKAGE_DIR / 'precision', _PACKAGE_DIR.parent / 'config' / 'precision')

# The kind of an option's value, or the texts that it may be.
_Kind: TypeAlias = type[Any] | tuple[str, ...]
Options: TypeAlias = Mapping[str, str]

# What ONNX Runtime calls the options that change numbers, speed or memory; those that say where
# things are (device, stream, cache) are not matters of precision.
_OPTIONS: dict[str, dict[str, _Kind]] = {
    'tensorrt': {
        'trt_fp16_enable': bool,
        'trt_bf16_enable': bool,
        'trt_cuda_graph_enable': bool,
        'trt_context_memory_sharing_enable': bool,
        'trt_force_sequential_engine_build': bool,
        'trt_detailed_build_log': bool,
        'trt_sparsity_enable': bool,
        'trt_builder_optimization_level': int,
        'trt_auxiliary_streams': int,
        'trt_max_workspace_size': int,
        'trt_min_subgraph_size': int,
        'trt_op_types_to_exclude': str,
    },
    'cuda': {
        'use_tf32': bool,
        'enable_cuda_graph': bool,
        'prefer_nhwc': bool,
        'do_copy_in_default_stream': bool,
        'cudnn_conv_use_max_workspace': bool,
        'use_ep_level_unified_stream': bool,
        'gpu_mem_limit': int,
        'arena_extend_strategy': ('kNextPowerOfTwo', 'kSameAsRequested'),
        'cudnn_conv_algo_search': ('EXHAUSTIVE', 'HEURISTIC', 'DEFAULT'),
    },
    'cpu': {},
}
_RUNTIME_GRAPHS = ('encoder', 'prompt_init', 'track_step', 'mask_memory')
_MODULES = ('vision_encoder', 'memory_attention', 'mask_decoder', 'memory_encoder', 'pointer_tpos')
_NUMBERS = ('fp32', 'fp16', 'bf16', 'int8')


@dataclass(frozen=True)
class ProviderPolicy:
    """
    A precision on one provider; see the head of this file.

    :param options: as the provider takes them, which is as texts.
    :param graph_options: likewise, by graph.
    :param numbers: by runtime graph.
    """

    options: Options
    graph_options: Mapping[str, Options]
    numbers: Mapping[str, str]


@dataclass(frozen=True)
class PrecisionPolicy:
    """
    One precision.

    :param digest: SHA-256 of its file.
    :param providers: by our name, those that have this precision.
    """

    name: str
    digest: str
    is_exact: bool
    instead: str
    providers: Mapping[str, ProviderPolicy]

    def check_provider(self, provider: str) -> None:
        """
        Refuse a provider that does not have this precision.

        :raises ModelError: names those that do.
        """
        if provider not in self.providers:
            message = (
                f'precision {self.name} is not for the provider {provider}; expected '
                f'{" or ".join(self.providers)}: change providers, or set precision to fp32'
            )
            raise ModelError(message)

    def options(self, provider: str, graph: str) -> dict[str, str]:
        """Return the options of a provider for a graph; none where it only helps out."""
        if provider not in self.providers:
            return {}
        policy = self.providers[provider]
        return {**policy.options, **policy.graph_options.get(graph, {})}

    def captures_graphs(self, provider: str) -> bool:
        """Return whether a provider is to capture CUDA graphs."""
        given = self.options(provider, 'track_step')
        return 'True' in (given.get('enable_cuda_graph'), given.get('trt_cuda_graph_enable'))

    def numbers(self, provider: str, graph: str) -> str:
        """Return the type of the products of a runtime graph."""
        self.check_provider(provider)
        return self.providers[provider].numbers.get(graph, 'fp32')


def read_policy(name: str) -> PrecisionPolicy:
    """
    Read the file of a precision.

    :raises ModelError: there is none, or something in it is unknown.
    """
    path = next((root / f'{name}.yaml' for root in _ROOTS if root.is_dir()), None)
    if name not in PRECISIONS or path is None:
        message = f'precision is {name!r}; expected one of {", ".join(PRECISIONS)}'
        raise ModelError(message)
    return policy_from_file(path)


def policy_from_file(path: Path) -> PrecisionPolicy:
    """
    Read one file.

    :raises ModelError: says the file, what is unknown in it and what was expected.
    """
    try:
        content = path.read_bytes()
        record = yaml.safe_load(content)
    # A date that is none is a ValueError, and so is a number of thousands of digits.
    except (OSError, RecursionError, ValueError, yaml.YAMLError) as error:
        message = f'{path} cannot be read ({error}); install the package again'
        raise ModelError(message) from error
    record = _mapping(path, 'the file', record, ('is_exact', 'instead', *_OPTIONS))
    for key, kind in (('is_exact', bool), ('instead', str)):
        if not isinstance(record.get(key), kind):
            raise _unexpected(path, key, record.get(key), _described(kind))
    return PrecisionPolicy(
        name=path.stem,
        digest=hashlib.sha256(content).hexdigest(),
        is_exact=record['is_exact'],
        instead=record['instead'],
        providers={
            provider: _provider_policy(path, provider, record[provider])
            for provider in _OPTIONS
            if provider in record
        },
    )


def _provider_policy(path: Path, provider: str, value: Any) -> ProviderPolicy:
    record = _mapping(path, provider, value, ('options', 'graph_options', 'numbers'))
    graphs = _mapping(
        path,
        f'{provider}.graph_options',
        record.get('graph_options', {}),
        (*_RUNTIME_GRAPHS, *_MODULES),
    )
    numbers = _mapping(path, f'{provider}.numbers', record.get('numbers', {}), _RUNTIME_GRAPHS)
    for graph, kind in numbers.items():
        if kind not in _NUMBERS:
            where = f'{provider}.numbers.{graph}'
            raise _unexpected(path, where, kind, f'one of {", ".join(_NUMBERS)}')
    return ProviderPolicy(
        options=_options(path, provider, 'options', record.get('options', {})),
        graph_options={
            graph: _options(path, provider, f'graph_options.{graph}', options)
            for graph, options in graphs.items()
        },
        numbers=numbers,
    )


def _options(path: Path, provider: str, key: str, value: Any) -> Options:
    """Return options as texts, truth as True and False, which is all that TensorRT takes."""
    kinds = _OPTIONS[provider]
    record = _mapping(path, f'{provider}.{key}', value, tuple(kinds))
    for name, given in record.items():
        kind = kinds[name]
        fits = given in kind if isinstance(kind, tuple) else type(given) is kind
        if not fits:
            raise _unexpected(path, f'{provider}.{key}.{name}', given, _described(kind))
    return {name: str(given) for name, given in record.items()}


def _mapping(path: Path, where: str, value: Any, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _unexpected(path, where, value, 'names and values')
    for key in value:
        if key not in known:
            expected = f'one of {", ".join(known)}' if known else 'none: it has no options'
            raise _unexpected(path, f'a key of {where}', key, expected)
    return value


def _described(kind: _Kind) -> str:
    if isinstance(kind, tuple):
        return f'one of {", ".join(kind)}'
    return {bool: 'true or false', int: 'a whole number', str: 'a text'}[kind]


def _unexpected(path: Path, where: str, value: Any, expected: str) -> ModelError:
    # A few lines of YAML that refer to each other can be gigabytes when they are written out.
    return ModelError(f'{path}: {where} is {shown(value)}; expected {expected}: correct the file')
