# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Every combination, and what a loop adds to its modules."""

from pathlib import Path
from typing import Any

from inference.tiny_bundle import write_bundle
from inference.tiny_form import OURS
import pytest

from sam2_tracker_ros.benchmarking.clips import drone_clip
from sam2_tracker_ros.benchmarking.contenders import TrackerContender
from sam2_tracker_ros.benchmarking.matrix import add_modules_ratios, contenders, parse_axes
from sam2_tracker_ros.benchmarking.modules import ModulesContender
from sam2_tracker_ros.core.config import Config, ModelConfig, settings_info
from sam2_tracker_ros.errors import ConfigError


def test_axes_default_to_all_choices() -> None:
    axes = parse_axes([])
    assert axes['precision'] == settings_info()['precision'].choices
    assert axes['execution'] == ('fused', 'modular')


@pytest.mark.parametrize(
    'text', ['precision', 'precision=', 'precision=fp64', 'speed=high', 'max_targets=3']
)
def test_axes_that_are_none(text: str) -> None:
    with pytest.raises(ConfigError, match='--axis is'):
        parse_axes([text])


def test_combinations_come_between_pytorch_and_the_modules() -> None:
    axes = parse_axes(['precision=fp32,fp16', 'execution=fused,modular'])
    found = contenders(Config(), 'cuda', axes)
    names = [contender.name for contender in found]
    precisions = ('fp32', 'tf32', 'fp16', 'bf16')
    assert names[:8] == [f'pytorch {how} {p}' for how in ('eager', 'compiled') for p in precisions]
    assert names[8:12] == [f'cuda {p} {e}' for p in ('fp32', 'fp16') for e in ('fused', 'modular')]
    assert names[12:] == ['modules fp32', 'modules fp16']
    tracker = found[11]
    assert isinstance(tracker, TrackerContender)
    assert tracker.config.model.providers == ('cuda',)
    assert tracker.config.model.precision == 'fp16'
    assert tracker.config.model.execution == 'modular'


def test_a_cpu_is_compared_with_exact_pytorch_only() -> None:
    names = [contender.name for contender in contenders(Config(), 'cpu', {'precision': ['fp32']})]
    assert names == ['pytorch eager fp32', 'pytorch compiled fp32', 'cpu fp32', 'modules fp32']


def test_the_loop_is_measured_by_the_modules_of_its_precision() -> None:
    def row(name: str, precision: str, steps_ms: list[float], **more: object) -> dict[str, Any]:
        return {'name': name, 'facts': {'precision': precision, **more}, 'steps_ms': steps_ms}

    comparison: dict[str, Any] = {
        'contenders': [
            row('cpu fp32', 'fp32', [11.0, 22.0, 99.0], settings={}),
            row('cpu fp16', 'fp16', [6.0, 6.0, 6.0], settings={}),
            row('modules fp32', 'fp32', [10.0, 20.0, 30.0]),
            row('pytorch eager fp32', 'fp32', [1.0, 1.0, 1.0]),
            {'name': 'modules fp16', 'problem': 'no such provider'},
        ]
    }
    add_modules_ratios(comparison)
    ratios = [each.get('modules_ratio') for each in comparison['contenders']]
    assert ratios == [pytest.approx(1.1), None, None, None, None]


def test_modules_of_a_tiny_bundle_run_alone(tmp_path: Path) -> None:
    model = ModelConfig(model=str(write_bundle(tmp_path / 'tiny', OURS)))
    running = ModulesContender('modules', Config(model=model)).open()
    frame = drone_clip(frame_count=2).frame(0)
    for _ in range(2):
        stages_s = running.step(frame).stages_s
        assert set(stages_s) == {path.stem for path in (tmp_path / 'tiny').glob('*.onnx')}
        assert all(seconds > 0.0 for seconds in stages_s.values())
    assert running.facts['providers'] == 'CPUExecutionProvider'
