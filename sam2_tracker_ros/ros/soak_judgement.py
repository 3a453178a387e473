# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Whether a process grew: decided on samples that were all taken in the same state.

Resident memory goes up and down in steps, each sample resembles the one before it, and it may
rise once and stay. So the slope is Theil and Sen's, the median of the slopes between all pairs,
which a few steps do not move, with Sen's interval (Sen, JASA 63, 1968), widened for what
neighbours have in common as Hamed and Rao do (Journal of Hydrology 204, 1998).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sam2_tracker_ros.core.types import Float64Array

METHOD = (
    'bytes/frame: slope of Theil and Sen over medians of blocks of samples at rest, with the 95 % '
    'interval of Sen (1968) and the variance of Hamed and Rao (1998); zero when it holds '
    '0 or the slope times all frames is below 1 MiB'
)
# Below this over the whole run a slope is no leak, even when it is certain.
LEAST_LEAK_BYTES = 1 << 20
# Before that arenas, caches and the bank of memories fill.
_JUDGED_SHARE = 0.5
MIN_SAMPLES = 8
# Medians of neighbouring samples: single outliers go, and all pairs of them are few.
_MAX_BLOCKS = 100
# Quantile of the normal distribution for 95 %.
_Z = 1.96


@dataclass(frozen=True)
class Slope:
    """
    How something grows.

    :param value: for every frame.
    :param low: lower end of the 95 % interval.
    :param high: its upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Growth:
    """
    How resident memory grew in the judged part of a run.

    :param slope: [bytes/frame].
    :param over_run_bytes: the slope times all frames of the run.
    :param first_judged_frame: what came before is warming up.
    """

    slope: Slope
    over_run_bytes: float
    first_judged_frame: int

    @property
    def is_zero(self) -> bool:
        """Whether there is no growth, or less than LEAST_LEAK_BYTES over the run."""
        return self.slope.low <= 0.0 or self.over_run_bytes < LEAST_LEAK_BYTES


def memory_growth(frames: Sequence[int], resident_bytes: Sequence[int]) -> Growth:
    """
    Judge a series of samples.

    :param frames: how many had been processed at each sample; MIN_SAMPLES or more of them.
    """
    first = round(len(frames) * (1.0 - _JUDGED_SHARE))
    slope = robust_slope(
        np.asarray(frames[first:], float), np.asarray(resident_bytes[first:], float)
    )
    return Growth(slope, slope.value * frames[-1], frames[first])


def robust_slope(x: Float64Array, y: Float64Array) -> Slope:
    """Return Theil and Sen's slope with its interval."""
    blocks = min(len(x), _MAX_BLOCKS)
    x = np.array([np.median(block) for block in np.array_split(x, blocks)])
    y = np.array([np.median(block) for block in np.array_split(y, blocks)])
    before, after = np.triu_indices(blocks, 1)
    slopes = np.sort((y[after] - y[before]) / (x[after] - x[before]))
    value = float(np.median(slopes))
    # Sen: the interval ends at the slopes that are so many ranks away from the middle.
    variance = blocks * (blocks - 1) * (2 * blocks + 5) / 18.0
    variance *= _correlation_factor(y - value * x)
    away = _Z * variance**0.5
    low = round((len(slopes) - away) / 2.0)
    high = round((len(slopes) + away) / 2.0)
    last = len(slopes) - 1
    return Slope(value, float(slopes[max(low, 0)]), float(slopes[min(high, last)]))


def _correlation_factor(rest: Float64Array) -> float:
    """Return by how much the variance is larger because neighbours resemble each other."""
    count = len(rest)
    ranks = np.argsort(np.argsort(rest, kind='stable'), kind='stable').astype(float)
    ranks -= ranks.mean()
    power = float(ranks @ ranks)
    factor = 1.0
    for lag in range(1, count - 3):
        correlation = float(ranks[:-lag] @ ranks[lag:]) / power
        if correlation < _Z / count**0.5:
            break  # what is further apart has nothing in common that could be told from chance
        weight = (count - lag) * (count - lag - 1) * (count - lag - 2)
        factor += 2.0 * weight * correlation / (count * (count - 1) * (count - 2))
    return factor
