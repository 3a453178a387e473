# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which execution providers run, and when a session is refused."""

from pathlib import Path

import onnxruntime
import pytest

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference import load_model
from sam2_tracker_ros.inference.precision import read_policy
from sam2_tracker_ros.inference.providers import (
    check_running,
    choose_providers,
    provider_options,
)

CPU, CUDA = 'CPUExecutionProvider', 'CUDAExecutionProvider'
TENSORRT = 'TensorrtExecutionProvider'


def test_names_become_those_of_the_runtime_in_order() -> None:
    """The order is the preference."""
    chosen = choose_providers(['cuda', 'cpu'], [TENSORRT, CUDA, CPU], allow_fallback=False)
    assert chosen == (CUDA, CPU)


def test_an_unknown_provider_is_refused() -> None:
    """With the names that exist."""
    with pytest.raises(ModelError, match='providers is gpu; expected tensorrt, cuda, cpu'):
        choose_providers(['gpu'], [CPU], allow_fallback=True)


def test_no_provider_is_refused() -> None:
    """An empty list means nothing."""
    with pytest.raises(ModelError, match='providers is empty; expected'):
        choose_providers([], [CPU], allow_fallback=True)


def test_a_provider_that_is_not_installed_is_refused() -> None:
    """With those that are."""
    with pytest.raises(ModelError, match=r'provider cuda is not part of .* which has cpu'):
        choose_providers(['cuda', 'cpu'], ['AzureExecutionProvider', CPU], allow_fallback=False)


def test_fallback_takes_the_next_one() -> None:
    """Only when it is allowed, and only to what is listed."""
    wanted = ['tensorrt', 'cuda', 'cpu']
    assert choose_providers(wanted, [CUDA, CPU], allow_fallback=True) == (CUDA, CPU)
    with pytest.raises(ModelError, match='provider tensorrt is not part'):
        choose_providers(['tensorrt'], [CPU], allow_fallback=True)


def test_a_silent_fallback_is_refused() -> None:
    """The runtime lists CUDA, cannot load it and runs on the CPU: what runs is read back."""
    with pytest.raises(ModelError, match=f'runs on {CPU} instead of {CUDA}'):
        check_running((CUDA, CPU), (CPU,), allow_fallback=False)
    assert check_running((CUDA, CPU), (CPU,), allow_fallback=True) == (CPU,)
    assert check_running((CUDA, CPU), (CUDA, CPU), allow_fallback=False) == (CUDA, CPU)


def test_nothing_outside_the_list_may_run() -> None:
    """Allowing a fallback does not allow what was not listed."""
    with pytest.raises(ModelError, match=f'runs on {CPU} instead of {TENSORRT}, {CUDA}'):
        check_running((TENSORRT, CUDA), (CPU,), allow_fallback=True)


@pytest.mark.skipif(
    CUDA in onnxruntime.get_available_providers(), reason='this ONNX Runtime has CUDA'
)
def test_a_model_on_a_missing_provider_is_not_loaded(ours: Path) -> None:
    """The real runtime, without CUDA."""
    config = ModelConfig(model=str(ours), providers=('cuda', 'cpu'))
    with pytest.raises(ModelError, match='provider cuda is not part of this ONNX Runtime'):
        load_model(config)
    fallback = ModelConfig(
        model=str(ours), providers=('cuda', 'cpu'), allow_provider_fallback=True
    )
    assert load_model(fallback).spec.providers == (CPU,)


def test_options_follow_the_order_of_the_providers() -> None:
    """Each gets its own, as texts; a CPU gets no stream."""
    (cuda, of_cuda), (cpu, of_cpu) = provider_options(
        (CUDA, CPU), read_policy('tf32'), 'encoder', stream=4096
    )
    assert (cuda, cpu) == (CUDA, CPU)
    assert of_cuda['use_tf32'] == 'True'
    assert of_cuda['user_compute_stream'] == '4096'
    assert of_cpu == {}


def test_a_session_without_a_stream_makes_its_own() -> None:
    """So it is not told of one."""
    ((_, options),) = provider_options((CUDA,), read_policy('fp32'), 'encoder')
    assert 'user_compute_stream' not in options


def test_engines_are_kept_only_where_there_is_a_folder(tmp_path: Path) -> None:
    """Without one they would land in the working directory."""
    policy = read_policy('bf16')
    ((_, options),) = provider_options((TENSORRT,), policy, 'encoder')
    assert not {name for name in options if 'cache' in name}
    (_, options), (_, of_cuda) = provider_options(
        (TENSORRT, CUDA), policy, 'encoder', engines=tmp_path
    )
    assert options['trt_engine_cache_enable'] == options['trt_timing_cache_enable'] == 'True'
    assert options['trt_engine_cache_path'] == options['trt_timing_cache_path'] == str(tmp_path)
    assert options['trt_engine_cache_prefix'] == 'encoder'
    assert not {name for name in of_cuda if 'cache' in name}
