# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Our tracker against the original implementations in PyTorch, and bundle against bundle."""
