# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The whole network, stage by stage as the tracker calls it."""

import torch
from torch import nn

from training.config import NanoConfig
from training.decoder import MaskDecoder
from training.encoder import VisionEncoder
from training.layers import SINUSOID_CHANNELS, MatchingKey
from training.memory import MemoryAttention, MemoryEncoder, PointerPosition


class Nano(nn.Module):
    """SAM 2's stages in small: encode, attend to memory, decode, write to memory."""

    def __init__(self, config: NanoConfig) -> None:
        """
        Build every stage around one shared key projection.

        :param config: network sizes.
        """
        super().__init__()
        self.config = config
        key = MatchingKey(config.hidden_channels, config.key_channels)
        self.vision_encoder = VisionEncoder(config)
        self.mask_decoder = MaskDecoder(config, key)
        self.memory_encoder = MemoryEncoder(config, key)
        self.memory_attention = MemoryAttention(config, key)
        self.pointer_position = PointerPosition(config)
        table = torch.zeros(config.memory_slots, config.memory_channels)
        table[:, SINUSOID_CHANNELS:-1] = 0.3 * torch.randn_like(table[:, SINUSOID_CHANNELS:-1])
        self.temporal_table = nn.Parameter(table)
