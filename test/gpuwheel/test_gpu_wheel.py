# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
What the real onnxruntime-gpu does on a machine without a GPU, and what we make of it.

Without NVIDIA's libraries its providers do not load. With libraries that load and whose every
call fails, they read their options, then look for a GPU: that tells which options they know.
"""

import json
import os
from pathlib import Path
import subprocess
import sys
import textwrap
from typing import Any

from gpuwheel.stub_libraries import write_driver, write_stub_libraries
import onnxruntime
import pytest

from sam2_tracker_ros.inference.precision import _OPTIONS, PRECISIONS

pytestmark = pytest.mark.gpu_wheel

ROOT = Path(__file__).resolve().parent.parent.parent
NO_GPU = 'CUDA failure 100: no device'
HEAD = """
    import json, sys
    import onnxruntime
    from sam2_tracker_ros.core.config import ModelConfig
    from sam2_tracker_ros.errors import ModelError
    from sam2_tracker_ros.inference.precision import PRECISIONS, read_policy
    from sam2_tracker_ros.inference.providers import RUNTIME_NAMES, provider_options
    from sam2_tracker_ros.inference.sessions import _PROBE, runtime_from_config

    onnxruntime.set_default_logger_severity(4)
    given = json.loads(sys.argv[1])

    def answer(providers):
        try:
            onnxruntime.InferenceSession(_PROBE, providers=providers, enable_fallback=0)
        except Exception as error:
            return str(error)
        return 'runs'

    def answer_to(provider, options):
        return answer([(RUNTIME_NAMES[provider], options)])

    def start(**settings):
        try:
            return list(runtime_from_config(ModelConfig(**settings)).providers)
        except ModelError as error:
            return str(error)
"""


@pytest.fixture(scope='module')
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with libraries that load."""
    folder = tmp_path_factory.mktemp('libraries')
    write_stub_libraries(Path(onnxruntime.__file__).parent / 'capi', folder)
    return folder


def run(program: str, given: object = None, libraries: Path | None = None) -> Any:
    """Return what a program prints last, as JSON, in a process that finds these libraries."""
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    if libraries is not None:
        environment['LD_LIBRARY_PATH'] = str(libraries)
    text = textwrap.dedent(HEAD) + textwrap.dedent(program)
    done = subprocess.run(
        [sys.executable, '-c', text, json.dumps(given)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_this_is_the_wheel_for_gpus() -> None:
    """It says that it has what cannot be loaded."""
    assert {'TensorrtExecutionProvider', 'CUDAExecutionProvider'} <= set(
        onnxruntime.get_available_providers()
    )


def test_the_wheel_itself_falls_back_silently() -> None:
    """This is what we refuse."""
    program = """
        session = onnxruntime.InferenceSession(_PROBE, providers=['CUDAExecutionProvider'])
        print(json.dumps(session.get_providers()))
    """
    assert run(program) == ['CPUExecutionProvider']


@pytest.mark.parametrize(
    ('provider', 'message'),
    [
        ('cuda', 'runs on CPUExecutionProvider instead of CUDAExecutionProvider: its libraries'),
        ('tensorrt', 'cannot be started (Please install TensorRT libraries'),
    ],
)
def test_a_provider_whose_libraries_are_missing_is_refused(provider: str, message: str) -> None:
    """Before anything is built for it; with leave, the next one runs."""
    program = """
        wanted = (given, 'cpu')
        print(json.dumps([
            start(providers=wanted), start(providers=wanted, allow_provider_fallback=True),
            start(providers=wanted, allow_provider_fallback=True, precision='fp16'),
        ]))
    """
    refused, fallen_back, other_precision = run(program, provider)
    assert message in refused
    assert 'allow_provider_fallback' in refused
    assert fallen_back == ['CPUExecutionProvider']
    assert 'fp16 is not for the provider cpu' in other_precision


def test_a_machine_without_a_gpu_is_refused(libraries: Path) -> None:
    """Though every library is there."""
    program = """
        names = ('tensorrt', 'cuda', 'cpu')
        print(json.dumps([
            start(providers=names[:1]), start(providers=names[1:2]),
            start(providers=names, allow_provider_fallback=True),
        ]))
    """
    tensorrt, cuda, fallen_back = run(program, libraries=libraries)
    assert f'TensorrtExecutionProvider cannot be started ({NO_GPU}' in tensorrt
    assert f'CUDAExecutionProvider cannot be started ({NO_GPU}' in cuda
    assert fallen_back == ['CPUExecutionProvider']


@pytest.mark.parametrize('precision', PRECISIONS)
def test_the_providers_know_the_options_of_every_precision(
    libraries: Path, precision: str, tmp_path: Path
) -> None:
    """With a stream and an engine cache, for every graph."""
    program = """
        from pathlib import Path
        policy = read_policy(given['precision'])
        print(json.dumps([
            answer(provider_options(
                [RUNTIME_NAMES[name]], policy, graph, 4096, Path(given['engines'])
            ))
            for name in policy.providers if name != 'cpu'
            for graph in ('encoder', 'prompt_init', 'track_step', 'memory_attention')
        ]))
    """
    given = {'precision': precision, 'engines': str(tmp_path)}
    answers = run(program, given, libraries)
    assert len(answers) == (0 if precision == 'int8' else 8)
    for answer in answers:
        assert NO_GPU in answer


@pytest.mark.parametrize('provider', ['tensorrt', 'cuda'])
def test_the_providers_know_every_option_that_a_file_may_hold(
    libraries: Path, provider: str
) -> None:
    """And take every kind of value as we write it."""
    texts: dict[Any, tuple[str, ...]] = {bool: ('True', 'False'), int: ('1',), str: ('Softmax',)}
    options = {
        name: kind if isinstance(kind, tuple) else texts[kind]
        for name, kind in _OPTIONS[provider].items()
    }
    program = """
        print(json.dumps({
            f'{name}={text}': answer_to(given['provider'], {name: text})
            for name, texts in given['options'].items() for text in texts
        }))
    """
    answers = run(program, {'provider': provider, 'options': options}, libraries)
    assert {each: text for each, text in answers.items() if NO_GPU not in text} == {}


@pytest.mark.parametrize(
    ('provider', 'options', 'message'),
    [
        ('cuda', {'no_such_option': '1'}, 'Unknown provider option: "no_such_option"'),
        ('cuda', {'arena_extend_strategy': 'kBig'}, 'Failed to map enum name to value: kBig'),
        ('tensorrt', {'no_such_option': '1'}, 'Invalid TensorRT EP option: no_such_option'),
        ('tensorrt', {'trt_fp16_enable': '1'}, "should be 'True' or 'False'"),
    ],
)
def test_the_providers_refuse_what_they_do_not_know(
    libraries: Path, provider: str, options: dict[str, str], message: str
) -> None:
    """So that the tests above say something."""
    program = "print(json.dumps(answer_to(given['provider'], given['options'])))"
    assert message in run(program, {'provider': provider, 'options': options}, libraries)


def test_what_is_kept_is_for_this_gpu_and_these_versions(libraries: Path, tmp_path: Path) -> None:
    """Of the runtime, the driver and TensorRT."""
    program = """
        from dataclasses import replace
        from sam2_tracker_ros.inference.build_key import build_key
        from sam2_tracker_ros.inference.bundle import bundle_folder, read_bundle
        runtime = replace(
            runtime_from_config(ModelConfig()), providers=('TensorrtExecutionProvider',)
        )
        print(json.dumps(build_key(read_bundle(bundle_folder('nano')), runtime, '1')))
    """
    write_driver(tmp_path)
    for library in libraries.glob('lib*.so.*'):
        if not (tmp_path / library.name).exists():
            (tmp_path / library.name).symlink_to(library)
    key = run(program, libraries=tmp_path)
    assert key['onnxruntime'] == onnxruntime.__version__
    assert key['device'] == {
        'gpu': 'Small GPU',
        'compute_capability': '9.1',
        'cuda_driver': '13.1',
        'tensorrt': '101401',
        'tf32_override': os.environ.get('NVIDIA_TF32_OVERRIDE', ''),
    }
