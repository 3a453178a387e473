# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Turn a gimbal so that a target stays where it is wanted in the picture; no ROS.

Times are seconds of one clock, the one that stamps images and attitudes. Angles are radians: yaw
about the vertical, + right, then pitch, + up. Axes are those of MAVLink: x forward, y right,
z down.
"""

from sam2_tracker_ros.gimbal.config import FollowerConfig, OutputConfig
from sam2_tracker_ros.gimbal.follower import Follower
from sam2_tracker_ros.gimbal.types import Command, Mode, Observation

__all__ = ['Command', 'Follower', 'FollowerConfig', 'Mode', 'Observation', 'OutputConfig']
