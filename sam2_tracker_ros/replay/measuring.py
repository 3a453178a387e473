# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What figures were measured on, and how they are summed up."""

from collections.abc import Sequence
from importlib.metadata import distributions, version
import os
from pathlib import Path
import platform
import shutil
import subprocess

import numpy as np

PERCENTILES = (50, 95, 99)
_PACKAGES = (
    'numpy',
    'onnxruntime',
    'onnxruntime-gpu',
    'opencv-python-headless',
    'opencv-contrib-python-headless',
    'filterpy',
    'torch',
    'transformers',
)
_GPU_QUERY = ('--query-gpu=name,driver_version,memory.total', '--format=csv,noheader')
_GPU_TIMEOUT_S = 20.0
_KIBIBYTES_PER_MEBIBYTE = 1024.0


def percentiles_ms(seconds: Sequence[float]) -> dict[str, float]:
    """Return p50, p95 and p99 in milliseconds, and how many values there were."""
    values = np.percentile(np.asarray(seconds) * 1000.0, PERCENTILES)
    named = zip((f'p{percent}' for percent in PERCENTILES), values.tolist(), strict=True)
    return {**dict(named), 'count': len(seconds)}


def resident_mib(process: int | str = 'self') -> float:
    """
    Return the resident memory of a process in MiB; Linux only, as all of /proc.

    :param process: its number.
    """
    return _status_mib('VmRSS', process)


def peak_mib() -> float:
    """Return the highest resident memory that this process ever had, in MiB."""
    return _status_mib('VmHWM')


def machine() -> dict[str, object]:
    """Return what the numbers were measured on."""
    versions = {package: version(package) for package in _PACKAGES if _is_installed(package)}
    return {
        'processor': _processor(),
        'cores': len(os.sched_getaffinity(0)),
        'gpus': _gpus(),
        'load_average': os.getloadavg()[0],
        'system': platform.platform(),
        'python': platform.python_version(),
        **versions,
    }


def _status_mib(name: str, process: int | str = 'self') -> float:
    for line in Path(f'/proc/{process}/status').read_text(encoding='utf-8').splitlines():
        key, _, value = line.partition(':')
        if key == name:
            return int(value.split()[0]) / _KIBIBYTES_PER_MEBIBYTE
    return float('nan')


def _is_installed(package: str) -> bool:
    return next(iter(distributions(name=package)), None) is not None


def _processor() -> str:
    for line in Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines():
        if line.startswith('model name'):
            return line.partition(':')[2].strip()
    return platform.machine()


def _gpus() -> list[str]:
    """Return name, driver and memory of each GPU; empty where NVIDIA's tool finds none."""
    tool = shutil.which('nvidia-smi')
    if tool is None:
        return []
    try:
        done = subprocess.run(  # noqa: S603 - found on the path, and given no input
            [tool, *_GPU_QUERY], capture_output=True, text=True, check=True, timeout=_GPU_TIMEOUT_S
        )
    except (subprocess.SubprocessError, OSError):
        return []
    return done.stdout.strip().splitlines()
