# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Target to what the gimbal follower sees, and its commands to what gimbals understand."""

import math

from sam2_tracker_ros.core.types import (
    NANOSECONDS_PER_SECOND,
    Edge,
    Reason,
    TargetState,
)
from sam2_tracker_ros.gimbal import Command, Observation, OutputConfig
from sam2_tracker_ros.gimbal.geometry import Pose, pose_of_quaternion
from sam2_tracker_ros.messages.classes import (
    Message,
    MessageClass,
    MessageClasses,
    stamp_ns_of,
)

COMMAND_FRAME = 'gimbal'

# MAVLink commands; their rates are in degrees, those of messages in radians.
_CMD_GIMBAL_MANAGER_PITCHYAW = 1000
_CMD_GIMBAL_MANAGER_CONFIGURE = 1001
_LEAVE_UNCHANGED = -1.0
_NS_PER_US = 1000


def observation_from_target(message: Message) -> Observation:
    """Return a Target; a state or reason that this version does not know is an error's."""
    left, top, right, bottom = (float(side) for side in message.box_normalized)
    bearing = message.bearing
    return Observation(
        stamp_s=stamp_ns_of(message.header) / NANOSECONDS_PER_SECOND,
        target_id=message.target_id,
        epoch=message.epoch,
        state=(
            TargetState(message.state)
            if message.state in TargetState._value2member_map_
            else TargetState.ERROR
        ),
        reason=(
            Reason(message.reason) if message.reason in Reason._value2member_map_ else Reason.NONE
        ),
        measured=message.measured,
        bearing_valid=message.bearing_valid,
        ray=(bearing.x, bearing.y, bearing.z),
        error=(message.error_x, message.error_y),
        extent=(right - left, bottom - top),
        size=(message.size_x, message.size_y),
        edges=Edge(message.edge_flags & int(Edge.LEFT | Edge.RIGHT | Edge.TOP | Edge.BOTTOM)),
    )


def pose_from_quaternion_stamped(message: Message) -> Pose | None:
    """Return the pose of a gimbal; None when the quaternion is no rotation."""
    q = message.quaternion
    return pose_of_quaternion(q.x, q.y, q.z, q.w)


def rate_message(
    classes: MessageClasses, vector3_stamped: MessageClass, command: Command, stamp_ns: int
) -> Message:
    """Return a command as Vector3Stamped: y pitch, + up, z yaw, + right, radians per second."""
    return vector3_stamped(
        header=classes.header_of(stamp_ns, COMMAND_FRAME),
        vector=classes.vector3(x=0.0, y=command.pitch_rate, z=command.yaw_rate),
    )


def status_message(
    classes: MessageClasses, status: MessageClass, command: Command, stamp_ns: int
) -> Message:
    """Return a command and the reasons for it as GimbalFollowerStatus."""
    return status(
        header=classes.header_of(stamp_ns, COMMAND_FRAME),
        mode=int(command.mode),
        detail=command.detail,
        target_id=command.target_id,
        epoch=command.epoch,
        error_x=command.error[0],
        error_y=command.error[1],
        pitch_rate=command.pitch_rate,
        yaw_rate=command.yaw_rate,
        target_age=classes.duration_of(command.target_age_s),
    )


def set_pitchyaw_message(
    set_pitchyaw: MessageClass, command: Command, config: OutputConfig
) -> Message:
    """Return a command as mavros_msgs/GimbalManagerSetPitchyaw: radians, rates only."""
    return set_pitchyaw(
        target_system=config.vehicle_system_id,
        target_component=config.vehicle_component_id,
        flags=config.gimbal_manager_flags,
        gimbal_device_id=config.gimbal_device_id,
        pitch=math.nan,
        yaw=math.nan,
        pitch_rate=command.pitch_rate,
        yaw_rate=command.yaw_rate,
    )


def vehicle_command_message(
    vehicle_command: MessageClass, command: Command, stamp_ns: int, config: OutputConfig
) -> Message:
    """Return a command as px4_msgs/VehicleCommand: degrees, rates only."""
    return _vehicle_command(
        vehicle_command,
        stamp_ns,
        config,
        command=_CMD_GIMBAL_MANAGER_PITCHYAW,
        param1=math.nan,
        param2=math.nan,
        param3=math.degrees(command.pitch_rate),
        param4=math.degrees(command.yaw_rate),
        param5=float(config.gimbal_manager_flags),
    )


def take_control_message(
    vehicle_command: MessageClass, stamp_ns: int, config: OutputConfig
) -> Message:
    """Return the VehicleCommand that makes the follower the one whose commands PX4 obeys."""
    return _vehicle_command(
        vehicle_command,
        stamp_ns,
        config,
        command=_CMD_GIMBAL_MANAGER_CONFIGURE,
        param1=float(config.source_system_id),
        param2=float(config.source_component_id),
        param3=_LEAVE_UNCHANGED,
        param4=_LEAVE_UNCHANGED,
        param5=0.0,
    )


def _vehicle_command(
    vehicle_command: MessageClass, stamp_ns: int, config: OutputConfig, **values: float
) -> Message:
    return vehicle_command(
        timestamp=stamp_ns // _NS_PER_US,
        param6=0.0,
        param7=float(config.gimbal_device_id),
        target_system=config.vehicle_system_id,
        target_component=config.vehicle_component_id,
        source_system=config.source_system_id,
        source_component=config.source_component_id,
        from_external=True,
        **values,
    )
