# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Ways to do the same work: our tracker with any settings, the originals in PyTorch, OpenCV's."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import import_module
import os
from typing import Any, Protocol

from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import Box, Frame, Prompt, TargetMask
from sam2_tracker_ros.errors import ModelError, PromptError
from sam2_tracker_ros.evaluation.contenders import BASELINES, Baseline, Follower
from sam2_tracker_ros.inference import load_model

BOX_TRACKERS = tuple(BASELINES)
# What the loop of a published model card does with a memory that is not full, and with its graphs.
CARD_SETTINGS = {
    'execution': 'modular',
    'memory_selection': 'recency',
    'memory_padding': 'duplicate',
}


@dataclass(frozen=True)
class Found:
    """
    What one frame gave.

    :param stages_s: seconds by stage; empty where nobody measures them.
    """

    box: Box | None
    mask: TargetMask | None
    stages_s: Mapping[str, float] = field(default_factory=dict)


class Running(Protocol):
    """A tracker with its model loaded."""

    @property
    def facts(self) -> Mapping[str, object]:
        """What runs: model, providers, precision, threads."""

    def step(self, frame: Frame, start: Box | None = None) -> Found:
        """
        Find the target, its mask at the size of the camera image included.

        :param start: its box in the first frame.
        """


class Contender(Protocol):
    """A tracker by name; is sent to a process of its own."""

    @property
    def name(self) -> str:
        """Short, for tables."""

    def open(self) -> Running:
        """Load the model."""


@dataclass(frozen=True)
class TrackerContender:
    """Our tracker."""

    name: str
    config: Config

    def open(self) -> Running:
        """Load the model that the settings name."""
        return _RunningTracker(self.config)


class _RunningTracker:
    def __init__(self, config: Config) -> None:
        model = load_model(config.model)
        spec = model.spec
        self.facts = {
            'model': spec.name,
            'precision': config.model.precision,
            'bundle_precision': spec.precision,
            'providers': ', '.join(spec.providers),
            'threads': config.model.inference_threads or len(os.sched_getaffinity(0)),
            'image_size_px': spec.image_size_px,
            'settings': changed_settings(config),
        }
        self._tracker = Tracker(model, config)

    def step(self, frame: Frame, start: Box | None = None) -> Found:
        result = self._tracker.step(frame, [Prompt(box=start)] if start else [])
        for answer in result.answers:
            if not answer.accepted:
                raise PromptError(answer.message)
        (target,) = result.targets
        stages_s = {key.removesuffix('_s'): value for key, value in asdict(result.timings).items()}
        return Found(target.box if target.measured else None, target.mask, stages_s)


@dataclass(frozen=True)
class OriginalContender:
    """
    What a bundle was exported from, in PyTorch, frame by frame.

    :param bundle: whose manifest names the original.
    :param source: of the original, where the manifest does not say; see parity.reference.
    :param device: `cpu` or `cuda`.
    :param precision: `fp32`, or `tf32`, `fp16` or `bf16` on a GPU.
    :param is_compiled: its modules go through torch.compile.
    :param threads: 0 for PyTorch's own choice.
    """

    name: str
    bundle: str
    source: str | None = None
    device: str = 'cpu'
    precision: str = 'fp32'
    is_compiled: bool = False
    threads: int = 0

    def open(self) -> Running:
        """
        Open the original.

        :raises ModelError: PyTorch is missing, or the original cannot be had or run so.
        """
        try:
            streaming: Any = import_module('sam2_tracker_ros.parity.streaming')
        except ModuleNotFoundError as error:
            message = (
                f'{self.name} needs the Python package {error.name}, which is missing: '
                "pip install 'sam2_tracker_ros[export]', or run `make compare`"
            )
            raise ModelError(message) from error
        original = streaming.open_original(
            self.bundle,
            self.source,
            streaming.Device(self.device, self.precision, self.is_compiled, self.threads),
        )
        return _RunningOriginal(original)


class _RunningOriginal:
    def __init__(self, original: Any) -> None:
        self.facts: Mapping[str, object] = original.facts
        self._original = original

    def step(self, frame: Frame, start: Box | None = None) -> Found:
        mask: TargetMask | None = self._original.step(frame, start)
        return Found(None if mask is None else mask.box, mask)


@dataclass(frozen=True)
class BoxContender:
    """A box tracker of OpenCV, such as `csrt`."""

    name: str

    def open(self) -> Running:
        """
        Make the tracker.

        :raises ConfigError: this OpenCV lacks it.
        """
        return _RunningBoxes(self.name, Baseline(self.name).begin())


class _RunningBoxes:
    def __init__(self, name: str, follower: Follower) -> None:
        self.facts: Mapping[str, object] = {'model': name, 'providers': 'OpenCV'}
        self._follower = follower

    def step(self, frame: Frame, start: Box | None = None) -> Found:
        return Found(self._follower.step(frame, start).box, None)


def changed_settings(config: Config) -> dict[str, object]:
    """Return the settings that differ from the defaults."""
    defaults = Config().as_flat_dict()
    return {
        name: value for name, value in config.as_flat_dict().items() if value != defaults[name]
    }
