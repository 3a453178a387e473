# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is known of the device, with a driver that is compiled here and without one."""

import json
import os
from pathlib import Path
import subprocess
import sys
from typing import Any

from gpuwheel.stub_libraries import write_driver
import pytest

from sam2_tracker_ros.inference.device import describe_cpu, describe_tensorrt

ASK = """
import json
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference import device
try:
    found = [device.describe_gpu(), device.shared_stream(), device.shared_stream()]
except ModelError as error:
    found = str(error)
print(json.dumps(found))
"""


def ask(libraries: Path) -> Any:
    """Return what a process learns that finds these libraries."""
    before = os.environ.get('LD_LIBRARY_PATH', '')
    environment = {**os.environ, 'LD_LIBRARY_PATH': f'{libraries}:{before}'}
    done = subprocess.run(
        [sys.executable, '-c', ASK], env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_a_gpu_and_its_stream(tmp_path: Path) -> None:
    """There is one stream, made in the context that the runtime uses."""
    write_driver(tmp_path)
    gpu, stream, same = ask(tmp_path)
    assert gpu == {'gpu': 'Small GPU', 'compute_capability': '9.1', 'cuda_driver': '13.1'}
    assert stream == same == 0x123456789A


def test_a_driver_that_fails_is_named(tmp_path: Path) -> None:
    """With its number and where to look."""
    source = tmp_path / 'driver.c'
    source.write_text('int cuInit(unsigned flags) { return 999; }')
    subprocess.run(['cc', '-shared', '-fPIC', '-o', tmp_path / 'libcuda.so.1', source], check=True)
    assert ask(tmp_path) == (
        'the NVIDIA driver answers cuInit with error 999; expected 0: check nvidia-smi, or set '
        'providers to cpu'
    )


def test_a_file_that_is_no_driver_is_refused(tmp_path: Path) -> None:
    """As a machine without one."""
    (tmp_path / 'libcuda.so.1').write_text('')
    message = ask(tmp_path)
    assert message.startswith('no NVIDIA driver (')
    assert message.endswith('install one, or set providers to cpu')


def test_a_processor_is_described() -> None:
    """By its model and by what it can do; the same every time."""
    assert describe_cpu() == describe_cpu()
    assert set(describe_cpu()) == {'cpu', 'cpu_flags'}
    assert all(describe_cpu().values())


@pytest.mark.skipif(bool(describe_tensorrt()), reason='this machine has TensorRT')
def test_tensorrt_is_not_needed() -> None:
    """It is nothing to a key then."""
    assert describe_tensorrt() == ''
