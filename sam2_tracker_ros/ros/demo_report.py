# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a run of the demo shows: a table, a video, a plot and the events."""

from collections.abc import Iterator
from dataclasses import dataclass, field
import json
from pathlib import Path

import numpy as np

from sam2_tracker_ros.core.geometry import box_iou, camera_mask
from sam2_tracker_ros.core.types import (
    NANOSECONDS_PER_SECOND,
    Event,
    EventType,
    Reason,
    TargetResult,
    UInt8Array,
)
from sam2_tracker_ros.messages import bgr_image
from sam2_tracker_ros.overlay import draw_note, draw_overlay
from sam2_tracker_ros.replay.json_sink import event_as_dict
from sam2_tracker_ros.replay.timeline import Timeline
from sam2_tracker_ros.replay.video_sink import OverlayVideoSink
from sam2_tracker_ros.replay.video_source import VideoSource
from sam2_tracker_ros.ros.demo_recorder import Recording
from sam2_tracker_ros.testing.scenes import Scene, SceneFrame

# From here on, a partly covered target counts as visible.
VISIBLE_FRACTION = 0.25
# A measured box that overlaps the truth less is on something else.
ON_TARGET_IOU = 0.3


@dataclass
class Score:
    """
    The tracker against the scene's truth, over the frames after the first with a target.

    :param visible: processed frames in which the target is visible to VISIBLE_FRACTION.
    :param on_target: of these, those measured with at least ON_TARGET_IOU.
    :param on_another: frames measured with less, while any of the target is visible.
    :param hidden: processed frames in which no pixel of it is.
    :param measured_while_hidden: of these, those with a measurement; every one is a false one.
    :param box_ious: of the measured frames in which any of it is visible.
    """

    visible: int = 0
    on_target: int = 0
    on_another: int = 0
    hidden: int = 0
    measured_while_hidden: int = 0
    box_ious: list[float] = field(default_factory=list)
    mask_ious: list[float] = field(default_factory=list)

    def add(self, target: TargetResult, truth: SceneFrame) -> None:
        """Compare one frame."""
        if truth.box is None:
            self.hidden += 1
            self.measured_while_hidden += target.measured
            return
        is_visible = truth.visible_fraction >= VISIBLE_FRACTION
        self.visible += is_visible
        if target.measured and target.box is not None:
            overlap = box_iou(target.box, truth.box)
            self.on_target += is_visible and overlap >= ON_TARGET_IOU
            self.on_another += overlap < ON_TARGET_IOU
            self.box_ious.append(overlap)
            if target.mask is not None:
                found = camera_mask(target.mask, (truth.image.shape[1], truth.image.shape[0]))
                union = np.count_nonzero(found | truth.mask)
                self.mask_ious.append(np.count_nonzero(found & truth.mask) / union)


def write_report(
    recording: Recording, out: Path, film: Scene | VideoSource, held_frames: int
) -> str:
    """
    Write overlay.mp4, timeline.png and events.jsonl, and return the table.

    :param film: what the camera showed.
    :param held_frames: how often it repeated the first frame.
    """
    score = Score()
    video = OverlayVideoSink(out / 'overlay.mp4', film.rate_hz)
    timeline = Timeline(out / 'timeline.png')
    by_index = _stamps_by_index(recording, film.rate_hz, held_frames)
    for index, image, truth in _film_frames(film):
        stamp_ns = by_index.get(index)
        result = None if stamp_ns is None else recording.result(stamp_ns)
        if result is None:
            what = 'not published' if stamp_ns is None else 'not processed'
            video.append(draw_note(image, f'frame {index}, {what}'))
            continue
        if truth is not None and result.targets:
            score.add(result.targets[0], truth)
        timeline.note(result)
        video.append(draw_overlay(image, result, f'frame {index}'))
    video.close()
    timeline.close()
    lines = [json.dumps(event_as_dict(event)) + '\n' for event in recording.events]
    (out / 'events.jsonl').write_text(''.join(lines), encoding='utf-8')
    return _table(recording, score, film.rate_hz)


def _stamps_by_index(recording: Recording, rate_hz: float, held_frames: int) -> dict[int, int]:
    """Return the stamp under which each frame of the film was published."""
    first_ns = recording.image_stamps[0]
    numbers = (
        round((stamp_ns - first_ns) * rate_hz / NANOSECONDS_PER_SECOND)
        for stamp_ns in recording.image_stamps
    )
    indices = (max(number - held_frames, 0) for number in numbers)
    return dict(zip(indices, recording.image_stamps, strict=True))


def _film_frames(
    film: Scene | VideoSource,
) -> Iterator[tuple[int, UInt8Array, SceneFrame | None]]:
    """Show the film again: index, image and, of a scene, the truth."""
    if isinstance(film, VideoSource):
        for source_frame in film.frames():
            if source_frame.frame is not None:
                yield source_frame.index, bgr_image(source_frame.frame), None
        return
    for index in range(film.frame_count):
        truth = film.frame(index)
        yield index, truth.image, truth


def _table(recording: Recording, score: Score, rate_hz: float) -> str:
    stamps = recording.image_stamps
    processed = [stamp for stamp in stamps if stamp in recording.targets]
    duration_s = (stamps[-1] - stamps[0]) / NANOSECONDS_PER_SECOND + 1.0 / rate_hz
    latencies_ms = 1e3 * np.array(recording.latencies_s())
    received = recording.frames_processed + recording.frames_dropped
    width, height = recording.size_px
    rows = [
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
    if score.visible:
        rows += _score_rows(score)
    rows += [
        _event_row(event, stamps[0])
        for event in recording.events
        if event.stamp_ns <= stamps[-1]
        and (event.stamp_ns >= stamps[0] or event.type is EventType.MODEL_READY)
    ]
    return '\n'.join(f'{name:>14}  {text}' for name, text in rows)


def _score_rows(score: Score) -> list[tuple[str, str]]:
    box_iou_mean = np.mean(score.box_ious) if score.box_ious else 0.0
    mask_iou_mean = np.mean(score.mask_ious) if score.mask_ious else 0.0
    share = 100.0 * score.on_target / score.visible
    return [
        ('mean IoU', f'box {box_iou_mean:.3f}, mask {mask_iou_mean:.3f}'),
        (
            'on target',
            f'{score.on_target} of {score.visible} frames with a visible target, {share:.1f} %; '
            f'measured on something else: {score.on_another}',
        ),
        ('while hidden', f'{score.measured_while_hidden} of {score.hidden} frames measured'),
    ]


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
