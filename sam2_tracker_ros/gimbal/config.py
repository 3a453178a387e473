# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Every setting of the follower: name, default, unit, range and description."""

from dataclasses import dataclass, fields

from sam2_tracker_ros.core.config import SettingInfo, setting


@dataclass(frozen=True)
class FollowerConfig:
    """Settings of the follower; a name ends in its unit."""

    target_id: str = setting(
        '',
        'Which target to follow; empty for the first one that is tracked, until it is released.',
        changeable=True,
    )
    framing_x: float = setting(
        0.0,
        'Where the target is wanted in the picture, in half widths, + right; 0.333 and -0.333 are '
        'the rule of thirds.',
        minimum=-0.9,
        maximum=0.9,
        changeable=True,
    )
    framing_y: float = setting(
        0.0, 'The same in half heights, + down.', minimum=-0.9, maximum=0.9, changeable=True
    )
    framing_time_s: float = setting(
        1.0,
        'Time constant with which a changed framing is approached.',
        minimum=0.01,
        maximum=60.0,
        changeable=True,
    )
    response_time_s: float = setting(
        0.25,
        'Time constant with which a pointing error is corrected: longer is smoother. The motion '
        'of the target is followed at any value.',
        minimum=0.05,
        maximum=10.0,
        changeable=True,
    )
    dead_zone_rad: float = setting(
        0.004,
        'A pointing error up to this is left alone.',
        minimum=0.0,
        maximum=0.5,
        changeable=True,
    )
    max_pitch_rate_rad_s: float = setting(
        1.5, 'Fastest commanded pitch rate.', minimum=0.01, maximum=20.0, changeable=True
    )
    max_yaw_rate_rad_s: float = setting(
        1.5, 'Fastest commanded yaw rate.', minimum=0.01, maximum=20.0, changeable=True
    )
    max_pitch_acceleration_rad_s2: float = setting(
        4.0,
        'Fastest change of the pitch rate; the stop when a target is lost is not limited.',
        minimum=0.05,
        maximum=200.0,
        changeable=True,
    )
    max_yaw_acceleration_rad_s2: float = setting(
        4.0, 'The same for the yaw rate.', minimum=0.05, maximum=200.0, changeable=True
    )
    gimbal_lag_s: float = setting(
        0.06,
        'Time constant with which the gimbal takes on a commanded rate.',
        minimum=0.0,
        maximum=2.0,
        changeable=True,
    )
    gimbal_delay_s: float = setting(
        0.0,
        'Dead time from a command to the start of its effect.',
        minimum=0.0,
        maximum=2.0,
        changeable=True,
    )
    assumed_pitch_rad: float = setting(
        0.0,
        'Pitch of the gimbal at the start, + up, where nothing publishes gimbal/attitude.',
        minimum=-1.5,
        maximum=1.5,
    )
    direction_noise_rad: float = setting(
        0.003,
        'Standard deviation of a measured direction; larger smooths more.',
        minimum=0.0001,
        maximum=0.2,
        changeable=True,
    )
    target_acceleration_rad_s2: float = setting(
        0.7,
        'Angular acceleration that a target is expected to turn with; smaller smooths more.',
        minimum=0.01,
        maximum=100.0,
        changeable=True,
    )
    coast_decay_s: float = setting(
        1.5,
        'Time constant with which the rate decays while the target is not seen.',
        minimum=0.05,
        maximum=30.0,
        changeable=True,
    )
    stale_timeout_s: float = setting(
        0.3,
        'The gimbal stops when the tracker is silent, or its measurements are old, for longer.',
        minimum=0.05,
        maximum=5.0,
        changeable=True,
    )
    search: str = setting(
        'none',
        'What to do after a lost target was waited for: none holds; sweep goes back to where it '
        'was seen last and on the way it left, then sweeps to both sides.',
        choices=('none', 'sweep'),
        changeable=True,
    )
    hold_s: float = setting(
        1.0,
        'How long to hold before a search.',
        minimum=0.0,
        maximum=60.0,
        changeable=True,
    )
    search_rate_rad_s: float = setting(
        0.2, 'Rate of a search.', minimum=0.01, maximum=2.0, changeable=True
    )
    search_extent_rad: float = setting(
        0.5,
        'How far a search goes to each side of where the target was seen last.',
        minimum=0.01,
        maximum=3.0,
        changeable=True,
    )
    search_timeout_s: float = setting(
        20.0, 'When a search ends and holds.', minimum=0.1, maximum=600.0, changeable=True
    )


@dataclass(frozen=True)
class OutputConfig:
    """What only the ROS node needs."""

    control_rate_hz: float = setting(
        50.0, 'Rate of the commands, zero ones included.', minimum=5.0, maximum=500.0
    )
    mavros: bool = setting(
        False,
        'Publish mavros_msgs/GimbalManagerSetPitchyaw on '
        'mavros/gimbal_control/manager/set_pitchyaw too.',
    )
    px4: bool = setting(
        False, 'Publish px4_msgs/VehicleCommand on fmu/in/vehicle_command too; needs PX4 1.16.'
    )
    gimbal_device_id: int = setting(
        0,
        'Gimbal that mavros and px4 are told to turn; 0 for all.',
        minimum=0,
        maximum=255,
    )
    gimbal_manager_flags: int = setting(
        28,
        'GIMBAL_MANAGER_FLAGS of mavros and px4: the sum of 4 roll lock, 8 pitch lock (against '
        'the horizon) and 16 yaw lock (keeps its heading when the vehicle turns).',
        minimum=0,
        maximum=65535,
    )
    vehicle_system_id: int = setting(
        1, 'MAVLink system of the gimbal manager.', minimum=0, maximum=255
    )
    vehicle_component_id: int = setting(
        1, 'MAVLink component of the gimbal manager.', minimum=0, maximum=255
    )
    source_system_id: int = setting(
        1, 'MAVLink system that px4 is told the commands come from.', minimum=1, maximum=255
    )
    source_component_id: int = setting(
        191,
        'MAVLink component that px4 is told the commands come from.',
        minimum=1,
        maximum=255,
    )


def settings_of(config_class: type[FollowerConfig] | type[OutputConfig]) -> dict[str, SettingInfo]:
    """Return what is known about every setting of one of the classes, by name."""
    return {item.name: item.metadata['info'] for item in fields(config_class)}
