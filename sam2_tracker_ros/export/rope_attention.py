# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Memory attention of SAM 2 in real arithmetic, for a memory of any length or of a fixed one.

The weights are those of the original's layers; only the order of operations is ours. The
original multiplies complex numbers, which cannot be exported, and reads the number of pointer
tokens from Python, which would be frozen by tracing. Here it follows from the length: pointers
come last and are fewer than the T tokens of one memory.

Source: Ravi et al., "SAM 2" (2024), and 2-D axial rotary position encoding, Heo et al. (2024).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

POSITION_WEIGHT = 0.1  # of the positions that are added to the image features


@dataclass(frozen=True)
class AttentionParts:
    """The projections of one attention, of a single head."""

    query: nn.Linear
    key: nn.Linear
    value: nn.Linear
    out: nn.Linear


@dataclass(frozen=True)
class LayerParts:
    """The modules of one layer, by role."""

    self_attention: AttentionParts
    cross_attention: AttentionParts
    norm1: nn.LayerNorm
    norm2: nn.LayerNorm
    norm3: nn.LayerNorm
    linear1: nn.Linear
    linear2: nn.Linear
    activation: Callable[[Tensor], Tensor]


class RopeMemoryAttention(nn.Module):
    """
    The stage memory_attention of inference/contract.py.

    :param layers: of the original.
    :param norm: after the last layer.
    :param cosine: float32 [T, channels of a head], of the angles of the image cells, each angle
        twice: channels rotate in pairs.
    :param sine: likewise.
    :param slots: memories that a fixed memory has places for; None for a memory of any length.
    """

    cosine: Tensor
    sine: Tensor

    def __init__(
        self,
        layers: Sequence[LayerParts],
        norm: nn.LayerNorm,
        cosine: Tensor,
        sine: Tensor,
        slots: int | None = None,
    ) -> None:
        super().__init__()
        self.layers = list(layers)
        self.norm = norm
        self.tokens, self.channels = map(int, cosine.shape)
        self.slots = slots
        self.register_buffer('cosine', cosine)
        self.register_buffer('sine', sine)
        # So that parameters of the layers are found by whoever looks for them.
        self.modules_of_layers = nn.ModuleList(
            module for layer in layers for module in _modules_of(layer)
        )

    def forward(
        self,
        features: Tensor,
        positions: Tensor,
        memory: Tensor,
        memory_pos: Tensor,
        bias: Tensor | None = None,
    ) -> Tensor:
        """
        Condition image features on memory.

        :param features: [T, 1, C].
        :param positions: [T, 1, C].
        :param memory: [M, 1, Cm], memories and then pointers.
        :param memory_pos: [M, 1, Cm].
        :param bias: [M], added to the scores of the memory tokens; for a fixed memory only.
        :return: [1, C, s, s].
        """
        state = (features + POSITION_WEIGHT * positions)[:, 0]
        values = memory[:, 0]
        keys = values + memory_pos[:, 0]
        for layer in self.layers:
            state = state + self._self_attention(layer.self_attention, layer.norm1(state))
            state = state + self.cross_attention(
                layer.cross_attention, layer.norm2(state), keys, values, bias
            )
            hidden = layer.activation(layer.linear1(layer.norm3(state)))
            state = state + layer.linear2(hidden)
        side = round(self.tokens**0.5)
        return self.norm(state).transpose(0, 1).reshape(1, -1, side, side)

    def _self_attention(self, parts: AttentionParts, state: Tensor) -> Tensor:
        query, key = (self.rotated(layer(state)) for layer in (parts.query, parts.key))
        return parts.out(self.attend(query, key, parts.value(state)))

    def cross_attention(
        self,
        parts: AttentionParts,
        state: Tensor,
        keys: Tensor,
        values: Tensor,
        bias: Tensor | None,
    ) -> Tensor:
        """
        Attend to the memory.

        :param state: [T, C].
        :param keys: [M, Cm], memory and positions.
        :param values: [M, Cm].
        """
        query = self.rotated(parts.query(state))
        key = self.rotated_memory(parts.key(keys))
        return parts.out(self.attend(query, key, parts.value(values), bias))

    def rotated(self, vectors: Tensor) -> Tensor:
        """
        Turn the pairs of channels by the angles of the image cells, each set of T cells alike.

        :param vectors: [n * T, channels].
        """
        vectors = vectors.reshape(-1, self.tokens, self.channels)
        first, second = vectors.reshape(-1, self.tokens, self.channels // 2, 2).unbind(-1)
        turned = torch.stack((-second, first), dim=-1)
        turned = turned.reshape(-1, self.tokens, self.channels)
        return (vectors * self.cosine + turned * self.sine).reshape(-1, self.channels)

    def rotated_memory(self, key: Tensor) -> Tensor:
        """
        Turn the memories' keys and leave those of the pointers, at the end, as they are.

        :param key: [M, channels].
        """
        end = self.memory_tokens(key)
        return torch.cat((self.rotated(key[:end]), key[end:]))

    def memory_tokens(self, key: Tensor) -> int:
        """Return how many of the M tokens belong to memories; traced, so that M stays free."""
        if self.slots is not None:
            return self.slots * self.tokens
        whole: int = key.shape[0] // self.tokens * self.tokens
        return whole

    def attend(
        self, query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None
    ) -> Tensor:
        """
        Return scaled dot-product attention of one head, [T, channels].

        :param bias: [M], added to the scores.
        """
        scores = (query * self.channels**-0.5) @ key.transpose(0, 1)
        if bias is not None:
            scores = scores + bias
        return torch.softmax(scores, dim=-1) @ value


def _modules_of(layer: LayerParts) -> list[nn.Module]:
    projections = [
        projection
        for parts in (layer.self_attention, layer.cross_attention)
        for projection in (parts.query, parts.key, parts.value, parts.out)
    ]
    return [*projections, layer.norm1, layer.norm2, layer.norm3, layer.linear1, layer.linear2]
