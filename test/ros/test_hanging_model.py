# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A model that does not answer: what is told meanwhile, and how the node goes on."""

from collections.abc import Callable
import math
import threading

import pytest

from ros.harness import DEADLINE_S, Operator, StartTracker, SwitchableModel, scene, square_prompt
from sam2_tracker_ros.core.types import EventType
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.messages import stamp_ns_of
from sam2_tracker_ros.msg import Target, TargetEvent
from sam2_tracker_ros.srv import SetTarget

# The watchdog looks while an inference is late; images never stall by themselves.
SOON = {'input_timeout_s': 0.1, 'inference_timeout_s': 0.4}


class Backends:
    """A loader whose first model can hang; those after it do not."""

    def __init__(self, first: SwitchableModel) -> None:
        self.models = [first]
        self.is_failing = False
        self.are_hanging = False
        self._is_first = True

    def load(self, *_: object) -> SwitchableModel:
        if self._is_first:
            self._is_first = False
            return self.models[0]
        if self.is_failing:
            message = 'the device is gone'
            raise ModelError(message)
        self.models.append(SwitchableModel())
        if self.are_hanging:
            self.models[-1].may_run.clear()
        return self.models[-1]


@pytest.fixture
def backends(model: SwitchableModel) -> Backends:
    return Backends(model)


def hang(operator: Operator, model: SwitchableModel, x: int = 20) -> None:
    """Show a picture to which the model does not answer."""
    model.may_run.clear()
    model.is_asked.clear()
    operator.images.publish(operator.image(scene(x)))
    assert model.is_asked.wait(DEADLINE_S)


def has_state(operator: Operator, state: int, reason: int) -> Callable[[], bool]:
    def look() -> bool:
        return any((item.state, item.reason) == (state, reason) for item in operator.targets)

    return look


def test_a_late_answer_lets_the_target_coast_and_then_goes_on(
    operator: Operator, start_tracker: StartTracker, model: SwitchableModel
) -> None:
    start_tracker(input_timeout_s=0.1, inference_timeout_s=60.0, coast_timeout_s=60.0)
    epoch = operator.start_target(20).epoch
    operator.targets.clear()
    hang(operator, model)
    coasting = has_state(operator, Target.STATE_COASTING, TargetEvent.REASON_INFERENCE_STALLED)
    operator.wait_until(coasting, 'a target that coasts')
    told = operator.targets[-1]
    assert (told.measured, told.target_id, told.epoch) == (False, 'car', epoch)
    assert told.confidence == 0.0
    event = operator.wait_for_event(EventType.COASTING)
    assert event.reason == TargetEvent.REASON_INFERENCE_STALLED
    model.may_run.set()
    operator.wait_for_event(EventType.REACQUIRED)
    (target,) = operator.show(scene(22)).targets
    assert (target.state, target.measured, target.epoch) == (Target.STATE_TRACKING, True, epoch)
    assert len(operator.events_of(EventType.COASTING)) == 1
    assert not operator.events_of(EventType.MODEL_FAILED)


def test_a_target_that_waits_for_longer_than_it_may_coast_is_unknown(
    operator: Operator, start_tracker: StartTracker, model: SwitchableModel
) -> None:
    start_tracker(input_timeout_s=0.1, inference_timeout_s=60.0, coast_timeout_s=0.2)
    epoch = operator.start_target(20).epoch
    hang(operator, model)
    unknown = has_state(operator, Target.STATE_ERROR, TargetEvent.REASON_INFERENCE_STALLED)
    operator.wait_until(unknown, 'an ERROR')
    told = operator.targets[-1]
    assert (told.target_id, told.epoch, told.measured) == ('car', epoch, False)
    assert math.isnan(told.box_left)
    model.may_run.set()
    operator.wait_until(
        lambda: operator.targets[-1].state == Target.STATE_TRACKING, 'the answer of the model'
    )


def test_a_model_that_hangs_is_replaced_and_its_target_starts_again(
    operator: Operator, start_tracker: StartTracker, model: SwitchableModel, backends: Backends
) -> None:
    start_tracker(model_loader=backends.load, **SOON)
    epoch = operator.start_target(20).epoch
    hang(operator, model)
    asked = operator.set_target.call_async(SetTarget.Request(prompt=square_prompt(20)))
    operator.wait_for_event(EventType.MODEL_FAILED)
    operator.wait_for_event(EventType.MODEL_READY, 2)
    acquired = operator.wait_for_event(EventType.ACQUIRED, 2)
    assert acquired.target_id == 'car'
    assert acquired.epoch > epoch
    assert 'measured last' in acquired.detail
    unknown = has_state(operator, Target.STATE_ERROR, TargetEvent.REASON_INFERENCE_STALLED)
    assert unknown()
    # On a busy machine the images stalled meanwhile, and it is tracked in the second one only.
    shown: list[Target] = []

    def is_tracked() -> bool:
        shown.append(operator.show(scene(24)).targets[0])
        return bool(shown[-1].state == Target.STATE_TRACKING)

    operator.wait_until(is_tracked, 'the target')
    target = shown[-1]
    assert (target.target_id, target.epoch) == ('car', acquired.epoch)
    assert target.box_left == pytest.approx(24, abs=3)
    operator.wait_until(asked.done, 'the answer to what was asked meanwhile')
    operator.wait_until(lambda: operator.value('model', 'loaded anew') == '1', 'the count')
    # What the first one says in the end is nobody's business any more.
    answered = len(operator.arrays)
    model.may_run.set()
    stamp_ns = stamp_ns_of(operator.show(scene(24)).header)
    later = [stamp_ns_of(array.header) for array in operator.arrays[answered:]]
    # The watchdog repeats states by the node's clock, which is far ahead of the images' stamps.
    assert [stamp for stamp in later if stamp <= stamp_ns] == [stamp_ns]


def test_a_prompt_that_a_hanging_model_is_at_is_refused(
    operator: Operator, start_tracker: StartTracker, model: SwitchableModel, backends: Backends
) -> None:
    start_tracker(model_loader=backends.load, **SOON)
    operator.show(scene(20))
    model.may_run.clear()
    asked = operator.set_target.call_async(SetTarget.Request(prompt=square_prompt(20)))

    def is_answered() -> bool:
        if model.may_run.is_set() or len(backends.models) == 1:
            operator.images.publish(operator.image(scene(20)))
        return asked.done()

    operator.wait_until(is_answered, 'an answer')
    answer = asked.result()
    assert answer is not None
    assert not answer.accepted
    assert 'not answered' in answer.message
    assert operator.select(scene(20), box=[20.0, 40.0, 50.0, 70.0]).accepted


def test_a_model_that_only_fails_is_loaded_anew(
    operator: Operator, start_tracker: StartTracker, model: SwitchableModel, backends: Backends
) -> None:
    start_tracker(model_loader=backends.load, input_timeout_s=60.0, inference_timeout_s=0.4)
    epoch = operator.start_target(20).epoch
    model.is_failing = True

    def is_replaced() -> bool:
        operator.show(scene(20))
        return len(operator.events_of(EventType.ACQUIRED)) == 2

    operator.wait_until(is_replaced, 'a new model')
    assert has_state(operator, Target.STATE_ERROR, TargetEvent.REASON_INFERENCE_FAILED)()
    (target,) = operator.show(scene(22)).targets
    assert target.state == Target.STATE_TRACKING
    assert target.epoch > epoch


def test_without_a_model_any_more_the_process_is_told_to_end(
    operator: Operator, start_tracker: StartTracker, model: SwitchableModel, backends: Backends
) -> None:
    backends.is_failing = True
    has_given_up = threading.Event()
    start_tracker(model_loader=backends.load, on_hopeless=has_given_up.set, **SOON)
    operator.start_target(20)
    hang(operator, model)
    operator.wait_until(has_given_up.is_set, 'the end')
    unknown = has_state(operator, Target.STATE_ERROR, TargetEvent.REASON_INFERENCE_STALLED)
    operator.wait_until(unknown, 'an ERROR')
    operator.wait_until(
        lambda: 'the device is gone' in operator.statuses['model'].message, 'the reason'
    )


def test_a_node_that_is_deactivated_while_its_model_hangs_loads_another(
    operator: Operator, start_tracker: StartTracker, model: SwitchableModel, backends: Backends
) -> None:
    tracker = start_tracker(
        model_loader=backends.load, input_timeout_s=60.0, inference_timeout_s=0.4
    )
    operator.start_target(20)
    hang(operator, model)
    tracker.node.trigger_deactivate()
    assert operator.wait_for_event(EventType.RELEASED).target_id == 'car'
    tracker.node.trigger_activate()
    assert len(backends.models) == 2
    operator.wait_for_tracker()
    assert operator.start_target(22).state == Target.STATE_TRACKING


def test_models_that_hang_from_the_start_are_noticed_too(
    operator: Operator, start_tracker: StartTracker, model: SwitchableModel, backends: Backends
) -> None:
    """When the targets are started again, before any image."""
    backends.are_hanging = True
    has_given_up = threading.Event()
    start_tracker(model_loader=backends.load, on_hopeless=has_given_up.set, **SOON)
    operator.start_target(20)
    hang(operator, model)
    operator.wait_until(has_given_up.is_set, 'the end')
    assert len(backends.models) == 4
    operator.wait_until(
        lambda: 'loaded anew 3 times' in operator.statuses['model'].message, 'the reason'
    )
    for backend in backends.models:
        backend.may_run.set()
