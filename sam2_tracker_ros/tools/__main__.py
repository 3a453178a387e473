# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`python -m sam2_tracker_ros.tools` is `sam2-tracker`."""

import sys

from sam2_tracker_ros.tools import main

sys.exit(main())
