# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where each target was measured last: what is left of it when the model's memory is gone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sam2_tracker_ros.core.prompt_answers import released
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import (
    Box,
    Event,
    EventType,
    Frame,
    Prompt,
    TargetResult,
)

_STARTED_AGAIN = 'started again where it was measured last, after the model was loaded anew'
_NOT_STARTED = 'it could not be started again after the model was loaded anew'


@dataclass(frozen=True)
class _Sight:
    frame: Frame
    box: Box
    epoch: int


class LastSeen:
    """Keeps one frame and box for each target; targets that are gone are forgotten."""

    def __init__(self) -> None:
        self._sights: dict[str, _Sight] = {}

    @property
    def epochs(self) -> dict[str, int]:
        """Of the targets, by id."""
        return {target_id: sight.epoch for target_id, sight in self._sights.items()}

    def note(self, frame: Frame, targets: Sequence[TargetResult]) -> None:
        """Take in what a frame gave: all targets that there are."""
        self.keep({target.target_id for target in targets})
        for target in targets:
            if target.measured and target.box is not None:
                self._sights.pop(target.target_id, None)  # the newest come last
                self._sights[target.target_id] = _Sight(frame, target.box, target.epoch)

    def keep(self, target_ids: Collection[str]) -> None:
        """Forget all targets but these."""
        for target_id in self._sights.keys() - set(target_ids):
            del self._sights[target_id]

    def start_again(self, tracker: Tracker) -> tuple[Event, ...]:
        """
        Start every target in an empty tracker, in the frame of its last measurement.

        :return: an ACQUIRED or a RELEASED for each; inference that fails is in the detail.
        """
        return tuple(
            self._started(target_id, sight, tracker) for target_id, sight in self._sights.items()
        )

    def _started(self, target_id: str, sight: _Sight, tracker: Tracker) -> Event:
        stamp_ns = sight.frame.stamp_ns
        try:
            result = tracker.step(sight.frame, [Prompt(target_id=target_id, box=sight.box)])
        except Exception as error:  # whatever a model does
            why = f'{type(error).__name__}: {error}'
        else:
            (answer,) = result.answers
            if answer.accepted:
                return Event(
                    EventType.ACQUIRED, stamp_ns, target_id, answer.epoch, detail=_STARTED_AGAIN
                )
            why = answer.message
        return released(target_id, sight.epoch, stamp_ns, f'{_NOT_STARTED}: {why}')
