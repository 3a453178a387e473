# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Trackers that are compared: ours with any configuration, and those of OpenCV."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

import cv2
import numpy as np

from sam2_tracker_ros.core.config import Config, ModelConfig
from sam2_tracker_ros.core.model import AnyModel
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import Box, Frame, Prompt, StepResult, TargetMask, TargetState
from sam2_tracker_ros.errors import ConfigError, PromptError

LoadModel: TypeAlias = Callable[[ModelConfig], AnyModel]
BASELINES = {'csrt': 'TrackerCSRT', 'kcf': 'TrackerKCF', 'mil': 'TrackerMIL'}
_SEED = 0


@dataclass(frozen=True)
class Answer:
    """
    What a tracker says about one frame.

    :param box: measured or predicted; None without an answer, as in every LOST frame.
    :param mask: None where the tracker gives none.
    """

    box: Box | None
    mask: TargetMask | None
    is_measured: bool
    state: TargetState


NO_ANSWER = Answer(None, None, is_measured=False, state=TargetState.LOST)


class Follower(Protocol):
    """One run of a tracker, over the frames of one clip."""

    def step(self, frame: Frame, start: Box | None = None) -> Answer:
        """
        Find the target; `start` is its box in the first frame.

        :raises PromptError: the tracker does not take that box.
        """


class Contender(Protocol):
    """A tracker by name; may be sent to another process."""

    @property
    def name(self) -> str:
        """Short, for tables."""

    @property
    def gives_masks(self) -> bool:
        """Whether its answers have masks."""

    def begin(self) -> Follower:
        """Make a tracker without a target."""


@dataclass(frozen=True)
class Ours:
    """
    `core.tracker.Tracker` as the node and replay run it.

    :param load: gives the model of a configuration; a function of a module.
    """

    name: str
    config: Config
    load: LoadModel
    gives_masks: bool = True

    def begin(self) -> Follower:
        """Make a tracker; the model is loaded once for each process."""
        return _OurFollower(Tracker(_loaded(self.load, self.config.model), self.config))


class _OurFollower:
    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker

    def step(self, frame: Frame, start: Box | None = None) -> Answer:
        result = self._tracker.step(frame, [Prompt(box=start)] if start else [])
        for answer in result.answers:
            if not answer.accepted:
                raise PromptError(answer.message)
        return answer_of(result)


def answer_of(result: StepResult) -> Answer:
    """Return what a step says about its only target."""
    (target,) = result.targets
    box = None if target.state is TargetState.LOST else target.box
    return Answer(box, target.mask, target.measured, target.state)


@dataclass(frozen=True)
class Baseline:
    """A tracker of OpenCV on the whole frame; where its update fails there is no answer."""

    name: str
    gives_masks: bool = False

    def begin(self) -> Follower:
        """
        Make a tracker, with the same random numbers where OpenCV lets them be set.

        MIL draws from the clock: its figures differ a little from run to run.

        :raises ConfigError: this OpenCV has none of that name.
        """
        class_name = BASELINES[self.name]
        module = next(
            (part for part in (cv2, getattr(cv2, 'legacy', None)) if hasattr(part, class_name)),
            None,
        )
        if module is None:
            message = (
                f"this OpenCV has no {class_name}; pip install 'sam2_tracker_ros[evaluate]', and "
                'so that its OpenCV is the one that stays: '
                "pip install --force-reinstall --no-deps 'opencv-contrib-python-headless<5'"
            )
            raise ConfigError(message)
        cv2.setRNGSeed(_SEED)
        return _BaselineFollower(self.name, getattr(module, class_name).create())


class _BaselineFollower:
    def __init__(self, name: str, tracker: Any) -> None:
        self._name = name
        self._tracker = tracker

    def step(self, frame: Frame, start: Box | None = None) -> Answer:
        image = np.ascontiguousarray(frame.pixels)
        if start is not None:
            corner = round(start.left), round(start.top)
            size = round(start.width), round(start.height)
            try:
                self._tracker.init(image, (*corner, *size))
            except cv2.error as error:
                message = f'{self._name} does not take the box {start}: {error.err}'
                raise PromptError(message) from error
            return Answer(start, None, is_measured=True, state=TargetState.TRACKING)
        is_found, (left, top, width, height) = self._tracker.update(image)
        if not is_found:
            return NO_ANSWER
        box = Box(left, top, left + width, top + height)
        return Answer(box, None, is_measured=True, state=TargetState.TRACKING)


@lru_cache(maxsize=1)
def _loaded(load: LoadModel, config: ModelConfig) -> AnyModel:
    return load(config)
