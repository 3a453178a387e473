# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What one target's memory looks like to the memory attention graph."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from sam2_tracker_ros.core.model import AttendedMemory, AttendedPointer
from sam2_tracker_ros.core.types import Float32Array
from sam2_tracker_ros.inference.memory_padding import PADDINGS, Places

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
    :param max_pointers: that the graph has places for.
    :param fixed_length: M of a graph whose memory axis is fixed; None when it is free.
    :param takes_bias: the graph has the input `memory_bias`.
    :param padding: what fills a memory that is not full, of memory_padding.PADDINGS; None for
        nothing, which is exact.
    """

    def __init__(
        self,
        temporal_table: Float32Array,
        max_pointers: int,
        fixed_length: int | None,
        *,
        takes_bias: bool,
        padding: str | None = None,
    ) -> None:
        self._temporal_table = temporal_table
        self._max_pointers = max_pointers
        self._fixed_length = fixed_length
        self._takes_bias = takes_bias
        self._pad = None if padding is None else PADDINGS[padding]

    def feeds(
        self,
        memories: Sequence[AttendedMemory],
        pointers: Sequence[AttendedPointer],
        pointer_positions: Float32Array,
    ) -> dict[str, Float32Array]:
        """
        Build the inputs `memory` and `memory_pos`, and `memory_bias` for a graph that takes it.

        Without padding they are as long as what exists. A graph of fixed length then gets the
        pointers where it expects them, nothing in between, and a `memory_bias` that takes the
        empty places out.

        :param pointer_positions: float32 [P, Cm], one for each pointer.
        """
        tokens, positions = self._memory_blocks(memories)
        pointer_tokens, pointer_pos = self._pointer_blocks(pointers, pointer_positions)
        if self._pad is not None:
            places = self._pad(
                len(tokens),
                len(pointer_tokens),
                len(self._temporal_table),
                self._max_pointers,
                pointer_tokens.shape[1],
            )
            full = {
                'memory': _filled(tokens, pointer_tokens, places),
                'memory_pos': _filled(positions, pointer_pos, places),
            }
            bias = {BIAS_INPUT: np.zeros(len(full['memory']), np.float32)}
            return full | bias if self._takes_bias else full
        if self._fixed_length is None:
            return {
                'memory': _joined(tokens, pointer_tokens),
                'memory_pos': _joined(positions, pointer_pos),
            }
        kept = self._spread(np.ones_like(tokens[:, :, :1]), np.ones_like(pointer_tokens[:, :, :1]))
        return {
            'memory': self._spread(tokens, pointer_tokens),
            'memory_pos': self._spread(positions, pointer_pos),
            BIAS_INPUT: np.where(kept[:, 0, 0] > 0, np.float32(0), np.float32(DROP)),
        }

    def _memory_blocks(
        self, memories: Sequence[AttendedMemory]
    ) -> tuple[Float32Array, Float32Array]:
        """Return tokens and their positions in space and time, float32 [memories, T, Cm]."""
        frames = [cast(FrameMemory, attended.memory) for attended in memories]
        rows = self._temporal_table[[attended.temporal_row for attended in memories]]
        tokens = np.stack([frame.tokens[:, 0] for frame in frames])
        positions = np.stack([frame.positions[:, 0] for frame in frames])
        positions += rows[:, None]
        return tokens, positions

    def _pointer_blocks(
        self, pointers: Sequence[AttendedPointer], positions: Float32Array
    ) -> tuple[Float32Array, Float32Array]:
        """
        Return tokens and their positions in time, float32 [pointers, tokens per pointer, Cm].

        A pointer is wider than a memory token: it is cut into tokens that share a position.
        """
        channels = self._temporal_table.shape[1]
        vectors = np.stack([cast(Float32Array, attended.pointer) for attended in pointers])
        tokens = vectors.reshape(len(pointers), -1, channels)
        return tokens, np.broadcast_to(positions[:, None], tokens.shape)

    def _spread(self, memories: Float32Array, pointers: Float32Array) -> Float32Array:
        """Place memories at the start and pointers behind the last slot, zeros elsewhere."""
        spread = np.zeros((self._fixed_length or 0, 1, memories.shape[2]), np.float32)
        start = len(self._temporal_table) * memories.shape[1]
        for first, blocks in ((0, memories), (start, pointers)):
            count = blocks.shape[0] * blocks.shape[1]
            spread[first : first + count, 0] = blocks.reshape(count, -1)
        return spread


def _joined(memories: Float32Array, pointers: Float32Array) -> Float32Array:
    """Return float32 [M, 1, Cm]."""
    channels = memories.shape[2]
    flat = [memories.reshape(-1, channels), pointers.reshape(-1, channels)]
    return np.concatenate(flat)[:, None]


def _filled(memories: Float32Array, pointers: Float32Array, places: Places) -> Float32Array:
    """Return a full memory, float32 [M, 1, Cm]."""
    fillers = memories[list(places.fillers), 0][:, None]
    full = _joined(memories[list(places.memories)], pointers[list(places.pointers)])
    return np.concatenate([full, fillers])


def round_to_bfloat16(values: Float32Array) -> Float32Array:
    """Round finite numbers to the nearest that bfloat16 can hold, ties to even."""
    bits = values.view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) & np.uint32(
        0xFFFF0000
    )
    return rounded.view(np.float32)
