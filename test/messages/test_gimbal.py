# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Target to observations, and commands to what gimbals are told."""

import math

import pytest

from messages.library import STAMP_NS, Library
from sam2_tracker_ros.core.types import Edge, Reason, TargetState
from sam2_tracker_ros.gimbal import Command, Mode
from sam2_tracker_ros.messages import no_target, stamp_ns_of, target_message
from sam2_tracker_ros.messages.gimbal import (
    observation_from_target,
    pose_from_quaternion_stamped,
    rate_message,
    status_message,
)

COMMAND = Command(
    stamp_s=STAMP_NS / 1e9,
    mode=Mode.SEARCHING,
    detail='the target is lost',
    target_id='car',
    epoch=3,
    error=(0.1, math.nan),
    pitch_rate=-0.25,
    yaw_rate=0.5,
    target_age_s=math.inf,
)


def test_an_observation_is_read(library: Library) -> None:
    message = target_message(
        library.classes, no_target(TargetState.LOST), (0, 0), library.header()
    )
    message.target_id, message.epoch, message.edge_flags = 'car', 7, 0b1111_1001
    message.state, message.reason, message.measured = 2, 1, True
    message.bearing_valid = True
    message.bearing = library.classes.vector3(x=0.6, y=0.0, z=0.8)
    message.error_x, message.error_y = 0.25, -0.5
    message.box_normalized[:] = [0.25, 0.125, 0.75, 0.25]
    message.size_x, message.size_y = 0.2, 0.1
    observation = observation_from_target(message)
    assert observation.stamp_s == STAMP_NS / 1e9
    assert (observation.target_id, observation.epoch) == ('car', 7)
    assert (observation.state, observation.reason) == (TargetState.TRACKING, Reason.OCCLUDED)
    assert observation.measured
    assert observation.ray == (0.6, 0.0, 0.8)
    assert observation.error == (0.25, -0.5)
    assert observation.extent == (0.5, 0.125)
    assert observation.size == (0.2, 0.1)
    assert observation.edges == Edge.LEFT | Edge.BOTTOM
    assert observation.problem == ''


def test_numbers_of_a_later_version_are_an_error_without_a_reason(library: Library) -> None:
    message = target_message(
        library.classes, no_target(TargetState.IDLE), (0, 0), library.header()
    )
    message.state, message.reason = 200, 201
    observation = observation_from_target(message)
    assert (observation.state, observation.reason) == (TargetState.ERROR, Reason.NONE)
    assert observation.problem


def test_an_attitude_is_read(library: Library) -> None:
    quaternion = library.find('geometry_msgs/msg/Quaternion')
    stamped = library.find('geometry_msgs/msg/QuaternionStamped')
    turned = quaternion(x=0.0, y=0.0, z=math.sin(0.2), w=math.cos(0.2))
    pose = pose_from_quaternion_stamped(stamped(header=library.header(), quaternion=turned))
    assert pose is not None
    assert tuple(pose) == pytest.approx((0.4, 0.0, 0.0))
    nothing = quaternion(x=0.0, y=0.0, z=0.0, w=0.0)
    message = stamped(header=library.header(), quaternion=nothing)
    assert pose_from_quaternion_stamped(message) is None


def test_a_command_is_written(library: Library) -> None:
    vector3_stamped = library.find('geometry_msgs/msg/Vector3Stamped')
    rate = rate_message(library.classes, vector3_stamped, COMMAND, STAMP_NS)
    assert stamp_ns_of(rate.header) == STAMP_NS
    assert rate.header.frame_id == 'gimbal'
    assert (rate.vector.x, rate.vector.y, rate.vector.z) == (0.0, -0.25, 0.5)


def test_a_status_is_written(library: Library) -> None:
    name = 'sam2_tracker_ros/msg/GimbalFollowerStatus'
    status = status_message(library.classes, library.find(name), COMMAND, STAMP_NS)
    assert stamp_ns_of(status.header) == STAMP_NS
    assert (status.mode, status.MODE_SEARCHING) == (4, 4)
    assert {mode.name: int(mode) for mode in Mode} == {
        mode.name: getattr(status, f'MODE_{mode.name}') for mode in Mode
    }
    assert (status.target_id, status.epoch, status.detail) == ('car', 3, 'the target is lost')
    assert status.error_x == 0.1
    assert math.isnan(status.error_y)
    assert (status.pitch_rate, status.yaw_rate) == (-0.25, 0.5)
    assert status.target_age.sec == 2**31 - 1
    assert library.to_cdr(status, name)
