# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the camera asks of a tracker, and what it is told."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from sam2_tracker_ros.core.types import Box, Point, TargetState


@dataclass(frozen=True)
class Selection:
    """
    What to track; coordinates are 0..1 of the image, from its top left corner.

    :param point: on the object; None when there is a box.
    :param box: around the object; None when there is a point.
    """

    point: Point | None = None
    box: Box | None = None


class Outcome(Enum):
    """What became of something that the tracker was asked."""

    ACCEPTED = 'accepted'
    REFUSED = 'refused'
    # Nobody was there to ask, or to answer; trying again later may work.
    UNAVAILABLE = 'unavailable'


@dataclass(frozen=True)
class Verdict:
    """
    The tracker's answer.

    :param reason: why not; shown to the operator.
    """

    outcome: Outcome
    reason: str = ''


@dataclass(frozen=True)
class TrackedTarget:
    """
    The target that the camera reports, in the newest frame.

    :param measured: whether the box was found in the frame; otherwise it is predicted.
    :param box: 0..1 of the image, may reach beyond it or be NaN; None without a target.
    :param is_own: whether this camera started it.
    """

    state: TargetState
    measured: bool = False
    box: Box | None = None
    is_own: bool = False


@dataclass(frozen=True)
class Optics:
    """
    What is known of the picture.

    :param size_px: width and height.
    :param field_of_view_deg: across and down; NaN where it is unknown.
    """

    size_px: tuple[int, int]
    field_of_view_deg: tuple[float, float]


Answer = Callable[[Verdict], None]


class Tracker(Protocol):
    """A tracker; nothing here may block, and answers may come from another thread."""

    def start(self, selection: Selection, answer: Answer) -> None:
        """Start the camera's target, in place of the one before."""

    def stop(self, answer: Answer) -> None:
        """Release every target."""

    def target(self) -> TrackedTarget | None:
        """Return what is known now; None when the tracker has fallen silent."""

    def optics(self) -> Optics | None:
        """Return what is known of the picture; None when that is nothing."""
