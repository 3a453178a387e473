# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The demo: a camera, the tracker and a recorder, each in its own process, over ROS 2.

The camera shows the simulated drone scene, or a video file. What the tracker publishes is
recorded; the video of it is made after the run, so that the run is not slowed down.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
import math
from pathlib import Path
import signal
import sys
import time

import rclpy
from rclpy.signals import SignalHandlerOptions

from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND, Box, EventType
from sam2_tracker_ros.errors import Sam2TrackerError
from sam2_tracker_ros.replay.video_source import VideoSource
from sam2_tracker_ros.ros.demo_recorder import Recorder, Recording
from sam2_tracker_ros.ros.demo_report import write_report
from sam2_tracker_ros.ros.point_at import box_of
from sam2_tracker_ros.ros.processes import (
    NodeProcess,
    ProcessError,
    stopping,
    use_own_domain,
    wait_until,
)
from sam2_tracker_ros.testing.drone_scene import DroneScene
from sam2_tracker_ros.testing.scenes import Scene

READY_TIMEOUT_S = 120.0
FIRST_FRAME_TIMEOUT_S = 30.0
ANSWER_TIMEOUT_S = 10.0
# What is still on its way when the camera has ended.
LAST_MESSAGES_S = 1.0
# Frames with a Target before the prompt: everybody is connected then.
FRAMES_BEFORE_PROMPT = 5
VIDEO_HOLD_S = 2.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Show the demo; 1 and one line when something fails, 2 for bad arguments."""
    options = _options(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT is ignored in a job of a script
        signal.signal(number, signal.default_int_handler)
    try:
        film = _film(options)
        out: Path = options.out
        out.mkdir(parents=True, exist_ok=True)
        recording = _run(options, film)
        held = round(VIDEO_HOLD_S * film.rate_hz) if options.video else 0
        sys.stdout.write(write_report(recording, out, film, held) + '\n')
        sys.stdout.write(f'{"results":>14}  {out / "overlay.mp4"}, timeline.png, events.jsonl\n')
    except (Sam2TrackerError, OSError) as error:
        sys.stderr.write(f'demo: {error}\n')
        return 1
    except KeyboardInterrupt:
        sys.stderr.write('demo: interrupted\n')
        return 130
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog='demo', description='Track over ROS 2 and show it.')
    parser.add_argument('--video', type=Path, help='a video file instead of the drone scene')
    parser.add_argument(
        '--box', type=box_of, metavar='X,Y,W,H', help="target in the video's first frame [px]"
    )
    parser.add_argument('--model', default='nano', help='model bundle (default: nano)')
    parser.add_argument(
        '--duration',
        type=float,
        default=20.0,
        metavar='S',
        help='of the drone scene (default: 20)',
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


def _film(options: argparse.Namespace) -> Scene | VideoSource:
    if options.video is None:
        return DroneScene(duration_s=options.duration)
    return VideoSource(options.video, None)


def _run(options: argparse.Namespace, film: Scene | VideoSource) -> Recording:
    """Let the three processes do their work, and return what was recorded."""
    camera_parameters = ['wait_for_subscribers:=2', f'duration_s:={options.duration}']
    if options.video is not None:
        camera_parameters += [
            f'video:={options.video.resolve()}',
            f'hold_first_frame_s:={VIDEO_HOLD_S}',
        ]
    out: Path = options.out
    with _ros() as recorder, stopping() as processes:
        tracker = NodeProcess('tracker', out / 'tracker.log', [f'model:={options.model}'])
        processes.append(tracker)

        def wait(what: str, is_done: Callable[[], bool], timeout_s: float) -> None:
            wait_until(recorder, [tracker], what, is_done, timeout_s)

        wait(
            'the tracker did not get ready',
            lambda: recorder.has_event(EventType.MODEL_READY),
            READY_TIMEOUT_S,
        )
        camera = NodeProcess('simulated_camera', out / 'camera.log', camera_parameters)
        processes.append(camera)
        recording = recorder.recording
        wait(
            'no frames came through camera and tracker',
            lambda: _processed(recording) >= FRAMES_BEFORE_PROMPT or camera.has_ended(),
            FIRST_FRAME_TIMEOUT_S,
        )
        stamp_ns = recording.image_stamps[-1] if recording.image_stamps else 0
        recorder.prompt(_prompt_box(options, film, recording), stamp_ns)
        wait(
            'the prompt was not answered',
            lambda: recorder.has_event(EventType.ACQUIRED, EventType.PROMPT_REJECTED),
            ANSWER_TIMEOUT_S,
        )
        _check_acquired(recording)
        wait('the camera did not end', camera.has_ended, _longest_s(film))
        end_s = time.monotonic() + LAST_MESSAGES_S
        wait('', lambda: time.monotonic() >= end_s, math.inf)
    return recording


def _processed(recording: Recording) -> int:
    """Return how many images have a Target."""
    return len(recording.targets.keys() & set(recording.image_stamps))


def _prompt_box(
    options: argparse.Namespace, film: Scene | VideoSource, recording: Recording
) -> Box:
    """Return where the target is in the newest image."""
    if isinstance(film, VideoSource):
        return Box(*options.box)
    if not recording.image_stamps:
        raise ProcessError('the camera ended without a frame; see the logs beside the results')
    age_ns = recording.image_stamps[-1] - recording.image_stamps[0]
    truth = film.frame(round(age_ns * film.rate_hz / NANOSECONDS_PER_SECOND))
    if truth.box is None:
        raise ProcessError('the target is hidden where it should be prompted; take a longer scene')
    return truth.box


def _check_acquired(recording: Recording) -> None:
    for event in recording.events:
        if event.type is EventType.PROMPT_REJECTED:
            message = f'no ACQUIRED, the prompt was rejected: {event.detail}'
            raise ProcessError(message)


def _longest_s(film: Scene | VideoSource) -> float:
    """Return more time than the camera may need."""
    return 60.0 + 2.0 * (film.frame_count or 10**6) / film.rate_hz


@contextmanager
def _ros() -> Iterator[Recorder]:
    """Give a recorder, in a domain of its own so that two demos do not hear each other."""
    use_own_domain()
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    recorder = Recorder()
    try:
        yield recorder
    finally:
        recorder.destroy_node()
        rclpy.shutdown()


if __name__ == '__main__':
    sys.exit(main())
