# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The operator page beside a tracker that runs in the same namespace.

`ros2 launch sam2_tracker_ros operator_page.launch.py host:=0.0.0.0 token:=...`
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

ARGUMENTS = [
    DeclareLaunchArgument(
        'host',
        default_value='',
        description='Address to listen on; any but this machine needs a token. '
        'Empty: the one of params_file.',
    ),
    DeclareLaunchArgument(
        'port', default_value='', description='Empty: the one of params_file, 8090.'
    ),
    DeclareLaunchArgument(
        'token',
        default_value='',
        description='What a browser must show once, 16 characters or more. '
        'Empty: the one of params_file.',
    ),
    DeclareLaunchArgument(
        'params_file',
        default_value=PathJoinSubstitution(
            [FindPackageShare('sam2_tracker_ros'), 'config', 'operator_page.yaml']
        ),
        description='Parameters of the node; the default file lists them all.',
    ),
    DeclareLaunchArgument(
        'namespace', default_value='', description='Namespace of the node, the tracker has it too.'
    ),
    DeclareLaunchArgument(
        'use_sim_time',
        default_value='false',
        choices=['true', 'false'],
        description='Take the time from /clock, as a simulator or a bag gives it.',
    ),
]


def start_page(context: LaunchContext) -> list[Node]:
    """Return the node; what is given as argument goes before the parameter file."""
    given = {name: LaunchConfiguration(name) for name in ('host', 'port', 'token', 'use_sim_time')}
    # Said outright, because a token may look like a number.
    kinds = {'port': int, 'use_sim_time': bool}
    overrides = {
        name: ParameterValue(value, value_type=kinds.get(name, str))
        for name, value in given.items()
        if value.perform(context)
    }
    return [
        Node(
            package='sam2_tracker_ros',
            executable='operator_page',
            name='operator_page',
            namespace=LaunchConfiguration('namespace'),
            parameters=[LaunchConfiguration('params_file'), overrides],
            output='screen',
            on_exit=Shutdown(reason='the operator page ended'),
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the node."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=start_page)])
