# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What one target's memory looks like to the memory attention graph."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from sam2_tracker_ros.core.model import AttendedMemory, AttendedPointer
from sam2_tracker_ros.core.types import Float32Array

# Input of a graph of fixed length, added to the scores of its memory tokens; see key_bias.py.
BIAS_INPUT = 'memory_bias'
# exp(score + DROP) is zero, whatever the score.
DROP = -1e9


@dataclass(frozen=True)
class FrameMemory:
    """
    One remembered frame.

    :param tokens: float32 [T, 1, Cm].
    :param positions: float32 [T, 1, Cm], without the temporal row.
    """

    tokens: Float32Array
    positions: Float32Array


class MemoryInput:
    """
    Joins memories and pointers in the order that the graph wants: memories, then pointers.

    :param temporal_table: float32 [memory slots, Cm].
    :param tokens_per_memory: T.
    :param fixed_length: M of a graph whose memory axis is fixed; None when it is free.
    """

    def __init__(
        self, temporal_table: Float32Array, tokens_per_memory: int, fixed_length: int | None
    ) -> None:
        self._temporal_table = temporal_table
        self._fixed_length = fixed_length
        self._pointers_start = len(temporal_table) * tokens_per_memory

    def feeds(
        self,
        memories: Sequence[AttendedMemory],
        pointers: Sequence[AttendedPointer],
        pointer_positions: Float32Array,
    ) -> dict[str, Float32Array]:
        """
        Build the inputs `memory` and `memory_pos`, as long as what exists.

        A graph of fixed length gets the pointers at its end, where it expects them, nothing in
        between, and a `memory_bias` that takes the empty places out.

        :param pointer_positions: float32 [P, Cm], one for each pointer.
        """
        channels = self._temporal_table.shape[1]
        frames = [cast(FrameMemory, attended.memory) for attended in memories]
        tokens = np.concatenate([frame.tokens for frame in frames])
        positions = np.concatenate([frame.positions for frame in frames])
        rows = self._temporal_table[[attended.temporal_row for attended in memories]]
        positions.reshape(len(frames), -1, channels)[:] += rows[:, None]

        # A pointer is wider than a memory token: it is cut into tokens that share a position.
        vectors = np.stack([cast(Float32Array, attended.pointer) for attended in pointers])
        pointer_tokens = vectors.reshape(-1, 1, channels)
        tokens_per_pointer = len(pointer_tokens) // len(pointers)
        pointer_pos = np.repeat(pointer_positions, tokens_per_pointer, axis=0)[:, None]
        if self._fixed_length is None:
            return {
                'memory': np.concatenate([tokens, pointer_tokens]),
                'memory_pos': np.concatenate([positions, pointer_pos]),
            }
        bias = np.full(self._fixed_length, DROP, np.float32)
        bias[: len(tokens)] = 0.0
        bias[self._pointers_start : self._pointers_start + len(pointer_tokens)] = 0.0
        return {
            'memory': self._spread(tokens, pointer_tokens),
            'memory_pos': self._spread(positions, pointer_pos),
            BIAS_INPUT: bias,
        }

    def _spread(self, memories: Float32Array, pointers: Float32Array) -> Float32Array:
        """Place memories at the start and pointers behind the last slot."""
        spread = np.zeros((self._fixed_length or 0, 1, memories.shape[2]), np.float32)
        spread[: len(memories)] = memories
        spread[self._pointers_start : self._pointers_start + len(pointers)] = pointers
        return spread


def round_to_bfloat16(values: Float32Array) -> Float32Array:
    """Round finite numbers to the nearest that bfloat16 can hold, ties to even."""
    bits = values.view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) & np.uint32(
        0xFFFF0000
    )
    return rounded.view(np.float32)
