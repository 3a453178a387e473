# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Faults of time: stamps, rates, silence, loops and clocks."""

from collections.abc import Sequence
from copy import deepcopy
from random import Random

from sam2_tracker_ros.ros.fault_camera import Shot
from sam2_tracker_ros.ros.fault_kind import Kind, any_of
from sam2_tracker_ros.ros.fault_rig import Rig, seconds_ns

# Seconds and nanoseconds as a driver may write them. Seconds are signed on the wire: -1 is what an
# unsigned clock says in the year 2106. A nanosecond field may hold more than a second.
_FIXED_STAMPS = (
    (2**31 - 1, 999_999_999),
    (2**31 - 1, 2**32 - 1),
    (-1, 0),
    (-(2**31), 0),
    (0, 0),
    (0, 1),
    (1, 2**32 - 1),
)
_OFFSETS_S = (-3600.0, -5.0, -0.2, 0.2, 5.0, 3600.0, 3e7)
_FAST_HZ = 200.0
_LOOP_S = 0.7


def _shifted(rig: Rig, rng: Random) -> None:
    """Shift all stamps into the past or the future, and then back."""
    for _ in range(rng.randrange(1, 4)):
        rig.camera.offset_ns = seconds_ns(rng.choice(_OFFSETS_S))
        rig.pause(rng.uniform(0.2, 0.8))


def _impossible(rig: Rig, rng: Random) -> None:
    """Set some stamps to the ends of what the message can hold."""
    probability = rng.choice((0.1, 0.5))

    def transform(shot: Shot) -> Sequence[Shot]:
        if rng.random() < probability:
            seconds, nanoseconds = rng.choice(_FIXED_STAMPS)
            stamp = shot.message.header.stamp
            stamp.sec, stamp.nanosec = seconds, nanoseconds
            if not (seconds or nanoseconds):
                return [Shot(shot.message, {})]
        return [shot]

    rig.camera.transform = transform
    rig.pause(rng.uniform(0.5, 2.0))


def _duplicated(rig: Rig, rng: Random) -> None:
    """Send images up to three times."""
    rig.camera.transform = lambda shot: [shot] * rng.randrange(1, 4)
    rig.pause(rng.uniform(0.5, 2.0))


def _out_of_order(rig: Rig, rng: Random) -> None:
    """Let images overtake each other, and lose some."""
    waiting: list[Shot] = []

    def transform(shot: Shot) -> Sequence[Shot]:
        waiting.append(shot)
        if len(waiting) < depth:
            return []
        rng.shuffle(waiting)
        out = [waiting.pop() for _ in range(rng.randrange(1, depth))]
        return out[rng.randrange(2) :]

    depth = rng.randrange(2, 5)
    rig.camera.transform = transform
    rig.pause(rng.uniform(0.5, 2.0))


def _burst(rig: Rig, rng: Random) -> None:
    """Make the camera ten times as fast as it should be."""
    rig.camera.rate_hz = _FAST_HZ
    rig.pause(rng.uniform(0.5, 1.5))


def _stall(rig: Rig, rng: Random) -> None:
    """Stop the camera."""
    rig.camera.is_stopped = True
    rig.pause(rng.uniform(0.5, 3.0))


def _flicker(rig: Rig, rng: Random) -> None:
    """Stop the camera again and again."""
    for _ in range(rng.randrange(3, 8)):
        rig.camera.is_stopped = not rig.camera.is_stopped
        rig.pause(rng.uniform(0.05, 0.5))


def _loop(rig: Rig, rng: Random) -> None:
    """Play a bag in a loop: the same images with the same stamps."""
    bag: list[Shot] = []
    place = -1

    def record(shot: Shot) -> Sequence[Shot]:
        bag.append(deepcopy(shot))
        return [shot]

    def play(_: Shot) -> Sequence[Shot]:
        nonlocal place
        place = (place + 1) % len(bag)
        return [bag[place]]

    rig.camera.transform = record
    rig.wait('images to be recorded', lambda: len(bag) >= int(_LOOP_S * rig.camera.rate_hz), 5.0)
    rig.camera.transform = play
    rig.pause(_LOOP_S * rng.uniform(1.0, 3.0))


def _clock_jumps(rig: Rig, rng: Random) -> None:
    """Let simulated time jump back and forth."""
    for _ in range(rng.randrange(1, 5)):
        rig.clock.jump(seconds_ns(rng.choice((-1.0, 1.0)) * 10.0 ** rng.uniform(-1.0, 4.0)))
        rig.pause(rng.uniform(0.1, 0.8))


def _clock_stops(rig: Rig, rng: Random) -> None:
    """Stop simulated time, and with it every stamp, and let it go on."""
    rig.clock.stop()
    rig.pause(rng.uniform(0.3, 1.5))
    rig.clock.go_on()


KINDS = (
    Kind('stamps shifted', _shifted),
    Kind('stamps impossible', _impossible),
    Kind('images duplicated', _duplicated),
    Kind('images out of order', _out_of_order),
    Kind('burst of 200 Hz', _burst),
    Kind('camera stalls', any_of(_stall, _flicker)),
    Kind('bag loop', _loop),
    Kind('clock jumps', _clock_jumps, rig='simulated'),
    # Timers of a clock that stands still do not run.
    Kind('clock stops', _clock_stops, rig='simulated', must_speak=False),
)
