# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
A gimbal that follows the tracker's target.

`ros2 launch sam2_tracker_ros gimbal_follower.launch.py target:=/tracker/target`
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

TOPICS = {
    'target': ('tracker/target', 'Topic of the targets, sam2_tracker_ros/Target.'),
    'attitude': (
        'gimbal/attitude',
        'Topic of the attitude, QuaternionStamped from the gimbal into a level frame; optional.',
    ),
    'rate_command': ('gimbal/rate_command', 'Topic of the commands, Vector3Stamped.'),
    'set_pitchyaw': (
        'mavros/gimbal_control/manager/set_pitchyaw',
        'Topic of the commands for MAVROS, where the parameter mavros is true.',
    ),
    'vehicle_command': (
        'fmu/in/vehicle_command',
        'Topic of the commands for PX4, where the parameter px4 is true.',
    ),
}
ARGUMENTS = [
    *(
        DeclareLaunchArgument(name, default_value=topic, description=description)
        for name, (topic, description) in TOPICS.items()
    ),
    DeclareLaunchArgument(
        'params_file',
        default_value=PathJoinSubstitution(
            [FindPackageShare('sam2_tracker_ros'), 'config', 'gimbal_follower.yaml']
        ),
        description='Parameters of the node; the default file lists them all.',
    ),
    DeclareLaunchArgument('namespace', default_value='', description='Namespace of the node.'),
    DeclareLaunchArgument(
        'use_sim_time',
        default_value='false',
        choices=['true', 'false'],
        description='Take the time from /clock, as a simulator or a bag gives it.',
    ),
    DeclareLaunchArgument(
        'log_level',
        default_value='info',
        choices=['debug', 'info', 'warn', 'error', 'fatal'],
        description='Least severe message that is logged.',
    ),
]


def start_follower(context: LaunchContext) -> list[Node]:
    """Return the node."""
    use_sim_time = LaunchConfiguration('use_sim_time').perform(context) == 'true'
    return [
        Node(
            package='sam2_tracker_ros',
            executable='gimbal_follower',
            name='gimbal_follower',
            namespace=LaunchConfiguration('namespace'),
            parameters=[LaunchConfiguration('params_file'), {'use_sim_time': use_sim_time}],
            remappings=[(topic, LaunchConfiguration(name)) for name, (topic, _) in TOPICS.items()],
            ros_arguments=['--log-level', LaunchConfiguration('log_level')],
            respawn=True,
            respawn_delay=1.0,
            output='both',
            emulate_tty=True,
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the node."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=start_follower)])
