# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One ROS context for the session; a namespace, an operator and a tracker for each test."""

from collections.abc import Iterator
import itertools
from typing import Any

import pytest
import rclpy
from rclpy.context import Context
from rclpy.node import Node

from ros.harness import Operator, RunningTracker, StartTracker, SwitchableModel
from sam2_tracker_ros.ros.tracker_node import ModelLoader

_numbers = itertools.count()


@pytest.fixture(scope='session')
def context() -> Iterator[Context]:
    made = Context()
    rclpy.init(context=made)
    yield made
    rclpy.shutdown(context=made)


@pytest.fixture
def namespace() -> str:
    return f'/test_{next(_numbers)}'


@pytest.fixture
def operator(context: Context, namespace: str) -> Iterator[Operator]:
    made = Operator(context, namespace)
    yield made
    made.end()


@pytest.fixture
def unspun_node(context: Context, namespace: str) -> Iterator[Node]:
    """Make a node that no executor spins."""
    made = Node('tracker', context=context, namespace=namespace)
    yield made
    made.destroy_node()


@pytest.fixture
def complaints() -> list[str]:
    """Return a list for what is logged as an error."""
    return []


@pytest.fixture
def model() -> SwitchableModel:
    return SwitchableModel()


@pytest.fixture
def create_tracker(
    context: Context, namespace: str, model: SwitchableModel
) -> Iterator[StartTracker]:
    """Make trackers that are not configured; keywords are parameters."""
    made: list[RunningTracker] = []

    def create(model_loader: ModelLoader = lambda *_: model, **parameters: Any) -> RunningTracker:
        made.append(RunningTracker(context, namespace, model_loader, **parameters))
        return made[-1]

    yield create
    model.may_run.set()
    for tracker in made:
        tracker.end()


@pytest.fixture
def start_tracker(create_tracker: StartTracker, operator: Operator) -> StartTracker:
    """Make trackers that are active and known to the operator."""

    def start(**parameters: Any) -> RunningTracker:
        tracker = create_tracker(**parameters)
        tracker.node.start()
        is_raw = parameters.get('image_transport', 'raw') == 'raw'
        operator.wait_for_tracker('image' if is_raw else 'image/compressed')
        return tracker

    return start
