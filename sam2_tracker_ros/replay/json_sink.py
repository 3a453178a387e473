# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
JSON lines: one for every target of every frame, and one for every event.

Nothing in them depends on the clock or the machine's load: two runs write the same bytes.
"""

from collections.abc import Sequence
import json
import math
from pathlib import Path
from typing import Any

from sam2_tracker_ros.core.bearing import CameraCalibration, bearing_of
from sam2_tracker_ros.core.types import Edge, Event, StepResult, TargetResult
from sam2_tracker_ros.replay.source import SourceFrame

_DECIMALS = 6


class JsonLinesSink:
    """Writes the file as results come."""

    def __init__(self, path: Path) -> None:
        self._file = path.open('w', encoding='utf-8', newline='\n')

    def write(self, source_frame: SourceFrame, result: StepResult) -> None:
        """Write a line for every event, then for every target."""
        self.write_events(source_frame, result.events)
        for target in result.targets:
            self._line(
                {
                    'type': 'target',
                    'frame': source_frame.index,
                    'stamp_ns': result.stamp_ns,
                    **target_as_dict(target, result.size_px, source_frame.calibration),
                }
            )

    def write_events(self, source_frame: SourceFrame, events: Sequence[Event]) -> None:
        """Write a line for every event."""
        for event in events:
            self._line(
                {'type': 'event', 'frame': source_frame.index, **event_as_dict(event)},
            )

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _line(self, values: dict[str, Any]) -> None:
        self._file.write(json.dumps(values, allow_nan=False) + '\n')


def event_as_dict(event: Event) -> dict[str, Any]:
    """Return an event as JSON has it."""
    return {
        'stamp_ns': event.stamp_ns,
        'event': event.type.name,
        'target_id': event.target_id,
        'epoch': event.epoch,
        'reason': event.reason.name,
        'gap_s': _number(event.gap_s),
        'detail': event.detail,
    }


def target_as_dict(
    target: TargetResult, size_px: tuple[int, int], calibration: CameraCalibration | None
) -> dict[str, Any]:
    """
    Return a target as JSON has it; what is unknown is null.

    :param size_px: width and height of the camera image.
    """
    box, motion = target.box, target.motion
    bearing = None
    if calibration is not None and box is not None:
        bearing = bearing_of(calibration, box, motion, size_px)
    return {
        'target_id': target.target_id,
        'epoch': target.epoch,
        'state': target.state.name,
        'reason': target.reason.name,
        'measured': target.measured,
        'box': None if box is None else _numbers(box.left, box.top, box.right, box.bottom),
        'velocity_px_s': None if motion is None else _numbers(*motion.velocity),
        'angles_rad': None if bearing is None else _numbers(*bearing.angles),
        'rates_rad_s': None if bearing is None else _numbers(*bearing.rates),
        'confidence': _number(target.scores.confidence),
        'object_score': _number(target.scores.object_score),
        'predicted_iou': _number(target.scores.predicted_iou),
        'motion_iou': _number(target.scores.motion_iou),
        'mask_area_px': 0 if target.mask is None else target.mask.area_px,
        'edges': [edge.name for edge in Edge if edge and edge in target.edges],
        'time_since_measured_s': _number(target.time_since_measured_s),
        'frames_since_measured': target.frames_since_measured,
    }


def _numbers(*values: float) -> list[float | None]:
    return [_number(value) for value in values]


def _number(value: float) -> float | None:
    return round(float(value), _DECIMALS) if math.isfinite(value) else None
