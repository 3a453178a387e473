# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the whole test session needs: the built package, and a DDS domain of its own."""

import importlib.util
import os

import pytest


def pytest_configure() -> None:
    """Refuse to start where ROS or the messages are missing; nothing is skipped silently."""
    if not all(importlib.util.find_spec(name) for name in ('rclpy', 'sam2_tracker_ros.msg')):
        pytest.exit('rclpy or the built messages are missing: run `make test`', returncode=2)
    # Other ROS programs of this machine, and other test sessions, stay out.
    os.environ['ROS_DOMAIN_ID'] = str(1 + os.getpid() % 100)
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
