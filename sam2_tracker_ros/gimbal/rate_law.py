# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From a pointing error to the rate that corrects it, and the limits of every rate."""

import math

from sam2_tracker_ros.gimbal.gimbal_model import AxisPair


def outside_dead_zone(error: AxisPair, elevation: float, dead_zone: float) -> AxisPair:
    """
    Return what of an error lies outside of the dead zone.

    It grows from zero at the border, so that there is no step that could start an oscillation.

    :param elevation: of the target; a yaw turns the camera by less when it looks up or down.
    """
    size = math.hypot(error.yaw * math.cos(elevation), error.pitch)
    if size <= dead_zone:
        return AxisPair(0.0, 0.0)
    outside = (size - dead_zone) / size
    return AxisPair(outside * error.yaw, outside * error.pitch)


def correcting_rate(error: float, response_time_s: float, max_acceleration: float) -> float:
    """
    Return the rate at which an error goes down, so that it can be braked in time.

    Half the acceleration is kept for the target's own turns.
    """
    brakable = math.sqrt(max_acceleration * abs(error))
    return math.copysign(min(abs(error) / response_time_s, brakable), error)


def limited(
    wanted: float, before: float, elapsed_s: float, max_rate: float, max_acceleration: float
) -> float:
    """Return the rate next to the wanted one that both limits allow."""
    step = max_acceleration * elapsed_s
    reachable = min(before + step, max(before - step, wanted))
    return min(max_rate, max(-max_rate, reachable))


def slowed(wanted: float, *bounds: float) -> float:
    """Return the wanted rate, but never faster than the bounds and never the other way."""
    for bound in bounds:
        wanted = min(max(bound, 0.0), max(min(bound, 0.0), wanted))
    return wanted
