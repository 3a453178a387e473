# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Parameters: descriptors, changes at run time, refusals with a reason, and the YAML file."""

from collections.abc import Callable
from pathlib import Path
import re
import threading
from typing import Any

import pytest
from rcl_interfaces.msg import ParameterDescriptor
from rcl_interfaces.srv import DescribeParameters, GetParameters, SetParameters
from rclpy.context import Context
from rclpy.parameter import Parameter, parameter_value_to_python
import yaml

from ros.harness import DEADLINE_S, Operator, StartTracker, SwitchableModel, scene
from sam2_tracker_ros.core.config import Config, ModelConfig, settings_info
from sam2_tracker_ros.core.types import EventType
from sam2_tracker_ros.errors import ConfigError
from sam2_tracker_ros.msg import Target
from sam2_tracker_ros.ros.tracker_node import TrackerNode

PARAMETERS_FILE = Path(__file__).parents[2] / 'config' / 'tracker.yaml'


def call(operator: Operator, service: Any, name: str, request: Any) -> Any:
    return operator.ask(operator.client(service, name), request, None)


def describe(operator: Operator) -> dict[str, ParameterDescriptor]:
    names = list(settings_info())
    request = DescribeParameters.Request(names=names)
    answer = call(operator, DescribeParameters, 'describe_parameters', request)
    return dict(zip(names, answer.descriptors, strict=True))


def set_parameter(operator: Operator, name: str, value: Any) -> Any:
    request = SetParameters.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
    (result,) = call(operator, SetParameters, 'set_parameters', request).results
    return result


def get_parameter(operator: Operator, name: str) -> Any:
    request = GetParameters.Request(names=[name])
    (value,) = call(operator, GetParameters, 'get_parameters', request).values
    return parameter_value_to_python(value)


def test_the_file_lists_every_parameter_with_the_default_of_the_code() -> None:
    text = PARAMETERS_FILE.read_text()
    written = yaml.safe_load(text)['/**']['tracker']['ros__parameters']
    defaults = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in Config().as_flat_dict().items()
    }
    assert written == defaults
    assert {name: type(value) for name, value in written.items()} == {
        name: type(value) for name, value in defaults.items()
    }
    for name, info in settings_info().items():
        comment = re.search(rf'\n\n((?: *#.*\n)+) *{name}:', text)
        assert comment, name
        limits = [f'one of {", ".join(info.choices)}'] if info.choices else []
        if info.minimum is not None:
            limits += [f'{info.minimum:.12g} to {info.maximum:.12g}']
        if info.changeable:
            limits += ['run time']
        expected = f'{info.description} [{"; ".join(limits)}]' if limits else info.description
        assert ' '.join(comment[1].replace('#', ' ').split()) == expected, name


@pytest.mark.parametrize('namespace', ['/', '/robot_1/front'])
def test_the_file_is_read_in_any_namespace(
    context: Context, tmp_path: Path, model: SwitchableModel, namespace: str
) -> None:
    path = tmp_path / 'tracker.yaml'
    path.write_text(
        PARAMETERS_FILE.read_text().replace('reacquire_frames: 2', 'reacquire_frames: 42')
    )
    node = TrackerNode(
        lambda *_: model,
        context=context,
        namespace=namespace,
        cli_args=['--ros-args', '--params-file', str(path)],
    )
    try:
        assert node.get_parameter('reacquire_frames').value == 42
        assert node.get_parameter('providers').value == ['cpu']
    finally:
        node.close()
        node.destroy_node()


def test_every_parameter_describes_itself(operator: Operator, start_tracker: StartTracker) -> None:
    start_tracker()
    descriptors = describe(operator)
    for name, info in settings_info().items():
        descriptor = descriptors[name]
        assert info.description in descriptor.description
        assert all(choice in descriptor.description for choice in info.choices)
        assert descriptor.read_only == (name == 'autostart')
        limits = [*descriptor.floating_point_range, *descriptor.integer_range]
        assert [(limit.from_value, limit.to_value) for limit in limits] == (
            [] if info.minimum is None else [(info.minimum, info.maximum)]
        )


def test_a_threshold_changes_the_running_tracker(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker(coast_timeout_s=60.0)
    operator.start_target(20)
    for _ in range(5):
        (target,) = operator.show(scene(None)).targets
    assert target.state == Target.STATE_COASTING
    assert set_parameter(operator, 'coast_timeout_s', 0.05).successful
    for _ in range(2):
        (target,) = operator.show(scene(None)).targets
    assert target.state == Target.STATE_LOST


def test_a_threshold_that_is_set_while_the_model_loads_counts(
    operator: Operator, create_tracker: StartTracker, model: SwitchableModel
) -> None:
    is_loading, may_load = threading.Event(), threading.Event()

    def load(_: ModelConfig, __: Callable[[str], None]) -> SwitchableModel:
        is_loading.set()
        assert may_load.wait(DEADLINE_S)
        return model

    node = create_tracker(model_loader=load, coast_timeout_s=60.0).node
    starting = threading.Thread(target=node.start)
    starting.start()
    try:
        assert is_loading.wait(DEADLINE_S)
        assert set_parameter(operator, 'coast_timeout_s', 0.05).successful
        assert not set_parameter(operator, 'model', 'other').successful
    finally:
        may_load.set()
        starting.join()
    operator.wait_for_tracker()
    operator.start_target(20)
    for _ in range(5):
        (target,) = operator.show(scene(None)).targets
    assert target.state == Target.STATE_LOST


@pytest.mark.parametrize(
    ('name', 'value', 'reason'),
    [
        ('coast_timeout_s', 1000.0, 'range'),
        ('reacquire_frames', 0, 'range'),
        ('reacquire_frames', 'many', 'type'),
        ('model', 'other', 'cannot change while the node is configured'),
        ('providers', ['cuda'], 'cannot change while the node is configured'),
        ('image_transport', 'compressed', 'cannot change while the node is configured'),
        ('watchdog_rate_hz', 20.0, 'cannot change while the node is configured'),
        ('autostart', False, 'read-only'),
    ],
)
def test_what_cannot_be_set_is_refused_with_the_reason(
    operator: Operator, start_tracker: StartTracker, name: str, value: Any, reason: str
) -> None:
    start_tracker()
    before = get_parameter(operator, name)
    result = set_parameter(operator, name, value)
    assert not result.successful
    assert reason in result.reason
    assert get_parameter(operator, name) == before
    operator.show(scene(20))


def test_before_configuration_everything_but_autostart_can_be_set(
    operator: Operator, create_tracker: StartTracker
) -> None:
    create_tracker(autostart=False)
    assert set_parameter(operator, 'model', 'other').successful
    assert set_parameter(operator, 'image_transport', 'compressed').successful
    refused = set_parameter(operator, 'image_transport', 'carrier pigeon')
    assert not refused.successful
    assert 'expected one of raw, compressed' in refused.reason
    assert not set_parameter(operator, 'autostart', True).successful


def test_a_value_out_of_range_at_the_start_is_one_clear_error(
    context: Context, model: SwitchableModel
) -> None:
    with pytest.raises(ConfigError, match='coast_timeout_s'):
        TrackerNode(
            lambda *_: model,
            context=context,
            parameter_overrides=[Parameter('coast_timeout_s', value=1000.0)],
        )


def test_a_wrong_choice_at_the_start_keeps_the_node_unconfigured(
    operator: Operator, create_tracker: StartTracker
) -> None:
    tracker = create_tracker(image_transport='carrier pigeon')
    tracker.node.start()
    operator.wait_until(
        lambda: 'carrier pigeon' in getattr(operator.statuses.get('model'), 'message', ''),
        'the reason on /diagnostics',
    )
    assert set_parameter(operator, 'image_transport', 'raw').successful
    tracker.node.start()
    operator.wait_for_event(EventType.MODEL_READY)
