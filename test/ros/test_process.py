# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The executable `tracker` in a process of its own, with the embedded model."""

from collections.abc import Callable, Iterator
from pathlib import Path
import signal
import subprocess
import sys
import time

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
import pytest
import rclpy
from rclpy.context import Context

from ros.ends import Running
from ros.harness import DEADLINE_S, Operator, scene, square_prompt
from sam2_tracker_ros.core.types import EventType
from sam2_tracker_ros.messages import stamp_ns_of
from sam2_tracker_ros.msg import Target

StartProcess = Callable[..., 'subprocess.Popen[str]']


@pytest.fixture
def context() -> Iterator[Context]:
    """
    Make a DDS participant for each test.

    Processes that were killed seem to leave their part of a sender's shared memory taken: after
    many of them there was room for prompts, and none for an image.
    """
    made = Context()
    rclpy.init(context=made)
    yield made
    rclpy.shutdown(context=made)


@pytest.fixture
def start_process(namespace: str) -> Iterator[StartProcess]:
    """Run the executable in the test's namespace, with parameters as keywords."""
    processes: list[subprocess.Popen[str]] = []

    def start(**parameters: object) -> 'subprocess.Popen[str]':
        arguments = ['-r', f'__ns:={namespace}', '-p', 'diagnostics_period_s:=0.1']
        for name, value in parameters.items():
            arguments += ['-p', f'{name}:={value}']
        processes.append(
            subprocess.Popen(
                ['tracker', '--ros-args', *arguments], stderr=subprocess.PIPE, text=True
            )
        )
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_the_executable_tracks_with_the_embedded_model(
    operator: Operator, start_process: StartProcess
) -> None:
    process = start_process(input_timeout_s=60.0)
    operator.wait_until(
        lambda: operator.images.get_subscription_count() or process.poll() is not None,
        'the node, or its end',
    )
    assert process.poll() is None, process.communicate()[1]
    operator.wait_for_tracker()
    assert operator.wait_for_event(EventType.MODEL_READY).detail.startswith('nano')

    def is_answered() -> bool:
        operator.images.publish(operator.image(scene(20)))
        return bool(operator.arrays)

    # The first best effort images may be lost: both ends do not know each other at once.
    operator.wait_until(is_answered, 'an answer')
    for _ in range(3):
        array = operator.show(scene(20))
        (target,) = operator.targets_of(stamp_ns_of(array.header))
        assert target.state == Target.STATE_IDLE
    answer = operator.select(scene(20), box=[20.0, 40.0, 50.0, 70.0], target_id='car')
    assert answer.accepted, answer.message
    (target,) = operator.show(scene(22)).targets
    assert (target.target_id, target.state) == ('car', Target.STATE_TRACKING)
    assert target.box_left == pytest.approx(22, abs=6)
    assert target.box_bottom == pytest.approx(70, abs=6)
    operator.wait_until(lambda: operator.value('model', 'model') == 'nano', 'the model')
    assert 'CPUExecutionProvider' in operator.value('model', 'providers')
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
    assert 'Traceback' not in errors


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_an_unconfigured_process_cleanly(
    operator: Operator, start_process: StartProcess, number: signal.Signals
) -> None:
    process = start_process(autostart=False)
    operator.wait_until(
        lambda: operator.set_target.service_is_ready() or process.poll() is not None,
        'the node, or its end',
    )
    process.send_signal(number)
    _, errors = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
    assert 'Traceback' not in errors


def test_a_parameter_out_of_range_is_one_clear_line(start_process: StartProcess) -> None:
    process = start_process(coast_timeout_s=1000.0)
    _, errors = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 1
    (line,) = [line for line in errors.splitlines() if line.strip()]
    assert 'coast_timeout_s' in line


def test_a_callback_that_raises_ends_the_process() -> None:
    """A node that hears nothing any more must not look alive."""
    program = """
from sam2_tracker_ros.ros.tracker_node import TrackerNode, main

def fail():
    raise RuntimeError('a bug in a callback')

TrackerNode.start = lambda node: node.create_timer(0.1, fail)
main()
"""
    arguments = ['--ros-args', '-p', 'autostart:=false']
    done = subprocess.run(
        [sys.executable, '-c', program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )
    assert done.returncode == 1
    assert 'a bug in a callback' in done.stderr


# Its model loads, or hangs, for ever; `-c` as the executable, which has its own loader.
HANGS = """
import threading
from sam2_tracker_ros.ros.tracker_node import main
from sam2_tracker_ros.testing.fake_model import FakeModel

class HangingModel(FakeModel):
    def encode_image(self, image):
        print('asked', flush=True)
        threading.Event().wait()

def load(config, on_progress):
    on_progress('building for ever')
    {loading}
    return HangingModel()

main(load)
"""


def running(program: str, log: Path, namespace: str, **parameters: object) -> Running:
    """
    Start a program that runs a tracker.

    It writes to a file: a thousand refused prompts would fill a pipe that nobody reads.
    """
    arguments = ['-r', f'__ns:={namespace}']
    for name, value in parameters.items():
        arguments += ['-p', f'{name}:={value}']
    return Running([sys.executable, '-c', program, '--ros-args', *arguments], log)


def ask_until(operator: Operator, condition: Callable[[], object], what: str) -> None:
    """Show pictures at a camera's rate and prompt, so that the model is asked."""
    next_s = 0.0

    def ask() -> object:
        nonlocal next_s
        if time.monotonic() > next_s:  # DDS drops every image of a flood, on a busy machine
            next_s = time.monotonic() + 0.03
            operator.images.publish(operator.image(scene(20)))
            operator.prompts.publish(square_prompt(20))
        return condition()

    operator.wait_until(ask, what)


def assert_ends_cleanly(tracker: Running, number: int) -> None:
    """Send a signal; the program ends by itself, and with nothing to complain about."""
    status, _ = tracker.end(number)
    assert status == 0
    assert 'Traceback' not in tracker.said


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize('is_asked', [False, True], ids=['autostart', 'asked'])
def test_a_signal_ends_a_process_whose_model_never_loads(
    operator: Operator,
    namespace: str,
    tmp_path: Path,
    number: signal.Signals,
    is_asked: bool,
) -> None:
    """Also one that a lifecycle manager has asked to configure."""
    program = HANGS.format(loading='threading.Event().wait()')
    with running(program, tmp_path / 'log', namespace, autostart=not is_asked) as tracker:
        operator.wait_until(operator.set_target.service_is_ready, 'the node')
        if is_asked:
            client = operator.client(ChangeState, 'change_state')
            client.call_async(
                ChangeState.Request(transition=Transition(id=Transition.TRANSITION_CONFIGURE))
            )
        operator.wait_until(
            lambda: operator.value('model', 'model build') == 'building for ever', 'the build'
        )
        assert_ends_cleanly(tracker, number)


def test_a_model_that_is_loaded_after_the_signal_changes_nothing(
    operator: Operator, namespace: str, tmp_path: Path
) -> None:
    """The transition that loads it was asked for by a service, and is still answered."""
    program = HANGS.format(loading='threading.Event().wait(0.5)')
    with running(program, tmp_path / 'log', namespace, autostart=False) as tracker:
        client = operator.client(ChangeState, 'change_state')
        transition = Transition(id=Transition.TRANSITION_CONFIGURE)
        asked = client.call_async(ChangeState.Request(transition=transition))
        tracker.wait_for_text('building for ever')
        assert_ends_cleanly(tracker, signal.SIGTERM)
        operator.wait_until(asked.done, 'the answer')


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_process_whose_model_hangs(
    operator: Operator, namespace: str, tmp_path: Path, number: signal.Signals
) -> None:
    program = HANGS.format(loading='')
    with running(program, tmp_path / 'log', namespace, inference_timeout_s=3600.0) as tracker:
        operator.wait_for_tracker()
        ask_until(operator, lambda: 'asked' in tracker.said, 'a question')
        assert_ends_cleanly(tracker, number)


def test_a_process_whose_every_model_hangs_ends_with_a_failure(
    operator: Operator, namespace: str, tmp_path: Path
) -> None:
    """So that whoever launched it starts it again."""
    program, often = HANGS.format(loading=''), {'watchdog_rate_hz': 50.0}
    log = tmp_path / 'log'
    with running(program, log, namespace, inference_timeout_s=0.3, **often) as tracker:
        operator.wait_for_tracker()
        ask_until(operator, lambda: tracker.process.poll() is not None, 'the end of the process')
        assert tracker.process.returncode == 1
        assert 'loaded anew 3 times' in tracker.said


def test_a_frozen_interpreter_ends_the_process_with_a_failure(
    operator: Operator, namespace: str, tmp_path: Path
) -> None:
    """Where not even a watchdog's thread can run, and the states have stopped."""
    program = """
import ctypes
from sam2_tracker_ros.ros import tracker_process
from sam2_tracker_ros.ros.tracker_node import main
from sam2_tracker_ros.testing.fake_model import FakeModel

class FreezingModel(FakeModel):
    def encode_image(self, image):
        ctypes.PyDLL(None).sleep(3600)  # keeps the interpreter's lock

tracker_process._FROZEN_AFTER_S = tracker_process._FROZEN_BUILD_AFTER_S = 3.0
main(lambda *_: FreezingModel())
"""
    with running(program, tmp_path / 'log', namespace) as tracker:
        operator.wait_for_tracker()
        ask_until(operator, lambda: tracker.process.poll() is not None, 'the end of the process')
        assert tracker.process.returncode == 1
        assert 'in encode_image' in tracker.said
