# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The closed loop to look at in RViz or rqt: a simulated gimbal camera, the tracker, the follower.

`ros2 launch sam2_tracker_ros demo.launch.py`, or a film with `video:=FILE box:=x,y,width,height`.
Every argument of tracker.launch.py works too. `make demo` also measures and records.
"""

from collections.abc import Mapping

from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    OpaqueFunction,
    Shutdown,
)
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution, ThisLaunchFileDir
from launch_ros.actions import Node

from sam2_tracker_ros.testing.aerial_scene import AerialScene
from sam2_tracker_ros.testing.pan_tilt import Attitude

# While point_at asks, the first image or the car in it stands.
HOLD_S = 3.0
ARGUMENTS = [
    DeclareLaunchArgument(
        'video', default_value='', description='Video file to show. Empty: the flight.'
    ),
    DeclareLaunchArgument(
        'box',
        default_value='',
        description='The target in the first image: x,y,width,height in pixels. Empty: the car '
        'of the flight.',
    ),
    DeclareLaunchArgument(
        'duration_s', default_value='60.0', description='Length of the flight [s].'
    ),
]


def show_and_point(context: LaunchContext) -> list[Node]:
    """Return the camera, what starts the target in its first image, and the follower."""
    video = LaunchConfiguration('video').perform(context)
    box = LaunchConfiguration('box').perform(context)
    if video:
        nodes = [_camera('video_publisher', {'video': video, 'hold_first_frame_s': HOLD_S})]
    else:
        duration_s = float(LaunchConfiguration('duration_s').perform(context))
        flight = {'duration_s': duration_s, 'start_delay_s': HOLD_S}
        nodes = [_camera('simulated_camera', flight), _node('gimbal_follower')]
        box = box or box_of_the_car()
    return [*nodes, _node('point_at', arguments=[f'--box={box}'])] if box else nodes


def _camera(executable: str, parameters: Mapping[str, object]) -> Node:
    return _node(
        executable,
        parameters=[{'wait_for_subscribers': 1, **parameters}],
        remappings=[
            ('image', LaunchConfiguration('image')),
            ('camera_info', LaunchConfiguration('camera_info')),
            ('gimbal/attitude', LaunchConfiguration('attitude')),
        ],
        on_exit=Shutdown(reason='the camera ended'),
    )


def _node(executable: str, **arguments: object) -> Node:
    return Node(
        package='sam2_tracker_ros',
        executable=executable,
        namespace=LaunchConfiguration('namespace'),
        output='screen',
        **arguments,
    )


def box_of_the_car() -> str:
    """Return where the car is in the first image of the flight."""
    scene = AerialScene()
    box = scene.render(0.0, Attitude(*scene.aim(0.0))).box
    return '' if box is None else f'{box.left},{box.top},{box.width},{box.height}'


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments; start the tracker, the camera, the follower and the prompt."""
    tracker = IncludeLaunchDescription(
        PathJoinSubstitution([ThisLaunchFileDir(), 'tracker.launch.py'])
    )
    return LaunchDescription([*ARGUMENTS, tracker, OpaqueFunction(function=show_and_point)])
