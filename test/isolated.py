# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A new interpreter in which chosen packages do not exist."""

from pathlib import Path
import subprocess
import sys
import textwrap

ROS_PACKAGES = (
    *('ament_index_python', 'builtin_interfaces', 'cv_bridge', 'diagnostic_msgs', 'geometry_msgs'),
    *('launch', 'launch_ros', 'lifecycle_msgs', 'rcl_interfaces', 'rclpy', 'rosgraph_msgs'),
    *('sensor_msgs', 'std_msgs', 'std_srvs', 'vision_msgs'),
)

_PRELUDE = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {absent}:
            raise ModuleNotFoundError(f'No module named {{name!r}}', name=name)

sys.meta_path.insert(0, Absent())
sys.path.insert(0, {folder!r})
"""


def run_isolated(folder: Path, program: str, *arguments: str, absent: tuple[str, ...]) -> str:
    """
    Run a program that sees no environment variable of Python and none of the absent packages.

    :param folder: where `sam2_tracker_ros` is imported from.
    :return: what it printed.
    """
    prelude = _PRELUDE.format(absent=absent, folder=str(folder))
    done = subprocess.run(
        [sys.executable, '-I', '-c', prelude + textwrap.dedent(program), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
