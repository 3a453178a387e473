# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Small building blocks shared by the stages of `nano`."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

POSITION_CHANNELS = 64
FREQUENCY_COUNT = 24
SINUSOID_CHANNELS = 2 * FREQUENCY_COUNT
TABLE_CHANNELS = POSITION_CHANNELS - SINUSOID_CHANNELS


class ConvNorm(nn.Sequential):
    """Convolution, batch norm (folded into the convolution at export) and ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, active: bool = True) -> None:
        """
        Build the block.

        :param inputs: input channels.
        :param outputs: output channels.
        :param stride: spatial stride of the 3x3 convolution.
        :param active: whether a ReLU follows.
        """
        layers: list[nn.Module] = [
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        if active:
            layers.append(nn.ReLU())
        super().__init__(*layers)


class NormedResidual(nn.Module):
    """Two batch-normed 3x3 convolutions around a shortcut, for the encoder."""

    def __init__(self, channels: int) -> None:
        """
        Build the block.

        :param channels: channels in and out.
        """
        super().__init__()
        self.first = ConvNorm(channels, channels)
        self.second = ConvNorm(channels, channels, active=False)

    def forward(self, features: Tensor) -> Tensor:
        """
        Refine a feature map.

        :param features: [B, channels, h, w].
        :return: the same shape.
        """
        return functional.relu(features + self.second(self.first(features)))


class PlainResidual(nn.Module):
    """
    Two 3x3 convolutions around a shortcut, without any norm.

    The decoder sees prompted and tracked frames in separate calls, so batch statistics would
    differ between training and use; a small last layer keeps the start of training stable.
    """

    def __init__(self, channels: int) -> None:
        """
        Build the block.

        :param channels: channels in and out.
        """
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, 1, 1)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1)
        with torch.no_grad():
            self.second.weight.mul_(0.3)

    def forward(self, features: Tensor) -> Tensor:
        """
        Refine a feature map.

        :param features: [B, channels, h, w].
        :return: the same shape.
        """
        return functional.relu(features + self.second(functional.relu(self.first(features))))


class MatchingKey(nn.Module):
    """Unit-length appearance keys, shared by queries, memories and pointers."""

    def __init__(self, channels: int, key_channels: int) -> None:
        """
        Build the projection.

        :param channels: feature channels.
        :param key_channels: key channels.
        """
        super().__init__()
        self.project = nn.Conv2d(channels, key_channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """
        Compare cells by direction only.

        :param features: [B, channels, s, s].
        :return: [B, s*s, key_channels], each row of length one.
        """
        return unit(self.project(features).flatten(2).transpose(1, 2))


def unit(vectors: Tensor) -> Tensor:
    """
    Scale vectors to length one along the last axis.

    :param vectors: [..., n].
    :return: [..., n].
    """
    return vectors * torch.rsqrt(vectors.square().sum(-1, keepdim=True) + 1e-6)


def frequencies_rad_per_cell() -> Tensor:
    """
    Choose 2-D frequencies whose summed cosines form a bell-shaped kernel of distance.

    Directions follow the golden angle and magnitudes grow evenly, so that the kernel
    falls off within about three cells and has no strong side lobes.

    :return: [FREQUENCY_COUNT, 2].
    """
    index = torch.arange(FREQUENCY_COUNT, dtype=torch.float32)
    magnitude = 0.08 + 0.95 * (index + 0.5) / FREQUENCY_COUNT
    angle = index * math.pi * (3.0 - math.sqrt(5.0))
    return torch.stack([magnitude * angle.cos(), magnitude * angle.sin()], dim=1)


def grid_sinusoids(side_cells: int) -> Tensor:
    """
    Sinusoids of the cell centres of a square grid.

    :param side_cells: grid side s.
    :return: [s*s, SINUSOID_CHANNELS]; the inner product of two rows is the distance kernel.
    """
    axis = torch.arange(side_cells, dtype=torch.float32) - (side_cells - 1) / 2
    rows, columns = torch.meshgrid(axis, axis, indexing='ij')
    cells = torch.stack([columns, rows], dim=-1).reshape(-1, 2)
    phase = cells @ frequencies_rad_per_cell().T
    return torch.cat([phase.cos(), phase.sin()], dim=1) / math.sqrt(FREQUENCY_COUNT)


def query_positions(side_cells: int) -> Tensor:
    """
    Position embedding of the current frame: sinusoids, then constants that read slot biases.

    :param side_cells: grid side s.
    :return: [s*s, POSITION_CHANNELS].
    """
    sinusoids = grid_sinusoids(side_cells)
    return torch.cat([sinusoids, torch.ones(len(sinusoids), TABLE_CHANNELS)], dim=1)


def memory_positions(side_cells: int) -> Tensor:
    """
    Position embedding of a memory frame: sinusoids, then room for the temporal table.

    :param side_cells: grid side s.
    :return: [s*s, POSITION_CHANNELS].
    """
    sinusoids = grid_sinusoids(side_cells)
    return torch.cat([sinusoids, torch.zeros(len(sinusoids), TABLE_CHANNELS)], dim=1)
