# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A gimbal with a first order lag, its camera and a tracker, in closed form."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
import math

import numpy as np

from sam2_tracker_ros.core.types import Float64Array, TargetState
from sam2_tracker_ros.gimbal import Command, Follower, FollowerConfig, Observation
from sam2_tracker_ros.gimbal.geometry import Direction, Pose, optical_angles

START_S = 1_700_000_000.0
STEP_S = 0.005
# Tangents of half the field of view: 60 degrees across, 16:9.
VIEW = (math.tan(math.radians(30.0)), math.tan(math.radians(30.0)) * 9.0 / 16.0)

Path = Callable[[float], Direction]
# Changes what the tracker says about the image of a time.
Tamper = Callable[[float, Observation], 'Observation | None']


@dataclass(frozen=True)
class Scenario:
    """
    What the follower is up against.

    :param path: where the target is, in the level frame, at each time.
    :param latency_s: from the image to the tracker's message.
    :param noise: standard deviation of a measured direction in radians.
    :param gust: the airframe's motion that shakes the camera, [yaw, pitch] at each time.
    """

    path: Path
    duration_s: float = 6.0
    start: tuple[float, float] = (0.0, 0.0)
    latency_s: float = 0.06
    lag_s: float = 0.06
    delay_s: float = 0.0
    noise: float = 0.0
    camera_period_s: float = 1.0 / 30.0
    has_attitude: bool = True
    knows_capture_time: bool = True
    gust: Callable[[float], tuple[float, float]] = lambda _: (0.0, 0.0)
    tamper: Tamper = lambda _, observation: observation
    config: FollowerConfig = field(default_factory=FollowerConfig)


@dataclass
class Run:
    """
    What happened.

    :param errors: [N, 2] in radians, target from the middle of the picture, + right and + down.
    """

    times: Float64Array
    errors: Float64Array
    commands: list[Command]

    def worst_deg(self, begin_s: float = 0.0, end_s: float = math.inf) -> float:
        chosen = (self.times >= begin_s) & (self.times <= end_s)
        return math.degrees(float(np.hypot(*self.errors[chosen].T).max()))

    def rms_deg(self, begin_s: float = 0.0) -> float:
        chosen = self.errors[self.times >= begin_s]
        return math.degrees(math.sqrt(float((chosen**2).sum(1).mean())))


def observe(stamp_s: float, angles: tuple[float, float]) -> Observation:
    """Return a measurement of a target of 0.1 of the picture at these angles of the camera."""
    tangents = math.tan(angles[0]), math.tan(angles[1])
    ray = np.array([*tangents, 1.0]) / math.hypot(*tangents, 1.0)
    place = tangents[0] / VIEW[0], tangents[1] / VIEW[1]
    across = math.hypot(1.0, tangents[1]), math.hypot(1.0, tangents[0])
    half = 0.1 * VIEW[0], 0.1 * VIEW[1]
    sizes = tuple(
        math.atan2(
            2.0 * half[axis] * across[axis],
            across[axis] ** 2 + tangents[axis] ** 2 - half[axis] ** 2,
        )
        for axis in (0, 1)
    )
    return Observation(
        stamp_s=stamp_s,
        target_id='car',
        epoch=1,
        state=TargetState.TRACKING,
        measured=True,
        bearing_valid=True,
        ray=(float(ray[0]), float(ray[1]), float(ray[2])),
        error=place,
        extent=(0.1, 0.1),
        size=(sizes[0], sizes[1]),
    )


def run(scenario: Scenario) -> Run:
    """Close the loop: control at 50 Hz, attitude at 100 Hz, the camera at its rate."""
    random = np.random.default_rng(5)
    follower = Follower(scenario.config, START_S)
    angles: Float64Array = np.asarray(scenario.start)
    rates: Float64Array = np.zeros(2)
    sent: deque[tuple[float, Float64Array]] = deque()
    acting: Float64Array = np.zeros(2)
    on_their_way: deque[tuple[float, Observation]] = deque()
    next_image_s = 0.0
    commands: list[Command] = []
    times, errors = [], []
    for step in range(round(scenario.duration_s / STEP_S)):
        now_s = step * STEP_S
        gust = scenario.gust(now_s)
        pose = Pose(angles[0] + gust[0], angles[1] + gust[1], 0.0)
        seen = optical_angles(pose, scenario.path(now_s))
        times.append(now_s)
        errors.append(seen)
        if scenario.has_attitude and step % 2 == 0:
            follower.on_attitude(START_S + now_s, pose, START_S + now_s)
        if now_s >= next_image_s - 1e-9:
            next_image_s += scenario.camera_period_s
            noise = random.normal(0.0, scenario.noise, 2) if scenario.noise else (0.0, 0.0)
            made = observe(START_S + now_s, (seen[0] + noise[0], seen[1] + noise[1]))
            told = scenario.tamper(now_s, made)
            if told is not None:
                on_their_way.append((now_s + scenario.latency_s, told))
        while on_their_way and on_their_way[0][0] <= now_s + 1e-9:
            told = on_their_way.popleft()[1]
            if not scenario.knows_capture_time:
                told = replace(told, stamp_s=START_S + now_s)
            if follower.on_target(told, START_S + now_s):
                commands.append(follower.command(START_S + now_s))
                sent.append((now_s + scenario.delay_s, _rates_of(commands[-1])))
        if step % 4 == 0:
            commands.append(follower.command(START_S + now_s))
            sent.append((now_s + scenario.delay_s, _rates_of(commands[-1])))
        while sent and sent[0][0] <= now_s + 1e-9:
            acting = sent.popleft()[1]
        left = math.exp(-STEP_S / scenario.lag_s)
        angles += acting * STEP_S + (rates - acting) * scenario.lag_s * (1.0 - left)
        rates += (acting - rates) * (1.0 - left)
    return Run(np.array(times), np.array(errors), commands)


def _rates_of(command: Command) -> Float64Array:
    return np.array([command.yaw_rate, command.pitch_rate])


def turning(max_rate: float, acceleration: float, elevation: float = 0.0) -> Path:
    """Return a target that swings from side to side: +rate, then -rate, with that acceleration."""
    turn_s, straight_s = 2.0 * max_rate / acceleration, 1.0
    half_s = turn_s + straight_s

    def azimuth(now_s: float) -> float:
        # Runs at +max_rate, turns, runs at -max_rate, turns: the closed form of each piece.
        number, inside_s = divmod(now_s, half_s)
        sign = 1.0 if number % 2 == 0 else -1.0
        start = 0.0 if sign > 0 else max_rate * straight_s
        if inside_s <= straight_s:
            return start + sign * max_rate * inside_s
        turned_s = inside_s - straight_s
        end = start + sign * max_rate * straight_s
        return end + sign * (max_rate * turned_s - acceleration * turned_s**2 / 2.0)

    return lambda now_s: Direction(azimuth(now_s), elevation)
