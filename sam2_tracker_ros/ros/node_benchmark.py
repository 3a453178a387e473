# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
What the node adds to Tracker.step: the camera and the tracker in their own processes, over DDS.

The numbers are the tracker's own, from /diagnostics, of its last frames.
"""

import argparse
from collections.abc import Sequence
import json
from pathlib import Path
import signal
import sys

from diagnostic_msgs.msg import DiagnosticArray
import rclpy
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CameraInfo

from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND
from sam2_tracker_ros.errors import Sam2TrackerError
from sam2_tracker_ros.messages import stamp_ns_of
from sam2_tracker_ros.msg import Prompt
from sam2_tracker_ros.ros import qos
from sam2_tracker_ros.ros.accounts import WINDOW_FRAMES
from sam2_tracker_ros.ros.processes import (
    NodeProcess,
    ProcessError,
    check_model,
    stopping,
    use_own_domain,
    wait_until,
)
from sam2_tracker_ros.testing.drone_scene import DroneScene

READY_TIMEOUT_S = 60.0
PROMPT_TIMEOUT_S = 10.0
# What the diagnostics say of a number that there is none of yet.
UNKNOWN = 'unknown'


class _Listener(Node):
    """Keeps the newest values of the tracker's diagnostics, and points at the target."""

    def __init__(self) -> None:
        super().__init__('node_benchmark')
        self.values: dict[str, str] = {}
        self._first_ns: int | None = None
        self._newest_ns = 0
        self._prompts = self.create_publisher(Prompt, 'tracker/prompt', qos.PROMPT)
        self.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, 10)
        self.create_subscription(CameraInfo, 'camera_info', self._on_camera_info, 10)

    def point_at_target(self, scene: DroneScene) -> None:
        """Prompt with the box that the target has in the newest image."""
        age_ns = self._newest_ns - (self._first_ns or self._newest_ns)
        box = scene.frame(round(age_ns * scene.rate_hz / NANOSECONDS_PER_SECOND)).box
        if box is None:
            raise ProcessError('the target is hidden where it should be prompted; run it again')
        self._prompts.publish(Prompt(box=[box.left, box.top, box.right, box.bottom]))

    def _on_camera_info(self, message: CameraInfo) -> None:
        self._newest_ns = stamp_ns_of(message.header)
        if self._first_ns is None:
            self._first_ns = self._newest_ns

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        check_model(message)
        for status in message.status:
            self.values |= {pair.key: pair.value for pair in status.values}

    def knows(self, key: str) -> bool:
        """Return whether the tracker has reported a value."""
        return self.values.get(key, UNKNOWN) != UNKNOWN

    def number(self, key: str) -> float:
        """Return a value, or 0 while it is unknown."""
        return float(self.values[key]) if self.knows(key) else 0.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and add the results to the file; 1 and one line when something fails."""
    parser = argparse.ArgumentParser(prog='node_benchmark', description='Measure the node.')
    parser.add_argument('--model', default='nano', help='model bundle (default: nano)')
    parser.add_argument(
        '--duration', type=float, default=30.0, metavar='S', help='of the scene (default: 30)'
    )
    parser.add_argument('--json', type=Path, required=True, help='add the results to this file')
    options = parser.parse_args(arguments)
    if not 4.0 <= options.duration <= 600.0:
        parser.error('--duration must be from 4 to 600 seconds')
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT is ignored in a job of a script
        signal.signal(number, signal.default_int_handler)
    try:
        results = _measure(options.model, options.duration, options.json.parent)
    except (Sam2TrackerError, OSError) as error:
        sys.stderr.write(f'node_benchmark: {error}\n')
        return 1
    except KeyboardInterrupt:
        sys.stderr.write('node_benchmark: interrupted\n')
        return 130
    report = json.loads(options.json.read_text('utf-8')) if options.json.exists() else {}
    report['node'] = results
    options.json.write_text(json.dumps(report, indent=1) + '\n', encoding='utf-8')
    for name, value in results.items():
        sys.stdout.write(f'{name:36} {value:.3f}\n')
    return 0


def _measure(model: str, duration_s: float, folder: Path) -> dict[str, float]:
    """Run camera and tracker, and return what the tracker says of itself at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    scene = DroneScene(duration_s=duration_s)
    use_own_domain()
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    listener = _Listener()
    try:
        with stopping() as processes:
            tracker = NodeProcess('tracker', folder / 'tracker.log', [f'model:={model}'])
            processes.append(tracker)
            wait_until(
                listener,
                [tracker],
                'the tracker did not load its model',
                lambda: listener.knows('model'),
                READY_TIMEOUT_S,
            )
            camera = NodeProcess(
                'simulated_camera',
                folder / 'camera.log',
                [f'duration_s:={duration_s}', 'wait_for_subscribers:=1'],
            )
            processes.append(camera)
            wait_until(
                listener,
                [tracker, camera],
                'the tracker processed no frame',
                lambda: listener.knows('step p50 [ms]'),
                READY_TIMEOUT_S,
            )
            listener.point_at_target(scene)
            wait_until(
                listener,
                [tracker, camera],
                'the prompt started no target',
                lambda: bool(listener.values.get('targets')),
                PROMPT_TIMEOUT_S,
            )
            idle_frames = listener.number('frames processed')
            wait_until(
                listener,
                [tracker],
                'the camera did not end',
                camera.has_ended,
                duration_s + READY_TIMEOUT_S,
            )
        _check_frames(listener.number('frames processed') - idle_frames)
        return _results(listener)
    finally:
        listener.destroy_node()
        rclpy.shutdown()


def _check_frames(count: float) -> None:
    """Refuse numbers that are partly of frames without a target, which cost nothing."""
    if count < WINDOW_FRAMES:
        message = (
            f'only {count:.0f} frames were processed with a target; expected {WINDOW_FRAMES}: '
            'take a longer --duration'
        )
        raise ProcessError(message)


def _results(listener: _Listener) -> dict[str, float]:
    keys = ('rate [Hz]', 'frames received', 'frames processed', 'frames dropped')
    results = {key: listener.number(key) for key in keys}
    for name in ('step', 'node overhead', 'conversion', 'latency'):
        for percent in (50, 95):
            key = f'{name} p{percent} [ms]'
            results[key] = listener.number(key)
    step_ms, overhead_ms = results['step p50 [ms]'], results['node overhead p50 [ms]']
    results['overhead / step'] = overhead_ms / step_ms
    results['conversion / overhead'] = results['conversion p50 [ms]'] / overhead_ms
    return results


if __name__ == '__main__':
    sys.exit(main())
