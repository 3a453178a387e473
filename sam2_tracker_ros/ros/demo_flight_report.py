# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a flight shows: a table, a video, a plot and the events."""

from bisect import bisect_right
import math

import cv2
import numpy as np

from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND
from sam2_tracker_ros.gimbal.geometry import pose_of_quaternion
from sam2_tracker_ros.gimbal.types import Mode
from sam2_tracker_ros.messages import stamp_ns_of
from sam2_tracker_ros.overlay import draw_note, draw_overlay
from sam2_tracker_ros.replay.video_sink import OverlayVideoSink
from sam2_tracker_ros.ros.demo_flight import Fault, Flight
from sam2_tracker_ros.ros.demo_flight_figures import (
    IN_PLACE,
    ON_TARGET_IOU,
    FlightFigures,
    figures_of,
)
from sam2_tracker_ros.ros.demo_flight_plot import draw
from sam2_tracker_ros.ros.demo_flight_recorder import FlightRecording
from sam2_tracker_ros.ros.demo_report import as_text, event_rows, traffic_rows, write_events
from sam2_tracker_ros.testing.aerial_scene import AerialScene
from sam2_tracker_ros.testing.pan_tilt import Attitude

RATE_HZ = 30.0
_CROSS_PX = 18
_CROSS_BGR = (245, 245, 245)


def write_flight_report(recording: FlightRecording, flight: Flight) -> str:
    """Write overlay.mp4, timeline.png and events.jsonl, and return the table."""
    figures = figures_of(recording)
    write_events(recording, flight.out / 'events.jsonl')
    title = f'{flight.duration_s:.0f} s, fault: {flight.fault.value}'
    has_moment = flight.fault not in (Fault.NONE, Fault.NO_CAMERA_INFO)
    fault_s = flight.fault_s if has_moment else None
    draw(recording, figures, flight.out / 'timeline.png', title, fault_s)
    _draw_video(recording, flight)
    rows = traffic_rows(recording, RATE_HZ) + _figure_rows(figures) + event_rows(recording)
    return as_text(rows)


def _draw_video(recording: FlightRecording, flight: Flight) -> None:
    """Render again what the camera saw, with what was said of it and where the middle is."""
    scene = AerialScene(flight.seed)
    start_ns = recording.image_stamps[0]
    mode_by_time = [
        (stamp_ns_of(item.header), Mode(item.mode).name) for item in recording.statuses
    ]
    times = [stamp_ns for stamp_ns, _ in mode_by_time]
    with OverlayVideoSink(flight.out / 'overlay.mp4', RATE_HZ) as video:
        for stamp_ns, attitude in _attitudes(recording).items():
            time_s = (stamp_ns - start_ns) / NANOSECONDS_PER_SECOND
            image = scene.render(time_s, attitude).image
            newest = bisect_right(times, stamp_ns) - 1
            note = f'{time_s:.1f} s, gimbal {mode_by_time[newest][1]}' if newest >= 0 else ''
            result = recording.result(stamp_ns)
            shown = draw_note(image, note) if result is None else draw_overlay(image, result, note)
            middle = shown.shape[1] // 2, shown.shape[0] // 2
            cv2.drawMarker(shown, middle, _CROSS_BGR, cv2.MARKER_CROSS, _CROSS_PX)
            video.append(shown)


def _attitudes(recording: FlightRecording) -> dict[int, Attitude]:
    """Return how the camera looked in each image, and how fast that changed, by its stamp."""
    stamps = [stamp for stamp in recording.image_stamps if stamp in recording.attitudes]
    poses = [pose_of_quaternion(*recording.attitudes[stamp]) for stamp in stamps]
    angles = np.unwrap(np.array([pose for pose in poses if pose is not None]), axis=0)
    rates = np.gradient(angles, np.array(stamps) / NANOSECONDS_PER_SECOND, axis=0)
    rows = np.hstack([angles, rates]).tolist()
    return {
        stamp: Attitude(yaw, pitch, roll, yaw_rate, pitch_rate, roll_rate)
        for stamp, (yaw, pitch, roll, yaw_rate, pitch_rate, roll_rate) in zip(
            stamps, rows, strict=True
        )
    }


def _figure_rows(figures: FlightFigures) -> list[tuple[str, str]]:
    rows = _pointing_rows(figures) if figures.seen() else []
    hidden = [frame for frame in figures.frames if frame.hidden]
    false = sum(frame.target is not None and frame.target.measured for frame in hidden)
    rows += [('while hidden', f'{false} of {len(hidden)} frames measured')]
    rows += [
        (
            'LOST',
            f'at {loss.time_s:.2f} s: zero rate after {1e3 * loss.zero_after_s:.0f} ms, '
            f'{loss.turning_messages} turning commands before it',
        )
        for loss in figures.losses
    ]
    rows += [
        (
            'blind',
            f'turning for {figures.longest_blind_turn_s:.2f} s at most after the newest '
            f'measurement, {math.degrees(figures.blind_turn_rad):.1f} deg',
        )
    ]
    return rows


def _pointing_rows(figures: FlightFigures) -> list[tuple[str, str]]:
    seen = figures.seen()
    overlaps = [frame.overlap for frame in seen if math.isfinite(frame.overlap)]
    other = sum(overlap < ON_TARGET_IOU for overlap in overlaps)
    rows = [
        (
            'in place',
            f'{100.0 * figures.share_in_place():.1f} % of {len(seen)} frames with a visible '
            f'target within {100.0 * IN_PLACE:.0f} % of the half width',
        ),
        ('pointing error', f'{math.degrees(figures.rms_error_rad()):.2f} deg RMS'),
        (
            'box',
            f'IoU {np.mean(overlaps) if overlaps else 0.0:.3f} in {len(overlaps)} measured '
            f'frames, on something else in {other}',
        ),
    ]
    if figures.overshoots:
        shares = ', '.join(f'{100.0 * share:.0f} %' for share in figures.overshoots)
        rows.append(('overshoot', f'{shares} of the error when it was found again'))
    return rows
