# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The mailbox between the image callback and the worker."""

import threading

from sam2_tracker_ros.ros.latest_frame import LatestFrame


def test_the_newest_item_wins_and_the_others_are_counted() -> None:
    mailbox: LatestFrame[int] = LatestFrame()
    for item in (1, 2, 3):
        mailbox.put(item)
    assert mailbox.take() == 3
    assert mailbox.overwritten == 2
    mailbox.put(4)
    assert mailbox.take() == 4
    assert mailbox.overwritten == 2


def test_it_tells_whether_an_item_waits() -> None:
    mailbox: LatestFrame[int] = LatestFrame()
    told = [mailbox.is_empty]
    mailbox.put(1)
    told.append(mailbox.is_empty)
    mailbox.take()
    told.append(mailbox.is_empty)
    assert told == [True, False, True]


def test_waking_returns_without_an_item_once() -> None:
    mailbox: LatestFrame[int] = LatestFrame()
    mailbox.wake()
    mailbox.wake()
    assert mailbox.take() is None
    mailbox.wake()
    mailbox.put(5)
    assert mailbox.take() == 5


def test_every_item_is_taken_or_counted_between_threads() -> None:
    mailbox: LatestFrame[int] = LatestFrame()
    taken: list[int] = []

    def take_until_the_last() -> None:
        while not taken or taken[-1] != 1999:
            item = mailbox.take()
            assert item is not None
            taken.append(item)

    taker = threading.Thread(target=take_until_the_last)
    taker.start()
    for item in range(2000):
        mailbox.put(item)
    taker.join(timeout=30.0)
    assert not taker.is_alive()
    assert taken == sorted(set(taken))
    assert len(taken) + mailbox.overwritten == 2000
