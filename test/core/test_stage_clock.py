# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Seconds by stage, with a clock of the test's own."""

import time

import pytest

from sam2_tracker_ros.core.stage_clock import StageClock
from sam2_tracker_ros.core.types import StageTimings


def test_a_stage_adds_up_even_when_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([1.0, 1.5, 10.0, 12.0, 20.0, 20.25])
    monkeypatch.setattr(time, 'perf_counter', lambda: next(times))
    clock = StageClock()
    with clock.stage('decode'):
        pass
    with clock.stage('attend'):
        pass
    with pytest.raises(ValueError, match='broken'), clock.stage('decode'):
        raise ValueError('broken')
    assert clock.timings() == StageTimings(decode_s=0.75, attend_s=2.0)
    assert clock.timings().total_s == 2.75
