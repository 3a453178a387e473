# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
What to put into the places of a fixed memory that nothing is remembered for.

Every copy takes its share of attention, so these only approximate attention to what exists. They
are for graphs that are to run unmodified, and for comparing; `exact` needs none of this.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Places:
    """
    What the places of a full memory hold.

    :param memories: for each slot, which of the memories that exist.
    :param pointers: for each pointer place at the front, which of the pointers that exist.
    :param fillers: for each place of a pointer token behind them, the memory whose first token
        fills it; rotary position encoding does nothing to that token, as to pointers.
    """

    memories: tuple[int, ...]
    pointers: tuple[int, ...]
    fillers: tuple[int, ...] = ()


def duplicate(
    memories: int, pointers: int, slots: int, max_pointers: int, _tokens_per_pointer: int
) -> Places:
    """
    Repeat the newest memory and the last pointer, as the card of the published bundle says.

    :param memories: how many there are, the prompted one first, then the newest first.
    """
    newest = min(1, memories - 1)
    return Places(
        memories=(*range(memories), *[newest] * (slots - memories)),
        pointers=(*range(pointers), *[pointers - 1] * (max_pointers - pointers)),
    )


def balance(
    memories: int, pointers: int, slots: int, max_pointers: int, tokens_per_pointer: int
) -> Places:
    """
    Repeat memories and pointers in the same proportion, as evenly as places allow.

    What is left of the pointer places gets first tokens of memories: a share of attention of
    thousands of tokens, instead of a share of that of the few pointers.
    """
    used = min(max_pointers, round(pointers * slots / memories))
    free = (max_pointers - used) * tokens_per_pointer
    return Places(
        memories=_spread(memories, slots),
        pointers=_spread(pointers, max(used, pointers)),
        fillers=tuple(place % memories for place in range(free)),
    )


PADDINGS: Mapping[str, Callable[[int, int, int, int, int], Places]] = {
    'duplicate': duplicate,
    'balanced': balance,
}


def _spread(items: int, places: int) -> tuple[int, ...]:
    """Give every item the same number of places, the first ones one more where that is left."""
    return tuple(sorted(place % items for place in range(places)))
