# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which target is followed, what of the tracker's messages counts, and what to do now."""

import math
from typing import NamedTuple

from sam2_tracker_ros.core.types import Reason, TargetState
from sam2_tracker_ros.gimbal.config import FollowerConfig
from sam2_tracker_ros.gimbal.types import Mode, Observation

# How far the clocks of camera and follower may be apart.
_MAX_LEAD_S = 0.05


class Change(NamedTuple):
    """
    What a message changes.

    :param is_other: it is about another target than the one before, or about none.
    :param restarts: what was known about the motion is void.
    """

    is_other: bool = False
    is_measurement: bool = False
    restarts: bool = False


class Watch:
    """The tracker's messages about one target, and their age."""

    def __init__(self) -> None:
        self._newest: Observation | None = None
        self._heard_s = -math.inf
        # Of the newest measurement: its capture, and the arrival of the first message after it
        # that was none.
        self._measured_s = -math.inf
        self._unseen_since_s: float | None = None
        self._lost_since_s: float | None = None
        # Why it was lost: later messages tell why it is not there now.
        self.lost_reason = Reason.NONE
        self._problem = ''

    @property
    def target_id(self) -> str:
        """The target that is followed, or empty."""
        return self._newest.target_id if self._newest else ''

    @property
    def epoch(self) -> int:
        """Its epoch."""
        return self._newest.epoch if self._newest else 0

    def unseen_s(self, now_s: float) -> float:
        """Return for how long messages came without a measurement; repeated ones add nothing."""
        return 0.0 if self._unseen_since_s is None else max(0.0, now_s - self._unseen_since_s)

    def hear(self, observation: Observation, now_s: float, config: FollowerConfig) -> Change:
        """Take a message."""
        if not self._is_about_ours(observation, now_s, config):
            return Change()
        before, self._newest, self._heard_s = self._newest, observation, now_s
        is_other = before is None or (before.target_id, before.epoch) != (
            observation.target_id,
            observation.epoch,
        )
        if is_other:
            self._measured_s, self._unseen_since_s = -math.inf, None
        if observation.state is not TargetState.LOST:
            self._lost_since_s = None
        elif self._lost_since_s is None or is_other:
            self._lost_since_s, self.lost_reason = now_s, observation.reason
        return self._judged(observation, now_s, config)._replace(is_other=is_other)

    def mode(self, now_s: float, config: FollowerConfig) -> tuple[Mode, str]:
        """Return what to do, and why."""
        newest = self._newest
        if newest is None or now_s - self._heard_s > config.stale_timeout_s:
            what = f'target {config.target_id!r}' if config.target_id else 'a target'
            return Mode.STALE, f'the tracker tells nothing about {what}'
        if newest.reason is Reason.INPUT_STALLED:
            return Mode.STALE, 'no images reach the tracker'
        if newest.state is TargetState.TRACKING:
            return self._mode_when_tracked(now_s, config)
        if newest.state is TargetState.COASTING:
            return Mode.COASTING, f'not measured: {newest.reason.name.lower()}'
        if newest.state is TargetState.LOST:
            return self._mode_when_lost(now_s, config)
        is_error = newest.state is TargetState.ERROR
        return Mode.IDLE, 'the tracker failed; see its log' if is_error else 'there is no target'

    def _is_about_ours(
        self, observation: Observation, now_s: float, config: FollowerConfig
    ) -> bool:
        if not observation.target_id:  # there is no target at all
            return True
        if config.target_id:
            return observation.target_id == config.target_id
        if observation.target_id == self.target_id:
            return True
        is_free = not self.target_id or now_s - self._heard_s > config.stale_timeout_s
        return is_free and observation.state is TargetState.TRACKING

    def _judged(self, observation: Observation, now_s: float, config: FollowerConfig) -> Change:
        """Return whether a message about our target is a measurement that counts."""
        age_s, was_unseen_since_s = now_s - observation.stamp_s, self._unseen_since_s
        self._problem = observation.problem
        if self._unseen_since_s is None:
            self._unseen_since_s = now_s
        if self._problem:
            return Change()
        if age_s < -_MAX_LEAD_S:
            self._problem = f'its stamp is {-age_s:.2f} s in the future: synchronise the clocks'
            self._measured_s = -math.inf
            return Change(restarts=True)
        if age_s > config.stale_timeout_s:
            self._problem = f'its image is {age_s:.2f} s old: tracker too slow, or another clock'
            return Change()
        if observation.stamp_s == self._measured_s:
            self._unseen_since_s = was_unseen_since_s
            return Change()
        restarts = observation.stamp_s < self._measured_s
        self._measured_s, self._unseen_since_s = observation.stamp_s, None
        return Change(is_measurement=True, restarts=restarts)

    def _mode_when_tracked(self, now_s: float, config: FollowerConfig) -> tuple[Mode, str]:
        age_s = now_s - self._measured_s
        if age_s > config.stale_timeout_s:
            return Mode.STALE, self._problem or f'the newest measurement is {age_s:.2f} s old'
        return (Mode.COASTING, self._problem) if self._problem else (Mode.FOLLOWING, '')

    def _mode_when_lost(self, now_s: float, config: FollowerConfig) -> tuple[Mode, str]:
        since_s = 0.0 if self._lost_since_s is None else now_s - self._lost_since_s
        if config.search == 'none' or since_s < config.hold_s or self._measured_s == -math.inf:
            return Mode.HOLDING, 'the target is lost'
        if since_s > config.hold_s + config.search_timeout_s:
            return Mode.HOLDING, 'the target is lost, and was searched for in vain'
        return Mode.SEARCHING, 'the target is lost'
