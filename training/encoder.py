# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The vision encoder: one image to features at strides 4 and 8."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.config import NanoConfig
from training.layers import ConvNorm, NormedResidual, query_positions


class VisionEncoder(nn.Module):
    """A residual network down to stride 16, merged back to strides 8 and 4."""

    def __init__(self, config: NanoConfig) -> None:
        """
        Build the encoder.

        :param config: network sizes.
        """
        super().__init__()
        fine, hidden, coarse = (
            config.fine_channels,
            config.hidden_channels,
            config.coarse_channels,
        )
        self.stage4 = nn.Sequential(
            ConvNorm(3, 24, stride=2), ConvNorm(24, fine, stride=2), NormedResidual(fine)
        )
        self.stage8 = nn.Sequential(
            ConvNorm(fine, hidden, stride=2), NormedResidual(hidden), NormedResidual(hidden)
        )
        self.stage16 = nn.Sequential(
            ConvNorm(hidden, coarse, stride=2), NormedResidual(coarse), NormedResidual(coarse)
        )
        self.coarse_to_hidden = nn.Conv2d(coarse, hidden, 1)
        self.merge8 = nn.Sequential(ConvNorm(hidden, hidden), nn.Conv2d(hidden, hidden, 1))
        self.hidden_to_fine = nn.Conv2d(hidden, fine, 1)
        self.merge4 = ConvNorm(fine, fine)
        self.no_memory_embedding = nn.Parameter(0.3 * torch.randn(1, hidden, 1, 1))

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """
        Encode images.

        :param pixel_values: [B, 3, S, S], normalised RGB.
        :return: feats0 [B, fine, S/4, S/4], feats2 [B, hidden, s, s], feats2_no_mem of the
            same shape (feats2 plus the no-memory embedding) and positions [1, hidden, s, s].
        """
        level4 = self.stage4(pixel_values)
        level8 = self.stage8(level4)
        level16 = self.stage16(level8)
        feats2 = self.merge8(level8 + _double(self.coarse_to_hidden(level16)))
        feats0 = self.merge4(level4 + _double(self.hidden_to_fine(feats2)))
        side_cells = int(feats2.shape[-1])
        positions = query_positions(side_cells).T.reshape(1, -1, side_cells, side_cells)
        return feats0, feats2, feats2 + self.no_memory_embedding, positions


def _double(features: Tensor) -> Tensor:
    """
    Repeat every cell twice in both directions.

    :param features: [B, C, h, w].
    :return: [B, C, 2h, 2w].
    """
    return functional.interpolate(features, scale_factor=2.0, mode='nearest')
