# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is attended, against an enumeration of SAM 2's rule frame by frame."""

from collections.abc import Set
from dataclasses import replace
import math
from typing import cast

import pytest

from sam2_tracker_ros.core.memory_bank import MemoryBank, MemoryEntry
from sam2_tracker_ros.core.memory_selection import (
    SELECTORS,
    MotionAwareSelector,
    RecencySelector,
    Selection,
    is_trusted,
)
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
    assert SELECTORS['motion_aware'] is MotionAwareSelector


def filmed(rate_hz: float, frames: int, doubtful: Set[int] = frozenset()) -> MemoryBank:
    """Return a bank of frames 0 .. frames - 1 at a rate, some of them not to be trusted."""
    bank = MemoryBank(MemoryEntry(0, 0, 0), 15)
    for index in range(1, frames):
        stamp_ns = round(index * 1e9 / rate_hz)
        bank.remember(MemoryEntry(index, index, -index, stamp_ns, index not in doubtful))
    return bank


def attended(bank: MemoryBank, now: int) -> list[tuple[int, int]]:
    """Return memories and their rows, without the prompted one, newest first."""
    selection = MotionAwareSelector().select(bank, now, SPEC)
    assert selection.memories[0] == AttendedMemory(0, 6)
    return [(cast(int, memory.memory), memory.temporal_row) for memory in selection.memories[1:]]


def test_trusted_frames_follow_each_other_by_rank() -> None:
    bank = filmed(30.0, 40, doubtful={39, 37, 36, 33})
    # Enumerated by hand: 38, 35, 34, 32, 31, 30 are the newest six that are left.
    assert attended(bank, 41) == [(38, 0), (35, 1), (34, 2), (32, 3), (31, 4), (30, 5)]
    pointers = MotionAwareSelector().select(bank, 41, SPEC).pointers
    assert pointers[0] == AttendedPointer(0, 41)
    assert pointers[1:4] == (
        AttendedPointer(-38, 1),
        AttendedPointer(-35, 2),
        AttendedPointer(-34, 3),
    )
    assert len(pointers) == 16


def test_the_frame_before_is_attended_while_it_is_the_frame_before() -> None:
    bank = filmed(30.0, 10, doubtful={7, 9})
    assert [index for index, _ in attended(bank, 10)] == [9, 8, 6, 5, 4, 3]
    # A frame later, in which nothing was remembered, it is no more than a doubtful frame.
    assert [index for index, _ in attended(bank, 11)] == [8, 6, 5, 4, 3, 2]


def test_good_frames_are_attended_after_any_number_of_bad_ones() -> None:
    bank = filmed(30.0, 5000, doubtful=set(range(10, 5000)))
    assert [index for index, _ in attended(bank, 5001)] == [9, 8, 7, 6, 5, 4]
    assert len(bank.recent) == 15
    assert len(bank.trusted) == 9


@pytest.mark.parametrize(('rate_hz', 'step'), [(10.0, 1), (30.0, 1), (60.0, 2), (240.0, 7)])
def test_a_fast_camera_does_not_shorten_the_memory(rate_hz: float, step: int) -> None:
    indices = [index for index, _ in attended(filmed(rate_hz, 200), 200)]
    assert [indices[i] - indices[i + 1] for i in range(5)] == [step] * 5


def test_dropped_frames_leave_no_hole() -> None:
    bank = MemoryBank(MemoryEntry(0, 0, 0), 15)
    for index in (3, 4, 9, 10, 11, 20):
        bank.remember(MemoryEntry(index, index, -index, round(index * 1e9 / 30.0)))
    assert [row for _, row in attended(bank, 21)] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize('rate_hz', [10.0, 30.0])
def test_frames_just_before_a_loss_are_not_trusted(rate_hz: float) -> None:
    frames = round(4 * rate_hz)
    bank = filmed(rate_hz, frames)
    bank.doubt_newest(round(frames * 1e9 / rate_hz))
    newest = attended(bank, frames)[0][0]
    assert newest / rate_hz == pytest.approx(3.5, abs=1.1 / rate_hz)
    assert newest / rate_hz < 3.5
    assert len(bank.recent) == 15


@pytest.mark.parametrize(
    ('iou', 'logit', 'motion', 'expected'),
    [
        (0.51, 0.1, 0.01, True),
        (0.5, 9.0, 0.9, False),
        (0.9, 0.0, 0.9, False),
        (0.9, 9.0, 0.0, False),
        (0.9, 9.0, math.nan, True),
        (math.nan, 9.0, 0.9, False),
    ],
)
def test_what_is_trusted(iou: float, logit: float, motion: float, expected: bool) -> None:
    assert is_trusted(iou, logit, motion) is expected
