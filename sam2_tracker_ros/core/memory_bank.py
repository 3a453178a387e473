# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is remembered of one target: the prompted frame and the frames since, bounded."""

from collections import deque
from dataclasses import dataclass

from sam2_tracker_ros.core.model import Memory, ObjectPointer


@dataclass(frozen=True)
class MemoryEntry:
    """
    One remembered frame of one target.

    :param frame_index: counts the frames that the tracker processed.
    """

    frame_index: int
    memory: Memory
    pointer: ObjectPointer


class MemoryBank:
    """
    The prompted entry, which stays, and the most recent others, oldest first.

    :param capacity: recent entries kept, so that an hour of video costs what a second does.
    """

    def __init__(self, prompted: MemoryEntry, capacity: int) -> None:
        self._prompted = prompted
        self._recent: deque[MemoryEntry] = deque(maxlen=capacity)

    @property
    def prompted(self) -> MemoryEntry:
        """The frame in which the target was pointed at."""
        return self._prompted

    @property
    def recent(self) -> tuple[MemoryEntry, ...]:
        """Frames since the prompted one, oldest first."""
        return tuple(self._recent)

    def remember(self, entry: MemoryEntry) -> None:
        """Add the newest frame; the oldest one is forgotten when the bank is full."""
        self._recent.append(entry)

    def without_recent(self) -> 'MemoryBank':
        """Return a bank of the prompted frame: after a jump in time the others have no age."""
        return MemoryBank(self._prompted, self._recent.maxlen or 0)
