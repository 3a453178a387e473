# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the demo counts, on flights whose figures are known."""

import math
from typing import Any

import pytest

from ros.harness import stamped
from sam2_tracker_ros.core.types import Event, EventType
from sam2_tracker_ros.msg import Target
from sam2_tracker_ros.ros.demo_flight_figures import FlightFigures, figures_of
from sam2_tracker_ros.ros.demo_flight_plot import draw
from sam2_tracker_ros.ros.demo_flight_recorder import FlightRecording

START_NS = 10**18
FOCAL_PX = 640.0  # of half the width: 45 degrees at its edge
PERIOD_NS = 33_333_333


def truth(error_x: float, error_y: float = 0.0, fraction: float = 1.0) -> Any:
    """Return where the target is in a picture of 1280 x 720."""
    x, y = error_x, error_y * 720 / 1280
    length = math.hypot(x, y, 1.0)
    message = Target(
        measured=fraction > 0.0,
        confidence=fraction,
        error_x=error_x,
        error_y=error_y,
        angle_x=math.atan(x),
        angle_y=math.atan(y),
        box_left=100.0,
        box_top=100.0,
        box_right=200.0,
        box_bottom=150.0,
    )
    message.bearing.x, message.bearing.y, message.bearing.z = x / length, y / length, 1.0 / length
    return message


def answer(state: int = Target.STATE_TRACKING, shift_px: float = 0.0) -> Any:
    return Target(
        state=state,
        measured=state == Target.STATE_TRACKING,
        bearing_valid=True,
        box_left=100.0 + shift_px,
        box_top=100.0,
        box_right=200.0 + shift_px,
        box_bottom=150.0,
    )


def flown(truths: list[Any], answers: list[Any]) -> FlightRecording:
    flight = FlightRecording(size_px=(1280, 720))
    for index, (true, said) in enumerate(zip(truths, answers, strict=True)):
        stamp_ns = START_NS + index * PERIOD_NS
        flight.image_stamps.append(stamp_ns)
        flight.truths[stamp_ns] = stamped(true, stamp_ns)
        flight.targets[stamp_ns] = stamped(said, stamp_ns)
        flight.published.append(said)
        flight.attitudes[stamp_ns] = (0.0, 0.0, 0.0, 1.0)
    flight.events.append(Event(EventType.ACQUIRED, START_NS))
    return flight


def figures(truths: list[Any]) -> FlightFigures:
    return figures_of(flown(truths, [answer() for _ in truths]))


def test_in_place_is_a_circle_of_a_tenth_of_the_half_width() -> None:
    found = figures(
        [truth(0.0), truth(0.099), truth(-0.101), truth(0.0, 0.17), truth(0.0, 0.18), truth(0.5)]
    )
    assert found.share_in_place() == pytest.approx(3 / 6)


def test_the_pointing_error_is_an_angle() -> None:
    assert figures([truth(1.0), truth(-1.0)]).rms_error_rad() == pytest.approx(math.pi / 4)


def test_a_covered_target_does_not_count_but_one_out_of_the_picture_does() -> None:
    covered, outside, half = truth(0.0, fraction=0.0), truth(1.4, fraction=0.0), truth(0.0)
    half.confidence = 0.2
    found = figures([truth(0.0), covered, outside, half])
    assert len(found.seen()) == 2
    assert found.share_in_place() == pytest.approx(0.5)
    assert [frame.hidden for frame in found.frames] == [False, True, False, False]


def test_before_the_target_is_acquired_nothing_counts() -> None:
    flight = flown([truth(0.0)] * 10, [answer() for _ in range(10)])
    flight.events[:] = [Event(EventType.ACQUIRED, START_NS + 6 * PERIOD_NS)]
    assert len(figures_of(flight).frames) == 4
    flight.events.clear()
    assert figures_of(flight).frames == []


def test_the_overlap_is_that_of_measured_boxes() -> None:
    answers = [answer(), answer(shift_px=50.0), answer(Target.STATE_COASTING), answer()]
    truths = [truth(0.0), truth(0.0), truth(0.0), truth(0.0, fraction=0.0)]
    overlaps = [frame.overlap for frame in figures_of(flown(truths, answers)).frames]
    assert overlaps == pytest.approx([1.0, 1 / 3, math.nan, 0.0], nan_ok=True)


def test_a_loss_counts_the_commands_that_still_turn() -> None:
    states = [Target.STATE_TRACKING, Target.STATE_COASTING, *[Target.STATE_LOST] * 3]
    flight = flown([truth(0.0)] * 5, [answer(state) for state in states])
    lost = flight.published[2]
    lost.latency.nanosec = 20_000_000
    told_ns = START_NS + 2 * PERIOD_NS + 20_000_000
    flight.commands = {
        told_ns - 5_000_000: (0.0, 0.3),
        told_ns + 1_000_000: (0.0, 0.3),
        told_ns + 4_000_000: (0.0, 0.0),
        told_ns + 24_000_000: (0.0, 0.0),
    }
    (loss,) = figures_of(flight).losses
    assert loss.turning_messages == 1
    assert loss.zero_after_s == pytest.approx(0.004)


def test_the_overshoot_is_that_of_the_error_when_it_was_found_again() -> None:
    flight = flown([truth(0.2), truth(0.1), truth(0.0), truth(-0.02), truth(0.0)], [answer()] * 5)
    flight.events.append(Event(EventType.REACQUIRED, START_NS, gap_s=1.5))
    found = figures_of(flight)
    assert found.overshoots == [pytest.approx(math.atan(0.02) / math.atan(0.2))]
    assert found.recoveries_s == [1.5]


def test_turning_without_a_measurement_is_timed() -> None:
    states = [Target.STATE_TRACKING] * 3 + [Target.STATE_COASTING] * 3
    flight = flown([truth(0.0)] * 6, [answer(state) for state in states])
    newest_ns = START_NS + 2 * PERIOD_NS
    flight.commands = {
        newest_ns + index * 20_000_000: (0.0, 0.5 if index < 10 else 0.0) for index in range(20)
    }
    found = figures_of(flight)
    assert found.longest_blind_turn_s == pytest.approx(0.18)
    assert found.blind_turn_rad == pytest.approx(0.5 * 0.2)


def test_the_plot_is_drawn(tmp_path: Any) -> None:
    states = [Target.STATE_TRACKING] * 20 + [Target.STATE_LOST] * 20
    flight = flown([truth(0.1, 0.1)] * 40, [answer(state) for state in states])
    flight.commands = dict.fromkeys(flight.image_stamps, (0.1, 0.2))
    draw(flight, figures_of(flight), tmp_path / 'plot.png', 'a flight')
    assert (tmp_path / 'plot.png').stat().st_size > 10_000
