# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The soak: what it would call a leak, and a short run of it with the real tracker."""

from dataclasses import replace
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from sam2_tracker_ros.ros import soak
from sam2_tracker_ros.ros.soak_film import PLACES, SIZE_PX, box_of, soak_film
from sam2_tracker_ros.ros.soak_judgement import LEAST_LEAK_BYTES, MIN_SAMPLES, memory_growth
from sam2_tracker_ros.ros.soak_report import Sample, report_of

FRAMES = list(range(100, 100_001, 100))
BASE = 180 << 20
PAGE = 4096


def series(
    seed: int, bytes_per_frame: float = 0.0, *, correlation: float = 0.0, noise: float = 2e5
) -> list[int]:
    """Return resident memory in whole pages, with noise; neighbours resemble each other."""
    rng = np.random.default_rng(seed)
    wander = np.empty(len(FRAMES))
    last = 0.0
    for index, step in enumerate(rng.normal(0.0, noise, len(FRAMES))):
        last = correlation * last + (1.0 - correlation**2) ** 0.5 * step
        wander[index] = last
    values = BASE + bytes_per_frame * np.array(FRAMES) + wander
    return [int(value) // PAGE * PAGE for value in values]


@pytest.mark.parametrize('correlation', [0.0, 0.9])
@pytest.mark.parametrize('seed', range(20))
def test_noise_is_no_growth(seed: int, correlation: float) -> None:
    growth = memory_growth(FRAMES, series(seed, correlation=correlation))
    assert growth.is_zero
    assert growth.slope.low <= growth.slope.value <= growth.slope.high
    assert growth.first_judged_frame == 50_100


def test_no_noise_at_all_is_no_growth() -> None:
    growth = memory_growth(FRAMES, [BASE] * len(FRAMES))
    assert growth.is_zero
    assert growth.slope.value == growth.slope.low == growth.slope.high == 0.0


@pytest.mark.parametrize('correlation', [0.0, 0.5])
def test_twenty_bytes_a_frame_are_a_leak(correlation: float) -> None:
    growths = [
        memory_growth(FRAMES, series(seed, 20.0, correlation=correlation)) for seed in range(40)
    ]
    assert not any(growth.is_zero for growth in growths)
    assert all(growth.over_run_bytes > LEAST_LEAK_BYTES for growth in growths)
    assert [growth.slope.value for growth in growths] == pytest.approx([20.0] * 40, abs=5.0)
    holding = sum(growth.slope.low <= 20.0 <= growth.slope.high for growth in growths)
    assert holding >= 34  # 95 % of intervals hold the truth, give or take chance


def test_a_leak_that_an_allocator_hands_out_in_steps_is_a_leak() -> None:
    arena = 132 << 10
    leaked = [BASE + 20 * frame // arena * arena for frame in FRAMES]
    growth = memory_growth(FRAMES, leaked)
    assert not growth.is_zero
    assert growth.slope.value == pytest.approx(20.0, rel=0.1)


def test_steps_that_end_are_no_leak() -> None:
    steps = [min(frame // 8_000, 5) * (512 << 10) for frame in FRAMES]
    flat = series(1, noise=3e4)
    growth = memory_growth(FRAMES, [a + b for a, b in zip(flat, steps, strict=True)])
    assert growth.is_zero


def test_one_step_near_the_end_is_no_leak() -> None:
    step = [0 if frame < 92_000 else 600 << 10 for frame in FRAMES]
    growth = memory_growth(FRAMES, [a + b for a, b in zip(series(2), step, strict=True)])
    assert growth.is_zero


def test_less_than_a_mebibyte_over_the_run_is_no_leak_however_certain() -> None:
    growth = memory_growth(FRAMES, series(3, 8.0, noise=1e3))
    assert growth.slope.low > 0.0
    assert growth.is_zero


def samples() -> list[Sample]:
    """Return a run in which nothing grows."""
    return [Sample(frame, BASE, 30, 20, 1.0, 2.0, 3.0) for frame in FRAMES]


def test_a_run_in_which_nothing_grows_is_passed() -> None:
    report = report_of(samples())
    assert report.is_passed
    assert report.frames == FRAMES[-1]
    assert report.latency_ms == {'p50': 1.0, 'p95': 2.0, 'p99': 3.0}


@pytest.mark.parametrize('change', [{'threads': 31}, {'descriptors': 21}])
def test_one_thread_or_descriptor_more_is_growth(change: dict[str, int]) -> None:
    grown = samples()
    grown[-1] = replace(grown[-1], **change)
    assert not report_of(grown).is_passed


def test_a_leak_of_memory_is_growth() -> None:
    grown = [replace(each, resident_bytes=BASE + 20 * each.frame) for each in samples()]
    report = report_of(grown)
    assert not report.is_passed
    assert report.memory.slope.value == pytest.approx(20.0)


def test_every_disc_of_the_film_is_where_it_is_said_to_be() -> None:
    film = soak_film(3)
    for index in (0, 25, 61):
        image = film.image(index)
        boxes = [box_of(place, index) for place in range(PLACES)]
        colors = {
            tuple(image[round(middle[1]), round(middle[0])].tolist())
            for middle in (box.center for box in boxes)
        }
        assert len(colors) == PLACES
        assert all(box.left > 0 and box.right < SIZE_PX[0] for box in boxes)
        assert all(box.top > 0 and box.bottom < SIZE_PX[1] for box in boxes)


def test_a_plan_is_drawn_from_its_seed() -> None:
    assert [*soak.plan_of(1, 2)] == [*soak.plan_of(1, 2)]
    assert any([*soak.plan_of(1, cycle)] != [*soak.plan_of(2, cycle)] for cycle in range(5))


def test_too_few_frames_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        soak.main(['--frames', '100'])
    assert '--frames must be' in capsys.readouterr().err


def test_a_short_soak_of_the_real_tracker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(soak, 'CYCLE_FRAMES', 30)
    frames = 2 * MIN_SAMPLES * 30
    status = soak.main(['--frames', str(frames), '--out', str(tmp_path)])
    written = capsys.readouterr()
    assert written.err == ''
    report = json.loads((tmp_path / 'soak.json').read_text())
    # While it is warming up memory may grow.
    assert status == (0 if report['is_passed'] else 1)
    assert ('passed' if report['is_passed'] else 'FAILED') in written.out
    assert report['frames'] >= frames
    assert len(report['samples']) >= MIN_SAMPLES
    counts = report['counts']
    assert counts['answered'] + counts['lost'] == counts['published']
    assert counts['measured'] > 0
    assert counts['acquired'] > 0
    assert counts['pictures'] > 0
    assert counts['parameters_set'] > 0
    assert cv2.imread(str(tmp_path / 'soak.png')) is not None
