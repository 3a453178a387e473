# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Every test with a `library` runs with rclpy's and with rosbags' classes."""

import pytest

from messages.library import Library, rclpy_library, rosbags_library


@pytest.fixture(params=[rclpy_library, rosbags_library], ids=['rclpy', 'rosbags'])
def library(request: pytest.FixtureRequest) -> Library:
    made: Library = request.param()
    return made
