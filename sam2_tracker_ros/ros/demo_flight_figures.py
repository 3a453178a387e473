# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How well a gimbal kept a target in the picture, and how it behaved without one."""

from dataclasses import dataclass, field
import math
from typing import Any

import numpy as np

from sam2_tracker_ros.core.geometry import box_iou
from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND, Box, EventType
from sam2_tracker_ros.messages import seconds_of, stamp_ns_of
from sam2_tracker_ros.msg import Target
from sam2_tracker_ros.ros.demo_flight_recorder import FlightRecording

# The picture is on the target when it is within this part of its half width of the middle.
IN_PLACE = 0.1
# From here on, a partly covered target counts as visible.
VISIBLE_FRACTION = 0.25
# A measured box that overlaps the truth less is on something else.
ON_TARGET_IOU = 0.3
# How long after it was found again a target may swing past the middle.
_SETTLING_S = 2.0
# A smaller error at the start shows no overshoot.
_LEAST_STEP_RAD = math.radians(1.0)


@dataclass(frozen=True)
class FlightFrame:
    """
    One image of the flight.

    :param time_s: since the first image.
    :param place: of the target from the middle of the picture, of half its width, + right, + down.
    :param error: the same as angles in radians.
    :param is_seen: enough of the target is visible, or would be if the camera looked at it.
    :param hidden: something covers all of it.
    :param target: what the tracker said; None when it said nothing of this image.
    """

    time_s: float
    stamp_ns: int
    place: tuple[float, float]
    error: tuple[float, float]
    is_seen: bool
    hidden: bool
    truth: Box | None
    target: Any

    @property
    def is_in_place(self) -> bool:
        """Whether the target is where the operator wants it."""
        return math.hypot(*self.place) <= IN_PLACE

    @property
    def overlap(self) -> float:
        """IoU of the measured box with the truth, 0 when nothing of it is visible; NaN else."""
        if self.target is None or not self.target.measured:
            return math.nan
        box = Box(*(getattr(self.target, f'box_{side}') for side in Box.__annotations__))
        return 0.0 if self.truth is None else box_iou(box, self.truth)


@dataclass(frozen=True)
class Loss:
    """
    One time at which the tracker said LOST.

    :param turning_messages: commands after it that were not zero, until the first that was.
    :param zero_after_s: until that one.
    """

    time_s: float
    turning_messages: int
    zero_after_s: float


@dataclass
class FlightFigures:
    """
    What is counted from the first frame on in which the target was acquired.

    :param overshoots: how far the target swung past the middle after it was found again, of how
        far off it was.
    :param longest_blind_turn_s: for which the gimbal was told to turn since the newest
        measurement was taken.
    :param blind_turn_rad: angle that it was told to turn in that time.
    """

    frames: list[FlightFrame] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    overshoots: list[float] = field(default_factory=list)
    recoveries_s: list[float] = field(default_factory=list)
    longest_blind_turn_s: float = 0.0
    blind_turn_rad: float = 0.0

    def seen(self) -> list[FlightFrame]:
        """Return the frames in which the target could be seen."""
        return [frame for frame in self.frames if frame.is_seen]

    def share_in_place(self) -> float:
        """Return which part of the time in which it could be seen the target was in place."""
        seen = self.seen()
        return sum(frame.is_in_place for frame in seen) / len(seen) if seen else math.nan

    def rms_error_rad(self) -> float:
        """Return the root mean square of the pointing error while the target could be seen."""
        errors = [math.hypot(*frame.error) for frame in self.seen()]
        return float(np.sqrt(np.mean(np.square(errors)))) if errors else math.nan


def figures_of(flight: FlightRecording) -> FlightFigures:
    """Compare what was done with the truth."""
    start_ns = flight.image_stamps[0]
    acquired = [e.stamp_ns for e in flight.events if e.type is EventType.ACQUIRED]
    if not acquired:
        return FlightFigures()
    frames = [
        _frame_of(flight, stamp_ns) for stamp_ns in flight.image_stamps if stamp_ns >= acquired[0]
    ]
    found_again = [(e.stamp_ns, e.gap_s) for e in flight.events if e.type is EventType.REACQUIRED]
    blind_s, blind_rad = _blind_turn(flight)
    return FlightFigures(
        frames=frames,
        losses=_losses(flight, start_ns),
        overshoots=[
            overshoot
            for stamp_ns, _ in found_again
            if (overshoot := _overshoot(frames, stamp_ns)) is not None
        ],
        recoveries_s=[gap_s for _, gap_s in found_again],
        longest_blind_turn_s=blind_s,
        blind_turn_rad=blind_rad,
    )


def _frame_of(flight: FlightRecording, stamp_ns: int) -> FlightFrame:
    truth, size_px = flight.truths[stamp_ns], flight.size_px
    fraction = truth.confidence
    is_in_view = max(abs(truth.error_x), abs(truth.error_y)) <= 1.0
    box = None
    if truth.measured:
        box = Box(truth.box_left, truth.box_top, truth.box_right, truth.box_bottom)
    return FlightFrame(
        time_s=(stamp_ns - flight.image_stamps[0]) / NANOSECONDS_PER_SECOND,
        stamp_ns=stamp_ns,
        place=(truth.error_x, truth.error_y * size_px[1] / size_px[0]),
        error=(truth.angle_x, truth.angle_y),
        is_seen=fraction >= VISIBLE_FRACTION if is_in_view else True,
        hidden=is_in_view and not truth.measured,
        truth=box,
        target=flight.targets.get(stamp_ns),
    )


def _losses(flight: FlightRecording, start_ns: int) -> list[Loss]:
    """Look at the commands after each message with which a loss began."""
    losses = []
    commands = sorted(flight.commands.items())
    before = Target.STATE_IDLE
    for message in flight.published:
        state, before = before, message.state
        if message.state != Target.STATE_LOST or state == Target.STATE_LOST:
            continue
        told_ns = stamp_ns_of(message.header) + round(
            seconds_of(message.latency) * NANOSECONDS_PER_SECOND
        )
        turning = 0
        for stamp_ns, rates in commands:
            if stamp_ns <= told_ns:
                continue
            if not any(rates):
                time_s = (told_ns - start_ns) / NANOSECONDS_PER_SECOND
                after_s = (stamp_ns - told_ns) / NANOSECONDS_PER_SECOND
                losses.append(Loss(time_s, turning, after_s))
                break
            turning += 1
    return losses


def _overshoot(frames: list[FlightFrame], found_ns: int) -> float | None:
    """Return how far the target swung to the other side; None when it was not far off."""
    after = [
        np.array(frame.error)
        for frame in frames
        if 0 <= frame.stamp_ns - found_ns <= _SETTLING_S * NANOSECONDS_PER_SECOND
    ]
    if not after or (step := float(np.linalg.norm(after[0]))) < _LEAST_STEP_RAD:
        return None
    along = np.array([error @ (after[0] / step) for error in after])
    return float(max(0.0, -along.min()) / step)


def _blind_turn(flight: FlightRecording) -> tuple[float, float]:
    """Return the longest time of turning without a measurement, and the angle turned in it."""
    measured_ns = np.array(
        sorted(stamp_ns_of(m.header) for m in flight.published if m.measured and m.bearing_valid)
        or [min(flight.commands, default=0)]
    )
    stamps = np.array(sorted(flight.commands))
    rates = np.array([flight.commands[int(stamp)] for stamp in stamps]).reshape(-1, 2)
    if len(stamps) < 2:
        return 0.0, 0.0
    place = np.searchsorted(measured_ns, stamps, side='right') - 1
    age_s = (stamps - measured_ns[place.clip(0)]) / NANOSECONDS_PER_SECOND
    turns = rates.any(axis=1) & (place >= 0)
    longest_s, angle = 0.0, 0.0
    for index in np.unique(place[turns]):
        chosen = turns & (place == index)
        duration_s = float(age_s[chosen].max())
        if duration_s > longest_s:
            steps = np.diff(stamps, append=stamps[-1])[chosen] / NANOSECONDS_PER_SECOND
            longest_s = duration_s
            angle = float(np.sum(np.hypot(*rates[chosen].T) * steps))
    return longest_s, angle
