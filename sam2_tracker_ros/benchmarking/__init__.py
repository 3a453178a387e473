# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What tracking costs: by stage, beside other ways to run the same work, and as it grows."""
