# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The closed loop: a camera on a simulated gimbal, the tracker and the follower, over ROS 2.

An operator (this process) points at the car once; after that the picture stays on it by itself.
Faults may be put into the loop, to see what the gimbal does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
import math
import os
from pathlib import Path
import time

from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND, Box, EventType
from sam2_tracker_ros.ros.demo_flight_recorder import FlightRecorder, FlightRecording
from sam2_tracker_ros.ros.demo_recorder import check_acquired
from sam2_tracker_ros.ros.processes import NodeProcess, stopping, wait_until
from sam2_tracker_ros.testing.aerial_scene import AerialScene

READY_TIMEOUT_S = 120.0
FIRST_FRAME_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 20.0
# What is still on its way when the camera has ended.
LAST_MESSAGES_S = 1.0
# Frames with a Target before the prompt: everybody is connected then.
FRAMES_BEFORE_PROMPT = 5
# What the fault does: for so long there are no images, or no tracker.
STALL_S = 2.0
# Of a camera, where simulated time takes none: exposure, transport and inference.
IMAGE_DELAY_S = 0.06
RESTART_AFTER_S = 2.0
# More of them make nano no faster.
_MOST_THREADS = 4
# An operator points at a car that is whole.
_WHOLE_FRACTION = 0.9


class Fault(Enum):
    """What goes wrong during the flight."""

    NONE = 'none'
    TRACKER_KILLED = 'tracker_killed'
    CAMERA_STALLED = 'camera_stalled'
    NO_CAMERA_INFO = 'no_camera_info'


@dataclass(frozen=True)
class Flight:
    """
    What is flown.

    :param fault_s: when it goes wrong, since the first image.
    :param is_simulated_time: the world waits for the tracker, however slow the machine is.
    :param out: folder of the logs.
    """

    duration_s: float
    seed: int
    model: str
    fault: Fault
    fault_s: float
    is_simulated_time: bool
    out: Path


class FlightDemo:
    """One flight, from the start of its processes to their end."""

    def __init__(self, flight: Flight, recorder: FlightRecorder) -> None:
        self._flight = flight
        self._recorder = recorder
        self._recording = recorder.recording
        self._recording.size_px = AerialScene.size_px
        self._running: list[NodeProcess] = []

    def run(self) -> FlightRecording:
        """
        Let the camera, the tracker and the follower do their work.

        :raises ProcessError: a process failed, or something did not happen in time.
        """
        with stopping() as self._running:
            tracker = self._start_tracker('tracker.log')
            clock = f'use_sim_time:={str(self._flight.is_simulated_time).lower()}'
            self._start('gimbal_follower', 'follower.log', [clock])
            camera = self._start('simulated_camera', 'camera.log', self._camera_parameters())
            self._wait(
                'no frames came through camera and tracker',
                lambda: self._processed() >= FRAMES_BEFORE_PROMPT,
                FIRST_FRAME_TIMEOUT_S,
            )
            self._point_at_the_car()
            if self._flight.fault is Fault.TRACKER_KILLED:
                self._replace(tracker)
            longest_s = 60.0 + 20.0 * self._flight.duration_s
            self._wait('the camera did not end', camera.has_ended, longest_s, camera)
            end_s = time.monotonic() + LAST_MESSAGES_S
            self._wait('', lambda: time.monotonic() >= end_s, math.inf, camera)
        return self._recording

    def _start(self, executable: str, log: str, parameters: list[str]) -> NodeProcess:
        process = NodeProcess(executable, self._flight.out / log, parameters)
        self._running.append(process)
        return process

    def _start_tracker(self, log: str) -> NodeProcess:
        """Start the tracker, and wait until it is ready."""
        ready = self._count(EventType.MODEL_READY)
        clock = f'use_sim_time:={str(self._flight.is_simulated_time).lower()}'
        tracker = self._start(
            'tracker', log, [f'model:={self._flight.model}', clock, _tracker_threads()]
        )
        self._wait(
            'the tracker did not get ready',
            lambda: self._count(EventType.MODEL_READY) > ready,
            READY_TIMEOUT_S,
        )
        return tracker

    def _camera_parameters(self) -> list[str]:
        flight = self._flight
        parameters = [
            f'seed:={flight.seed}',
            f'duration_s:={flight.duration_s}',
            'wait_for_subscribers:=1',
        ]
        if flight.fault is Fault.CAMERA_STALLED:
            parameters += [f'stall_at_s:={flight.fault_s}', f'stall_s:={STALL_S}']
        if flight.fault is Fault.NO_CAMERA_INFO:
            parameters += ['publish_camera_info:=false']
        if flight.is_simulated_time:
            parameters += [
                'simulated_time:=true',
                'speed:=3.0',
                'wait_for_targets_s:=5.0',
                f'image_delay_s:={IMAGE_DELAY_S}',
            ]
        return parameters

    def _wait(
        self,
        what: str,
        is_done: Callable[[], bool],
        timeout_s: float,
        *may_end: NodeProcess,
    ) -> None:
        running = [process for process in self._running if process not in may_end]
        wait_until(self._recorder, running, what, is_done, timeout_s)

    def _processed(self) -> int:
        """Return how many images have a Target."""
        return len(self._recording.targets.keys() & self._recording.truths.keys())

    def _count(self, *types: EventType) -> int:
        return sum(event.type in types for event in self._recording.events)

    def _point_at_the_car(self) -> None:
        """Draw a box around the car in the newest picture, as an operator would."""
        answers = (EventType.ACQUIRED, EventType.PROMPT_REJECTED)
        before = self._count(*answers)
        stamp_ns = self._recording.image_stamps[-1]
        truth = self._recording.truths[stamp_ns]
        box = Box(truth.box_left, truth.box_top, truth.box_right, truth.box_bottom)
        self._recorder.prompt(box, stamp_ns)
        self._wait(
            'the prompt was not answered', lambda: self._count(*answers) > before, ANSWER_TIMEOUT_S
        )
        check_acquired(self._recording)

    def _replace(self, tracker: NodeProcess) -> None:
        """Kill the tracker, start another one, and point again when the car is in the picture."""
        self._wait('the time of the fault', lambda: self._age_s() >= self._flight.fault_s, 600.0)
        tracker.kill()
        self._running.remove(tracker)
        killed_s = self._age_s()
        self._wait('', lambda: self._age_s() >= killed_s + RESTART_AFTER_S, 600.0)
        self._start_tracker('tracker_again.log')
        newest = self._processed()
        self._wait(
            'no frames came through the new tracker',
            lambda: self._processed() >= newest + FRAMES_BEFORE_PROMPT,
            FIRST_FRAME_TIMEOUT_S,
        )
        rest_s = self._flight.duration_s - self._age_s()
        end_s = time.monotonic() + rest_s
        self._wait('', lambda: self._is_car_in_view() or time.monotonic() > end_s, math.inf)
        if self._is_car_in_view():
            self._point_at_the_car()

    def _age_s(self) -> float:
        """Return the time of the newest image since the first one."""
        stamps = self._recording.image_stamps
        return (stamps[-1] - stamps[0]) / NANOSECONDS_PER_SECOND if stamps else 0.0

    def _is_car_in_view(self) -> bool:
        newest = self._recording.truths[self._recording.image_stamps[-1]]
        return float(newest.confidence) >= _WHOLE_FRACTION


def _tracker_threads() -> str:
    """Return the parameter that leaves a core to the simulated world."""
    cores = len(os.sched_getaffinity(0))
    return f'inference_threads:={max(1, min(cores - 1, _MOST_THREADS))}'
