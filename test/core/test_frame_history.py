# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The frames of the last second."""

import numpy as np
import pytest

from sam2_tracker_ros.core.frame_history import TOLERANCE_NS, FrameHistory
from sam2_tracker_ros.core.types import Frame

PERIOD_NS = 100_000_000
BYTES = 4 * 4 * 3


def frame(index: int) -> Frame:
    return Frame(np.full((4, 4, 3), index, np.uint8), 1_000 + index * PERIOD_NS)


def filled(count: int, duration_s: float = 1.0, max_bytes: int = 10**6) -> FrameHistory:
    history = FrameHistory(duration_s, max_bytes)
    for index in range(count):
        history.append(frame(index))
    return history


def stamps(history: FrameHistory, count: int) -> list[int]:
    """Return the indices of the frames that are still kept."""
    return [
        index
        for index in range(count)
        if (found := history.nearest(frame(index).stamp_ns)) is not None
        and found.stamp_ns == frame(index).stamp_ns
    ]


def test_it_keeps_what_is_young_enough() -> None:
    assert stamps(filled(30, duration_s=0.5), 30) == list(range(24, 30))


def test_it_keeps_what_fits_into_memory() -> None:
    assert stamps(filled(30, max_bytes=3 * BYTES + 1), 30) == [27, 28, 29]
    assert stamps(filled(3, max_bytes=BYTES - 1), 3) == []


def test_without_a_duration_it_keeps_nothing() -> None:
    assert filled(3, duration_s=0.0).nearest(frame(2).stamp_ns) is None


@pytest.mark.parametrize(
    ('offset_ns', 'expected'),
    [
        (0, 5),
        (PERIOD_NS // 2 - 1, 5),
        (PERIOD_NS // 2 + 1, 6),
        (4 * PERIOD_NS + TOLERANCE_NS, 9),
        (4 * PERIOD_NS + TOLERANCE_NS + 1, None),
        (-5 * PERIOD_NS - TOLERANCE_NS, 0),
        (-5 * PERIOD_NS - TOLERANCE_NS - 1, None),
    ],
)
def test_a_stamp_means_the_nearest_frame_within_what_is_kept(
    offset_ns: int, expected: int | None
) -> None:
    found = filled(10).nearest(frame(5).stamp_ns + offset_ns)
    assert (None if found is None else int(found.pixels[0, 0, 0])) == expected


def test_a_repeated_stamp_is_left_out_and_one_that_goes_back_starts_anew() -> None:
    history = filled(10)
    history.append(Frame(np.zeros((4, 4, 3), np.uint8), frame(9).stamp_ns))
    kept = history.nearest(frame(9).stamp_ns)
    assert kept is not None
    assert kept.pixels[0, 0, 0] == 9
    history.append(frame(4))
    assert stamps(history, 10) == [4]


def test_the_way_to_the_newest_frame_passes_every_one_or_skips_some() -> None:
    history = filled(10)

    def next_index(after: int, skip_to: int, last: int) -> int | None:
        times = (frame(index).stamp_ns for index in (after, skip_to, last))
        found = history.next_after(*times)
        return None if found is None else int(found.pixels[0, 0, 0])

    assert next_index(3, 3, 9) == 4
    assert next_index(3, 6, 9) == 6
    assert next_index(3, 20, 7) == 7
    assert next_index(7, 20, 7) is None
