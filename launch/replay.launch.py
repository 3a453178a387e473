# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The tracker on a bag that plays in real time, in the bag's own time.

`ros2 launch sam2_tracker_ros replay.launch.py bag:=FOLDER image:=/camera/image_raw box:=x,y,w,h`
Every argument of tracker.launch.py works too. Frames that the machine is too slow for are dropped,
as on a robot; `sam2-tracker replay` processes every frame of a bag.
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
    Shutdown,
)
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution, ThisLaunchFileDir
from launch_ros.actions import Node

ARGUMENTS = [
    DeclareLaunchArgument('bag', description='Folder or file of the bag (sqlite3 or MCAP).'),
    DeclareLaunchArgument(
        'box',
        default_value='',
        description='The target in the first image: x,y,width,height in pixels.',
    ),
    DeclareLaunchArgument(
        'point', default_value='', description='A point on the target in the first image: x,y.'
    ),
    DeclareLaunchArgument('rate', default_value='1.0', description='Speed of the bag.'),
    DeclareLaunchArgument(
        'loop',
        default_value='false',
        choices=['true', 'false'],
        description='Start the bag again at its end; otherwise everything ends with it.',
    ),
    DeclareLaunchArgument(
        'delay_s',
        default_value='5.0',
        description='Time for the tracker to load its model before the bag starts [s].',
    ),
]


def play_bag(context: LaunchContext) -> list[ExecuteProcess]:
    """Return the player, which also publishes /clock."""
    command = ['ros2', 'bag', 'play', LaunchConfiguration('bag'), '--clock', '100']
    command += ['--rate', LaunchConfiguration('rate'), '--delay', LaunchConfiguration('delay_s')]
    command += ['--disable-keyboard-controls']
    if LaunchConfiguration('loop').perform(context) == 'true':
        command.append('--loop')
    return [ExecuteProcess(cmd=command, output='screen', on_exit=Shutdown(reason='bag ended'))]


def prompt(context: LaunchContext) -> list[Node]:
    """Return what starts the target in the first image; nothing without a box or a point."""
    shapes = {name: LaunchConfiguration(name).perform(context) for name in ('box', 'point')}
    return [
        Node(
            package='sam2_tracker_ros',
            executable='point_at',
            namespace=LaunchConfiguration('namespace'),
            arguments=[f'--{name}={numbers}'],
            output='screen',
        )
        for name, numbers in shapes.items()
        if numbers
    ]


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments; start the tracker, the prompt and the bag."""
    tracker = IncludeLaunchDescription(
        PathJoinSubstitution([ThisLaunchFileDir(), 'tracker.launch.py']),
        launch_arguments={'use_sim_time': 'true'}.items(),
    )
    return LaunchDescription(
        [
            *ARGUMENTS,
            tracker,
            OpaqueFunction(function=prompt),
            OpaqueFunction(function=play_bag),
        ]
    )
