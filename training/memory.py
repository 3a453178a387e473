# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Writing a frame to memory, reading the bank, and dating the object pointers."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.config import NanoConfig
from training.layers import (
    POSITION_CHANNELS,
    SINUSOID_CHANNELS,
    TABLE_CHANNELS,
    MatchingKey,
    memory_positions,
    unit,
)


class MemoryEncoder(nn.Module):
    """Turns a frame and its mask into tokens: unit key, trust bias, mask, learned values."""

    def __init__(self, config: NanoConfig, key: MatchingKey) -> None:
        """
        Build the encoder.

        :param config: network sizes.
        :param key: the shared key projection.
        """
        super().__init__()
        self.key = key
        self.cells_per_side = config.feature_stride // config.mask_stride
        inputs = config.hidden_channels + self.cells_per_side**2
        self.fuse = nn.Conv2d(inputs, 48, 3, 1, 1)
        self.project = nn.Conv2d(48, config.value_channels - 1, 1)
        self.no_object_values = nn.Parameter(0.1 * torch.randn(config.value_channels))

    def forward(
        self, feats2: Tensor, low_res_mask: Tensor, object_score: Tensor, binarize: Tensor
    ) -> tuple[Tensor, Tensor]:
        """
        Write one frame.

        :param feats2: [B, hidden, s, s], unconditioned.
        :param low_res_mask: [B, 1, S/4, S/4] logits.
        :param object_score: [B, 1] logits; not positive means absent.
        :param binarize: scalar or [B, 1, 1, 1]; 1 on prompted frames, else 0.
        :return: tokens [B, T, memory] and their positions [1, T, memory].
        """
        hard = (low_res_mask > 0).float()
        mask = binarize * hard + (1 - binarize) * low_res_mask.sigmoid()
        parts = functional.pixel_unshuffle(mask, self.cells_per_side)
        hidden = functional.relu(self.fuse(torch.cat([feats2, parts], dim=1)))
        learned = self.project(hidden).flatten(2).transpose(1, 2)
        coverage = parts.mean(1, keepdim=True).flatten(2).transpose(1, 2)
        absent = (object_score <= 0).float().unsqueeze(-1)
        values = torch.cat([learned[..., :1], coverage, learned[..., 1:]], dim=-1)
        values = values + absent * self.no_object_values
        tokens = torch.cat([self.key(feats2), values], dim=-1)
        return tokens, memory_positions(int(feats2.shape[-1])).unsqueeze(0)


class MemoryAttention(nn.Module):
    """
    Reads the bank with one score per query and token, whatever the token's origin.

    score = temperature * cosine of the keys + trust bias + query position . memory position.
    What is read tells, per cell, how much of the match lies on the target, how similar that
    part is, and how familiar the cell is at all: a target that comes back is unlike what its
    place held before, while a look-alike that stayed in view matches itself.
    Head 0 starts blind to positions (re-detection), head 1 starts local (propagation).
    """

    def __init__(self, config: NanoConfig, key: MatchingKey) -> None:
        """
        Build the attention.

        :param config: network sizes.
        :param key: the shared key projection.
        """
        super().__init__()
        self.key = key
        self.key_channels = config.key_channels
        self.bounds = (config.value_channels, config.value_channels + config.key_channels)
        heads, values = config.attention_heads, config.value_channels
        self.log_temperature = nn.Parameter(torch.tensor([math.log(14.0), math.log(8.0)]))
        locality = torch.zeros(heads, POSITION_CHANNELS, POSITION_CHANNELS)
        locality[1, :SINUSOID_CHANNELS, :SINUSOID_CHANNELS] = 7.0 * torch.eye(SINUSOID_CHANNELS)
        locality[:, SINUSOID_CHANNELS:, -1] = 1.0 / TABLE_CHANNELS
        self.locality = nn.Parameter(locality)
        self.mix = nn.Sequential(
            nn.Conv2d(heads * (values + 2), config.hidden_channels, 1),
            nn.ReLU(),
            nn.Conv2d(config.hidden_channels, config.hidden_channels - 2 * heads, 1),
        )

    def forward(
        self, feats2: Tensor, positions: Tensor, memory: Tensor, memory_pos: Tensor
    ) -> Tensor:
        """
        Condition the current features on the bank.

        :param feats2: [B, hidden, s, s].
        :param positions: [T, hidden] of the current frame.
        :param memory: [B, M, memory], spatial tokens first, pointers last.
        :param memory_pos: [B or 1, M, memory], temporal rows added.
        :return: [B, hidden, s, s]: feats2 plus evidence (mask and similarity per head) and
            a learned mixture of what was read.
        """
        query_key = self.key(feats2)
        keys, values = memory[..., : self.key_channels], memory[..., self.key_channels :]
        mask = values[..., 1:2]
        memory_pos = memory_pos + functional.pad(values[..., :1], (POSITION_CHANNELS - 1, 0))
        read = torch.cat([values, mask * keys, keys], dim=-1)
        keyed = torch.cat([keys, memory_pos], dim=-1).transpose(1, 2)
        evidence, contents = [], []
        for head, temperature in enumerate(self.log_temperature.exp().unbind()):
            where = (positions @ self.locality[head]).expand(len(query_key), -1, -1)
            query = torch.cat([query_key * temperature, where], dim=-1)
            found = torch.softmax(query @ keyed, dim=-1) @ read
            value, target_key, any_key = found.tensor_split(self.bounds, dim=-1)
            similarity = (query_key * target_key).sum(-1, keepdim=True)
            familiarity = (query_key * any_key).sum(-1, keepdim=True)
            evidence += [value[..., 1:2], similarity]
            contents += [value, similarity, familiarity]
        side_cells = int(feats2.shape[-1])
        mixed = self.mix(_as_map(torch.cat(contents, dim=-1), side_cells))
        return feats2 + torch.cat([_as_map(torch.cat(evidence, dim=-1), side_cells), mixed], 1)


class PointerPosition(nn.Module):
    """Dates an object pointer: its age becomes a position embedding."""

    def __init__(self, config: NanoConfig) -> None:
        """
        Build the embedding.

        :param config: network sizes.
        """
        super().__init__()
        self.project = nn.Linear(8, config.memory_channels)

    def forward(self, normalized_diffs: Tensor) -> Tensor:
        """
        Embed ages.

        :param normalized_diffs: [P], frames divided by the pointer horizon; clipped to 0..1.
        :return: [P, memory].
        """
        age = normalized_diffs.clamp(0.0, 1.0).unsqueeze(-1)
        phase = age * (math.pi * torch.tensor([0.5, 1.0, 2.0, 4.0]))
        embedded: Tensor = self.project(torch.cat([phase.sin(), phase.cos()], dim=-1))
        return embedded


def object_pointer(keys: Tensor, weights: Tensor, values: Tensor) -> Tensor:
    """
    Summarise an object as one more memory token.

    :param keys: [B, T, key], unit.
    :param weights: [B, T], how much each cell belongs to the object.
    :param values: [B, memory - key], the trust bias and learned channels; the mask is set to 1.
    :return: [B, memory].
    """
    mean = (keys * weights.unsqueeze(-1)).sum(1) / (weights.sum(1, keepdim=True) + 1e-3)
    ones = torch.ones_like(values[:, :1])
    return torch.cat([unit(mean), values[:, :1], ones, values[:, 2:]], dim=-1)


def _as_map(tokens: Tensor, side_cells: int) -> Tensor:
    """
    Lay tokens out as an image.

    :param tokens: [B, s*s, C].
    :param side_cells: grid side s.
    :return: [B, C, s, s].
    """
    return tokens.transpose(1, 2).reshape(tokens.shape[0], -1, side_cells, side_cells)
