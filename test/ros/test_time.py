# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What happens when images come too fast, not at all, or from the past."""

import re
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.context import Context
from rosgraph_msgs.msg import Clock

from ros.harness import (
    DEADLINE_S,
    FIRST_STAMP_NS,
    RELIABLE,
    Operator,
    StartTracker,
    SwitchableModel,
    scene,
    square_prompt,
)
from sam2_tracker_ros.core.types import EventType, Reason
from sam2_tracker_ros.messages import stamp_ns_of
from sam2_tracker_ros.msg import Target
from sam2_tracker_ros.srv import SetTarget


def test_the_newest_frame_wins_and_drops_are_counted(
    operator: Operator, start_tracker: StartTracker, model: SwitchableModel
) -> None:
    start_tracker()
    operator.start_target(20)
    processed = operator.arrays[-1].frames_processed
    count = len(operator.arrays)
    model.may_run.clear()
    # The first is in work when the others come, one after the other.
    stamps_ns = [operator.publish_image(scene(20), processed + 1 + more) for more in range(6)]
    model.may_run.set()
    newest = operator.wait_for_frame(stamps_ns[-1])
    answered_ns = [stamp_ns_of(array.header) for array in operator.arrays[count:]]
    assert answered_ns == [stamps_ns[0], stamps_ns[-1]]
    assert (newest.frames_processed, newest.frames_dropped) == (processed + 2, 4)
    operator.wait_until(
        lambda: operator.value('input', 'frames dropped') == '4', 'drops on /diagnostics'
    )


def test_the_watchdog_repeats_states_while_images_stall(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker(input_timeout_s=0.2, coast_timeout_s=0.6)
    operator.start_target(20)
    stalled = operator.wait_for_event(EventType.INPUT_STALLED)
    assert stalled.reason == Reason.INPUT_STALLED
    assert stalled.target_id == ''
    lost = operator.wait_for_event(EventType.LOST)
    assert (lost.target_id, lost.reason) == ('car', Reason.INPUT_STALLED)
    count = len(operator.targets)
    operator.wait_until(lambda: len(operator.targets) >= count + 5, 'repeated states')
    repeated = operator.targets[count:]
    assert {target.state for target in repeated} == {Target.STATE_LOST}
    assert not any(target.measured for target in repeated)
    stamps_ns = [stamp_ns_of(target.header) for target in repeated]
    assert stamps_ns == sorted(set(stamps_ns))
    # The node's clock, not the camera's: both are far apart in this test.
    assert abs(stamps_ns[-1] - operator.get_clock().now().nanoseconds) < 60 * 1_000_000_000

    operator.show(scene(20))
    operator.wait_for_event(EventType.INPUT_RESUMED)
    operator.wait_until(
        lambda: operator.show(scene(20)).targets[0].state == Target.STATE_TRACKING,
        'the target again',
    )
    assert len(operator.events_of(EventType.INPUT_STALLED)) >= 1
    assert operator.wait_for_event(EventType.REACQUIRED).target_id == 'car'


def test_silence_before_the_first_image_is_reported(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker(input_timeout_s=0.1)
    assert 'no image has arrived' in operator.wait_for_event(EventType.INPUT_STALLED).detail
    operator.wait_until(lambda: len(operator.targets) >= 3, 'repeated states')
    assert {target.state for target in operator.targets} == {Target.STATE_IDLE}
    operator.wait_until(
        lambda: operator.level('input') == DiagnosticStatus.ERROR, 'an error on /diagnostics'
    )


def test_a_prompt_while_images_stall_is_rejected(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker(input_timeout_s=0.1)
    operator.show(scene(20))
    operator.wait_for_event(EventType.INPUT_STALLED)
    answer = operator.select(None, box=[20.0, 40.0, 50.0, 70.0])
    assert not answer.accepted
    assert 'images have stopped' in answer.message


def test_a_prompt_whose_image_never_comes_is_rejected(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker(input_timeout_s=0.5)
    operator.show(scene(20))
    answer = operator.select(None, box=[20.0, 40.0, 50.0, 70.0])
    assert not answer.accepted
    assert 'images have stopped' in answer.message


def test_stamps_that_go_back_reset_the_filter_and_keep_the_target(
    operator: Operator, start_tracker: StartTracker
) -> None:
    start_tracker()
    operator.start_target(20)
    epoch = operator.arrays[-1].targets[0].epoch
    operator.rewind(FIRST_STAMP_NS - 3_600_000_000_000)
    (target,) = operator.show(scene(22)).targets
    jump = operator.wait_for_event(EventType.TIME_JUMP)
    assert stamp_ns_of(jump.header) == stamp_ns_of(target.header)
    assert target.epoch > epoch
    for x in (24, 26):
        (target,) = operator.show(scene(x)).targets
    assert (target.target_id, target.state) == ('car', Target.STATE_TRACKING)
    assert len(operator.events_of(EventType.TIME_JUMP)) == 1


def test_events_are_told_to_late_joiners(
    operator: Operator, start_tracker: StartTracker, context: Context, namespace: str
) -> None:
    start_tracker()
    operator.start_target(20)
    late = Operator(context, namespace)
    try:
        ready = late.wait_for_event(EventType.MODEL_READY)
        assert re.fullmatch(
            r'fake \(fp32\) runs on CPUExecutionProvider, loaded in \d+\.\d s', ready.detail
        )
        assert late.wait_for_event(EventType.ACQUIRED).target_id == 'car'
    finally:
        late.end()


def test_a_bag_loop_in_simulated_time_goes_on(
    operator: Operator, start_tracker: StartTracker
) -> None:
    first_s = 100.0
    tracker = start_tracker(use_sim_time=True, input_timeout_s=0.5, coast_timeout_s=5.0)
    clock = operator.create_publisher(Clock, '/clock', RELIABLE)
    node_clock = tracker.node.get_clock()

    def set_time(seconds: float) -> None:
        message = Clock()
        message.clock.sec, message.clock.nanosec = divmod(round(seconds * 1e9), 1_000_000_000)
        clock.publish(message)
        operator.wait_until(
            lambda: node_clock.now().nanoseconds == round(seconds * 1e9), f'time {seconds}'
        )

    def play(start_s: float, frames: int) -> Any:
        operator.rewind(round(start_s * 1e9))
        found = None
        for number in range(frames):
            set_time(start_s + 0.033 * (number + 1))
            found = operator.show(scene(20 + number))
        return found

    operator.wait_until(clock.get_subscription_count, 'a subscription of /clock')
    play(first_s, 2)
    answered = operator.set_target.call_async(SetTarget.Request(prompt=square_prompt(21)))
    deadline = time.monotonic() + DEADLINE_S
    number = 2
    while not answered.done():
        assert time.monotonic() < deadline
        set_time(first_s + 0.033 * (number + 1))
        operator.show(scene(21))
        number += 1
    answer = answered.result()
    assert answer is not None
    assert answer.accepted
    loop = play(first_s, 3)
    operator.wait_for_event(EventType.TIME_JUMP)
    (target,) = loop.targets
    assert target.measured
    assert target.latency.sec == 0
    # Silence is measured by the clock of the node, also after it jumped back.
    seconds = first_s
    while operator.targets[-1].state != Target.STATE_COASTING:
        assert time.monotonic() < deadline
        seconds += 0.6
        set_time(seconds)
        operator.listen()
