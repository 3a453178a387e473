# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where one target is believed to be, how large it is, and which masks fit that."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
import math
from typing import TypeAlias

from sam2_tracker_ros.core import kalman
from sam2_tracker_ros.core.geometry import distance_to_segment, touched_edges
from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND, Box, Edge, TargetMask

# A target is leaving when its predicted box is this far out, as a fraction of the box side.
_LEAVING_FRACTION = 0.5
# Usual area and side follow a shrinking target with this half-life, so that a target that comes
# out from behind something is not taken for an explosion of the sliver that was seen last, and is
# looked at whole.
_SIZE_HALF_LIFE_S = 1.0
# While a target is not measured its area may double every second, so many times at most.
_MAX_AREA_DOUBLINGS = 2.0
# A prediction over a longer time without a measurement keeps the size of the box.
_SHAPE_HORIZON_S = 0.15
# Standard deviations of the predicted centre that a search leaves room for.
_MARGIN_STDS = 2.0
# A mask below this fraction of the usual area shows a part of a target that is being hidden.
_PART_FRACTION = 0.7

# A mask that is so many times larger than the target was of late has run out over something beside
# it; what such a frame would teach stays in the memory when the mask is right again.
_SWOLLEN_RATIO = 1.3
_LATE_AREA_TIME_S = 1.0

# SAMURAI relies on the filter after 15 frames in a row (`stable_frames_threshold`), at 30 Hz.
_STEADY_AFTER_S = 0.5
# How far beside its path a target may be found, in box diagonals: a camera may jerk, and the part
# that is seen of a half hidden target is beside its middle.
_SLACK_DIAGONALS = 1.0
_SLACK_OF_KNOWN_CAMERA = 0.6
# What is too far off to be the target stays another object while it is seen again after shorter
# gaps than this, so that it does not become the target because the prediction grows uncertain.
_OTHER_GAP_S = 1.0
# But not for longer: the prediction may have been what was wrong.
_OTHER_BELIEVED_S = 5.0

# Where in an image is what was at a point of the one before.
Moved: TypeAlias = Callable[[tuple[float, float]], tuple[float, float]]


@dataclass(frozen=True)
class _Other:
    """An object that was too far off to be the target."""

    box: Box
    first_ns: int
    seen_ns: int

    def is_seen_in(self, box: Box, now_ns: int) -> bool:
        """Return whether a box is of this object, which has moved on a little."""
        gap_s = (now_ns - self.seen_ns) / NANOSECONDS_PER_SECOND
        known_s = (now_ns - self.first_ns) / NANOSECONDS_PER_SECOND
        (x, y), (then_x, then_y) = box.center, self.box.center
        is_near = math.hypot(x - then_x, y - then_y) < math.hypot(self.box.width, self.box.height)
        return is_near and gap_s < _OTHER_GAP_S and known_s < _OTHER_BELIEVED_S


@dataclass(frozen=True)
class _Prediction:
    """What a state becomes until some time."""

    before: kalman.BoxState
    now_ns: int
    after: kalman.BoxState


class TargetMotion:
    """
    The last measured box, a Kalman filter over the boxes, and the usual area of the mask.

    :param mask: of the prompted frame.
    """

    def __init__(self, mask: TargetMask, stamp_ns: int) -> None:
        self._state: kalman.BoxState | None = kalman.initial_state(mask.box)
        self._stamp_ns = stamp_ns
        self._measured_ns = stamp_ns
        self._steady_since_ns = stamp_ns
        self._measured_box = mask.box
        self._other: _Other | None = None
        self._prediction: _Prediction | None = None
        self._usual_area_px = float(mask.area_px)
        self._usual_side_px = math.sqrt(mask.box.area)
        self._late_area_px = float(mask.area_px)
        # What the camera's turning moves the image by [px/s]; None while that is not known.
        self._camera_velocity: tuple[float, float] | None = None

    @property
    def measured_box(self) -> Box:
        """Where the target was measured last."""
        return self._measured_box

    def is_steady(self, now_ns: int) -> bool:
        """Return whether nothing interrupted the measurements for half a second."""
        return now_ns - self._steady_since_ns >= _STEADY_AFTER_S * NANOSECONDS_PER_SECOND

    def predicted(self, now_ns: int) -> kalman.BoxState | None:
        """
        Return where the target should be now; None when its motion is unknown.

        An unseen target moves on, but its size stays: what hid it has made it look smaller.
        """
        before = self._state
        if before is None:
            return None
        # Asked for several times in a frame.
        known = self._prediction
        if known is None or known.before is not before or known.now_ns != now_ns:
            after = kalman.predict(before, self._since_s(now_ns))
            if now_ns - self._measured_ns > _SHAPE_HORIZON_S * NANOSECONDS_PER_SECOND:
                after = kalman.with_shape_of(after, before)
            known = self._prediction = _Prediction(before, now_ns, after)
        return known.after

    def velocity(self, now_ns: int) -> tuple[float, float] | None:
        """Return how fast the target moves in the image [px/s]; None when that is unknown."""
        state = self.predicted(now_ns)
        if state is None:
            return None
        (x, y), (camera_x, camera_y) = state.velocity, self._camera_velocity or (0.0, 0.0)
        return x + camera_x, y + camera_y

    def turned(self, moved: Moved, elapsed_s: float) -> 'TargetMotion':
        """
        Return the same motion as a camera sees it that has turned since the last frame.

        With this the filter's velocity is that of the target itself, and what stays in the world
        stays where it is believed to be.

        :param elapsed_s: since the last frame.
        """
        motion = copy(self)
        motion._prediction = None
        motion._measured_box = _moved_to(self._measured_box, moved(self._measured_box.center))
        if self._other is not None:
            box = _moved_to(self._other.box, moved(self._other.box.center))
            motion._other = replace(self._other, box=box)
        if self._state is not None:
            x, y = self._state.box.center
            new_x, new_y = moved((x, y))
            shift_x, shift_y = new_x - x, new_y - y
            camera_x, camera_y = shift_x / elapsed_s, shift_y / elapsed_s
            # Until now the velocity was that in the image.
            was_image = self._camera_velocity is None
            change = (-camera_x, -camera_y) if was_image else (0.0, 0.0)
            motion._state = kalman.shifted(self._state, (shift_x, shift_y), change)
            motion._camera_velocity = camera_x, camera_y
        return motion

    def turning_unknown(self) -> 'TargetMotion':
        """Return the same motion when nothing is known of the camera any more."""
        if self._camera_velocity is None:
            return self
        motion = copy(self)
        motion._prediction = motion._camera_velocity = None
        if self._state is not None:
            motion._state = kalman.shifted(self._state, velocity_px_s=self._camera_velocity)
        return motion

    def where_to_look(self, now_ns: int, *, is_seen: bool) -> tuple[Box, float]:
        """
        Return where the target should be, and the room to leave around it in pixels.

        The box is as large as the target usually is: a mask that shrinks to a part of it must not
        draw the view into that part. Where an unseen target has gone is uncertain: half way
        between where it was measured last and where the filter has it now, with room for both.
        """
        state = self.predicted(now_ns)
        if state is None:
            return self._of_usual_size(self._measured_box), 0.0
        box, margin_px = self._of_usual_size(state.box), _MARGIN_STDS * kalman.center_std_px(state)
        if is_seen:
            return box, margin_px
        (x, y), (last_x, last_y) = box.center, self._measured_box.center
        shift_x, shift_y = (last_x - x) / 2.0, (last_y - y) / 2.0
        middle = _moved_to(box, (x + shift_x, y + shift_y))
        return middle, margin_px + math.hypot(shift_x, shift_y)

    def excess(self, mask: TargetMask | None, now_ns: int, gate: float) -> float:
        """
        Return how far off the expected path a mask is, over the distance that is allowed.

        The path leads from where the target was measured last to where the filter predicts it:
        while it was hidden it may have gone on or stopped. Allowed is a box diagonal, less when
        the camera's turning is known, and `gate` standard deviations of the prediction. An object
        that was too far off before stays so while it is followed.

        :return: NaN when there is nothing to compare, or the gate is 0.
        """
        predicted = self.predicted(now_ns)
        if mask is None or predicted is None or gate <= 0.0:
            return math.nan
        if self._other is not None and self._other.is_seen_in(mask.box, now_ns):
            return math.inf
        expected = predicted.box
        distance_px = distance_to_segment(
            mask.box.center, self._measured_box.center, expected.center
        )
        allowed_px = gate * kalman.center_std_px(predicted)
        slack = _SLACK_DIAGONALS if self._camera_velocity is None else _SLACK_OF_KNOWN_CAMERA
        allowed_px += slack * math.hypot(expected.width, expected.height)
        return distance_px / allowed_px

    def believed_area_px(self, unseen_s: float) -> float:
        """Return the usual area, larger the longer the target was not measured."""
        return self._usual_area_px * math.pow(2.0, min(unseen_s, _MAX_AREA_DOUBLINGS))

    def has_swollen(self, mask: TargetMask) -> bool:
        """Return whether a mask is much larger than those of the last second."""
        return mask.area_px > _SWOLLEN_RATIO * self._late_area_px

    def leaving(self, now_ns: int, size_px: tuple[int, int]) -> Edge:
        """Return the image borders that the target touches, or is predicted to cross."""
        edges = touched_edges(self._measured_box, size_px)
        predicted = self.predicted(now_ns)
        if predicted is None:
            return edges
        box = predicted.box
        margin_x, margin_y = box.width * _LEAVING_FRACTION, box.height * _LEAVING_FRACTION
        inner = Box(
            box.left + margin_x, box.top + margin_y, box.right - margin_x, box.bottom - margin_y
        )
        return edges | touched_edges(inner, size_px)

    def measure(self, mask: TargetMask, now_ns: int, *, was_lost: bool) -> None:
        """
        Correct the motion by a mask, unless it shows only a part of a half hidden target.

        A part would pull the filter to the border of what hides the target, and make it small.
        """
        kept = 0.5 ** (self._since_s(now_ns) / _SIZE_HALF_LIFE_S)
        self._usual_area_px = max(float(mask.area_px), kept * self._usual_area_px)
        self._usual_side_px = max(math.sqrt(mask.box.area), kept * self._usual_side_px)
        new = 1.0 - math.exp(-self._since_s(now_ns) / _LATE_AREA_TIME_S)
        self._late_area_px += new * (mask.area_px - self._late_area_px)
        is_part = mask.area_px < _PART_FRACTION * self._usual_area_px
        state = self.predicted(now_ns)
        if state is None:
            state = kalman.initial_state(mask.box)
        elif was_lost:
            box = _moved_to(state.box, mask.box.center) if is_part else mask.box
            state = kalman.initial_state(box)
        elif not (is_part and _contains(state.box, mask.box.center)):
            state = kalman.update(state, mask.box)
        self._state, self._stamp_ns = state, now_ns
        self._measured_ns, self._measured_box, self._other = now_ns, mask.box, None

    def note_other(self, mask: TargetMask, now_ns: int) -> None:
        """Remember where an object is that was too far off to be the target."""
        is_known = self._other is not None and self._other.is_seen_in(mask.box, now_ns)
        first_ns = self._other.first_ns if self._other is not None and is_known else now_ns
        self._other = _Other(mask.box, first_ns, now_ns)

    def coast(self, now_ns: int) -> None:
        """Go on without a measurement."""
        self._steady_since_ns = now_ns
        self._state, self._stamp_ns = self.predicted(now_ns), now_ns

    def rest(self) -> None:
        """Stay where the last frame left it: a lost target is expected around there."""
        if self._state is not None:
            self._state = kalman.at_rest(self._state)

    def forgotten(self, now_ns: int) -> 'TargetMotion':
        """Return the same target, of whose motion nothing is known."""
        motion = copy(self)
        motion._state, motion._stamp_ns = None, now_ns
        motion._steady_since_ns = now_ns
        return motion

    def _of_usual_size(self, box: Box) -> Box:
        """Return a box that is grown to the usual size of the target, where it is smaller."""
        growth = max(self._usual_side_px / math.sqrt(max(box.area, 1.0)), 1.0)
        (x, y), half_width, half_height = box.center, box.width / 2.0, box.height / 2.0
        return Box(
            x - growth * half_width,
            y - growth * half_height,
            x + growth * half_width,
            y + growth * half_height,
        )

    def _since_s(self, now_ns: int) -> float:
        return (now_ns - self._stamp_ns) / NANOSECONDS_PER_SECOND


def _moved_to(box: Box, center: tuple[float, float]) -> Box:
    half_width, half_height = box.width / 2.0, box.height / 2.0
    return Box(
        center[0] - half_width,
        center[1] - half_height,
        center[0] + half_width,
        center[1] + half_height,
    )


def _contains(box: Box, point: tuple[float, float]) -> bool:
    return box.left <= point[0] <= box.right and box.top <= point[1] <= box.bottom
