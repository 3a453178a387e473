# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How well trackers do on clips with truth, ours and OpenCV's side by side."""
