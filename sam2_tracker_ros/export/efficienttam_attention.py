# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
EfficientTAM's cheaper look at memory: keys and values averaged over 2 x 2 cells.

The original (`EfficientRoPEAttention2`, Apache-2.0) averages only where there are more memory
tokens than image tokens, that is from the second memory on, and adds 2 * log(2) to every component
of the averaged keys. Both are reproduced here. Which of the two a frame needs follows from what
the graph is given, by arithmetic on lengths instead of a branch, so that a runtime may capture it.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from sam2_tracker_ros.export.rope_attention import AttentionParts, RopeMemoryAttention
from sam2_tracker_ros.inference.memory_input import DROP

POOL = 2
_KEY_SHIFT = 2 * math.log(POOL)


class PooledRopeMemoryAttention(RopeMemoryAttention):
    """The stage memory_attention of the `_2` configurations; see RopeMemoryAttention."""

    def cross_attention(
        self,
        parts: AttentionParts,
        state: Tensor,
        keys: Tensor,
        values: Tensor,
        bias: Tensor | None,
    ) -> Tensor:
        """Attend to the only memory, or to the averaged memories."""
        end = self.memory_tokens(keys)
        query = self.rotated(parts.query(state))
        key, value = self.rotated_memory(parts.key(keys)), parts.value(values)
        # Both are laid out: the first memory as it is, all of them averaged, then the pointers.
        key = torch.cat((key[: self.tokens], self.averaged(key[:end]) + _KEY_SHIFT, key[end:]))
        value = torch.cat((value[: self.tokens], self.averaged(value[:end]), value[end:]))
        if bias is None:
            # With one memory, everything but its average; with more, everything behind the first.
            has_many = 1 - 1 // (end // self.tokens)
            pooled_end = self.tokens + end // POOL**2
            first = slice(0, self.tokens * (1 - has_many))
            pooled = slice(self.tokens, self.tokens + has_many * (pooled_end - self.tokens))
            key, value = (
                torch.cat((item[first], item[pooled], item[pooled_end:])) for item in (key, value)
            )
        else:
            bias = self._laid_out(bias, int(end))
        return parts.out(self.attend(query, key, value, bias))

    def averaged(self, vectors: Tensor) -> Tensor:
        """
        Average the cells of every memory.

        :param vectors: [n * T, channels].
        :return: [n * T / 4, channels].
        """
        side, channels = round(self.tokens**0.5), self.channels
        maps = vectors.reshape(-1, side, side, channels).permute(0, 3, 1, 2)
        maps = functional.avg_pool2d(maps, POOL)
        return maps.permute(0, 2, 3, 1).reshape(-1, channels)

    def _laid_out(self, bias: Tensor, end: int) -> Tensor:
        """Return the bias of a full memory for the layout above, by whether there are many."""
        has_one = bias[self.tokens : self.tokens + 1] < DROP / 2
        drop = torch.full_like(bias[: self.tokens], DROP)
        first = torch.where(has_one, bias[: self.tokens], drop)
        pooled = bias[:end].reshape(-1, self.tokens)[:, : self.tokens // POOL**2].reshape(-1)
        pooled = torch.where(has_one, torch.full_like(pooled, DROP), pooled)
        return torch.cat((first, pooled, bias[end:]))
