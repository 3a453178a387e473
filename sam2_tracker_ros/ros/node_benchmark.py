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
import time

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
from sam2_tracker_ros.ros.processes import NodeProcess, ProcessError, stopping, use_own_domain
from sam2_tracker_ros.testing.drone_scene import DroneScene

READY_TIMEOUT_S = 60.0


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
        for status in message.status:
            self.values |= {pair.key: pair.value for pair in status.values}

    def number(self, key: str) -> float:
        """Return a value, or 0 while it is unknown."""
        text = self.values.get(key, 'unknown')
        return 0.0 if text == 'unknown' else float(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and add the results to the file; 1 and one line when something fails."""
    parser = argparse.ArgumentParser(prog='node_benchmark', description='Measure the node.')
    parser.add_argument('--model', default='nano', help='model bundle (default: nano)')
    parser.add_argument(
        '--duration', type=float, default=15.0, metavar='S', help='of the scene (default: 15)'
    )
    parser.add_argument('--json', type=Path, required=True, help='add the results to this file')
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        results = _measure(options.model, max(options.duration, 4.0), options.json.parent)
    except (Sam2TrackerError, OSError) as error:
        sys.stderr.write(f'node_benchmark: {error}\n')
        return 1
    report = json.loads(options.json.read_text('utf-8')) if options.json.exists() else {}
    report['node'] = results
    options.json.write_text(json.dumps(report, indent=1) + '\n', encoding='utf-8')
    for name, value in results.items():
        sys.stdout.write(f'{name:36} {value:.3f}\n')
    return 0


def _measure(model: str, duration_s: float, folder: Path) -> dict[str, float]:
    """Run camera and tracker, and return what the tracker says of itself at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    use_own_domain()
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    listener = _Listener()
    try:
        with stopping() as processes:
            tracker = NodeProcess('tracker', folder / 'tracker.log', [f'model:={model}'])
            processes.append(tracker)
            _spin_until(listener, 'model', READY_TIMEOUT_S)
            camera = NodeProcess(
                'simulated_camera',
                folder / 'camera.log',
                [f'duration_s:={duration_s}', 'wait_for_subscribers:=1'],
            )
            processes.append(camera)
            _spin_until(listener, 'step p50 [ms]', READY_TIMEOUT_S)
            listener.point_at_target(DroneScene(duration_s=duration_s))
            while not camera.has_ended():
                rclpy.spin_once(listener, timeout_sec=0.05)
        return _results(listener)
    finally:
        listener.destroy_node()
        rclpy.shutdown()


def _spin_until(listener: _Listener, key: str, timeout_s: float) -> None:
    end_s = time.monotonic() + timeout_s
    while listener.values.get(key, 'unknown') == 'unknown':
        rclpy.spin_once(listener, timeout_sec=0.05)
        if time.monotonic() > end_s:
            message = f'the tracker did not report {key!r} within {timeout_s:.0f} s'
            raise ProcessError(message)


def _results(listener: _Listener) -> dict[str, float]:
    keys = ('rate [Hz]', 'frames received', 'frames processed', 'frames dropped')
    results = {key: listener.number(key) for key in keys}
    for name in ('step', 'node overhead', 'conversion', 'latency'):
        for percent in (50, 95):
            key = f'{name} p{percent} [ms]'
            results[key] = listener.number(key)
    step_ms, overhead_ms = results['step p50 [ms]'], results['node overhead p50 [ms]']
    if not (step_ms and overhead_ms):
        message = 'the tracker processed no frames; see the logs beside the results'
        raise ProcessError(message)
    results['overhead / step'] = overhead_ms / step_ms
    results['conversion / overhead'] = results['conversion p50 [ms]'] / overhead_ms
    return results


if __name__ == '__main__':
    sys.exit(main())
