# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which target a prompt means, and what the tracker says to it."""

from collections.abc import Collection, Mapping

from sam2_tracker_ros.core.prompts import CheckedPrompt
from sam2_tracker_ros.core.track import Observation, Track, probability
from sam2_tracker_ros.core.types import Event, EventType, PromptAnswer, Reason
from sam2_tracker_ros.errors import PromptError


def known_in(tracks: Mapping[str, Track], target_id: str) -> str:
    """
    Return the id, or the only target's for an empty one.

    :raises PromptError: there is no such target, or an empty id could mean several.
    """
    names = ', '.join(repr(name) for name in tracks) or 'none'
    if target_id in tracks:
        return target_id
    if not target_id and len(tracks) == 1:
        return next(iter(tracks))
    if not target_id:
        message = f'target_id is empty, which means the only target; there are: {names}'
    else:
        message = f'there is no target {target_id!r}; there are: {names}'
    raise PromptError(message)


def free_id(taken: Collection[str]) -> str:
    """Return a name that no target has."""
    number = 1
    while f'target_{number}' in taken:
        number += 1
    return f'target_{number}'


def released(target_id: str, epoch: int, stamp_ns: int, detail: str = '') -> Event:
    """Return the event that tells of a target's end."""
    return Event(
        EventType.RELEASED,
        stamp_ns,
        target_id,
        epoch,
        reason=Reason.RELEASED,
        detail=detail,
    )


def accepted(
    message: str, track: Track, observation: Observation, prompt: CheckedPrompt
) -> PromptAnswer:
    """Answer, and say so when the mask does not follow the clicks."""
    mask = observation.mask
    wrong = [
        point
        for point in prompt.points
        if mask is None or mask.contains(point.x, point.y) != point.is_foreground
    ]
    if wrong:
        message += (
            f'; {len(wrong)} of {len(prompt.points)} points are on the wrong side of the mask'
        )
    return PromptAnswer(
        accepted=True,
        message=message,
        target_id=track.target_id,
        epoch=track.epoch,
        object_score=probability(observation.object_score_logit),
        predicted_iou=observation.predicted_iou,
    )
