# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A model that fails as it is told."""

from collections.abc import Callable

import numpy as np
import pytest

from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.core.staged_model import in_one_call
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import Box, Frame, Prompt, PromptAction, Reason, StepResult
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.testing.fake_model import FakeModel
from sam2_tracker_ros.testing.faulty_model import (
    FaultPlan,
    FaultSwitch,
    FaultyModel,
    load_faulty,
)

_PERIOD_NS = 33_000_000


@pytest.fixture
def switch() -> FaultSwitch:
    return FaultSwitch()


@pytest.fixture
def step(switch: FaultSwitch) -> Callable[[], StepResult]:
    """Show a red square to a tracker that follows it, once more at each call."""
    image = np.full((120, 160, 3), 90, np.uint8)
    image[40:70, 60:90] = (220, 30, 30)
    tracker = Tracker(FaultyModel(in_one_call(FakeModel()), switch), Config())
    stamp_ns = 0

    def show(*prompts: Prompt) -> StepResult:
        nonlocal stamp_ns
        stamp_ns += _PERIOD_NS
        return tracker.step(Frame(image, stamp_ns), prompts)

    show(Prompt(PromptAction.ADD, box=Box(60, 40, 90, 70)))
    return show


def test_without_a_fault_it_is_the_other_model(step: Callable[[], StepResult]) -> None:
    (target,) = step().targets
    assert target.measured
    assert target.box == Box(60, 40, 90, 70)


@pytest.mark.parametrize(
    ('fault', 'error'),
    [
        ('model_error', ModelError),
        ('runtime_error', RuntimeError),
        ('memory_error', MemoryError),
    ],
)
def test_it_raises(
    step: Callable[[], StepResult], switch: FaultSwitch, fault: str, error: type[Exception]
) -> None:
    switch.follow(FaultPlan((fault,)))
    with pytest.raises(error):
        step()
    switch.follow(FaultPlan())
    assert step().targets[0].measured


@pytest.mark.parametrize('fault', ['nan', 'inf', 'garbage'])
def test_numbers_that_mean_nothing_are_no_measurement(
    step: Callable[[], StepResult], switch: FaultSwitch, fault: str
) -> None:
    switch.follow(FaultPlan((fault,)))
    (target,) = step().targets
    assert not target.measured
    assert target.reason is Reason.NON_FINITE


def test_garbage_is_repeated_with_its_seed(switch: FaultSwitch) -> None:
    drawn = []
    for seed in (1, 1, 2):
        switch.follow(FaultPlan(('garbage',), seed=seed))
        fault, numbers = switch.draw()
        assert fault == 'garbage'
        drawn.append(numbers.random())
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_slow_call_is_right(step: Callable[[], StepResult], switch: FaultSwitch) -> None:
    switch.follow(FaultPlan(('slow',), duration_s=0.001))
    assert step().targets[0].measured


def test_some_calls_fail(switch: FaultSwitch) -> None:
    switch.follow(FaultPlan(('nan',), probability=0.5))
    drawn = [switch.draw()[0] for _ in range(200)]
    assert 60 < drawn.count('nan') < 140
    assert drawn.count('') == 200 - drawn.count('nan')


def test_a_model_may_not_load(switch: FaultSwitch) -> None:
    switch.follow(FaultPlan(load_fault='error'))
    with pytest.raises(ModelError, match='cannot be loaded'):
        load_faulty(lambda: in_one_call(FakeModel()), switch)
    switch.follow(FaultPlan(load_fault='slow', duration_s=0.001))
    assert load_faulty(lambda: in_one_call(FakeModel()), switch).spec.name == 'fake'


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(ValueError, match='unknown faults'):
        FaultPlan(('nonsense',))
    with pytest.raises(ValueError, match='unknown faults'):
        FaultPlan(load_fault='nonsense')
