# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the whole test session needs: the built package, a DDS domain and a cache of its own."""

import importlib.util
import os
import tempfile

import pytest

_CACHE = pytest.StashKey['tempfile.TemporaryDirectory[str]']()


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to start where ROS or the messages are missing; nothing is skipped silently."""
    if not all(importlib.util.find_spec(name) for name in ('rclpy', 'sam2_tracker_ros.msg')):
        pytest.exit('rclpy or the built messages are missing: run `make test`', returncode=2)
    # Other ROS programs of this machine, and other test sessions, stay out.
    os.environ['ROS_DOMAIN_ID'] = str(1 + os.getpid() % 100)
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    # What was built before must not decide what is tested.
    config.stash[_CACHE] = tempfile.TemporaryDirectory(prefix='sam2_tracker_ros_test_')
    os.environ['XDG_CACHE_HOME'] = config.stash[_CACHE].name


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the cache."""
    if _CACHE in config.stash:
        config.stash[_CACHE].cleanup()
