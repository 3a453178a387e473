# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The tracker as a MAVLink tracking camera; the only importer of pymavlink, and without ROS."""
