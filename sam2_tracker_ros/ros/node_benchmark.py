# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The two figures of ros2_benchmark, for the real node over DDS: throughput and latency.

Camera, tracker and the listener that measures are three processes. Latency is taken at a camera's
rate, from the stamp of an image to the arrival of its Target; throughput with an image always
waiting. What the node says of itself on /diagnostics (step, overhead) is reported beside it.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
import json
from pathlib import Path
import sys
import time

import rclpy
from rclpy.signals import SignalHandlerOptions

from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND
from sam2_tracker_ros.errors import Sam2TrackerError
from sam2_tracker_ros.replay.interruption import ended_by_signals, status_of
from sam2_tracker_ros.replay.measuring import machine, percentiles_ms
from sam2_tracker_ros.replay.whole_file import whole_file
from sam2_tracker_ros.ros.accounts import WINDOW_FRAMES
from sam2_tracker_ros.ros.node_benchmark_listener import Arrival, Listener
from sam2_tracker_ros.ros.processes import (
    NodeProcess,
    ProcessError,
    stopping,
    use_own_domain,
    wait_until,
)
from sam2_tracker_ros.ros.simulated_camera_player import Play, Played, SimulatedCameraPlayer

READY_TIMEOUT_S = 120.0
PROMPT_TIMEOUT_S = 10.0
CAMERA_RATE_HZ = 30.0
# Twice as fast as most cameras: what is too fast must be dropped, not queued.
FAST_RATE_HZ = 60.0
# Shown while the target is prompted.
_HELD_FRAMES = 120
# Frames of each run that do not count: the bank of memories fills.
WARM_UP_FRAMES = 20
# What is on its way when the camera has stopped.
_LAST_MESSAGES_S = 1.0
_OWN_FIGURES = ('step', 'node overhead', 'taking', 'conversion', 'publishing', 'latency')


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and add the results to the file; 1 and one line when something fails."""
    parser = argparse.ArgumentParser(prog='node_benchmark', description='Measure the node.')
    parser.add_argument('--model', default='nano', help='model bundle (default: nano)')
    parser.add_argument(
        '--parameter',
        action='append',
        default=[],
        metavar='NAME:=VALUE',
        help='of the tracker; may be repeated',
    )
    parser.add_argument(
        '--duration', type=float, default=15.0, metavar='S', help='of each run (default: 15)'
    )
    parser.add_argument('--json', type=Path, required=True, help='add the results to this file')
    options = parser.parse_args(arguments)
    if not 4.0 <= options.duration <= 600.0:
        parser.error('--duration must be from 4 to 600 seconds')
    parameters = [f'model:={options.model}', *options.parameter]
    try:
        with ended_by_signals(with_children=True):
            results = _measure(parameters, options.duration, options.json.parent)
    except (Sam2TrackerError, OSError) as error:
        sys.stderr.write(f'node_benchmark: {error}\n')
        return 1
    except KeyboardInterrupt as interrupt:
        sys.stderr.write('node_benchmark: interrupted\n')
        return status_of(interrupt)
    report = json.loads(options.json.read_text('utf-8')) if options.json.exists() else {}
    report['node'] = {'machine': machine(), 'parameters': parameters, **results}
    with whole_file(options.json) as path:
        path.write_text(json.dumps(report, indent=1) + '\n', encoding='utf-8')
    for name, value in results.items():
        sys.stdout.write(f'{name:36} {value:.3f}\n')
    return 0


def _measure(parameters: Sequence[str], duration_s: float, folder: Path) -> dict[str, float]:
    """Run camera and tracker, and return what was measured."""
    folder.mkdir(parents=True, exist_ok=True)
    use_own_domain()
    with _listening() as listener, stopping() as processes, _playing() as camera:
        started_ns = time.time_ns()
        tracker = NodeProcess('tracker', folder / 'tracker.log', parameters)
        processes.append(tracker)
        run = _Run(listener, tracker, camera)
        run.wait('the tracker did not load its model', lambda: listener.ready_ns is not None)
        ready_ns = listener.ready_ns or started_ns
        results = {'start to MODEL_READY [s]': (ready_ns - started_ns) / NANOSECONDS_PER_SECOND}
        run.prompt()
        results |= run.latency(duration_s)
        results |= run.own_figures()
        results |= run.throughput(duration_s)
        results |= run.fast_camera(duration_s)
    return results


class _Run:
    """A tracker that is ready, and what is measured of it."""

    def __init__(
        self, listener: Listener, tracker: NodeProcess, camera: SimulatedCameraPlayer
    ) -> None:
        self._listener = listener
        self._tracker = tracker
        self._camera = camera

    def wait(
        self, what: str, is_done: Callable[[], bool], timeout_s: float = READY_TIMEOUT_S
    ) -> None:
        """Let messages in until something is the case; see processes.wait_until."""
        wait_until(self._listener, [self._tracker], what, is_done, timeout_s)

    def prompt(self) -> None:
        """Show the first frame until the target in it is tracked."""
        listener = self._listener
        self.wait('the tracker takes no prompts', listener.is_reached)
        self._camera.begin(Play(_HELD_FRAMES, CAMERA_RATE_HZ, is_held=True))
        self.wait('the tracker processed no frame', listener.has_processed)
        listener.point_at(self._camera.start)
        self.wait('the prompt started no target', listener.has_target, PROMPT_TIMEOUT_S)
        self._finish(PROMPT_TIMEOUT_S)

    def latency(self, duration_s: float) -> dict[str, float]:
        """Return what arrives when at the rate of a camera."""
        played, seen = self._play(CAMERA_RATE_HZ, duration_s)
        latencies_s = [
            (arrival.arrived_ns - arrival.stamp_ns) / NANOSECONDS_PER_SECOND
            for arrival in seen[WARM_UP_FRAMES:]
        ]
        figures = {
            f'latency at 30 Hz {name} [ms]': value
            for name, value in percentiles_ms(latencies_s).items()
            if name != 'count'
        }
        return {**figures, **_counts('30 Hz', played, seen)}

    def own_figures(self) -> dict[str, float]:
        """Return what the tracker says of its last frames, which were at the rate of a camera."""
        listener = self._listener
        figures = {
            f'{name} p{percent} [ms]': listener.number(f'{name} p{percent} [ms]')
            for name in _OWN_FIGURES
            for percent in (50, 95)
        }
        overhead_ms, step_ms = figures['node overhead p50 [ms]'], figures['step p50 [ms]']
        return {**figures, 'overhead / step': overhead_ms / step_ms}

    def throughput(self, duration_s: float) -> dict[str, float]:
        """Return how many frames a second there are with an image always waiting."""
        played, seen = self._play(0.0, duration_s)
        return {
            'throughput at saturation [Hz]': _rate_hz(seen),
            **_counts('saturation', played, seen),
        }

    def fast_camera(self, duration_s: float) -> dict[str, float]:
        """Return how many frames a second are left of too many."""
        played, seen = self._play(FAST_RATE_HZ, duration_s)
        return {'processed at 60 Hz [Hz]': _rate_hz(seen), **_counts('60 Hz', played, seen)}

    def _play(self, rate_hz: float, duration_s: float) -> tuple[Played, list[Arrival]]:
        """Show frames at a rate, 0 for as fast as the tracker goes, and return what arrived."""
        frame_count = round((rate_hz or CAMERA_RATE_HZ) * duration_s)
        self._listener.arrivals.clear()
        self._camera.begin(Play(frame_count, rate_hz))
        played = self._finish(duration_s)
        # Between two runs the watchdog repeats states, with stamps of its own.
        stamps_ns = set(played.stamps_ns)
        seen = [each for each in self._listener.arrivals if each.stamp_ns in stamps_ns]
        counted = len(seen) - WARM_UP_FRAMES
        with_target = sum(arrival.has_target for arrival in seen)
        if counted < WINDOW_FRAMES or with_target < len(seen) // 2:
            message = (
                f'only {counted} frames were processed after the first {WARM_UP_FRAMES}, and '
                f'{with_target} of all show the target; expected {WINDOW_FRAMES}, and most with '
                'it: take a longer --duration, or another model'
            )
            raise ProcessError(message)
        return played, seen

    def _finish(self, duration_s: float) -> Played:
        """Wait until the camera has stopped and its last images are answered."""
        played: list[Played] = []

        def has_ended() -> bool:
            result = self._camera.result()
            played.extend([] if result is None else [result])
            return bool(played)

        self.wait('the camera did not stop', has_ended, duration_s + READY_TIMEOUT_S)
        end_s = time.monotonic() + _LAST_MESSAGES_S
        self.wait('time stood still', lambda: time.monotonic() > end_s)
        return played[0]


def _rate_hz(seen: Sequence[Arrival]) -> float:
    """Return frames a second by the time of their arrival, after warming up."""
    arrived_ns = [arrival.arrived_ns for arrival in seen[WARM_UP_FRAMES:]]
    return (len(arrived_ns) - 1) * NANOSECONDS_PER_SECOND / (arrived_ns[-1] - arrived_ns[0])


def _counts(name: str, played: Played, seen: Sequence[Arrival]) -> dict[str, float]:
    published, processed = len(played.stamps_ns), len(seen)
    return {
        f'{name}: images published': published,
        f'{name}: published late': played.late,
        f'{name}: frames without a result': published - processed,
    }


@contextmanager
def _listening() -> Iterator[Listener]:
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    listener = Listener()
    try:
        yield listener
    finally:
        listener.destroy_node()
        rclpy.shutdown()


@contextmanager
def _playing() -> Iterator[SimulatedCameraPlayer]:
    camera = SimulatedCameraPlayer()
    try:
        yield camera
    except BaseException:
        camera.kill()
        raise
    camera.stop()
