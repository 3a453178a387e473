# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Makes bundles from PyTorch models; needs torch, which nothing on a robot does."""
