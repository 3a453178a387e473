# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The operator page: a small web server that shows the tracker's pictures and takes prompts.

It knows nothing of ROS, and is the only importer of aiohttp.
"""
