# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is remembered of one target."""

from sam2_tracker_ros.core.memory_bank import MemoryBank, MemoryEntry


def entry(index: int) -> MemoryEntry:
    """Return a frame whose memory and pointer tell its index."""
    return MemoryEntry(index, f'memory {index}', f'pointer {index}')


def test_starts_with_the_prompted_frame_only() -> None:
    bank = MemoryBank(entry(3), capacity=2)
    assert bank.prompted == entry(3)
    assert bank.recent == ()


def test_keeps_the_newest_in_order_and_the_prompted_for_ever() -> None:
    bank = MemoryBank(entry(0), capacity=3)
    for index in range(1, 1000):
        bank.remember(entry(index))
    assert bank.recent == (entry(997), entry(998), entry(999))
    assert bank.prompted == entry(0)


def test_forgetting_leaves_the_prompted_frame_and_goes_on() -> None:
    bank = MemoryBank(entry(0), capacity=3)
    bank.remember(entry(1))
    bank = bank.without_recent()
    assert not bank.recent
    assert bank.prompted == entry(0)
    bank.remember(entry(2))
    assert bank.recent == (entry(2),)


def test_what_was_read_does_not_change_later() -> None:
    bank = MemoryBank(entry(0), capacity=3)
    bank.remember(entry(1))
    seen = bank.recent
    bank.remember(entry(2))
    assert seen == (entry(1),)
