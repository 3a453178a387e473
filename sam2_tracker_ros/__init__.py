# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Track any object through a camera stream with SAM 2, on ROS 2 or without it."""

import os
from pkgutil import extend_path

# The generated messages live in the installed package of the same name: when Python starts in the
# source folder, both belong together.
__path__ = extend_path(__path__, __name__)

# Before ONNX Runtime is imported, which from 1.31 on makes a device ID and uploads how it is used:
# nothing here goes over a network unless the user asked for it.
os.environ.setdefault('ORT_DISABLE_TELEMETRY', '1')
