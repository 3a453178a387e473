# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Install the half that needs no ROS, `pip install .`: the tracker, replay and `sam2-tracker`.

Name, dependencies and command are in pyproject.toml. With ROS, CMakeLists.txt installs instead.
"""

from pathlib import Path
from xml.etree import ElementTree

from setuptools import find_packages, setup

PACKAGE_XML = Path(__file__).parent / 'package.xml'

# Folders of the repository that are installed inside the Python package, and what of them.
DATA = {
    'sam2_tracker_ros.bundles.nano': ('resource/nano', ['*.onnx', '*.json', '*.md']),
    'sam2_tracker_ros.precision': ('config/precision', ['*.yaml']),
    'sam2_tracker_ros.interfaces.msg': ('msg', ['*.msg']),
    'sam2_tracker_ros.interfaces.srv': ('srv', ['*.srv']),
}

setup(
    version=ElementTree.parse(PACKAGE_XML).findtext('version', ''),  # noqa: S314 - our own file
    packages=[*find_packages(include=['sam2_tracker_ros', 'sam2_tracker_ros.*']), *DATA],
    package_dir={name: folder for name, (folder, _) in DATA.items()},
    package_data={
        'sam2_tracker_ros': ['py.typed'],
        'sam2_tracker_ros.operator_page': ['static/*'],
    }
    | {n: globs for n, (_, globs) in DATA.items()},
)
