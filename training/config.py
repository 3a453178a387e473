# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Sizes of `nano`, fixed when a bundle is trained."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NanoConfig:
    """
    Everything that shapes the network.

    Weights depend on none of the pixel sizes, so training may use smaller images.
    """

    image_size_px: int = 192
    feature_stride: int = 8
    mask_stride: int = 4
    fine_channels: int = 32
    hidden_channels: int = 64
    coarse_channels: int = 96
    memory_channels: int = 64
    key_channels: int = 32
    attention_heads: int = 2
    memory_slots: int = 4
    max_object_pointers: int = 4
    pointer_horizon_frames: int = 15

    @property
    def value_channels(self) -> int:
        """Channels of a memory token behind its key: a trust bias, the mask, learned ones."""
        return self.memory_channels - self.key_channels
