# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Buffers that keep their address, for captured CUDA graphs.

A captured graph is replayed on the addresses that it was captured with. The features of an image
and the place of a memory differ from run to run, so each pair of them has a graph of its own.
"""

import numpy as np
from numpy.typing import NDArray
from onnxruntime import OrtValue

from sam2_tracker_ros.inference.memory_ring import MemorySlot

# Of memories; more of them would share numbers with the features of the next place.
_MAX_SLOTS = 1 << 20


class Place:
    """A set of buffers for the features of one image, free again when nobody holds it."""

    def __init__(self, index: int, free: list[int]) -> None:
        self.index = index
        self._free = free

    def __del__(self) -> None:
        """Give it back."""
        self._free.append(self.index)

    def __str__(self) -> str:
        """Return a name for its buffers."""
        return str(self.index)


class FixedBuffers:
    """
    Buffers on a device, by name.

    :param device: `cuda`, or `cpu`.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._values: dict[str, OrtValue] = {}
        self._free: list[int] = []
        self._places = 0

    def take_place(self) -> Place:
        """Return a set of buffers that nobody holds."""
        if not self._free:
            self._free.append(self._places)
            self._places += 1
        return Place(self._free.pop(), self._free)

    def room(self, name: str, shape: tuple[int, ...], dtype: type = np.float32) -> OrtValue:
        """Return the buffer of that name and shape."""
        key = f'{name} {shape}'
        if key not in self._values:
            self._values[key] = OrtValue.ortvalue_from_shape_and_type(
                shape, dtype, self._device, 0
            )
        return self._values[key]

    def filled(self, name: str, array: NDArray[np.generic]) -> OrtValue:
        """Return the buffer of that name with these numbers."""
        value = self.room(name, array.shape, array.dtype.type)
        value.update_inplace(np.ascontiguousarray(array))
        return value

    @staticmethod
    def number(place: Place, slot: MemorySlot | None) -> int:
        """Return what tells the captured graph of these addresses from others, from 1 on."""
        slots = 0 if slot is None else slot.index + 1
        return 1 + place.index * _MAX_SLOTS + slots
