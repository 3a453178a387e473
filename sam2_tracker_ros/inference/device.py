# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The device that runs the graphs: which one it is, its libraries, its stream.

The driver is asked through its C library, which is there wherever CUDA runs, so that neither
PyTorch nor NVIDIA's Python packages are needed on a robot.
"""

import ctypes
from functools import cache
import hashlib
import importlib.util
from pathlib import Path
import platform
from typing import Any

import onnxruntime

from sam2_tracker_ros.errors import ModelError

_DRIVER = 'libcuda.so.1'
_GPU = 0
_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76  # of CUdevice_attribute
_NON_BLOCKING = 1  # CU_STREAM_NON_BLOCKING
_TENSORRT = ('libnvinfer.so.10', 'libnvonnxparser.so.10')  # what ONNX Runtime is linked to
_CPU_INFO = Path('/proc/cpuinfo')


def preload_libraries(*, tensorrt: bool) -> None:
    """
    Load the CUDA libraries that pip installed, which the system's loader does not find.

    What is not there is left to the system; whether it all works shows when a session starts.
    """
    if hasattr(onnxruntime, 'preload_dlls'):
        onnxruntime.preload_dlls()
    spec = importlib.util.find_spec('tensorrt_libs') if tensorrt else None
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for name in _TENSORRT:
            if (path := Path(folder) / name).exists():
                ctypes.CDLL(str(path), ctypes.RTLD_GLOBAL)


def describe_gpu() -> dict[str, str]:
    """
    Return what compiled kernels and engines depend on, by name.

    :raises ModelError: there is no driver, or it has no GPU.
    """
    driver = _driver()
    name = ctypes.create_string_buffer(128)
    _call(driver, 'cuDeviceGetName', name, len(name), _GPU)
    version = ctypes.c_int()
    _call(driver, 'cuDriverGetVersion', ctypes.byref(version))
    major, minor = (_attribute(driver, each) for each in (_CAPABILITY_MAJOR, _CAPABILITY_MINOR))
    return {
        'gpu': name.value.decode(),
        'compute_capability': f'{major}.{minor}',
        'cuda_driver': f'{version.value // 1000}.{version.value % 1000 // 10}',
    }


def describe_tensorrt() -> str:
    """Return the number of the TensorRT library, as it counts; empty when it cannot be had."""
    try:
        return str(ctypes.CDLL(_TENSORRT[0]).getInferLibVersion())
    except (OSError, AttributeError):
        return ''


def describe_cpu() -> dict[str, str]:
    """Return what an optimised graph depends on: the kind of processor and what it can do."""
    model, flags = platform.processor() or platform.machine(), ''
    if _CPU_INFO.exists():
        lines = _CPU_INFO.read_text(encoding='utf-8', errors='replace').splitlines()
        pairs = [line.partition(':')[::2] for line in lines]
        about = {key.strip(): value.strip() for key, value in reversed(pairs)}
        model = about.get('model name', model)
        flags = ' '.join(sorted(about.get('flags', about.get('Features', '')).split()))
    return {'cpu': model, 'cpu_flags': hashlib.sha256(flags.encode()).hexdigest()[:16]}


@cache
def shared_stream() -> int:
    """
    Return the address of the one CUDA stream that every session computes on.

    Work is then in order without waiting between sessions.

    :raises ModelError: the driver gives none.
    """
    driver = _driver()
    context, stream, previous = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
    # The context that ONNX Runtime uses too; it stays for the life of the process.
    _call(driver, 'cuDevicePrimaryCtxRetain', ctypes.byref(context), _GPU)
    _call(driver, 'cuCtxPushCurrent_v2', context)
    try:
        _call(driver, 'cuStreamCreate', ctypes.byref(stream), _NON_BLOCKING)
    finally:
        _call(driver, 'cuCtxPopCurrent_v2', ctypes.byref(previous))
    return int(stream.value or 0)


def _attribute(driver: ctypes.CDLL, attribute: int) -> int:
    value = ctypes.c_int()
    _call(driver, 'cuDeviceGetAttribute', ctypes.byref(value), attribute, _GPU)
    return value.value


def _driver() -> ctypes.CDLL:
    try:
        driver = ctypes.CDLL(_DRIVER)
    except OSError as error:
        message = f'no NVIDIA driver ({error}); install one, or set providers to cpu'
        raise ModelError(message) from error
    _call(driver, 'cuInit', 0)
    return driver


def _call(driver: ctypes.CDLL, function: str, *arguments: Any) -> None:
    status = getattr(driver, function)(*arguments)
    if status:
        message = (
            f'the NVIDIA driver answers {function} with error {status}; expected 0: '
            'check nvidia-smi, or set providers to cpu'
        )
        raise ModelError(message)
