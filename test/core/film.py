# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the tests of the core share: drawn frames, and a model whose every call is noted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from sam2_tracker_ros.core.config import (
    Config,
    SettingValue,
    config_from_flat_dict,
)
from sam2_tracker_ros.core.model import (
    AttendedMemory,
    AttendedPointer,
    ConditionedFeatures,
    DecoderPrompt,
    Features,
    MaskCandidates,
    Memory,
    MemoryMask,
    ModelSpec,
)
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import (
    NANOSECONDS_PER_SECOND,
    Box,
    Event,
    EventType,
    Frame,
    Prompt,
    StepResult,
    TargetResult,
    UInt8Array,
)
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.testing.fake_model import FakeModel

Color: TypeAlias = tuple[int, int, int]

RED: Color = (220, 30, 30)
BLUE: Color = (30, 30, 220)
GREEN: Color = (30, 200, 30)
GRAY: Color = (90, 90, 90)
# The camera image is as large as the model image: boxes are exact.
SIZE_PX = (96, 96)


def settings(**values: SettingValue) -> Config:
    """Return a configuration that looks at the whole image, with some settings changed."""
    return config_from_flat_dict({'min_target_size_px': 0.0, **values})


def drawn(*shapes: tuple[Box, Color], size_px: tuple[int, int] = SIZE_PX) -> UInt8Array:
    """Return an RGB image of coloured boxes on gray; what is outside is cut."""
    image = np.full((size_px[1], size_px[0], 3), GRAY, np.uint8)
    for box, color in shapes:
        left, top, right, bottom = (
            max(round(side), 0) for side in (box.left, box.top, box.right, box.bottom)
        )
        image[top:bottom, left:right] = color
    return image


def box_at(x: float, y: float, width: float = 20.0, height: float = 16.0) -> Box:
    """Return a box around a centre."""
    return Box(x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0)


@dataclass
class RecordingModel:
    """
    A Sam2Model that notes what another is asked, and may spoil its answers.

    :param fails_in: name of the method that raises ModelError; empty for none.
    :param spoil: what becomes of the decoder's answer.
    """

    model: FakeModel = field(default_factory=FakeModel)
    fails_in: str = ''
    spoil: Callable[[MaskCandidates], MaskCandidates] | None = None
    images: list[UInt8Array] = field(default_factory=list)
    attended: list[tuple[tuple[AttendedMemory, ...], tuple[AttendedPointer, ...]]] = field(
        default_factory=list
    )
    decoded: list[DecoderPrompt] = field(default_factory=list)
    with_memory: list[bool] = field(default_factory=list)
    remembered: list[tuple[MemoryMask, float, bool]] = field(default_factory=list)

    @property
    def spec(self) -> ModelSpec:
        """That of the other model."""
        return self.model.spec

    def encode_image(self, image: UInt8Array) -> Features:
        """Note the image."""
        self._fail_in('encode_image')
        self.images.append(image)
        return self.model.encode_image(image)

    def attend_memory(
        self,
        features: Features,
        memories: Sequence[AttendedMemory],
        pointers: Sequence[AttendedPointer],
    ) -> ConditionedFeatures:
        """Note what is attended."""
        self._fail_in('attend_memory')
        self.attended.append((tuple(memories), tuple(pointers)))
        return self.model.attend_memory(features, memories, pointers)

    def decode_masks(
        self,
        features: Features,
        conditioned: ConditionedFeatures | None,
        prompt: DecoderPrompt,
    ) -> MaskCandidates:
        """Note the prompt."""
        self._fail_in('decode_masks')
        self.decoded.append(prompt)
        self.with_memory.append(conditioned is not None)
        candidates = self.model.decode_masks(features, conditioned, prompt)
        return candidates if self.spoil is None else self.spoil(candidates)

    def encode_memory(
        self,
        features: Features,
        mask: MemoryMask,
        object_score_logit: float,
        *,
        is_prompted: bool,
    ) -> Memory:
        """Note mask, score and whether the frame was prompted."""
        self._fail_in('encode_memory')
        self.remembered.append((mask, object_score_logit, is_prompted))
        return self.model.encode_memory(
            features, mask, object_score_logit, is_prompted=is_prompted
        )

    def _fail_in(self, name: str) -> None:
        if self.fails_in == name:
            message = f'{name} failed as the test asked for; try again'
            raise ModelError(message)


RED_BOX, BLUE_BOX, MIDDLE_BOX = box_at(30, 30), box_at(70, 70), box_at(40, 40)


def with_object_score(logit: float) -> Callable[[MaskCandidates], MaskCandidates]:
    """Return a spoiler that replaces the object score."""
    return lambda candidates: replace(candidates, object_score_logit=logit)


def with_predicted_iou(iou: float) -> Callable[[MaskCandidates], MaskCandidates]:
    """Return a spoiler that replaces every predicted IoU."""
    return lambda candidates: replace(
        candidates, predicted_iou=np.full_like(candidates.predicted_iou, iou)
    )


class Film:
    """
    Shows frames to a tracker at a rate.

    :param start_s: stamp of the first frame.
    """

    def __init__(self, tracker: Tracker, rate_hz: float = 10.0, start_s: float = 100.0) -> None:
        self.tracker = tracker
        self.rate_hz = rate_hz
        self.next_ns = round(start_s * NANOSECONDS_PER_SECOND)

    def show(
        self,
        *shapes: tuple[Box, Color],
        prompts: Sequence[Prompt] = (),
        size_px: tuple[int, int] = SIZE_PX,
    ) -> StepResult:
        """Show one frame."""
        frame = Frame(drawn(*shapes, size_px=size_px), self.next_ns, frame_id='camera_optical')
        result = self.tracker.step(frame, prompts)
        self.skip(1)
        return result

    def skip(self, frames: int) -> None:
        """Let frames be dropped."""
        self.next_ns += round(frames * NANOSECONDS_PER_SECOND / self.rate_hz)


def film(model: RecordingModel | FakeModel | None = None, **values: SettingValue) -> Film:
    """Return a film shown to a new tracker with the settings of `settings`."""
    return Film(Tracker(model or FakeModel(), settings(**values)))


def add(box: Box, target_id: str = '') -> Prompt:
    """Return a prompt that starts a target."""
    return Prompt(target_id=target_id, box=box)


def kinds(events: tuple[Event, ...]) -> list[EventType]:
    """Return what happened, in order."""
    return [event.type for event in events]


def started(
    box: Box = MIDDLE_BOX, model: RecordingModel | None = None, rate_hz: float = 10.0
) -> Film:
    """Return a film of a target that is lost after 0.99 s and found again by 3 frames, or 1."""
    config = settings(
        coast_timeout_s=0.99, resume_frames=1, reacquire_frames=3, reacquire_time_s=0.0
    )
    show = Film(Tracker(model or FakeModel(), config), rate_hz)
    assert show.show((box, RED), prompts=[Prompt(box=box)]).answers[0].accepted
    return show


def only(result: StepResult) -> TargetResult:
    """Return the target of a result."""
    (target,) = result.targets
    return target
