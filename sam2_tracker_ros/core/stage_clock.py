# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where the time of one step goes."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
import time

from sam2_tracker_ros.core.types import StageTimings


class StageClock:
    """Adds up seconds by stage."""

    def __init__(self) -> None:
        self._seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure a block; `name` is a field of StageTimings without its `_s`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[f'{name}_s'] += time.perf_counter() - start

    def add(self, other: 'StageClock') -> None:
        """Add what another clock measured, such as one in another thread."""
        for name, seconds in other._seconds.items():
            self._seconds[name] += seconds

    def timings(self) -> StageTimings:
        """Return the sums."""
        return StageTimings(**self._seconds)
