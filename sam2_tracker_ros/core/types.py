# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
What the tracker is given and what it gives back, as immutable records.

Pixel coordinates are those of the camera image: x to the right, y down, the origin at the outer
corner of the top left pixel, so that a box that covers the whole image is (0, 0, width, height).
"""

from dataclasses import dataclass, field
from enum import Enum, IntEnum, IntFlag
from functools import cached_property
import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sam2_tracker_ros.core.camera_view import CameraView

Float32Array: TypeAlias = NDArray[np.float32]
Float64Array: TypeAlias = NDArray[np.float64]
UInt8Array: TypeAlias = NDArray[np.uint8]
Int32Array: TypeAlias = NDArray[np.int32]
BoolArray: TypeAlias = NDArray[np.bool_]

NANOSECONDS_PER_SECOND = 1_000_000_000


class PixelFormat(Enum):
    """Order of the colour channels of a frame's pixels."""

    RGB = 'rgb'
    BGR = 'bgr'
    RGBA = 'rgba'
    BGRA = 'bgra'
    GRAY = 'gray'


@dataclass(frozen=True)
class Frame:
    """
    One camera image.

    :param pixels: uint8, [height, width, 3 or 4], or [height, width] when gray; may be a view.
    :param stamp_ns: capture time in nanoseconds.
    :param frame_id: the camera's optical frame.
    :param view: how the camera looked; None when that is not known.
    """

    pixels: UInt8Array
    stamp_ns: int
    pixel_format: PixelFormat = PixelFormat.RGB
    frame_id: str = ''
    view: 'CameraView | None' = None

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.pixels.shape[1], self.pixels.shape[0]


@dataclass(frozen=True)
class Box:
    """Axis-aligned box in pixels; right and bottom are exclusive."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.bottom - self.top

    @property
    def center(self) -> tuple[float, float]:
        """Centre x and y in pixels."""
        return (self.left + self.right) / 2.0, (self.top + self.bottom) / 2.0

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return max(self.width, 0.0) * max(self.height, 0.0)


@dataclass(frozen=True)
class TargetMask:
    """
    The pixels of a target in the camera image.

    :param box: tight around them, in whole pixels, right and bottom exclusive.
    :param region: boolean [box.height, box.width], the mask inside the box.
    """

    box: Box
    region: BoolArray

    @cached_property
    def area_px(self) -> int:
        """Pixels of the mask."""
        return int(np.count_nonzero(self.region))

    def contains(self, x: float, y: float) -> bool:
        """Return whether a point of the camera image is on the mask."""
        column, row = math.floor(x - self.box.left), math.floor(y - self.box.top)
        height, width = self.region.shape
        return 0 <= column < width and 0 <= row < height and bool(self.region[row, column])


class PromptAction(IntEnum):
    """What a prompt asks for; the numbers are those of Prompt.msg."""

    ADD = 0
    REFINE = 1
    REMOVE = 2
    CLEAR = 3


@dataclass(frozen=True)
class Point:
    """A click in pixels, on the object or (is_foreground false) beside it."""

    x: float
    y: float
    is_foreground: bool = True


@dataclass(frozen=True)
class Prompt:
    """
    Point at something.

    :param target_id: empty with ADD to choose a free name, else to mean the only target.
    :param points: clicks, in pixels or, when normalized, in 0..1 of the image.
    :param box: in pixels or, when normalized, in 0..1 of the image.
    :param mask: boolean [height, width] of the camera image; excludes points and box.
    :param stamp_ns: of the frame that the operator saw; 0 for the newest one.
    """

    action: PromptAction = PromptAction.ADD
    target_id: str = ''
    points: tuple[Point, ...] = ()
    box: Box | None = None
    mask: BoolArray | None = None
    normalized: bool = False
    stamp_ns: int = 0


@dataclass(frozen=True)
class PromptAnswer:
    """
    What became of a prompt.

    :param message: why it was not accepted, or what was done.
    :param object_score: probability 0..1 of the first frame; NaN when not accepted.
    :param predicted_iou: 0..1 of the first frame; NaN when not accepted.
    """

    accepted: bool
    message: str
    target_id: str = ''
    epoch: int = 0
    object_score: float = float('nan')
    predicted_iou: float = float('nan')


class TargetState(IntEnum):
    """State of a target; the numbers are those of Target.msg."""

    IDLE = 0
    INITIALIZING = 1
    TRACKING = 2
    COASTING = 3
    LOST = 4
    ERROR = 5


class EventType(IntEnum):
    """What happened; the numbers are those of TargetEvent.msg."""

    ACQUIRED = 1
    COASTING = 2
    LOST = 3
    REACQUIRED = 4
    RELEASED = 5
    PROMPT_REJECTED = 6
    INPUT_STALLED = 7
    TIME_JUMP = 8
    MODEL_READY = 9
    INPUT_RESUMED = 10
    FRAME_REJECTED = 11
    MODEL_FAILED = 12


class Reason(IntEnum):
    """Why a target is not measured; the numbers are those of TargetEvent.msg."""

    NONE = 0
    OCCLUDED = 1
    LEFT_FRAME_LEFT = 2
    LEFT_FRAME_RIGHT = 3
    LEFT_FRAME_TOP = 4
    LEFT_FRAME_BOTTOM = 5
    LOW_SCORE = 6
    MASK_EXPLODED = 7
    MASK_VANISHED = 8
    MOTION_MISMATCH = 9
    INPUT_STALLED = 10
    TIME_JUMP = 11
    RELEASED = 12
    NON_FINITE = 13
    REACQUIRING = 14
    INFERENCE_STALLED = 15
    INFERENCE_FAILED = 16


class Edge(IntFlag):
    """Image borders that a box touches; the numbers are those of Target.msg."""

    NONE = 0
    LEFT = 1
    RIGHT = 2
    TOP = 4
    BOTTOM = 8


@dataclass(frozen=True)
class Event:
    """Something happened to a target (or, with an empty id, to the input)."""

    type: EventType
    stamp_ns: int
    target_id: str = ''
    epoch: int = 0
    reason: Reason = Reason.NONE
    gap_s: float = 0.0
    detail: str = ''


@dataclass(frozen=True)
class Scores:
    """
    Confidence and its parts; NaN is unknown.

    :param confidence: 0..1, 0 when lost.
    :param object_score: probability 0..1 that the object is visible.
    :param predicted_iou: the model's own estimate 0..1 of its mask quality.
    :param motion_iou: overlap 0..1 of the measured box with the filter's prediction.
    """

    confidence: float = float('nan')
    object_score: float = float('nan')
    predicted_iou: float = float('nan')
    motion_iou: float = float('nan')


@dataclass(frozen=True)
class Motion:
    """
    What the filter knows about the box centre.

    :param velocity: x and y in pixels per second.
    :param center_covariance: [2, 2] in square pixels.
    """

    velocity: tuple[float, float]
    center_covariance: Float64Array


@dataclass(frozen=True)
class TargetResult:
    """
    One target after one frame.

    :param box: measured when measured is true, else predicted; a lost target's stays where it was
        predicted when it was given up.
    :param mask: None when not measured.
    """

    target_id: str
    epoch: int
    state: TargetState
    reason: Reason
    measured: bool
    box: Box | None
    scores: Scores
    motion: Motion | None
    mask: TargetMask | None
    edges: Edge
    time_since_measured_s: float
    frames_since_measured: int


@dataclass(frozen=True)
class StageTimings:
    """
    Seconds spent in each stage of one step, summed over targets.

    Targets may be looked for at the same time: the step is then shorter than the sum.

    :param track_s: attend, decode, choose and remember in one graph; those are then 0.
    """

    prepare_s: float = 0.0
    encode_s: float = 0.0
    track_s: float = 0.0
    attend_s: float = 0.0
    decode_s: float = 0.0
    remember_s: float = 0.0
    decide_s: float = 0.0

    @property
    def total_s(self) -> float:
        """Sum of the stages."""
        return (
            self.prepare_s
            + self.encode_s
            + self.track_s
            + self.attend_s
            + self.decode_s
            + self.remember_s
            + self.decide_s
        )


@dataclass(frozen=True)
class StepResult:
    """
    Everything one frame gave.

    :param size_px: width and height of the camera image.
    :param answers: one for each prompt of the step, in order.
    """

    stamp_ns: int
    frame_id: str
    size_px: tuple[int, int]
    targets: tuple[TargetResult, ...] = ()
    events: tuple[Event, ...] = ()
    answers: tuple[PromptAnswer, ...] = ()
    timings: StageTimings = field(default_factory=StageTimings)
