# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Latency-compensated rate control of a gimbal, one command at a time."""

import math

from sam2_tracker_ros.core.types import Edge
from sam2_tracker_ros.gimbal.config import FollowerConfig
from sam2_tracker_ros.gimbal.direction_filter import DirectionFilter
from sam2_tracker_ros.gimbal.framing import Framing
from sam2_tracker_ros.gimbal.geometry import (
    Direction,
    Pose,
    direction_of,
    optical_angles,
    pose_that_sees,
    wrapped,
)
from sam2_tracker_ros.gimbal.gimbal_model import AxisPair
from sam2_tracker_ros.gimbal.pointing import Pointing
from sam2_tracker_ros.gimbal.rate_law import (
    correcting_rate,
    limited,
    outside_dead_zone,
    slowed,
)
from sam2_tracker_ros.gimbal.search import SearchPattern, way_it_went
from sam2_tracker_ros.gimbal.types import Command, Mode, Observation
from sam2_tracker_ros.gimbal.watch import Watch

_REST = AxisPair(0.0, 0.0)
_STOPPED = (Mode.IDLE, Mode.HOLDING, Mode.STALE)
# Over which the wanted pose's change is taken as its rate.
_STEP_S = 0.02
# The longest time between two commands that counts as such, for the limit of acceleration.
_MAX_PERIOD_S = 0.1
# A direction that was measured longer ago tells nothing about the next one.
_MAX_GAP_S = 1.0


class Follower:
    """
    Keeps a target at a place in the picture.

    The direction of every measurement is turned into the level frame with the pose that the
    camera had when the image was taken, and filtered there: so neither the age of the image nor
    the gimbal's own motion is taken for motion of the target. The command is the rate of the pose
    that will see the target, plus what of the error is corrected within the response time. Both
    are for the time when the command has its effect, and the error counts what earlier commands
    will still do (GimbalModel). So the correction is that of a pure integrator.
    """

    def __init__(self, config: FollowerConfig, now_s: float) -> None:
        self._config = config
        self._watch = Watch()
        self._start(now_s)

    def _start(self, now_s: float) -> None:
        self._pointing = Pointing(now_s, self._config.assumed_pitch_rad)
        self._framing = Framing()
        self._filter: DirectionFilter | None = None
        self._last_seen: Observation | None = None
        self._search: SearchPattern | None = None
        # Of the newest command, and of the newest while the target was seen.
        self._rates = self._followed = _REST
        self._now_s = now_s

    @property
    def has_attitude(self) -> bool:
        """Whether the gimbal's attitude is known; else it is reckoned from the commands."""
        return self._pointing.is_measured(self._now_s)

    def reconfigure(self, config: FollowerConfig) -> None:
        """Take other settings from the next command on."""
        self._config = config

    def on_attitude(self, stamp_s: float, pose: Pose, now_s: float) -> str:
        """
        Take a measured pose of the gimbal.

        :return: why it cannot be used, or empty
        """
        problem, is_new_frame = self._pointing.measured(stamp_s, pose, now_s)
        if is_new_frame:
            self._filter = None
        return problem

    def on_target(self, observation: Observation, now_s: float) -> bool:
        """
        Take a message of the tracker.

        :return: whether the gimbal must be stopped now and not with the next command
        """
        is_moving = self._rates != _REST
        change = self._watch.hear(observation, now_s, self._config)
        if change.is_other:
            self._filter = self._last_seen = None
        if change.is_measurement:
            self._measure(observation, change.restarts)
        elif change.restarts:
            self._filter = None
        return is_moving and self._watch.mode(now_s, self._config)[0] in _STOPPED

    def command(self, now_s: float) -> Command:
        """Return the command for now; it counts as given."""
        if now_s < self._now_s:  # a clock that was set back, as by a bag that starts again
            self._watch = Watch()
            self._start(now_s)
        config = self._config
        elapsed_s, self._now_s = min(_MAX_PERIOD_S, now_s - self._now_s), now_s
        self._pointing.advance(now_s)
        self._framing.approach(
            (config.framing_x, config.framing_y), -math.expm1(-elapsed_s / config.framing_time_s)
        )
        mode, detail = self._watch.mode(now_s, config)
        if mode is not Mode.SEARCHING:
            self._search = None
        self._rates = self._next_rates(mode, elapsed_s)
        self._pointing.command(self._rates, config.gimbal_delay_s, config.gimbal_lag_s)
        return Command(
            stamp_s=now_s,
            mode=mode,
            detail=detail,
            target_id=self._watch.target_id,
            epoch=self._watch.epoch,
            error=self._error(),
            pitch_rate=self._rates.pitch,
            yaw_rate=self._rates.yaw,
            target_age_s=math.inf if self._filter is None else now_s - self._filter.stamp_s,
        )

    def _measure(self, observation: Observation, restarts: bool) -> None:
        config, stamp_s = self._config, observation.stamp_s
        direction = direction_of(self._pointing.at(stamp_s), observation.ray)
        noise, acceleration = config.direction_noise_rad, config.target_acceleration_rad_s2
        if self._filter is None or restarts or stamp_s > self._filter.stamp_s + _MAX_GAP_S:
            self._filter = DirectionFilter(stamp_s, direction, noise, acceleration)
        else:
            self._filter.update(stamp_s, direction, noise, acceleration)
        self._last_seen = observation
        self._framing.learn(observation)

    def _next_rates(self, mode: Mode, elapsed_s: float) -> AxisPair:
        """Return the rates of the command; where the target is not known, the gimbal stops."""
        if self._filter is None or mode in _STOPPED:
            return _REST
        if mode is Mode.SEARCHING:
            return self._limited(self._searching_rates(self._filter), elapsed_s)
        rates = self._limited(self._following_rates(self._filter), elapsed_s)
        if mode is Mode.FOLLOWING:
            self._followed = rates
            return rates
        fade = self._fade()
        return AxisPair(
            slowed(rates.yaw, self._rates.yaw, fade * self._followed.yaw),
            slowed(rates.pitch, self._rates.pitch, fade * self._followed.pitch),
        )

    def _following_rates(self, target: DirectionFilter) -> AxisPair:
        """Return feed-forward plus correction, both faded while the target is not seen."""
        config = self._config
        fade = self._fade()
        ahead_s = config.gimbal_delay_s + config.gimbal_lag_s
        direction = self._predicted(target, ahead_s)
        wanted = self._wanted_pose(direction)
        later = self._wanted_pose(self._predicted(target, ahead_s + _STEP_S * fade))
        coming = self._pointing.coming(self._now_s)
        error = AxisPair(wrapped(wanted.yaw - coming.yaw), wanted.pitch - coming.pitch)
        error = outside_dead_zone(error, direction.elevation, config.dead_zone_rad)
        yaw = correcting_rate(
            error.yaw, config.response_time_s, config.max_yaw_acceleration_rad_s2
        )
        pitch = correcting_rate(
            error.pitch, config.response_time_s, config.max_pitch_acceleration_rad_s2
        )
        drift = self._pointing.drift(self._now_s)
        return AxisPair(
            wrapped(later.yaw - wanted.yaw) / _STEP_S + fade * (yaw - drift.yaw),
            (later.pitch - wanted.pitch) / _STEP_S + fade * (pitch - drift.pitch),
        )

    def _searching_rates(self, target: DirectionFilter) -> AxisPair:
        coming = self._pointing.coming(self._now_s)
        if self._search is None:
            last = self._wanted_pose(target.direction_after(0.0))
            edges = self._last_seen.edges if self._last_seen else Edge.NONE
            self._search = SearchPattern(
                AxisPair(coming.yaw + wrapped(last.yaw - coming.yaw), last.pitch),
                way_it_went(self._watch.lost_reason, edges, target.rates),
            )
        return self._search.rates(
            coming,
            rate=self._config.search_rate_rad_s,
            extent=self._config.search_extent_rad,
            response_time_s=self._config.response_time_s,
        )

    def _limited(self, rates: AxisPair, elapsed_s: float) -> AxisPair:
        config, before = self._config, self._rates
        return AxisPair(
            limited(
                *(rates.yaw, before.yaw, elapsed_s),
                *(config.max_yaw_rate_rad_s, config.max_yaw_acceleration_rad_s2),
            ),
            limited(
                *(rates.pitch, before.pitch, elapsed_s),
                *(config.max_pitch_rate_rad_s, config.max_pitch_acceleration_rad_s2),
            ),
        )

    def _fade(self) -> float:
        """Return how much of a rate is left: 1 while the target is seen."""
        return math.exp(-self._watch.unseen_s(self._now_s) / self._config.coast_decay_s)

    def _predicted(self, target: DirectionFilter, ahead_s: float) -> Direction:
        """Return where the target will be; while it is not seen, its motion comes to rest."""
        unseen_s = self._watch.unseen_s(self._now_s)
        counted_s = self._config.coast_decay_s * (1.0 - self._fade())
        return target.direction_after(
            self._now_s - target.stamp_s - unseen_s + counted_s + ahead_s
        )

    def _wanted_pose(self, direction: Direction) -> AxisPair:
        roll = self._pointing.at(self._now_s).roll
        return AxisPair(*pose_that_sees(direction, self._framing.tangents(), roll))

    def _error(self) -> tuple[float, float]:
        if self._filter is None:
            return math.nan, math.nan
        direction = self._predicted(self._filter, 0.0)
        seen = optical_angles(self._pointing.at(self._now_s), direction)
        x, y = self._framing.tangents()
        return wrapped(seen[0] - math.atan(x)), wrapped(seen[1] - math.atan(y))
