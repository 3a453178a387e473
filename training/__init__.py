# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How the embedded model `nano` is made: synthetic clips, network, training, export."""
