# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A tracker in a process of its own, the world around it, and whether all is well again."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
import threading
import time
from types import TracebackType

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rosgraph_msgs.msg import Clock

from sam2_tracker_ros.core.geometry import box_iou
from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND, EventType, TargetState
from sam2_tracker_ros.ros.fault_camera import Camera
from sam2_tracker_ros.ros.fault_clock import SimulatedClock
from sam2_tracker_ros.ros.fault_invariants import MIN_IOU, Ledger, Said, Story, Violation
from sam2_tracker_ros.ros.fault_observer import Observer
from sam2_tracker_ros.ros.fault_operator import Operator
from sam2_tracker_ros.ros.fault_process import FaultProcess, Usage
from sam2_tracker_ros.ros.fault_scene import CAR
from sam2_tracker_ros.ros.processes import ProcessError

READY_TIMEOUT_S = 60.0
RECOVERY_TIMEOUT_S = 8.0
# In a row, for a target to count as tracked again.
_GOOD_MESSAGES = 3
_PROMPT_AGAIN_S = 1.0
# Silence of the camera after which the watchdog speaks, and its period, are together what may
# pass without a word; what inference may take is short, so that a scenario is.
PARAMETERS = {
    'input_timeout_s': 0.1,
    'watchdog_rate_hz': 10.0,
    'diagnostics_period_s': 0.25,
    'inference_timeout_s': 1.0,
    'frame_history_mib': 32,
}


@dataclass(frozen=True)
class Recovery:
    """
    How the target came back.

    :param duration_s: since the world is sane; None when it did not come back by itself.
    :param was_prompted: it had been released, so that it had to be pointed at again.
    """

    duration_s: float | None
    was_prompted: bool


class Rig(AbstractContextManager['Rig']):
    """
    One tracker executable, which is started again when a scenario ended it.

    :param executable: `tracker` or `faulty_tracker`.
    :param is_simulated: its time is that of /clock.
    """

    def __init__(self, executable: str, out: Path, *, is_simulated: bool = False) -> None:
        self.executable, self.out, self._is_simulated = executable, out, is_simulated
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self.node = rclpy.create_node('fault_campaign', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self.ledger, self.story = Ledger(), Story()
        self.clock = SimulatedClock(self.node.create_publisher(Clock, '/clock', 10))
        now_ns = self.clock.now_ns if is_simulated else time.time_ns
        self.camera = Camera(self.node, self.ledger, now_ns)
        self.observer = Observer(self.node)
        self.operator = Operator(self.node)
        # What each target really is, by its id.
        self.names = {CAR: CAR}
        # When the tracker has to speak: since when, or None while it need not.
        self._speaking_since: float | None = None
        self.speaking: list[tuple[float, float]] = []
        self.starts = self.transitions = 0
        self.model_restarts_s: list[float] = []
        # What the process held without a model, if a scenario came to that.
        self.at_rest: Usage | None = None
        # What a scenario itself found to be wrong.
        self.complaints: list[Violation] = []
        self.process = self._start()
        self._spinner = threading.Thread(target=self._executor.spin, daemon=True)

    def __enter__(self) -> 'Rig':
        self._spinner.start()
        if self._is_simulated:
            self.clock.start()
        self.camera.start()
        try:
            self._wait_for_start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        self.camera.end()
        self.clock.end()
        if self.process.status is None:
            self.process.end(5.0)
        self._executor.shutdown()
        self._spinner.join()
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)

    def restart(self) -> None:
        """Start the tracker again, after it ended or was killed, and wait until it speaks."""
        self.start_process()
        self._wait_for_start()

    def start_process(self) -> None:
        """Start the tracker again, after it ended or was killed."""
        self.observer.forget()
        self.story = Story()
        self.model_restarts_s.clear()
        self.process = self._start()

    def note_restart(self) -> None:
        """Remember that the tracker had to load its model anew."""
        self.model_restarts_s.append(time.monotonic())

    def _start(self) -> FaultProcess:
        arguments = [f'{name}:={value}' for name, value in PARAMETERS.items()]
        arguments.append(f'use_sim_time:={str(self._is_simulated).lower()}')
        self.starts += 1
        return FaultProcess(
            self.executable,
            self.out / f'{self.executable}.log',
            [word for argument in arguments for word in ('-p', argument)],
        )

    def _wait_for_start(self) -> None:
        self.wait(
            'the tracker to start',
            lambda: (
                self.operator.is_connected()
                and self.observer.has_event(EventType.MODEL_READY)
                and self.camera.is_connected()
                and bool(self.observer.spoken_s)
            ),
            READY_TIMEOUT_S,
        )

    def complain(self, invariant: str, detail: str) -> None:
        """Note that something did not hold."""
        self.complaints.append(Violation(invariant, detail))

    def may_be_silent(self) -> None:
        """From now on the tracker need not speak."""
        if self._speaking_since is not None:
            self.speaking.append((self._speaking_since, time.time()))
        self._speaking_since = None

    def must_speak(self) -> None:
        """From now on the tracker must speak, if it need not until now."""
        if self._speaking_since is None:
            self._speaking_since = time.time()

    def pause(self, duration_s: float) -> None:
        """
        Let time pass.

        :raises ProcessError: the tracker ends meanwhile.
        """
        end_s = time.monotonic() + duration_s
        while (rest_s := end_s - time.monotonic()) > 0.0:
            self.require_life()
            time.sleep(min(rest_s, 0.05))

    def wait(self, what: str, is_done: Callable[[], bool], timeout_s: float) -> None:
        """
        Wait until something is the case.

        :raises ProcessError: it does not come, or the tracker ends.
        """
        end_s = time.monotonic() + timeout_s
        while not is_done():
            self.require_life()
            if time.monotonic() > end_s:
                message = f'waited {timeout_s:.0f} s in vain for {what}'
                raise ProcessError(message)
            time.sleep(0.01)

    def require_life(self) -> None:
        """
        Look whether the tracker runs.

        :raises ProcessError: it has ended.
        """
        status = self.process.status
        if status is not None:
            message = f'{self.process.name} ended with status {status}; see its log'
            raise ProcessError(message)

    def newest_car(self) -> Said | None:
        """Return what was said last of the red car."""
        newest = self.observer.newest()
        found = () if newest is None else newest.targets
        return next((said for said in found if said.target_id == CAR), None)

    def recover(self) -> Recovery:
        """Make the world sane, and wait until the car is tracked; point at it if it is gone."""
        self.camera.be_sane()
        since_s, started_s = time.time(), time.monotonic()
        prompted_s: float | None = None
        while time.monotonic() - started_s < RECOVERY_TIMEOUT_S:
            self.require_life()
            if self._is_well(since_s):
                return Recovery(time.monotonic() - started_s, prompted_s is not None)
            newest, now_s = self.observer.newest(), time.monotonic()
            is_gone = newest is not None and newest.said_s > since_s and not self.newest_car()
            may_ask = prompted_s is None or now_s - prompted_s > _PROMPT_AGAIN_S
            if is_gone and may_ask and self._point_at_car():
                prompted_s = now_s
            time.sleep(0.02)
        self._point_at_car()
        return Recovery(None, prompted_s is not None)

    def _point_at_car(self) -> bool:
        """Prompt the car in the image answered last, if it is to be seen; return whether it is."""
        newest = self.observer.newest()
        if newest is None:
            return False
        for boxes in self.ledger.shown.get(newest.stamp_ns, []):
            if CAR in boxes:
                self.operator.prompt(boxes[CAR], newest.stamp_ns, target_id=CAR)
                return True
        return False

    def _is_well(self, since_s: float) -> bool:
        """Return whether the car is measured where it is, message after message."""
        last = self.observer.sayings[-_GOOD_MESSAGES:]
        if len(last) < _GOOD_MESSAGES or any(saying.said_s < since_s for saying in last):
            return False
        return all(self._is_right(saying.stamp_ns, saying.targets) for saying in last)

    def _is_right(self, stamp_ns: int, targets: Iterable[Said]) -> bool:
        shown = self.ledger.shown.get(stamp_ns, [])
        return any(
            said.target_id == CAR
            and said.state is TargetState.TRACKING
            and any(CAR in boxes and box_iou(said.box, boxes[CAR]) > MIN_IOU for boxes in shown)
            for said in targets
        )


def seconds_ns(duration_s: float) -> int:
    """Return a duration in nanoseconds."""
    return round(duration_s * NANOSECONDS_PER_SECOND)
