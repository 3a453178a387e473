# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a tracker says while its target is out of sight, and when it comes back."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from sam2_tracker_ros.core.types import TargetState

FOUND_IOU = 0.3
WRONG_IOU = 0.1


@dataclass(frozen=True)
class FrameRow:
    """
    One frame of a clip: what is true and what was said.

    :param frame: of the media, counted from 0.
    :param iou: of the answered and the true box; 0 without an answer, None when there is no truth
        to compare with.
    :param error_px: distance of the centres; infinite without an answer.
    :param normalized_error: the same in widths and heights of the true box.
    :param region: J; None where there are no two masks to compare. `contour`: F.
    :param is_present: None when it is not known or cannot be judged.
    """

    frame: int
    state: TargetState
    is_measured: bool
    is_present: bool | None
    iou: float | None = None
    error_px: float | None = None
    normalized_error: float | None = None
    region: float | None = None
    contour: float | None = None


@dataclass(frozen=True)
class LossFigures:
    """
    How absence was met; None where there is nothing to take it of.

    Times begin at the first frame that can be judged: all of the target is hidden, or enough of it
    is back.

    :param precision: of the frames that were not measured, those in which the target was absent.
    :param recall: of the frames in which it was absent, those that were not measured.
    :param to_lost_s: for each absence, from vanishing to LOST, 0 when it was LOST before that;
        None when it was not said.
    :param to_reacquired_s: for each return, until it was measured with IoU 0.3; None when never.
    :param false_reacquisitions: times that a target that was not measured was measured again
        while absent, or elsewhere (IoU under 0.1).
    """

    precision: float | None
    recall: float | None
    to_lost_s: tuple[float | None, ...]
    to_reacquired_s: tuple[float | None, ...]
    false_reacquisitions: int


def loss_figures(rows: Sequence[FrameRow], rate_hz: float) -> LossFigures:
    """Return the figures of one clip, from a row for each frame."""
    judged = [row for row in rows if row.is_present is not None]
    unmeasured = [row for row in judged if not row.is_measured]
    absent = [row for row in judged if not row.is_present]
    both = sum(not row.is_present for row in unmeasured)
    to_lost, to_reacquired = _delays(judged, rate_hz)
    return LossFigures(
        precision=both / len(unmeasured) if unmeasured else None,
        recall=both / len(absent) if absent else None,
        to_lost_s=to_lost,
        to_reacquired_s=to_reacquired,
        false_reacquisitions=_false_reacquisitions(rows),
    )


def _delays(
    rows: Sequence[FrameRow], rate_hz: float
) -> tuple[tuple[float | None, ...], tuple[float | None, ...]]:
    """Return how long LOST took in every absence, and finding again after it."""
    lost: list[float | None] = []
    found: list[float | None] = []
    for is_present, group in groupby(rows, key=lambda row: row.is_present):
        span = list(group)
        if not is_present:
            hits = (row.frame for row in span if row.state is TargetState.LOST)
            lost.append(_seconds(span[0].frame, next(hits, None), rate_hz))
        elif lost:
            hits = (row.frame for row in span if row.is_measured and (row.iou or 0.0) >= FOUND_IOU)
            found.append(_seconds(span[0].frame, next(hits, None), rate_hz))
    return tuple(lost), tuple(found)


def _seconds(first: int, then: int | None, rate_hz: float) -> float | None:
    return None if then is None else (then - first) / rate_hz


def _false_reacquisitions(rows: Sequence[FrameRow]) -> int:
    """Count the spans of measured frames, but the first, that begin in a wrong place."""
    count = 0
    was_unmeasured = False
    for is_measured, group in groupby(rows, key=lambda row: row.is_measured):
        first = next((row for row in group if row.is_present is not None), None)
        if is_measured and was_unmeasured and first is not None:
            count += not first.is_present or (first.iou or 0.0) < WRONG_IOU
        was_unmeasured |= not is_measured
    return count
