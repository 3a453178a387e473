# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is remembered of one target: the prompted frame and the frames since, bounded."""

from collections import deque
from dataclasses import dataclass

from sam2_tracker_ros.core.model import Memory, ObjectPointer
from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND

# Trusted frames are kept at most at this rate, the one that SAM 2's memory was made for: at a
# higher one the same few slots would reach back less far.
TRUSTED_RATE_HZ = 30.0
# What hides a target, or leads away from it, is in its mask before the target is missed.
DOUBTED_BEFORE_LOSS_S = 0.5
# Stamps of a camera at that rate jitter.
_JITTER_FRACTION = 0.2


@dataclass(frozen=True)
class MemoryEntry:
    """
    One remembered frame of one target.

    :param frame_index: counts the frames of the target; 0 is the prompted one.
    :param is_trusted: good enough to be attended however long ago it was.
    """

    frame_index: int
    memory: Memory
    pointer: ObjectPointer
    stamp_ns: int = 0
    is_trusted: bool = True


class MemoryBank:
    """
    The prompted entry, which stays, the most recent others, and the most recent trusted ones.

    :param capacity: recent entries kept, so that an hour of video costs what a second does; of
        trusted ones as many, and those that a loss would throw doubt on.
    """

    def __init__(self, prompted: MemoryEntry, capacity: int) -> None:
        self._prompted = prompted
        self._recent: deque[MemoryEntry] = deque(maxlen=capacity)
        doubted = round(DOUBTED_BEFORE_LOSS_S * TRUSTED_RATE_HZ)
        self._trusted: deque[MemoryEntry] = deque(maxlen=capacity + doubted)

    @property
    def prompted(self) -> MemoryEntry:
        """The frame in which the target was pointed at."""
        return self._prompted

    @property
    def recent(self) -> tuple[MemoryEntry, ...]:
        """Frames since the prompted one, oldest first."""
        return tuple(self._recent)

    @property
    def trusted(self) -> tuple[MemoryEntry, ...]:
        """Trusted frames since the prompted one, apart in time, oldest first."""
        return tuple(self._trusted)

    def remember(self, entry: MemoryEntry) -> None:
        """Add the newest frame; the oldest one is forgotten when the bank is full."""
        self._recent.append(entry)
        before = self._trusted[-1] if self._trusted else self._prompted
        apart_s = (entry.stamp_ns - before.stamp_ns) / NANOSECONDS_PER_SECOND
        if entry.is_trusted and apart_s * TRUSTED_RATE_HZ > 1.0 - _JITTER_FRACTION:
            self._trusted.append(entry)

    def doubt_newest(self, now_ns: int) -> None:
        """Trust the frames just before a target was missed no longer."""
        oldest_ns = now_ns - round(DOUBTED_BEFORE_LOSS_S * NANOSECONDS_PER_SECOND)
        while self._trusted and self._trusted[-1].stamp_ns >= oldest_ns:
            self._trusted.pop()

    def without_recent(self) -> 'MemoryBank':
        """Return a bank of the prompted frame: after a jump in time the others have no age."""
        return MemoryBank(self._prompted, self._recent.maxlen or 0)
