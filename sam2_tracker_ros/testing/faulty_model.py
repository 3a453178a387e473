# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A model that fails as it is told: for showing what a tracker does then."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
import threading
import time

import numpy as np

from sam2_tracker_ros.core.model import (
    AttendedMemory,
    AttendedPointer,
    DecoderPrompt,
    Expectation,
    Features,
    ModelSpec,
    Sam2Model,
    Sighting,
)
from sam2_tracker_ros.core.stage_clock import StageClock
from sam2_tracker_ros.core.types import Float32Array, UInt8Array
from sam2_tracker_ros.errors import ModelError

_ERRORS = {'model_error': ModelError, 'runtime_error': RuntimeError, 'memory_error': MemoryError}
_NUMBERS = ('nan', 'inf', 'garbage')
# What a call may do instead of what it should; `slow` answers late, and rightly.
FAULTS = (*_ERRORS, 'slow', *_NUMBERS)
LOAD_FAULTS = ('', 'error', 'slow')


@dataclass(frozen=True)
class FaultPlan:
    """
    How often a model fails, and how.

    :param faults: of FAULTS, drawn evenly; none for a healthy model.
    :param probability: that a call fails.
    :param duration_s: how long a slow call takes; a long one hangs.
    :param load_fault: what happens when the model is loaded.
    """

    faults: tuple[str, ...] = ()
    probability: float = 1.0
    duration_s: float = 0.0
    seed: int = 0
    load_fault: str = ''

    def __post_init__(self) -> None:
        unknown = {*self.faults} - {*FAULTS} or {self.load_fault} - {*LOAD_FAULTS}
        if unknown:
            message = f'unknown faults {unknown}; expected some of {FAULTS}, {LOAD_FAULTS}'
            raise ValueError(message)


class FaultSwitch:
    """The plan that counts now for every model that was made with it; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.follow(FaultPlan())

    def follow(self, plan: FaultPlan) -> None:
        """Follow another plan from the next call on."""
        with self._lock:
            self.plan = plan
            self._rng = np.random.default_rng(plan.seed)

    def draw(self) -> tuple[str, np.random.Generator]:
        """Return what the next call does, empty for what it should, and numbers for it."""
        with self._lock:
            plan, rng = self.plan, self._rng
            own = np.random.default_rng(rng.integers(2**32))
            if not plan.faults or rng.random() >= plan.probability:
                return '', own
            return plan.faults[rng.integers(len(plan.faults))], own


class FaultyModel:
    """
    Another model, and the faults of a plan.

    :param model: does the work.
    """

    def __init__(self, model: Sam2Model, switch: FaultSwitch) -> None:
        self._model = model
        self._switch = switch

    @property
    def spec(self) -> ModelSpec:
        """What the tracker must know."""
        return self._model.spec

    def encode_image(self, image: UInt8Array) -> Features:
        """Encode an image, or fail."""
        self._stumble()
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
        """Look for a target, or fail, or find what is not there."""
        fault, rng = self._stumble()
        sighting = self._model.look(
            features, memories, pointers, prompt=prompt, expectation=expectation, clock=clock
        )
        if fault == 'garbage':
            return _garbage(sighting, rng)
        if fault in _NUMBERS:
            return _not_finite(sighting, float(fault))
        return sighting

    def _stumble(self) -> tuple[str, np.random.Generator]:
        """Raise or wait, if that is the fault; return what else it is."""
        fault, rng = self._switch.draw()
        if fault in _ERRORS:
            raise _ERRORS[fault]('a fault of the plan')
        if fault == 'slow':
            time.sleep(self._switch.plan.duration_s)
        return fault, rng


def load_faulty(load: Callable[[], Sam2Model], switch: FaultSwitch) -> FaultyModel:
    """
    Load a model that follows the switch's plan, or fail to as it says.

    :raises ModelError: the plan wants it.
    """
    plan = switch.plan
    if plan.load_fault == 'slow':
        time.sleep(plan.duration_s)
    elif plan.load_fault:
        message = 'a fault of the plan: the model cannot be loaded'
        raise ModelError(message)
    return FaultyModel(load(), switch)


def _not_finite(sighting: Sighting, number: float) -> Sighting:
    """Return what graphs give that overflowed."""
    return replace(
        sighting,
        mask_logits=np.full_like(sighting.mask_logits, number),
        predicted_iou=number,
        object_score_logit=number,
        is_finite=False,
    )


def _garbage(sighting: Sighting, rng: np.random.Generator) -> Sighting:
    """Return finite numbers that have nothing to do with the image."""
    noise: Float32Array = rng.normal(0.0, 5.0, sighting.mask_logits.shape).astype(np.float32)
    rows, columns = np.nonzero(noise > 0.0)
    extent = (0, 0, 0, 0)
    if len(rows):
        extent = (
            int(columns.min()),
            int(rows.min()),
            int(columns.max()) + 1,
            int(rows.max()) + 1,
        )
    return replace(
        sighting,
        mask_logits=noise,
        extent=extent,
        predicted_iou=float(rng.random()),
        object_score_logit=float(rng.normal(0.0, 5.0)),
    )
