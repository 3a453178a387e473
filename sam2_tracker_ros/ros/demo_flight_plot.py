# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A flight over time: where the target was in the picture, what the gimbal was told and why."""

from __future__ import annotations

from collections import Counter
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND, Float64Array, TargetState
from sam2_tracker_ros.gimbal import FollowerConfig
from sam2_tracker_ros.gimbal.types import Mode
from sam2_tracker_ros.messages import stamp_ns_of
from sam2_tracker_ros.overlay import STATE_COLORS_BGR
from sam2_tracker_ros.replay.whole_file import whole_file
from sam2_tracker_ros.ros.demo_flight_figures import IN_PLACE, FlightFigures
from sam2_tracker_ros.ros.demo_flight_recorder import FlightRecording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MODE_COLORS = {
    'IDLE': '#bebebe',
    'FOLLOWING': '#46dc60',
    'COASTING': '#fab428',
    'HOLDING': '#f04646',
    'SEARCHING': '#7b3294',
    'STALE': '#7a0000',
}


def draw(
    flight: FlightRecording,
    figures: FlightFigures,
    path: Path,
    title: str,
    fault_s: float | None = None,
) -> None:
    """
    Plot pointing error, rates and states over time.

    :param fault_s: when something went wrong; the gimbal has to stand within the stale timeout.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - slow
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow to import

    figure = Figure(figsize=(13.0, 9.5), dpi=100, layout='constrained')
    FigureCanvasAgg(figure)
    error, rates, states = figure.subplots(3, 1, sharex=True, height_ratios=(2.0, 2.0, 0.8))
    figure.suptitle(title)
    _draw_error(error, flight)
    _draw_rates(rates, flight)
    if fault_s is not None:
        timeout_s = FollowerConfig().stale_timeout_s
        rates.axvline(fault_s, color='#7a0000', linestyle='--', label='fault')
        rates.axvspan(
            fault_s, fault_s + timeout_s, color='#7a0000', alpha=0.3, label='stale timeout'
        )
    _draw_states(states, flight)
    for axes in (error, rates):
        _shade_hidden(axes, figures)
        axes.grid(alpha=0.3)
        axes.legend(loc='upper right', ncols=3, fontsize=8)
    for event in flight.events:
        time_s = (event.stamp_ns - flight.image_stamps[0]) / NANOSECONDS_PER_SECOND
        if 0.0 <= time_s <= _seconds(flight, flight.image_stamps)[-1]:
            error.annotate(
                event.type.name,
                (time_s, 1.0),
                xycoords=('data', 'axes fraction'),
                rotation=60,
                fontsize=7,
                annotation_clip=False,
            )
    states.set_xlabel('time [s]')
    with whole_file(path) as partial:
        figure.savefig(partial)


def _draw_error(axes: Axes, flight: FlightRecording) -> None:
    """Show where the target is in the picture, and how far it may be from the middle."""
    times = _seconds(flight, flight.image_stamps)
    truths = [flight.truths[stamp] for stamp in flight.image_stamps]
    angles = np.degrees([(truth.angle_x, truth.angle_y) for truth in truths])
    half_px = flight.size_px[0] / 2.0
    first = next(truth for truth in truths if abs(truth.error_x) > 1e-6)
    focal_px = first.error_x * half_px / math.tan(first.angle_x)
    bound = math.degrees(math.atan(IN_PLACE * half_px / focal_px))
    axes.axhspan(-bound, bound, color='#46dc60', alpha=0.15, label='10 % of the half width')
    for values, name in zip(angles.T, ('right', 'down'), strict=True):
        axes.plot(
            times,
            values,
            linewidth=1.2,
            label=f'target to the {name}' if name == 'right' else 'target below the middle',
        )
    top = float(np.clip(1.1 * np.abs(angles).max(), 2.0 * bound, 40.0))
    axes.set_ylim(-top, top)
    axes.set_ylabel('pointing error [deg]')


def _draw_rates(axes: Axes, flight: FlightRecording) -> None:
    stamps = sorted(flight.commands)
    commands = np.degrees([flight.commands[stamp] for stamp in stamps]).reshape(-1, 2)
    times = _seconds(flight, stamps)
    axes.plot(times, commands[:, 1], linewidth=1.0, label='commanded yaw rate, + right')
    axes.plot(times, commands[:, 0], linewidth=1.0, label='commanded pitch rate, + up')
    times, speeds = _target_speed(flight)
    axes.plot(times, speeds, color='black', alpha=0.4, linewidth=0.8, label="target's rate")
    axes.set_ylabel('rate [deg/s]')


def _target_speed(flight: FlightRecording) -> tuple[Float64Array, Float64Array]:
    """Return how fast the direction to the target turns in space, at each image."""
    stamps = [stamp for stamp in flight.image_stamps if stamp in flight.attitudes]
    rays = []
    for stamp in stamps:
        bearing = flight.truths[stamp].bearing
        rays.append(_turned(flight.attitudes[stamp], (bearing.z, bearing.x, bearing.y)))
    chosen = np.array(rays).reshape(-1, 3)[::6]
    times = _seconds(flight, stamps)[::6]
    angles = np.arccos(np.clip(np.sum(chosen[1:] * chosen[:-1], axis=1), -1.0, 1.0))
    return (times[1:] + times[:-1]) / 2.0, np.degrees(angles) / np.diff(times)


def _turned(
    attitude: tuple[float, float, float, float], vector: tuple[float, float, float]
) -> Float64Array:
    axis, w = np.array(attitude[:3]), attitude[3]
    across = 2.0 * np.cross(axis, vector)
    return np.asarray(np.array(vector) + w * across + np.cross(axis, across))


def _draw_states(axes: Axes, flight: FlightRecording) -> None:
    """Show the states of the tracker above the modes of the follower."""
    start_ns = flight.image_stamps[0]
    rows = (
        (
            [
                (stamp_ns_of(item.header), TargetState(item.state).name)
                for item in flight.published
            ],
            {state.name: _hex(color) for state, color in STATE_COLORS_BGR.items()},
        ),
        (
            [(stamp_ns_of(item.header), Mode(item.mode).name) for item in flight.statuses],
            _MODE_COLORS,
        ),
    )
    for level, (items, colors) in enumerate(rows):
        for name in Counter(name for _, name in items):
            times = [
                (t - start_ns) / NANOSECONDS_PER_SECOND for t, other in items if other == name
            ]
            axes.plot(
                [time for time in times if time >= 0.0],
                [1 - level] * sum(time >= 0.0 for time in times),
                '|',
                markersize=22,
                color=colors[name],
            )
            if times:
                axes.plot([], [], 's', color=colors[name], label=name.lower())
    axes.set_yticks([1, 0], ['tracker', 'follower'])
    axes.set_ylim(-0.6, 1.6)
    handles, labels = axes.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    axes.legend(
        unique.values(),
        unique.keys(),
        loc='lower center',
        ncols=len(unique),
        fontsize=8,
        bbox_to_anchor=(0.5, -0.75),
    )


def _shade_hidden(axes: Axes, figures: FlightFigures) -> None:
    """Mark when something covers the target, and when the tracker gave no measurement."""
    start = None
    for frame in [*figures.frames, None]:
        if frame is not None and frame.hidden:
            start = frame.time_s if start is None else start
        elif start is not None:
            end = frame.time_s if frame is not None else figures.frames[-1].time_s
            axes.axvspan(start, end, color='black', alpha=0.12)
            start = None


def _seconds(flight: FlightRecording, stamps_ns: list[int]) -> Float64Array:
    start_ns = flight.image_stamps[0]
    return np.array([(stamp - start_ns) / NANOSECONDS_PER_SECOND for stamp in stamps_ns])


def _hex(color_bgr: tuple[int, int, int]) -> str:
    return '#{2:02x}{1:02x}{0:02x}'.format(*color_bgr)
