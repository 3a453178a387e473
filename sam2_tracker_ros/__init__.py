# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Track any object through a camera stream with SAM 2, on ROS 2 or without it."""

from pkgutil import extend_path

# The generated messages live in the installed package of the same name: when Python starts in the
# source folder, both belong together.
__path__ = extend_path(__path__, __name__)
