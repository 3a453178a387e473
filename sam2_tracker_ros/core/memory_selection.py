# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which remembered frames the model attends to."""

from dataclasses import dataclass
from typing import Protocol

from sam2_tracker_ros.core.memory_bank import MemoryBank
from sam2_tracker_ros.core.model import AttendedMemory, AttendedPointer, ModelSpec

_MIN_PREDICTED_IOU = 0.5


@dataclass(frozen=True)
class Selection:
    """Memories and pointers of one target, the prompted ones first."""

    memories: tuple[AttendedMemory, ...]
    pointers: tuple[AttendedPointer, ...]


NOTHING = Selection((), ())


class MemorySelector(Protocol):
    """Picks what is attended in the next frame."""

    def select(self, bank: MemoryBank, frame_index: int, spec: ModelSpec) -> Selection:
        """
        Pick at most spec.memory_slots memories and spec.max_object_pointers pointers.

        :param frame_index: of the frame that is to be tracked.
        """


class RecencySelector:
    """
    Plain SAM 2: the prompted frame and the frames just before this one.

    A memory n frames old takes row n - 1 of the temporal table and is left out when it is older
    than the table; the prompted frame takes the last row. Pointers: the prompted one, then the
    newest first (Ravi et al. 2024; `_prepare_memory_conditioned_features` of the public code).
    """

    def select(self, bank: MemoryBank, frame_index: int, spec: ModelSpec) -> Selection:
        """Pick the newest."""
        newest_first = [(frame_index - entry.frame_index, entry) for entry in bank.recent[::-1]]
        memories = [AttendedMemory(bank.prompted.memory, spec.memory_slots - 1)]
        memories += [
            AttendedMemory(entry.memory, age - 1)
            for age, entry in newest_first
            if age < spec.memory_slots
        ]
        age = frame_index - bank.prompted.frame_index
        pointers = [AttendedPointer(bank.prompted.pointer, age)]
        pointers += [
            AttendedPointer(entry.pointer, age)
            for age, entry in newest_first
            if age < spec.max_object_pointers
        ]
        return Selection(tuple(memories), tuple(pointers))


class MotionAwareSelector:
    """
    SAMURAI: the prompted frame, the one before, and the newest trusted ones, however old.

    They take rows of the temporal table, and pointers their ages, by rank as if consecutive
    (Yang et al. 2024; `_prepare_memory_conditioned_features` of the public code). Unlike there,
    the frame before is only attended when it was remembered, so never when nothing was measured
    in it, and pointers are those of the same frames.
    """

    def select(self, bank: MemoryBank, frame_index: int, spec: ModelSpec) -> Selection:
        """Pick the newest trusted ones, and the frame before."""
        chosen = list(bank.trusted[::-1])
        before = bank.recent[-1] if bank.recent else bank.prompted
        if not before.is_trusted and before.frame_index == frame_index - 1:
            chosen.insert(0, before)
        newest_first = list(enumerate(chosen, start=1))
        memories = [AttendedMemory(bank.prompted.memory, spec.memory_slots - 1)]
        memories += [
            AttendedMemory(entry.memory, rank - 1)
            for rank, entry in newest_first[: spec.memory_slots - 1]
        ]
        age = frame_index - bank.prompted.frame_index
        pointers = [AttendedPointer(bank.prompted.pointer, age)]
        pointers += [
            AttendedPointer(entry.pointer, rank)
            for rank, entry in newest_first[: spec.max_object_pointers - 1]
        ]
        return Selection(tuple(memories), tuple(pointers))


def is_trusted(predicted_iou: float, object_score_logit: float, motion_iou: float) -> bool:
    """
    Return whether a frame is good enough to be attended for long.

    Bounds of SAMURAI's public configurations: predicted IoU above 0.5, object score and motion
    score above 0. A motion score that is missing (NaN) speaks for nothing and against nothing.
    """
    return predicted_iou > _MIN_PREDICTED_IOU and object_score_logit > 0.0 and motion_iou != 0.0


SELECTORS: dict[str, type[MemorySelector]] = {
    'motion_aware': MotionAwareSelector,
    'recency': RecencySelector,
}
