# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is told of targets while the model has not answered, so that nobody steers blindly."""

from collections.abc import Sequence
from dataclasses import replace

from sam2_tracker_ros.core.types import (
    NANOSECONDS_PER_SECOND,
    Event,
    EventType,
    Reason,
    StepResult,
    TargetResult,
    TargetState,
)
from sam2_tracker_ros.messages import no_target


class LateInference:
    """
    Lets targets coast beside the tracker, which knows nothing of it.

    Its events are made one sequence with those of the tracker: a target that was told to coast is
    told to be there again, or is not told to coast a second time.
    """

    def __init__(self) -> None:
        # When those that were told to coast had been measured last.
        self._measured_ns: dict[str, int] = {}

    def coasting(
        self, targets: Sequence[TargetResult], measured_ns: int, now_ns: int
    ) -> tuple[Event, ...]:
        """
        Return the events for targets that coast since the model has not answered.

        :param targets: of Tracker.meanwhile.
        :param measured_ns: stamp of the last frame.
        """
        coasting = [
            target
            for target in targets
            if target.reason is Reason.INFERENCE_STALLED
            and target.target_id not in self._measured_ns
        ]
        self._measured_ns.update((target.target_id, measured_ns) for target in coasting)
        return tuple(
            Event(
                EventType.COASTING,
                now_ns,
                target.target_id,
                target.epoch,
                reason=Reason.INFERENCE_STALLED,
            )
            for target in coasting
        )

    def continued(self, result: StepResult) -> StepResult:
        """Return the tracker's next result as what follows on what was told."""
        if not self._measured_ns:
            return result
        told, self._measured_ns = self._measured_ns, {}
        started = {e.target_id for e in result.events if e.type is EventType.ACQUIRED}
        events = [
            event
            for event in result.events
            if event.type is not EventType.COASTING or event.target_id not in told
        ]
        events += [
            Event(
                EventType.REACQUIRED,
                result.stamp_ns,
                target.target_id,
                target.epoch,
                gap_s=max(0, result.stamp_ns - told[target.target_id]) / NANOSECONDS_PER_SECOND,
            )
            for target in result.targets
            if target.state is TargetState.TRACKING and target.target_id in told.keys() - started
        ]
        return replace(result, events=tuple(events))


def unknown_targets(epochs: dict[str, int], reason: Reason) -> tuple[TargetResult, ...]:
    """
    Return that nothing is known of any target, as it is when the model does not work.

    :param epochs: of the targets, by id; without any, one result names none.
    """
    unknown = replace(no_target(TargetState.ERROR), reason=reason)
    found = tuple(
        replace(unknown, target_id=target_id, epoch=epoch) for target_id, epoch in epochs.items()
    )
    return found or (unknown,)
