# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The tracker as a MAVLink tracking camera, beside a tracker that runs.

`ros2 launch sam2_tracker_ros mavlink_bridge.launch.py connection:=udpout:192.168.1.10:14550`
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

ARGUMENTS = [
    DeclareLaunchArgument(
        'connection',
        default_value='',
        description='Where the ground station or autopilot is: udpout:HOST:PORT, '
        'udpin:HOST:PORT, tcp:HOST:PORT or /dev/DEVICE,BAUD. Empty: the one of params_file.',
    ),
    DeclareLaunchArgument(
        'camera_info',
        default_value='camera_info',
        description='Topic of the camera calibration; gives resolution and field of view.',
    ),
    DeclareLaunchArgument(
        'params_file',
        default_value=PathJoinSubstitution(
            [FindPackageShare('sam2_tracker_ros'), 'config', 'mavlink_bridge.yaml']
        ),
        description='Parameters of the node; the default file lists them all.',
    ),
    DeclareLaunchArgument(
        'namespace', default_value='', description='Namespace of the node and of the tracker.'
    ),
    DeclareLaunchArgument(
        'use_sim_time',
        default_value='false',
        choices=['true', 'false'],
        description='Take the time from /clock, as a simulator or a bag gives it.',
    ),
]


def start_bridge(context: LaunchContext) -> list[Node]:
    """Return the node; a connection given as argument goes before the one of the file."""
    overrides = {'use_sim_time': LaunchConfiguration('use_sim_time').perform(context) == 'true'}
    connection = LaunchConfiguration('connection').perform(context)
    return [
        Node(
            package='sam2_tracker_ros',
            executable='mavlink_bridge',
            name='mavlink_bridge',
            namespace=LaunchConfiguration('namespace'),
            parameters=[
                LaunchConfiguration('params_file'),
                {**overrides, 'connection': connection} if connection else overrides,
            ],
            remappings=[('camera_info', LaunchConfiguration('camera_info'))],
            respawn=True,
            respawn_delay=1.0,
            output='both',
            emulate_tty=True,
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the node."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=start_bridge)])
