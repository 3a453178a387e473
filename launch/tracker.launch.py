# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The tracker on a robot.

`ros2 launch sam2_tracker_ros tracker.launch.py image:=/camera/image_raw`
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

ARGUMENTS = [
    DeclareLaunchArgument(
        'image',
        default_value='image',
        description='Topic of the camera images. For compressed ones the name without the ending '
        '/compressed, and image_transport: compressed in params_file.',
    ),
    DeclareLaunchArgument(
        'camera_info',
        default_value='camera_info',
        description='Topic of the camera calibration; bearings need it.',
    ),
    DeclareLaunchArgument(
        'attitude',
        default_value='gimbal/attitude',
        description='Topic of the attitude of a gimbal that carries the camera; optional.',
    ),
    DeclareLaunchArgument(
        'click',
        default_value='~/prompt/click',
        description='Topic of clicks in pixels; rqt_image_view publishes on IMAGE_mouse_left.',
    ),
    DeclareLaunchArgument(
        'params_file',
        default_value=PathJoinSubstitution(
            [FindPackageShare('sam2_tracker_ros'), 'config', 'tracker.yaml']
        ),
        description='Parameters of the node; the default file lists them all.',
    ),
    DeclareLaunchArgument(
        'model',
        default_value='',
        description='Name of a bundle that is part of the package, or the path of a bundle '
        'folder. Empty: the one of params_file.',
    ),
    DeclareLaunchArgument('namespace', default_value='', description='Namespace of the node.'),
    DeclareLaunchArgument(
        'use_sim_time',
        default_value='false',
        choices=['true', 'false'],
        description='Take the time from /clock, as a simulator or a bag gives it.',
    ),
    DeclareLaunchArgument(
        'respawn',
        default_value='true',
        choices=['true', 'false'],
        description='Start the node again when it crashed or could not serve any more. Targets '
        'are then gone: prompt again.',
    ),
    DeclareLaunchArgument(
        'log_level',
        default_value='info',
        choices=['debug', 'info', 'warn', 'error', 'fatal'],
        description='Least severe message that is logged.',
    ),
]


def start_tracker(context: LaunchContext) -> list[Node]:
    """Return the node; a model given as argument goes before the one of the parameter file."""
    overrides = {'use_sim_time': LaunchConfiguration('use_sim_time').perform(context) == 'true'}
    model = LaunchConfiguration('model').perform(context)
    return [
        Node(
            package='sam2_tracker_ros',
            executable='tracker',
            name='tracker',
            namespace=LaunchConfiguration('namespace'),
            parameters=[
                LaunchConfiguration('params_file'),
                {**overrides, 'model': model} if model else overrides,
            ],
            remappings=[
                ('image', LaunchConfiguration('image')),
                ('camera_info', LaunchConfiguration('camera_info')),
                ('gimbal/attitude', LaunchConfiguration('attitude')),
                ('~/prompt/click', LaunchConfiguration('click')),
            ],
            ros_arguments=['--log-level', LaunchConfiguration('log_level')],
            respawn=LaunchConfiguration('respawn').perform(context) == 'true',
            respawn_delay=1.0,
            output='both',
            emulate_tty=True,
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the node."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=start_tracker)])
