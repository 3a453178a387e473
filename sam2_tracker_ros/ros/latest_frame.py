# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A one-slot mailbox: the newest item wins."""

import threading
from typing import Generic, TypeVar

Item = TypeVar('Item')


class LatestFrame(Generic[Item]):
    """Hands the newest item from one thread to another and counts what it overwrote."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._item: Item | None = None
        self._is_woken = False
        self._overwritten = 0

    @property
    def overwritten(self) -> int:
        """Items that were replaced before anybody took them."""
        with self._changed:
            return self._overwritten

    @property
    def is_empty(self) -> bool:
        """Whether no item waits."""
        return self._item is None

    def put(self, item: Item) -> None:
        """Store an item in place of the one that waits, if any; never blocks for long."""
        with self._changed:
            if self._item is not None:
                self._overwritten += 1
            self._item = item
            self._changed.notify()

    def give_back(self, item: Item) -> None:
        """Store an item that was taken and not used, unless a newer one waits."""
        with self._changed:
            if self._item is None:
                self._item = item
                self._changed.notify()
            else:
                self._overwritten += 1

    def wake(self) -> None:
        """Let `take` return although there may be no item."""
        with self._changed:
            self._is_woken = True
            self._changed.notify()

    def take(self, *, may_wait: bool = True) -> Item | None:
        """Wait for an item or a call of `wake`, if that may be, and return the item or None."""
        with self._changed:
            if may_wait:
                self._changed.wait_for(lambda: self._item is not None or self._is_woken)
            item, self._item, self._is_woken = self._item, None, False
            return item
