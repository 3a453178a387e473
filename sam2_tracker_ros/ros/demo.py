# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The demo: a gimbal camera, the tracker, the follower and an operator, over ROS 2.

Each is a process of its own. The operator points at a car once, and the picture stays on it; or
the tracker follows something through a video file. What was published is recorded; the video of
it is made after the run, so that the run is not slowed down.
"""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
import sys
from typing import TypeVar

import rclpy
from rclpy.signals import SignalHandlerOptions

from sam2_tracker_ros.core.types import Box
from sam2_tracker_ros.errors import Sam2TrackerError
from sam2_tracker_ros.replay.interruption import ended_by_signals, status_of
from sam2_tracker_ros.replay.video_source import VideoSource
from sam2_tracker_ros.ros.demo_film import HOLD_S, Film, show_film
from sam2_tracker_ros.ros.demo_flight import Fault, Flight, FlightDemo
from sam2_tracker_ros.ros.demo_flight_recorder import FlightRecorder
from sam2_tracker_ros.ros.demo_flight_report import write_flight_report
from sam2_tracker_ros.ros.demo_recorder import FilmRecorder, Recorder
from sam2_tracker_ros.ros.demo_report import write_film_report
from sam2_tracker_ros.ros.point_at import box_of
from sam2_tracker_ros.ros.processes import use_own_domain

_Recorder = TypeVar('_Recorder', bound=Recorder)


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Show the demo.

    :return: 1 after one line on stderr when something fails, 2 for bad arguments, 130 or 143 after
        SIGINT or SIGTERM.
    """
    options = _options(arguments)
    out: Path = options.out
    try:
        with ended_by_signals(with_children=True):
            table = _show_film(options) if options.video else _fly(options)
        sys.stdout.write(table + '\n')
        sys.stdout.write(f'{"results":>14}  {out / "overlay.mp4"}, timeline.png, events.jsonl\n')
    except (Sam2TrackerError, OSError) as error:
        sys.stderr.write(f'demo: {error}\n')
        return 1
    except KeyboardInterrupt as interrupt:
        sys.stderr.write('demo: interrupted\n')
        return status_of(interrupt)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog='demo', description='Track over ROS 2 and show it.')
    parser.add_argument('--video', type=Path, help='a video file instead of the flight')
    parser.add_argument(
        '--box', type=box_of, metavar='X,Y,W,H', help="target in the video's first frame [px]"
    )
    parser.add_argument('--model', default='nano', help='model bundle (default: nano)')
    parser.add_argument(
        '--duration', type=float, default=60.0, metavar='S', help='of the flight (default: 60)'
    )
    parser.add_argument('--seed', type=int, default=0, help='which landscape (default: 0)')
    parser.add_argument(
        '--fault',
        choices=[fault.value for fault in Fault],
        default=Fault.NONE.value,
        help='what goes wrong (default: none)',
    )
    parser.add_argument(
        '--fault-at',
        type=float,
        metavar='S',
        help='when, since the first image (default: after a third of the flight)',
    )
    parser.add_argument(
        '--real-time',
        action='store_true',
        help='on four cores or more; else the world waits for the tracker, with a delay of 60 ms '
        'for every image: the same flight on a machine of any speed',
    )
    parser.add_argument(
        '--out', type=Path, default=Path('build/demo'), help='folder of the results'
    )
    options = parser.parse_args(arguments)
    if (options.video is None) != (options.box is None):
        parser.error('--video and --box belong together')
    if not 4.0 <= options.duration <= 600.0:
        parser.error('--duration must be from 4 to 600 seconds')
    return options


def _fly(options: argparse.Namespace) -> str:
    flight = Flight(
        duration_s=options.duration,
        seed=options.seed,
        model=options.model,
        fault=Fault(options.fault),
        fault_s=options.duration / 3 if options.fault_at is None else options.fault_at,
        # A tracker that is killed keeps no clock waiting.
        is_simulated_time=not options.real_time and options.fault != Fault.TRACKER_KILLED.value,
        out=options.out,
    )
    flight.out.mkdir(parents=True, exist_ok=True)
    with _ros(FlightRecorder) as recorder:
        recording = FlightDemo(flight, recorder).run()
    return write_flight_report(recording, flight)


def _show_film(options: argparse.Namespace) -> str:
    source = VideoSource(options.video, None)
    film = Film(options.video, Box(*options.box), options.model, options.out)
    film.out.mkdir(parents=True, exist_ok=True)
    with _ros(FilmRecorder) as recorder:
        recording = show_film(film, source, recorder)
    return write_film_report(recording, film.out, source, round(HOLD_S * source.rate_hz))


@contextmanager
def _ros(recorder_class: type[_Recorder]) -> Iterator[_Recorder]:
    """Give a recorder, in a domain of its own so that two demos do not hear each other."""
    use_own_domain()
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    recorder = recorder_class()
    try:
        yield recorder
    finally:
        recorder.destroy_node()
        rclpy.shutdown()


if __name__ == '__main__':
    sys.exit(main())
