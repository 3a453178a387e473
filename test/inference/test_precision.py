# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a precision means, and what is refused in its file."""

from pathlib import Path

import pytest

from sam2_tracker_ros.core.config import ModelConfig, settings_info
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference.precision import PRECISIONS, policy_from_file, read_policy

ROOT = Path(__file__).resolve().parent.parent.parent


def test_every_precision_of_the_settings_has_a_file_that_can_be_read() -> None:
    """And there is no file besides."""
    assert settings_info()['precision'].choices == PRECISIONS
    files = (ROOT / 'config' / 'precision').iterdir()
    assert {path.stem for path in files} == set(PRECISIONS)
    for name in PRECISIONS:
        policy = read_policy(name)
        assert policy.name == name
        assert len(policy.digest) == 64
        assert policy.instead in ({'', *PRECISIONS} - {name})


def test_only_fp32_and_tf32_need_no_comparison_of_masks() -> None:
    """And fp32 runs everywhere."""
    assert {name for name in PRECISIONS if read_policy(name).is_exact} == {'fp32', 'tf32'}
    assert set(read_policy('fp32').providers) == {'tensorrt', 'cuda', 'cpu'}
    assert read_policy(ModelConfig().precision).is_exact


def test_what_fp32_and_tf32_tell_cuda() -> None:
    """ONNX Runtime uses TF32 unless it is told not to."""
    assert read_policy('fp32').options('cuda', 'encoder')['use_tf32'] == 'False'
    assert read_policy('tf32').options('cuda', 'encoder')['use_tf32'] == 'True'


@pytest.mark.parametrize('graph', ['prompt_init', 'track_step', 'memory_attention'])
def test_tensorrt_never_attends_to_memory_in_fp16(graph: str) -> None:
    """Its softmax overflows there."""
    options = read_policy('fp16').options('tensorrt', graph)
    assert options['trt_bf16_enable'] == 'True'
    assert 'trt_fp16_enable' not in options
    assert read_policy('fp16').options('tensorrt', 'encoder')['trt_fp16_enable'] == 'True'


def test_types_of_graphs() -> None:
    """TensorRT chooses types itself; for CUDA they are in the graph."""
    policy = read_policy('fp16')
    assert policy.numbers('cuda', 'track_step') == 'fp16'
    assert policy.numbers('tensorrt', 'track_step') == 'fp32'


def test_a_provider_without_this_precision_is_refused() -> None:
    """With those that have it; as the helper of another provider it has no options."""
    policy = read_policy('bf16')
    with pytest.raises(ModelError, match=r'bf16 is not for .* cpu; expected tensorrt or cuda: '):
        policy.check_provider('cpu')
    assert policy.options('cpu', 'encoder') == {}


def test_an_unknown_precision_is_refused() -> None:
    """With the names that exist."""
    with pytest.raises(ModelError, match="precision is 'fp8'; expected one of fp32, tf32, fp16"):
        read_policy('fp8')


@pytest.mark.parametrize(
    ('text', 'what'),
    [
        ('{', 'cannot be read'),
        ('is_exact: 2001-13-45', 'cannot be read'),  # a date that is none
        ('[' * 5000, 'cannot be read'),
        (f'is_exact: 0x{"f" * 8000}', 'is_exact is a int that is too long to be shown'),
        ('- cuda', r'the file is .* expected names and values'),
        ('gpu: {}', "a key of the file is 'gpu'; expected one of is_exact, instead, tensorrt"),
        ('instead: fp32', 'is_exact is None; expected true or false'),
        ('{is_exact: true, instead: 1}', 'instead is 1; expected a text'),
        ('cuda: {option: {}}', "a key of cuda is 'option'; expected one of options, graph_opt"),
        ('cuda: {options: {tf32: true}}', "cuda.options is 'tf32'; expected one of use_tf32"),
        ('cuda: {options: {use_tf32: 1}}', 'use_tf32 is 1; expected true or false'),
        ('cuda: {options: {gpu_mem_limit: true}}', 'limit is True; expected a whole number'),
        (
            'cuda: {options: {arena_extend_strategy: kBig}}',
            "strategy is 'kBig'; expected one of kNextPowerOfTwo, kSameAsRequested",
        ),
        ('cpu: {options: {threads: 4}}', "is 'threads'; expected none: it has no options"),
        ('cuda: {numbers: {encoder: fp8}}', "encoder is 'fp8'; expected one of fp32, fp16, bf16"),
        ('cuda: {numbers: {vision: fp16}}', "is 'vision'; expected one of encoder, prompt_init"),
        ('cuda: {graph_options: {x: {}}}', "is 'x'; expected one of encoder, prompt_init"),
        ('cuda: {graph_options: {encoder: {x: 1}}}', "encoder is 'x'; expected one of use_tf32"),
    ],
)
def test_what_is_unknown_is_refused(tmp_path: Path, text: str, what: str) -> None:
    """With the file, the place in it and what may stand there."""
    path = tmp_path / 'mine.yaml'
    complete = text if text[0] in '{-i' else f'is_exact: true\ninstead: fp32\n{text}\n'
    path.write_text(complete)
    with pytest.raises(ModelError, match=what) as refusal:
        policy_from_file(path)
    assert str(refusal.value).startswith(f'{path}')


def test_a_file_that_refers_to_itself_makes_a_short_message(tmp_path: Path) -> None:
    """Written out, these lines are gigabytes."""
    path = tmp_path / 'fp32.yaml'
    levels = ''.join(
        f'&{name} [{", ".join([f"*{before}"] * 9)}], '
        for name, before in zip('bcdefghi', 'abcdefgh', strict=True)
    )
    path.write_text(f'is_exact: [&a [x], {levels} x]\n')
    with pytest.raises(ModelError, match=r'is_exact is .* expected true or false') as caught:
        policy_from_file(path)
    assert len(str(caught.value)) < 5000
