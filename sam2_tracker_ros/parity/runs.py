# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What one implementation made of a clip, and our tracker's run that is to be compared."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from sam2_tracker_ros.core.geometry import camera_mask
from sam2_tracker_ros.core.model import (
    AnyModel,
    AttendedMemory,
    AttendedPointer,
    DecoderPrompt,
    Expectation,
    Features,
    ModelSpec,
    Sighting,
)
from sam2_tracker_ros.core.plain_sam2 import PLAIN_SAM2
from sam2_tracker_ros.core.stage_clock import StageClock
from sam2_tracker_ros.core.staged_model import in_one_call
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import (
    BoolArray,
    Float32Array,
    Frame,
    Prompt,
    PromptAction,
    TargetMask,
    UInt8Array,
)
from sam2_tracker_ros.errors import PromptError
from sam2_tracker_ros.parity.clip import ClipPrompt, Scenario

FRAME_PERIOD_NS = 33_333_333


@dataclass(frozen=True)
class TargetRun:
    """
    One target, frame by frame.

    :param logits: of the mask that was chosen, float32 [frames, h, h].
    :param scores: object score logits, float32 [frames].
    :param pointers: object pointers, float32 [frames, Cp].
    :param masks: at the size of the image, boolean [frames, height, width].
    """

    logits: Float32Array
    scores: Float32Array
    pointers: Float32Array
    masks: BoolArray


Run: TypeAlias = tuple[TargetRun, ...]


@dataclass(frozen=True)
class Chosen:
    """
    What the tracker takes for one target in one frame, and what it reports.

    :param logits: float32 [h, w].
    :param score: object score logit.
    :param pointer: float32 [Cp].
    :param mask: in the camera image; None when the target is not seen.
    """

    logits: Float32Array
    score: float
    pointer: Float32Array
    mask: TargetMask | None = None


class RecordingModel:
    """
    A Sam2Model that notes what another one sees.

    :param model: does the work.
    """

    def __init__(self, model: AnyModel) -> None:
        self._model = in_one_call(model)
        self._chosen: list[Chosen] = []

    @property
    def spec(self) -> ModelSpec:
        """What the tracker must know; one target after the other, so that notes are in order."""
        return replace(self._model.spec, parallel_looks=1)

    def take(self, target_count: int) -> list[Chosen]:
        """
        Return the last choices since the last call, one for each target, in the tracker's order.

        A target that is corrected is looked for twice in a frame: the second time counts, which
        is the last as long as no other target is tracked.
        """
        taken, self._chosen = self._chosen[-target_count:], []
        return taken

    def encode_image(self, image: UInt8Array) -> Features:
        """Pass on."""
        return self._model.encode_image(image)

    def look(
        self,
        features: Features,
        memories: Sequence[AttendedMemory],
        pointers: Sequence[AttendedPointer],
        *,
        prompt: DecoderPrompt | None,
        expectation: Expectation | None,
        clock: StageClock,
    ) -> Sighting:
        """Pass on, and note what is seen."""
        sighting = self._model.look(
            features, memories, pointers, prompt=prompt, expectation=expectation, clock=clock
        )
        pointer = np.asarray(sighting.pointer, np.float32)
        self._chosen.append(Chosen(sighting.mask_logits, sighting.object_score_logit, pointer))
        return sighting


class PlainTracker:
    """
    Our tracker as plain SAM 2, with what it takes from the model in each frame.

    :param target_count: of the targets that will be started.
    """

    def __init__(self, model: AnyModel, target_count: int = 1) -> None:
        self._recorder = RecordingModel(model)
        settings = replace(PLAIN_SAM2.tracker, max_targets=target_count)
        self._tracker = Tracker(self._recorder, replace(PLAIN_SAM2, tracker=settings))
        self._target_count = target_count

    def step(self, frame: Frame, prompts: Sequence[Prompt] = ()) -> list[Chosen]:
        """
        Track one frame.

        :return: one for each target, in the order of their prompts.
        :raises PromptError: a prompt was not accepted.
        """
        result = self._tracker.step(frame, prompts)
        refused = [answer.message for answer in result.answers if not answer.accepted]
        if refused:
            message = f'a prompt was not accepted, there is nothing to compare: {refused[0]}'
            raise PromptError(message)
        chosen = self._recorder.take(self._target_count)
        return [
            replace(choice, mask=target.mask)
            for choice, target in zip(chosen, result.targets, strict=True)
        ]


def track(model: AnyModel, scenario: Scenario) -> Run:
    """
    Run our tracker as plain SAM 2.

    :raises PromptError: it did not accept a prompt.
    """
    tracker = PlainTracker(model, scenario.target_count)
    chosen: list[list[Chosen]] = []
    for index, pixels in enumerate(scenario.frames):
        prompts = [_tracker_prompt(prompt) for prompt in scenario.prompts_in(index)]
        chosen.append(tracker.step(Frame(pixels, index * FRAME_PERIOD_NS), prompts))
    size_px = scenario.frames.shape[2], scenario.frames.shape[1]
    return tuple(_target_run(list(of_target), size_px) for of_target in zip(*chosen, strict=True))


def _tracker_prompt(prompt: ClipPrompt) -> Prompt:
    action = PromptAction.ADD if prompt.frame == 0 else PromptAction.REFINE
    return Prompt(action, f'target_{prompt.target}', points=prompt.points, box=prompt.box)


def _target_run(chosen: list[Chosen], size_px: tuple[int, int]) -> TargetRun:
    masks = np.zeros((len(chosen), size_px[1], size_px[0]), np.bool_)
    for pixels, choice in zip(masks, chosen, strict=True):
        if choice.mask is not None:
            pixels[:] = camera_mask(choice.mask, size_px)
    return TargetRun(
        logits=np.stack([choice.logits for choice in chosen]),
        scores=np.array([choice.score for choice in chosen], np.float32),
        pointers=np.stack([choice.pointer for choice in chosen]),
        masks=masks,
    )
