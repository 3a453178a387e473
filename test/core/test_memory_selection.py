# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is attended, against an enumeration of SAM 2's rule frame by frame."""

from dataclasses import replace

import pytest

from sam2_tracker_ros.core.memory_bank import MemoryBank, MemoryEntry
from sam2_tracker_ros.core.memory_selection import SELECTORS, RecencySelector, Selection
from sam2_tracker_ros.core.model import AttendedMemory, AttendedPointer
from sam2_tracker_ros.testing.fake_model import FakeModel

SPEC = FakeModel().spec


def rule(now: int, start: int, kept: set[int], slots: int, pointers: int) -> Selection:
    """Go through SAM 2's rule: the prompted frame, then every age that there is a place for."""
    memories = [AttendedMemory(start, slots - 1)]
    memories += [
        AttendedMemory(now - offset, offset - 1)
        for offset in range(1, slots)
        if now - offset in kept
    ]
    chosen = [AttendedPointer(-start, now - start)]
    chosen += [
        AttendedPointer(-(now - offset), offset)
        for offset in range(1, pointers)
        if now - offset in kept
    ]
    return Selection(tuple(memories), tuple(chosen))


def remembered(start: int, kept: set[int], capacity: int = 15) -> MemoryBank:
    """Return a bank in which memory and pointer of frame n are n and -n."""
    bank = MemoryBank(MemoryEntry(start, start, -start), capacity)
    for index in sorted(kept):
        bank.remember(MemoryEntry(index, index, -index))
    return bank


@pytest.mark.parametrize('start', [0, 5])
@pytest.mark.parametrize('age', [*range(1, 25), 1000])
def test_every_frame_was_remembered(start: int, age: int) -> None:
    now = start + age
    kept = set(range(start + 1, now))
    selection = RecencySelector().select(remembered(start, kept), now, SPEC)
    assert selection == rule(now, start, kept, 7, 16)
    assert len(selection.memories) == min(age, 7)
    assert len(selection.pointers) == min(age, 16)


@pytest.mark.parametrize('now', range(4, 30))
def test_a_frame_that_was_not_remembered_leaves_its_place_empty(now: int) -> None:
    kept = {index for index in range(1, now) if index % 3}
    selection = RecencySelector().select(remembered(0, kept), now, SPEC)
    assert selection == rule(now, 0, kept, 7, 16)


def test_slots_are_those_of_the_model() -> None:
    spec = replace(SPEC, memory_slots=4, max_object_pointers=3)
    kept = set(range(1, 12))
    selection = RecencySelector().select(remembered(0, kept), 12, spec)
    assert selection == rule(12, 0, kept, 4, 3)


def test_after_forgetting_only_the_prompted_frame_is_attended() -> None:
    bank = remembered(0, set(range(1, 12)))
    bank = bank.without_recent()
    selection = RecencySelector().select(bank, 12, SPEC)
    assert selection == Selection((AttendedMemory(0, 6),), (AttendedPointer(0, 12),))


def test_the_setting_names_the_selector() -> None:
    assert SELECTORS['recency'] is RecencySelector
