# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Lifecycle transitions, in every order that an operator may ask for."""

from collections.abc import Callable
import hashlib
import json
from pathlib import Path
import shutil
import threading
import weakref

from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
import pytest
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from ros.harness import (
    DEADLINE_S,
    Operator,
    RunningTracker,
    StartTracker,
    SwitchableModel,
    scene,
    square_prompt,
)
from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.core.model import Sam2Stages
from sam2_tracker_ros.core.types import EventType
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference import load_model
from sam2_tracker_ros.msg import Target
from sam2_tracker_ros.srv import SetTarget

NANO = Path(__file__).parents[2] / 'resource' / 'nano'
CONFIGURE = Transition.TRANSITION_CONFIGURE
ACTIVATE = Transition.TRANSITION_ACTIVATE
DEACTIVATE = Transition.TRANSITION_DEACTIVATE
CLEANUP = Transition.TRANSITION_CLEANUP


def change(operator: Operator, transition: int) -> bool:
    client = operator.client(ChangeState, 'change_state')
    request = ChangeState.Request(transition=Transition(id=transition))
    return bool(operator.ask(client, request, None).success)


def state(operator: Operator) -> int:
    client = operator.client(GetState, 'get_state')
    return int(operator.ask(client, GetState.Request(), None).current_state.id)


def track_square(operator: Operator) -> Target:
    operator.wait_for_tracker()
    return operator.start_target(20)


def test_without_autostart_a_manager_brings_it_up_and_down(
    operator: Operator, create_tracker: StartTracker
) -> None:
    create_tracker(autostart=False).node.start()
    assert state(operator) == State.PRIMARY_STATE_UNCONFIGURED
    assert change(operator, CONFIGURE)
    assert state(operator) == State.PRIMARY_STATE_INACTIVE
    assert operator.wait_for_event(EventType.MODEL_READY).detail
    assert operator.images.get_subscription_count() == 0
    for _ in range(2):
        assert change(operator, ACTIVATE)
        assert track_square(operator).measured
        assert change(operator, DEACTIVATE)
        operator.wait_until(
            lambda: operator.images.get_subscription_count() == 0, 'the end of the subscription'
        )
    assert change(operator, CLEANUP)
    assert state(operator) == State.PRIMARY_STATE_UNCONFIGURED
    assert change(operator, CONFIGURE)
    assert change(operator, ACTIVATE)
    assert track_square(operator).measured


def test_deactivation_releases_the_targets_and_says_idle(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker()
    track_square(operator)
    assert change(operator, DEACTIVATE)
    assert operator.wait_for_event(EventType.RELEASED).target_id == 'car'
    operator.wait_until(lambda: operator.targets[-1].state == Target.STATE_IDLE, 'IDLE')
    assert change(operator, ACTIVATE)
    operator.wait_for_tracker()
    assert len(operator.show(scene(20)).targets) == 0


def test_a_new_activation_knows_nothing_of_the_last_but_its_epochs(
    operator: Operator, start_tracker: StartTracker
) -> None:
    node = start_tracker().node
    first = operator.start_target(20)
    operator.wait_until(lambda: 'car' in operator.value('targets', 'targets'), 'a target')
    node.trigger_deactivate()
    operator.wait_until(lambda: operator.value('targets', 'targets') == '', 'no target')
    assert operator.value('input', 'frames processed') == '0'
    node.trigger_activate()
    second = operator.start_target(20)
    assert second.epoch > first.epoch


def test_transitions_out_of_order_are_refused(
    operator: Operator, create_tracker: StartTracker
) -> None:
    create_tracker(autostart=False)
    assert not change(operator, ACTIVATE)
    assert not change(operator, DEACTIVATE)
    assert state(operator) == State.PRIMARY_STATE_UNCONFIGURED
    assert change(operator, CONFIGURE)
    assert not change(operator, CONFIGURE)
    assert state(operator) == State.PRIMARY_STATE_INACTIVE


def test_autostart_gives_way_to_a_manager_that_was_faster(
    operator: Operator, create_tracker: StartTracker
) -> None:
    tracker = create_tracker()
    assert change(operator, CONFIGURE)
    tracker.node.start()
    assert state(operator) == State.PRIMARY_STATE_INACTIVE
    assert change(operator, ACTIVATE)
    assert track_square(operator).measured


def test_an_inactive_node_rejects_prompts(
    operator: Operator, create_tracker: StartTracker
) -> None:
    create_tracker(autostart=False)
    operator.wait_until(operator.set_target.service_is_ready, 'the service')
    operator.wait_until(operator.stop.service_is_ready, 'the service')
    answer = operator.select(None, box=[20.0, 40.0, 50.0, 70.0])
    assert not answer.accepted
    assert 'not active' in answer.message
    stopped = operator.ask(operator.stop, Trigger.Request(), None)
    assert not stopped.success
    assert 'not active' in stopped.message


def test_a_prompt_that_waits_is_answered_at_deactivation(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker()
    operator.show(scene(20))
    request = operator.set_target.call_async(SetTarget.Request(prompt=square_prompt(20)))
    # Deactivation may overtake the prompt; both ways it is refused with a reason.
    assert change(operator, DEACTIVATE)
    operator.wait_until(request.done, 'the answer')
    answer = request.result()
    assert answer is not None
    assert not answer.accepted
    assert 'activate it' in answer.message


def test_cleanup_frees_the_model(operator: Operator, start_tracker: StartTracker) -> None:
    made: list[weakref.ref[SwitchableModel]] = []

    def load(_: ModelConfig, __: Callable[[str], None]) -> Sam2Stages:
        loaded = SwitchableModel()
        made.append(weakref.ref(loaded))
        return loaded

    tracker = start_tracker(model_loader=load)
    track_square(operator)
    assert change(operator, DEACTIVATE)
    assert change(operator, CLEANUP)
    del tracker
    (model,) = made
    assert model() is None


def test_a_model_that_cannot_be_loaded_can_be_corrected(
    operator: Operator, create_tracker: StartTracker
) -> None:
    def load(config: ModelConfig, _: Callable[[str], None]) -> Sam2Stages:
        if config.model != 'good':
            message = f'{config.model}: no such bundle; give another path'
            raise ModelError(message)
        return SwitchableModel()

    tracker = create_tracker(model_loader=load, model='bad')
    tracker.node.start()
    assert state(operator) == State.PRIMARY_STATE_UNCONFIGURED
    operator.wait_until(
        lambda: (
            getattr(operator.statuses.get('model'), 'message', '')
            == 'bad: no such bundle; give another path'
        ),
        'the reason on /diagnostics',
    )
    assert not change(operator, CONFIGURE)
    tracker.node.set_parameters([Parameter('model', value='good')])
    assert change(operator, CONFIGURE)
    assert change(operator, ACTIVATE)
    assert track_square(operator).measured


def test_what_the_loader_is_at_is_on_diagnostics(
    operator: Operator, create_tracker: StartTracker
) -> None:
    may_load = threading.Event()

    def load(_: ModelConfig, on_progress: Callable[[str], None]) -> Sam2Stages:
        on_progress('building track_step for tensorrt, fp16')
        assert may_load.wait(DEADLINE_S)
        return SwitchableModel()

    create_tracker(model_loader=load, autostart=False)
    client = operator.client(ChangeState, 'change_state')
    request = ChangeState.Request(transition=Transition(id=CONFIGURE))
    configuring = client.call_async(request)
    built = 'building track_step for tensorrt, fp16'
    try:
        operator.wait_until(lambda: operator.value('model', 'model build') == built, 'progress')
        assert operator.level('model') == DiagnosticStatus.WARN
        assert operator.statuses['model'].message == f'configuring: {built}'
        operator.statuses.clear()
        operator.wait_until(
            lambda: operator.value('model', 'model build') == built, 'a repetition'
        )
    finally:
        may_load.set()
    operator.wait_until(configuring.done, 'the end of the transition')
    operator.wait_until(lambda: operator.value('model', 'model') == 'fake', 'the model')
    assert operator.value('model', 'model build') == ''
    assert 'loaded in' in operator.wait_for_event(EventType.MODEL_READY).detail


@pytest.mark.parametrize(
    ('damage', 'complaint'),
    [
        ('missing', 'unknown model'),
        ('truncated', 'truncated'),
        ('graph of another stage', 'memory_encoder.onnx: the inputs are'),
    ],
)
def test_a_damaged_bundle_is_refused_and_the_node_lives_on(
    operator: Operator, create_tracker: StartTracker, tmp_path: Path, damage: str, complaint: str
) -> None:
    bundle = tmp_path / 'bundle'
    if damage != 'missing':
        shutil.copytree(NANO, bundle)
        graph = bundle / 'memory_encoder.onnx'
        if damage == 'truncated':
            graph.write_bytes(graph.read_bytes()[:-1000])
        else:
            shutil.copy(bundle / 'memory_attention.onnx', graph)
            manifest = json.loads((bundle / 'manifest.json').read_text())
            entry = manifest['graphs']['memory_encoder']
            entry['sha256'] = hashlib.sha256(graph.read_bytes()).hexdigest()
            (bundle / 'manifest.json').write_text(json.dumps(manifest))
    tracker: RunningTracker = create_tracker(model_loader=load_model, model=str(bundle))
    tracker.node.start()
    assert state(operator) == State.PRIMARY_STATE_UNCONFIGURED
    operator.wait_until(
        lambda: complaint in getattr(operator.statuses.get('model'), 'message', ''),
        'the reason on /diagnostics',
    )
    assert operator.targets == []
    tracker.node.set_parameters([Parameter('model', value='nano')])
    assert change(operator, CONFIGURE)
    assert operator.wait_for_event(EventType.MODEL_READY).detail.startswith('nano')


def test_shutdown_is_final(operator: Operator, start_tracker: StartTracker) -> None:
    start_tracker()
    track_square(operator)
    assert change(operator, Transition.TRANSITION_ACTIVE_SHUTDOWN)
    assert state(operator) == State.PRIMARY_STATE_FINALIZED
    assert not change(operator, CONFIGURE)
