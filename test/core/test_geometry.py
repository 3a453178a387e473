# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Boxes and masks against pixel counting, flood fill and OpenCV's resize of the whole image."""

from collections import deque

import cv2
from hypothesis import given, settings, strategies
import numpy as np
import pytest

from sam2_tracker_ros.core.geometry import (
    box_iou,
    camera_mask,
    distance_to_segment,
    extent_of,
    is_noise,
    mask_of,
    target_pieces,
    touched_edges,
)
from sam2_tracker_ros.core.types import BoolArray, Box, Edge, Float32Array, TargetMask

SIZE_PX = (100, 80)
WHOLE = Box(0, 0, 100, 80)


@strategies.composite
def whole_boxes(draw: strategies.DrawFn) -> Box:
    """Return a box in whole pixels of a small image."""
    left, right = sorted(draw(strategies.tuples(*[strategies.integers(0, 30)] * 2)))
    top, bottom = sorted(draw(strategies.tuples(*[strategies.integers(0, 30)] * 2)))
    return Box(left, top, right, bottom)


def painted(box: Box) -> BoolArray:
    """Return the pixels of a box in whole pixels."""
    pixels = np.zeros((32, 32), np.bool_)
    pixels[int(box.top) : int(box.bottom), int(box.left) : int(box.right)] = True
    return pixels


def shown(logits: Float32Array, window: Box) -> TargetMask | None:
    return mask_of(logits, extent_of(logits), window)


def cut(logits: Float32Array, window: Box, expected: Box | None, fraction: float) -> Float32Array:
    pieces, extent = target_pieces(
        logits, extent_of(logits), window, expected, fraction, growth=1.5
    )
    assert extent == extent_of(pieces)
    return pieces


@given(whole_boxes(), whole_boxes())
@settings(deadline=None)
def test_iou_counts_pixels(first: Box, second: Box) -> None:
    union = np.count_nonzero(painted(first) | painted(second))
    common = np.count_nonzero(painted(first) & painted(second))
    expected = common / union if union else 0.0
    assert box_iou(first, second) == pytest.approx(expected)
    assert box_iou(second, first) == pytest.approx(expected)


def test_distance_to_segment_is_that_to_its_nearest_point() -> None:
    random = np.random.default_rng(0)
    fractions = np.linspace(0.0, 1.0, 20_001)[:, None]
    for point, start, end in random.uniform(-50.0, 50.0, (30, 3, 2)):
        along = start + fractions * (end - start)
        expected = np.linalg.norm(along - point, axis=1).min()
        found = distance_to_segment(tuple(point), tuple(start), tuple(end))
        assert found == pytest.approx(expected, abs=5e-3)


def test_distance_to_a_segment_without_length() -> None:
    assert distance_to_segment((3.0, 4.0), (0.0, 0.0), (0.0, 0.0)) == 5.0


@pytest.mark.parametrize(
    ('box', 'edges'),
    [
        (Box(40, 30, 60, 50), Edge.NONE),
        (Box(1, 30, 60, 50), Edge.LEFT),
        (Box(2, 30, 60, 50), Edge.NONE),
        (Box(40, 30, 99, 50), Edge.RIGHT),
        (Box(40, 30, 98, 50), Edge.NONE),
        (Box(40, 0, 60, 50), Edge.TOP),
        (Box(40, 2, 60, 50), Edge.NONE),
        (Box(40, 30, 60, 79), Edge.BOTTOM),
        (Box(40, 30, 60, 78), Edge.NONE),
        (Box(-20, -20, -10, -10), Edge.LEFT | Edge.TOP),
        (WHOLE, Edge.LEFT | Edge.RIGHT | Edge.TOP | Edge.BOTTOM),
    ],
)
def test_touched_edges(box: Box, edges: Edge) -> None:
    assert touched_edges(box, SIZE_PX) == edges


@given(
    strategies.integers(0, 2**32 - 1),
    strategies.integers(2, 24),
    strategies.integers(1, 70),
    strategies.integers(1, 60),
    strategies.integers(0, 20),
    strategies.integers(0, 15),
    strategies.sampled_from([0.02, 0.2, 0.7]),
)
@settings(max_examples=150, deadline=None)
def test_mask_is_the_resized_logits_above_zero(
    seed: int, cells: int, width: int, height: int, left: int, top: int, share: float
) -> None:
    random = np.random.default_rng(seed)
    is_positive = random.random((cells, cells)) < share
    magnitude = random.uniform(0.1, 10.0, (cells, cells))
    # Strong positive cells reach far into their weak neighbours.
    logits = np.where(is_positive, 10.0 * magnitude, -magnitude).astype(np.float32)
    window = Box(left, top, left + width, top + height)
    resized = cv2.resize(logits, (width, height), interpolation=cv2.INTER_LINEAR)
    is_clear = np.abs(resized) > 1e-4

    mask = shown(logits, window)

    if mask is None:
        assert not (resized[is_clear] > 0.0).any()
        return
    image_size_px = (left + width + 3, top + height + 5)
    found = camera_mask(mask, image_size_px)
    inside = found[top : top + height, left : left + width]
    np.testing.assert_array_equal(inside[is_clear], (resized > 0.0)[is_clear])
    assert np.count_nonzero(found) == np.count_nonzero(inside) == mask.area_px
    rows, columns = np.nonzero(found)
    tight = Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert mask.box == tight
    assert mask.region.shape == (tight.height, tight.width)


@pytest.mark.parametrize('size', [(48, 48), (256, 256), (64, 30)])
@pytest.mark.parametrize('share', [0.3, 0.5, 0.7])
def test_what_changes_from_cell_to_cell_is_noise(size: tuple[int, int], share: float) -> None:
    rng = np.random.default_rng(3)
    assert is_noise((share - rng.random(size)).astype(np.float32))


def test_masks_of_objects_are_no_noise() -> None:
    """Also thin and many ones, and such as fill the image or are absent."""
    cells = np.indices((48, 48))
    for mask in (
        np.zeros((48, 48)),
        np.ones((48, 48)),
        cells[0] % 4 == 0,
        (cells[0] + cells[1]) % 8 == 0,
        (cells[0] % 4 == 0) & (cells[1] % 4 == 0),
        np.hypot(cells[0] - 20, cells[1] - 20) < 2,
    ):
        assert not is_noise(np.where(mask, 5.0, -5.0).astype(np.float32))


def test_no_positive_logit_is_no_mask() -> None:
    assert shown(np.full((8, 8), -1.0, np.float32), WHOLE) is None
    assert shown(np.zeros((8, 8), np.float32), WHOLE) is None


def test_a_positive_cell_between_two_pixels_is_no_mask() -> None:
    logits = np.full((16, 16), -10.0, np.float32)
    logits[1, 1] = 0.1
    assert shown(logits, Box(0, 0, 4, 4)) is None


def test_camera_mask_at_the_corner_of_the_image() -> None:
    logits = np.full((4, 4), -1.0, np.float32)
    logits[3, 3] = 1.0
    mask = shown(logits, Box(60, 40, 100, 80))
    assert mask is not None
    full = camera_mask(mask, SIZE_PX)
    assert full.shape == (80, 100)
    assert full[79, 99]
    assert not full[:70].any()


def spots(*areas: tuple[int, int, int, int]) -> Float32Array:
    """Return logits [40, 40] of -1 with areas (left, top, width, height) of 1."""
    logits = np.full((40, 40), -1.0, np.float32)
    for left, top, width, height in areas:
        logits[top : top + height, left : left + width] = 1.0
    return logits


BIG = (2, 2, 10, 10)
SPECK = (20, 2, 3, 3)
OTHER = (25, 25, 10, 10)
CELLS = Box(0, 0, 40, 40)


@pytest.mark.parametrize(
    ('areas', 'expected', 'fraction', 'kept', 'why'),
    [
        ((BIG, SPECK), None, 0.2, (BIG,), 'a speck is not the target'),
        ((BIG, SPECK), None, 0.09, (BIG, SPECK), 'exactly the fraction is kept'),
        ((BIG, SPECK), None, 0.0, (BIG, SPECK), '0 keeps all'),
        ((BIG, OTHER), None, 0.2, (BIG, OTHER), 'nothing is expected: both may be it'),
        ((BIG, OTHER), Box(2, 2, 12, 12), 0.2, (BIG,), 'the other one is a look-alike'),
        ((BIG, OTHER), Box(25, 25, 35, 35), 0.2, (OTHER,), 'the big one is a look-alike'),
        ((BIG, OTHER), Box(8, 8, 28, 28), 0.2, (BIG, OTHER), 'two halves of one target'),
        (
            (BIG, OTHER),
            Box(10.8, 10.8, 26.2, 26.2),
            0.2,
            (BIG, OTHER),
            'both just within half more',
        ),
        ((BIG, OTHER), Box(15, 15, 20, 20), 0.2, (BIG,), 'both just beyond: the nearest'),
        ((BIG, OTHER), Box(36, 5, 39, 9), 0.2, (OTHER,), 'neither is there: the nearest'),
        ((BIG, SPECK), Box(19, 1, 24, 6), 0.2, (SPECK,), 'a speck where it is expected'),
        ((BIG,), Box(30, 30, 35, 35), 0.2, (BIG,), 'a single piece always stays'),
        ((), Box(30, 30, 35, 35), 0.2, (), 'nothing stays nothing'),
    ],
)
def test_pieces_of_the_target(
    areas: tuple[tuple[int, int, int, int], ...],
    expected: Box | None,
    fraction: float,
    kept: tuple[tuple[int, int, int, int], ...],
    why: str,
) -> None:
    left = cut(spots(*areas), CELLS, expected, fraction)
    np.testing.assert_array_equal(left > 0.0, spots(*kept) > 0.0, why)


def test_every_piece_may_be_kept() -> None:
    """As plain SAM 2 does, wherever the target is expected."""
    left = cut(spots(BIG, SPECK), CELLS, Box(36, 5, 39, 9), 0.0)
    np.testing.assert_array_equal(left, spots(BIG, SPECK))


def test_pieces_are_compared_in_pixels_of_the_window() -> None:
    window = Box(200, 100, 280, 260)  # cells of 2 x 4 pixels
    expected = Box(200 + 2 * 25, 100 + 4 * 25, 200 + 2 * 35, 100 + 4 * 35)
    left = cut(spots(BIG, OTHER), window, expected, 0.2)
    np.testing.assert_array_equal(left > 0.0, spots(OTHER) > 0.0)


def flood_filled(pixels: BoolArray) -> list[BoolArray]:
    """Return the 8-connected pieces, found one pixel after the other."""
    left = {(int(row), int(column)) for row, column in np.argwhere(pixels)}
    pieces = []
    while left:
        start = left.pop()
        queue, piece = deque([start]), np.zeros_like(pixels)
        while queue:
            row, column = queue.popleft()
            piece[row, column] = True
            near = {(row + a, column + b) for a in (-1, 0, 1) for b in (-1, 0, 1)} & left
            left -= near
            queue.extend(near)
        pieces.append(piece)
    return pieces


@given(strategies.integers(0, 2**32 - 1), strategies.floats(0.05, 1.0))
@settings(max_examples=60, deadline=None)
def test_specks_against_flood_fill(seed: int, fraction: float) -> None:
    random = np.random.default_rng(seed)
    logits = (random.random((14, 14)) - 0.75).astype(np.float32)
    pieces = flood_filled(logits > 0.0)
    largest = max(map(np.count_nonzero, pieces), default=0)
    kept = [piece for piece in pieces if np.count_nonzero(piece) >= fraction * largest]
    expected = np.logical_or.reduce(kept) if kept else np.zeros((14, 14), np.bool_)
    left = cut(logits, Box(0, 0, 14, 14), None, fraction)
    np.testing.assert_array_equal(left > 0.0, expected)
    np.testing.assert_array_equal(left[expected], logits[expected])
