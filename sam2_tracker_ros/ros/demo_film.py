# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The user's own film, tracked over ROS 2: a camera that plays it, and the tracker."""

from dataclasses import dataclass
import math
from pathlib import Path
import time

from sam2_tracker_ros.core.types import Box, EventType
from sam2_tracker_ros.replay.video_source import VideoSource
from sam2_tracker_ros.ros.demo_recorder import FilmRecorder, Recording, check_acquired
from sam2_tracker_ros.ros.processes import NodeProcess, stopping, wait_until

READY_TIMEOUT_S = 120.0
FIRST_FRAME_TIMEOUT_S = 30.0
ANSWER_TIMEOUT_S = 10.0
# What is still on its way when the camera has ended.
LAST_MESSAGES_S = 1.0
# Frames with a Target before the prompt: everybody is connected then.
FRAMES_BEFORE_PROMPT = 5
# How long the first frame, in which the box was drawn, is shown.
HOLD_S = 2.0


@dataclass(frozen=True)
class Film:
    """
    What is shown.

    :param box: the target in the first frame.
    :param out: folder of the logs.
    """

    path: Path
    box: Box
    model: str
    out: Path


def show_film(film: Film, source: VideoSource, recorder: FilmRecorder) -> Recording:
    """
    Let camera and tracker do their work, and return what was recorded.

    :raises ProcessError: a process failed, or something did not happen in time.
    """
    recording = recorder.recording
    with stopping() as processes:
        tracker = NodeProcess('tracker', film.out / 'tracker.log', [f'model:={film.model}'])
        processes.append(tracker)
        wait_until(
            recorder,
            [tracker],
            'the tracker did not get ready',
            lambda: recorder.has_event(EventType.MODEL_READY),
            READY_TIMEOUT_S,
        )
        camera = NodeProcess(
            'video_publisher',
            film.out / 'camera.log',
            [
                f'video:={film.path.resolve()}',
                f'hold_first_frame_s:={HOLD_S}',
                'wait_for_subscribers:=2',
            ],
        )
        processes.append(camera)
        wait_until(
            recorder,
            [tracker],
            'no frames came through camera and tracker',
            lambda: _processed(recording) >= FRAMES_BEFORE_PROMPT or camera.has_ended(),
            FIRST_FRAME_TIMEOUT_S,
        )
        recorder.prompt(film.box, recording.image_stamps[-1] if recording.image_stamps else 0)
        wait_until(
            recorder,
            [tracker],
            'the prompt was not answered',
            lambda: recorder.has_event(EventType.ACQUIRED, EventType.PROMPT_REJECTED),
            ANSWER_TIMEOUT_S,
        )
        check_acquired(recording)
        longest_s = 60.0 + 2.0 * (source.frame_count or 10**6) / source.rate_hz
        wait_until(recorder, [tracker], 'the camera did not end', camera.has_ended, longest_s)
        end_s = time.monotonic() + LAST_MESSAGES_S
        wait_until(recorder, [tracker], '', lambda: time.monotonic() >= end_s, math.inf)
    return recording


def _processed(recording: Recording) -> int:
    """Return how many images have a Target."""
    return len(recording.targets.keys() & set(recording.image_stamps))
