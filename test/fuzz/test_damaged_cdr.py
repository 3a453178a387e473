# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Damaged CDR over DDS, which rclpy's C++ reads before anything of ours: the node goes on."""

from collections.abc import Iterator
import random

from fuzz.contract import edited
from fuzz.targets import CORPUS
import pytest
import rclpy
from rclpy.context import Context

from ros.harness import Operator, RunningTracker, SwitchableModel, scene, square_prompt

_SENT_OF_EACH = 40
_NAMESPACE = '/fuzz'


@pytest.fixture
def context() -> Iterator[Context]:
    made = Context()
    rclpy.init(context=made)
    yield made
    rclpy.shutdown(context=made)


def test_damaged_messages_do_not_stop_the_tracker(context: Context) -> None:
    operator = Operator(context, _NAMESPACE)
    tracker = RunningTracker(context, _NAMESPACE, lambda *_: SwitchableModel())
    tracker.node.start()
    operator.wait_for_tracker()
    rng = random.Random(1)
    for publisher, name in (
        (operator.prompts, 'prompt'),
        (operator.points, 'point'),
        (operator.infos, 'info'),
        (operator.images, 'image'),
    ):
        # Behind the byte that tells the target which type it is.
        good = (CORPUS / 'rclpy_messages' / f'good_{name}').read_bytes()[1:]
        for _ in range(_SENT_OF_EACH):
            edits = rng.randbytes(6 * rng.randint(1, 3))
            publisher.publish(good[:4] + edited(good[4:], edits))
        operator.listen()
    # A target is started and followed as if nothing had been; clicks may have started another.
    operator.prompts.publish(square_prompt(50, target_id='car'))
    operator.wait_until(
        lambda: 'car' in [target.target_id for target in operator.show(scene(50)).targets],
        'a target',
    )
    tracker.end()
    operator.end()
