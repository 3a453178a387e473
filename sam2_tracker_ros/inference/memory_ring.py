# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Memories and pointers of every target, side by side on the device where they are made."""

from typing import Any

import numpy as np
from onnxruntime import OrtValue

from sam2_tracker_ros.core.types import Float32Array

_FIRST_SLOTS = 128


class MemorySlot:
    """
    One frame's memory and pointer; its place is free again when nobody holds it any more.

    :param index: of its place in the ring.
    """

    def __init__(self, ring: 'MemoryRing', index: int) -> None:
        self._ring = ring
        self.index = index

    def __del__(self) -> None:
        """Give the place back."""
        self._ring.give_back(self.index)


class RingPointer:
    """The object pointer of a place; numpy can read it."""

    def __init__(self, slot: MemorySlot, ring: 'MemoryRing') -> None:
        self.slot = slot
        self._ring = ring

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Float32Array:
        """Copy it to the host, float32 [Cp]."""
        return np.array(self._ring.pointers.numpy()[self.slot.index], dtype)


class MemoryRing:
    """
    Two tensors with a place for every remembered frame; graphs write there and read from there.

    :param tokens: of a memory, T.
    :param channels: of a token, Cm.
    :param pointer_channels: Cp.
    :param device: `cpu` or `cuda`.
    """

    def __init__(self, tokens: int, channels: int, pointer_channels: int, device: str) -> None:
        self._device = device
        self._shapes = (tokens, channels), (pointer_channels,)
        self._slots = _FIRST_SLOTS
        self._free = list(range(_FIRST_SLOTS))[::-1]
        self.memories, self.pointers = (self._zeros(shape) for shape in self._shapes)

    def reserve(self, places: int) -> None:
        """Make sure that so many places can be taken before the ring has to move."""
        while len(self._free) < places:
            self._grow()

    def take(self) -> MemorySlot:
        """Return a place that nobody holds; threads may take reserved ones at the same time."""
        self.reserve(1)
        return MemorySlot(self, self._free.pop())

    def give_back(self, index: int) -> None:
        """Let a place be taken again; places at the start are taken first."""
        self._free.append(index)

    def addresses(self, slot: MemorySlot) -> tuple[int, int]:
        """Return where the memory and the pointer of a place are."""
        size = np.dtype(np.float32).itemsize
        memory, pointer = (int(np.prod(shape)) * size * slot.index for shape in self._shapes)
        return self.memories.data_ptr() + memory, self.pointers.data_ptr() + pointer

    def _grow(self) -> None:
        """Double the places; what is there keeps its index."""
        before = self.memories, self.pointers
        self._free[:0] = list(range(self._slots, 2 * self._slots))[::-1]
        self._slots *= 2
        after = [self._zeros(shape) for shape in self._shapes]
        for old, new in zip(before, after, strict=True):
            content = old.numpy()
            new.update_inplace(np.concatenate([content, np.zeros_like(content)]))
        self.memories, self.pointers = after

    def _zeros(self, shape: tuple[int, ...]) -> OrtValue:
        full = (self._slots, *shape)
        return OrtValue.ortvalue_from_shape_and_type(full, np.float32, self._device, 0)
