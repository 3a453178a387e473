# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a run of the demo shows: tables of messages and events, and the film with its results."""

import json
from pathlib import Path

import numpy as np

from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND, Event, EventType, Reason
from sam2_tracker_ros.messages import bgr_image
from sam2_tracker_ros.overlay import draw_note, draw_overlay
from sam2_tracker_ros.replay.json_sink import event_as_dict
from sam2_tracker_ros.replay.timeline import Timeline
from sam2_tracker_ros.replay.video_sink import OverlayVideoSink
from sam2_tracker_ros.replay.video_source import VideoSource
from sam2_tracker_ros.replay.whole_file import whole_file
from sam2_tracker_ros.ros.demo_recorder import Recording


def write_film_report(recording: Recording, out: Path, film: VideoSource, held_frames: int) -> str:
    """
    Write overlay.mp4, timeline.png and events.jsonl, and return the table.

    :param film: what the camera showed.
    :param held_frames: how often it repeated the first frame.
    """
    timeline = Timeline(out / 'timeline.png')
    by_index = _stamps_by_index(recording, film.rate_hz, held_frames)
    with OverlayVideoSink(out / 'overlay.mp4', film.rate_hz) as video:
        for source_frame in film.frames():
            if source_frame.frame is None:
                continue
            index, image = source_frame.index, bgr_image(source_frame.frame)
            stamp_ns = by_index.get(index)
            result = None if stamp_ns is None else recording.result(stamp_ns)
            if result is None:
                what = 'not published' if stamp_ns is None else 'not processed'
                video.append(draw_note(image, f'frame {index}, {what}'))
                continue
            timeline.note(result)
            video.append(draw_overlay(image, result, f'frame {index}'))
    timeline.close()
    write_events(recording, out / 'events.jsonl')
    return as_text(traffic_rows(recording, film.rate_hz) + event_rows(recording))


def write_events(recording: Recording, path: Path) -> None:
    """Write the events as lines of JSON."""
    lines = [json.dumps(event_as_dict(event)) + '\n' for event in recording.events]
    with whole_file(path) as partial:
        partial.write_text(''.join(lines), encoding='utf-8')


def as_text(rows: list[tuple[str, str]]) -> str:
    """Return a table of names and texts."""
    return '\n'.join(f'{name:>14}  {text}' for name, text in rows)


def traffic_rows(recording: Recording, rate_hz: float) -> list[tuple[str, str]]:
    """Return how many images and results came, and how late."""
    stamps = recording.image_stamps
    processed = [stamp for stamp in stamps if stamp in recording.targets]
    duration_s = (stamps[-1] - stamps[0]) / NANOSECONDS_PER_SECOND + 1.0 / rate_hz
    latencies_ms = 1e3 * np.array(recording.latencies_s())
    received = recording.frames_processed + recording.frames_dropped
    width, height = recording.size_px
    return [
        ('published', f'{len(stamps)} frames, {width} x {height} at {rate_hz:.4g} Hz'),
        (
            'received',
            f'{received}, processed {recording.frames_processed}, '
            f'dropped {recording.frames_dropped}, lost on the way {len(stamps) - received}',
        ),
        ('with a Target', f'{len(processed)}, {len(processed) / duration_s:.1f} a second'),
        (
            'latency',
            f'median {np.median(latencies_ms):.0f} ms, p95 {np.percentile(latencies_ms, 95):.0f} '
            'ms, from capture to Target',
        ),
    ]


def event_rows(recording: Recording) -> list[tuple[str, str]]:
    """Return the events of the run, and when the model was ready."""
    first_ns, last_ns = recording.image_stamps[0], recording.image_stamps[-1]
    return [
        _event_row(event, first_ns)
        for event in recording.events
        if event.stamp_ns <= last_ns
        and (event.stamp_ns >= first_ns or event.type is EventType.MODEL_READY)
    ]


def _stamps_by_index(recording: Recording, rate_hz: float, held_frames: int) -> dict[int, int]:
    """Return the stamp under which each frame of the film was published."""
    first_ns = recording.image_stamps[0]
    numbers = (
        round((stamp_ns - first_ns) * rate_hz / NANOSECONDS_PER_SECOND)
        for stamp_ns in recording.image_stamps
    )
    indices = (max(number - held_frames, 0) for number in numbers)
    return dict(zip(indices, recording.image_stamps, strict=True))


def _event_row(event: Event, start_ns: int) -> tuple[str, str]:
    time_s = (event.stamp_ns - start_ns) / NANOSECONDS_PER_SECOND
    words = [f'{time_s:7.3f} s', event.type.name]
    if event.reason is not Reason.NONE:
        words.append(event.reason.name)
    if event.gap_s:
        words.append(f'after {event.gap_s:.2f} s')
    if event.detail:
        words.append(event.detail)
    return 'event', ' '.join(words)
