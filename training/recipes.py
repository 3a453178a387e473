# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Schedules of training: what is learned when, and how fast."""

from dataclasses import dataclass, replace
import math

from training.batches import Stage
from training.scenes import WINDOW_SIZE_SHARES, ClipConfig

WARM_UP = 0.02


@dataclass(frozen=True)
class Recipe:
    """A schedule; every time in it is a share of the wall-clock budget."""

    stages: tuple[Stage, ...]
    peak_rate: float
    teacher_share: float
    """Share of true masks in memory at the start; it falls to `TEACHER_FLOOR`."""
    faulty_share: float
    """Share of sequences with deliberately wrong memories."""

    def learning_rate(self, share: float) -> float:
        """
        Warm up, then follow half a cosine down to zero.

        :param share: share of the budget used.
        :return: the rate.
        """
        if share < WARM_UP:
            return self.peak_rate * (0.05 + 0.95 * share / WARM_UP)
        return self.peak_rate * 0.5 * (1 + math.cos(math.pi * (share - WARM_UP) / (1 - WARM_UP)))

    def teacher(self, share: float) -> float:
        """
        Lower the share of true masks in memory over the first half.

        :param share: share of the budget used.
        :return: probability.
        """
        return max(TEACHER_FLOOR, self.teacher_share - 2.0 * share * self.teacher_share)


TEACHER_FLOOR = 0.05

SCRATCH = Recipe(
    stages=(
        Stage(0.00, ((10, ClipConfig(frames=2, size_px=128, hide_share=0.0)),)),
        Stage(0.06, ((8, ClipConfig(frames=3, size_px=128, hide_share=0.4)),)),
        Stage(
            0.13,
            (
                (8, ClipConfig(frames=4, size_px=128, hide_share=0.5)),
                (5, ClipConfig(frames=6, size_px=128, hide_share=0.6)),
            ),
        ),
        Stage(
            0.35,
            (
                (4, ClipConfig(frames=4, size_px=192, hide_share=0.45)),
                (4, ClipConfig(frames=8, size_px=128, hide_share=0.6)),
            ),
        ),
        Stage(
            0.60,
            (
                (3, ClipConfig(frames=6, size_px=192, hide_share=0.5)),
                (3, ClipConfig(frames=8, size_px=160, hide_share=0.6)),
                (3, ClipConfig(frames=12, size_px=128, hide_share=0.6)),
            ),
        ),
    ),
    peak_rate=2e-3,
    teacher_share=0.95,
    faulty_share=0.05,
)

REFINE = Recipe(
    stages=(
        Stage(
            0.0,
            (
                (6, ClipConfig(frames=5, size_px=128, hide_share=0.5)),
                (4, ClipConfig(frames=8, size_px=128, hide_share=0.6)),
                (3, ClipConfig(frames=5, size_px=192, hide_share=0.5)),
            ),
        ),
        Stage(
            0.5,
            (
                (3, ClipConfig(frames=6, size_px=192, hide_share=0.5)),
                (2, ClipConfig(frames=8, size_px=192, hide_share=0.6)),
                (4, ClipConfig(frames=8, size_px=128, hide_share=0.6)),
            ),
        ),
    ),
    peak_rate=1.2e-3,
    teacher_share=0.3,
    faulty_share=0.05,
)

_SHORT = ClipConfig(frames=5, size_px=128, hide_share=0.35, size_shares=WINDOW_SIZE_SHARES)
WINDOW = Recipe(
    stages=(
        Stage(
            0.0,
            (
                (6, _SHORT),
                (4, replace(_SHORT, frames=8, hide_share=0.6)),
                (3, replace(_SHORT, size_px=192)),
            ),
        ),
        Stage(
            0.4,
            (
                (3, replace(_SHORT, frames=6, size_px=192)),
                (2, replace(_SHORT, frames=9, size_px=192, hide_share=0.6)),
                (3, replace(_SHORT, frames=12, hide_share=0.6)),
            ),
        ),
    ),
    peak_rate=1.2e-3,
    teacher_share=0.3,
    faulty_share=0.05,
)
"""Targets in the middle sizes, as the tracker's window shows them, in clutter."""

RECIPES = {'scratch': SCRATCH, 'refine': REFINE, 'window': WINDOW}
