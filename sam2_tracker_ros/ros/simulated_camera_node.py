# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node `simulated_camera`: a camera on a gimbal that can be turned, above a fast car."""

from collections import deque
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
import math
import threading
import time
from typing import Any

import cv2
from geometry_msgs.msg import Quaternion, QuaternionStamped, Vector3Stamped
import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.signals import SignalHandlerOptions
from rosgraph_msgs.msg import Clock
from std_msgs.msg import Float32

from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND
from sam2_tracker_ros.messages import stamp_ns_of
from sam2_tracker_ros.msg import Target
from sam2_tracker_ros.ros import qos
from sam2_tracker_ros.ros.camera_output import CameraOutput
from sam2_tracker_ros.ros.intake import Arrival, Intake
from sam2_tracker_ros.ros.message_classes import installed_message_classes
from sam2_tracker_ros.ros.node_main import exit_on_signals, set_by_signals
from sam2_tracker_ros.ros.read_only import read_only_parameter
from sam2_tracker_ros.ros.simulated_camera_truth import truth_message
from sam2_tracker_ros.testing.aerial_scene import AerialScene
from sam2_tracker_ros.testing.pan_tilt import Attitude, Gusts, PanTiltGimbal, ZoomLens
from sam2_tracker_ros.testing.scenes import START_NS

# The attitude is published at every third step, and with every frame.
_MIN_ATTITUDE_HZ = 60.0
_STEPS_PER_ATTITUDE = 3
_ATTITUDE_NOISE = math.radians(0.02)
_POLL_S = 0.02
# One image is rendered, and one may wait for that on a busy machine: it comes a little late.
_IN_WORK = 2


@dataclass(frozen=True)
class _Shot:
    """
    What is photographed.

    :param is_shown: the image is published; else only the truth is.
    """

    time_s: float
    attitude: Attitude
    zoom: float
    is_shown: bool


class SimulatedCameraNode(Node):
    """
    Publishes what a camera sees that follows `gimbal/rate_command`, and the truth.

    In real time images are rendered beside the gimbal's motion; when one is not done before the
    next is due, that is left out. In simulated time nothing is left out: the clock waits.

    :param stop: ends `run` when it is set.
    :param node_arguments: of rclpy's Node.
    """

    def __init__(self, stop: threading.Event, **node_arguments: Any) -> None:
        super().__init__('simulated_camera', **node_arguments)
        self._stop = stop
        self._classes = installed_message_classes()
        self._declare()
        self._period_s = 1.0 / self._rate_hz
        attitudes = math.ceil(_MIN_ATTITUDE_HZ / self._rate_hz)
        self._steps_per_frame = _STEPS_PER_ATTITUDE * attitudes
        self._step_s = self._period_s / self._steps_per_frame
        self._scene = AerialScene(self._seed, self._start_delay_s)
        self._gimbal = PanTiltGimbal(*self._scene.aim(0.0))
        self._gusts = Gusts(self._seed)
        self._lens = ZoomLens()
        self._noise = np.random.default_rng((self._seed, 21))
        self._start_ns = START_NS
        self._answered_ns = 0
        self._rendering: deque[Future[None]] = deque()
        self._output = CameraOutput(self, self._classes)
        self._truths = self.create_publisher(Target, 'truth', qos.TRUTH)
        self._attitudes = self.create_publisher(
            QuaternionStamped, 'gimbal/attitude', QoSProfile(depth=10)
        )
        # An executor would cost more than the picture.
        self._intake = Intake(self, self._log_error)
        self._intake.subscribe(
            Vector3Stamped, 'gimbal/rate_command', qos.COMMAND, self._on_command
        )
        self._intake.subscribe(Float32, 'zoom', qos.COMMAND, self._on_zoom)
        if self._is_simulated_time:
            self._clocks = self.create_publisher(Clock, '/clock', QoSProfile(depth=10))
            self._intake.subscribe(Target, 'tracker/target', qos.TARGET, self._on_target)
        self._answered = threading.Condition()
        self._published = self._left_out = 0
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self)

    def run(self) -> None:
        """Publish until the time is over or the node is to stop."""
        self._intake.start()
        try:
            self._run()
        finally:
            self._intake.destroy()

    def _run(self) -> None:
        while not self._stop.is_set() and not self._output.is_watched_by(self._subscribers):
            self._publish_clock(0.0)
            self._executor.spin_once(timeout_sec=_POLL_S)
        if not self._is_simulated_time:
            self._start_ns = self.get_clock().now().nanoseconds
        due_s = time.monotonic()
        delay_steps = round(self._image_delay_s / self._step_s)
        taken: deque[tuple[int, _Shot]] = deque()
        with ThreadPoolExecutor(1) as renderer:
            for step in range(round(self._duration_s / self._step_s) + delay_steps):
                self._spin_until(due_s)
                if self._stop.is_set():
                    renderer.shutdown(wait=False, cancel_futures=True)
                    break
                shot = self._moved(step)
                if shot is not None and shot.time_s < self._duration_s:
                    taken.append((step + delay_steps, shot))
                if taken and taken[0][0] <= step:
                    self._executor.spin_once(timeout_sec=0.0)  # serves parameters
                    self._deliver(taken.popleft()[1], renderer, due_s)
                due_s = self._next_due_s(due_s)
        text = f'{self._published} frames published, {self._left_out} left out'
        self.get_logger().info(text)

    def _deliver(self, shot: _Shot, renderer: Executor, due_s: float) -> None:
        is_taken = self._take(shot, renderer, due_s)
        self._published += is_taken and shot.is_shown
        self._left_out += not is_taken

    def _take(self, shot: _Shot, renderer: Executor, due_s: float) -> bool:
        """Render and publish, beside this thread in real time; return false when it is late."""
        if self._is_simulated_time:
            self._show(shot)
            self._await_target(shot)
            return True
        while self._rendering and self._rendering[0].done():
            self._rendering.popleft().result()
        if len(self._rendering) == _IN_WORK or time.monotonic() - due_s > self._period_s:
            return False
        self._rendering.append(renderer.submit(self._show, shot))
        return True

    def _moved(self, step: int) -> _Shot | None:
        """Let the gimbal turn until a step, tell its attitude, and return what to photograph."""
        time_s = step * self._step_s
        if step:
            self._gimbal.step(self._step_s)
            self._lens.step(self._step_s)
        self._publish_clock(time_s)
        attitude = self._gusts.applied_to(self._gimbal, time_s)
        if step % _STEPS_PER_ATTITUDE == 0:
            self._publish_attitude(time_s, attitude)
        index, rest = divmod(step, self._steps_per_frame)
        if rest:
            return None
        is_stalled = self._stall_at_s <= time_s < self._stall_at_s + self._stall_s
        luck = np.random.default_rng((self._seed, 22, index)).random()
        is_shown = not is_stalled and luck >= self._drop_rate
        return _Shot(time_s, attitude, self._lens.zoom, is_shown)

    def _show(self, shot: _Shot) -> None:
        """Render and publish."""
        frame = self._scene.render(shot.time_s, shot.attitude, shot.zoom)
        calibration = self._scene.calibration(shot.zoom)
        header = self._classes.header_of(self._stamp_ns(shot.time_s), self._frame_id)
        if shot.is_shown:
            if self._has_camera_info:
                self._output.publish_info(header, self._scene.size_px, calibration)
            self._output.publish_image(header, frame.image)
        middle = self._scene.target_in_camera(shot.time_s, shot.attitude)
        self._truths.publish(truth_message(self._classes, frame, middle, calibration, header))

    def _await_target(self, shot: _Shot) -> None:
        """Let the tracker answer, but not for ever: the image may be lost."""
        stamp_ns = self._stamp_ns(shot.time_s)
        end_s = time.monotonic() + self._wait_for_targets_s
        while (
            shot.is_shown
            and self._answered_ns != stamp_ns
            and time.monotonic() < end_s
            and self._output.image_subscribers
            and self.count_publishers('tracker/target')
            and not self._stop.is_set()
        ):
            with self._answered:
                self._answered.wait_for(lambda: self._answered_ns >= stamp_ns, _POLL_S)

    def _next_due_s(self, due_s: float) -> float:
        """Return when the next step is due; simulated time never catches up."""
        if self._is_simulated_time:
            return max(due_s, time.monotonic()) + self._step_s / self._speed
        return due_s + self._step_s

    def _spin_until(self, due_s: float) -> None:
        """Wait until a step is due; commands take effect meanwhile."""
        while not self._stop.is_set() and (rest_s := due_s - time.monotonic()) > 0.0:
            time.sleep(min(rest_s, _POLL_S))

    def _stamp_ns(self, time_s: float) -> int:
        return self._start_ns + round(time_s * NANOSECONDS_PER_SECOND)

    def _publish_clock(self, time_s: float) -> None:
        if self._is_simulated_time:
            stamp = self._classes.header_of(self._stamp_ns(time_s), '').stamp
            self._clocks.publish(Clock(clock=stamp))

    def _publish_attitude(self, time_s: float, attitude: Attitude) -> None:
        yaw, pitch, roll = self._noise.normal(0.0, _ATTITUDE_NOISE, 3).tolist()
        measured = Attitude(attitude.yaw + yaw, attitude.pitch + pitch, attitude.roll + roll)
        x, y, z, w = measured.quaternion
        header = self._classes.header_of(self._stamp_ns(time_s), 'gimbal')
        rotation = Quaternion(x=x, y=y, z=z, w=w)
        self._attitudes.publish(QuaternionStamped(header=header, quaternion=rotation))

    def _log_error(self, text: str) -> None:
        self.get_logger().error(text)

    def _on_command(self, arrival: Arrival) -> None:
        rates = arrival.message.vector
        self._gimbal.command(pitch_rate=rates.y, yaw_rate=rates.z)

    def _on_zoom(self, arrival: Arrival) -> None:
        self._lens.command(arrival.message.data)

    def _on_target(self, arrival: Arrival) -> None:
        with self._answered:
            self._answered_ns = stamp_ns_of(arrival.message.header)
            self._answered.notify()

    def _declare(self) -> None:
        """Read the parameters."""
        self._seed = read_only_parameter(
            self, 'seed', 0, 'Which landscape, wind and noise there are.', (0, 2**31 - 1)
        )
        self._duration_s = read_only_parameter(
            self, 'duration_s', 60.0, 'After that the node ends [s].', (1.0, 36000.0)
        )
        self._rate_hz = read_only_parameter(
            self, 'rate_hz', 30.0, 'Images per second.', (5.0, 90.0)
        )
        self._start_delay_s = read_only_parameter(
            self, 'start_delay_s', 3.0, 'How long the target stands at first [s].', (0.0, 600.0)
        )
        self._frame_id = read_only_parameter(
            self, 'frame_id', 'camera_optical_frame', 'Optical frame of the camera.'
        )
        self._subscribers = read_only_parameter(
            self,
            'wait_for_subscribers',
            0,
            'Subscribers of camera_info, and if not 0 one of the image, to wait for at first.',
            (0, 100),
        )
        self._has_camera_info = read_only_parameter(
            self, 'publish_camera_info', True, 'Publish camera_info with every image.'
        )
        self._drop_rate = read_only_parameter(
            self, 'drop_rate', 0.0, 'Part of the images that is not published.', (0.0, 1.0)
        )
        self._image_delay_s = read_only_parameter(
            self,
            'image_delay_s',
            0.0,
            'From taking an image to publishing it, besides what that takes [s].',
            (0.0, 1.0),
        )
        self._stall_at_s = read_only_parameter(
            self, 'stall_at_s', 0.0, 'When images stop [s].', (0.0, 36000.0)
        )
        self._stall_s = read_only_parameter(
            self, 'stall_s', 0.0, 'For how long they stop then [s].', (0.0, 36000.0)
        )
        self._is_simulated_time = read_only_parameter(
            self, 'simulated_time', False, 'Publish /clock, and wait for the tracker.'
        )
        self._speed = read_only_parameter(
            self,
            'speed',
            1.0,
            'With simulated_time: seconds of it in a second, at most.',
            (0.01, 10.0),
        )
        self._wait_for_targets_s = read_only_parameter(
            self,
            'wait_for_targets_s',
            2.0,
            'With simulated_time: how long to wait for tracker/target of each image [s].',
            (0.0, 60.0),
        )


def main() -> int:
    """Run the camera until its time is over, or SIGINT or SIGTERM."""
    cv2.setNumThreads(2)  # the other cores are the tracker's
    stop = threading.Event()
    exit_on_signals()
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = SimulatedCameraNode(stop)
        set_by_signals(stop)
        node.run()
        node.destroy_node()
    finally:
        rclpy.shutdown()
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
