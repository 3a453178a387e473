# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The tracker with a camera that shows a drone scene or a video, to look at in RViz or rqt.

`ros2 launch sam2_tracker_ros demo.launch.py`, or with `video:=FILE box:=x,y,width,height`.
Every argument of tracker.launch.py works too. `make demo` also measures and records.
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    OpaqueFunction,
    Shutdown,
)
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution, ThisLaunchFileDir
from launch_ros.actions import Node

from sam2_tracker_ros.testing.drone_scene import DroneScene

ARGUMENTS = [
    DeclareLaunchArgument(
        'video', default_value='', description='Video file to show. Empty: the drone scene.'
    ),
    DeclareLaunchArgument(
        'box',
        default_value='',
        description='The target in the first image: x,y,width,height in pixels. Empty: the car '
        'of the drone scene.',
    ),
    DeclareLaunchArgument(
        'duration_s', default_value='60.0', description='Length of the drone scene [s].'
    ),
]


def show_and_point(context: LaunchContext) -> list[Node]:
    """Return the camera, and what starts the target in its first image."""
    video = LaunchConfiguration('video').perform(context)
    duration_s = float(LaunchConfiguration('duration_s').perform(context))
    box = LaunchConfiguration('box').perform(context)
    if not (box or video):
        box = box_of_the_car(duration_s)
    camera = Node(
        package='sam2_tracker_ros',
        executable='simulated_camera',
        namespace=LaunchConfiguration('namespace'),
        parameters=[
            {
                'video': video,
                'duration_s': duration_s,
                'wait_for_subscribers': 1,
                'hold_first_frame_s': 3.0,  # while point_at asks
            }
        ],
        remappings=[
            ('image', LaunchConfiguration('image')),
            ('camera_info', LaunchConfiguration('camera_info')),
        ],
        output='screen',
        on_exit=Shutdown(reason='the camera ended'),
    )
    point_at = Node(
        package='sam2_tracker_ros',
        executable='point_at',
        namespace=LaunchConfiguration('namespace'),
        arguments=[f'--box={box}'],
        output='screen',
    )
    return [camera, point_at] if box else [camera]


def box_of_the_car(duration_s: float) -> str:
    """Return where the car is in the first image of the drone scene."""
    box = DroneScene(duration_s=duration_s).frame(0).box
    return '' if box is None else f'{box.left},{box.top},{box.width},{box.height}'


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments; start the tracker, the camera and the prompt."""
    tracker = IncludeLaunchDescription(
        PathJoinSubstitution([ThisLaunchFileDir(), 'tracker.launch.py'])
    )
    return LaunchDescription([*ARGUMENTS, tracker, OpaqueFunction(function=show_and_point)])
