# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What an operator may point at, and what the decoder is told."""

from hypothesis import given, settings, strategies
import numpy as np
import pytest

from sam2_tracker_ros.core.model import DecoderPrompt
from sam2_tracker_ros.core.prompts import (
    MAX_POINTS,
    NO_PROMPT,
    CheckedPrompt,
    check_prompt,
    decoder_prompt,
    mask_logits_of,
)
from sam2_tracker_ros.core.types import BoolArray, Box, Point, Prompt, PromptAction
from sam2_tracker_ros.errors import PromptError

SIZE_PX = (200, 100)
NAN, INF = float('nan'), float('inf')
BOX = Box(10, 20, 60, 50)


def mask(*, width: int = 200, height: int = 100, box: Box | None = BOX) -> BoolArray:
    """Return a mask of a box; empty without one."""
    pixels = np.zeros((height, width), np.bool_)
    if box is not None:
        pixels[int(box.top) : int(box.bottom), int(box.left) : int(box.right)] = True
    return pixels


def test_a_prompt_has_so_many_points_at_most() -> None:
    points = (Point(3, 4),) * MAX_POINTS
    assert check_prompt(Prompt(points=points), SIZE_PX).points == points
    with pytest.raises(PromptError, match='the prompt has 101 points; send at most 100'):
        check_prompt(Prompt(points=(*points, points[0])), SIZE_PX)


@pytest.mark.parametrize(
    ('prompt', 'checked'),
    [
        (Prompt(points=(Point(3, 4),)), CheckedPrompt(points=(Point(3, 4),))),
        (Prompt(points=(Point(0, 0),)), CheckedPrompt(points=(Point(0, 0),))),
        (Prompt(points=(Point(200, 100),)), CheckedPrompt(points=(Point(200, 100),))),
        (Prompt(box=BOX), CheckedPrompt(box=BOX)),
        (
            Prompt(box=BOX, points=(Point(30, 30, is_foreground=False),)),
            CheckedPrompt(box=BOX, points=(Point(30, 30, is_foreground=False),)),
        ),
        (Prompt(box=Box(-5, -5, 30, 30)), CheckedPrompt(box=Box(0, 0, 30, 30))),
        (Prompt(box=Box(190, 90, 500, 500)), CheckedPrompt(box=Box(190, 90, 200, 100))),
        (Prompt(box=Box(10, 10, 12, 12)), CheckedPrompt(box=Box(10, 10, 12, 12))),
        (
            Prompt(points=(Point(0.5, 0.5), Point(1, 0)), normalized=True),
            CheckedPrompt(points=(Point(100, 50), Point(200, 0))),
        ),
        (
            Prompt(box=Box(0.1, 0.2, 0.3, 0.5), normalized=True),
            CheckedPrompt(box=Box(20, 20, 60, 50)),
        ),
        (
            Prompt(PromptAction.REFINE, points=(Point(5, 5, is_foreground=False),)),
            CheckedPrompt(points=(Point(5, 5, is_foreground=False),)),
        ),
    ],
)
def test_accepted(prompt: Prompt, checked: CheckedPrompt) -> None:
    assert check_prompt(prompt, SIZE_PX) == checked


def test_a_mask_is_accepted_as_it_is() -> None:
    pixels = mask()
    checked = check_prompt(Prompt(mask=pixels), SIZE_PX)
    assert checked.mask is pixels
    assert checked.extent == BOX


@pytest.mark.parametrize(
    ('prompt', 'message'),
    [
        (Prompt(), 'empty; give points, a box or a mask'),
        (Prompt(PromptAction.REFINE), 'empty; give points, a box or a mask'),
        (Prompt(points=(Point(-0.1, 5),)), r'\(-0.1, 5\) is outside the image; .* 0\.\.200'),
        (Prompt(points=(Point(200.1, 5),)), 'outside the image'),
        (Prompt(points=(Point(5, -0.1),)), 'outside the image'),
        (Prompt(points=(Point(5, 100.1),)), r'y in 0\.\.100 pixels'),
        (Prompt(points=(Point(5, 5), Point(500, 5))), r'\(500, 5\) is outside'),
        (Prompt(points=(Point(NAN, 5),)), 'point .* is not finite'),
        (Prompt(points=(Point(5, INF),)), 'point .* is not finite'),
        (Prompt(points=(Point(5, 5, is_foreground=False),)), 'all points are background'),
        (Prompt(points=(Point(1.01, 0.5),), normalized=True), 'outside the image'),
        (Prompt(box=Box(NAN, 0, 10, 10)), 'box .* is not finite'),
        (Prompt(box=Box(0, 0, 10, INF)), 'box .* is not finite'),
        (Prompt(box=Box(10, 10, 10, 20)), 'is empty; expected left < right'),
        (Prompt(box=Box(10, 20, 30, 10)), 'is empty; .* top < bottom'),
        (Prompt(box=Box(0.3, 0.3, 0.3, 0.5), normalized=True), 'is empty'),
        (Prompt(box=Box(200, 0, 300, 50)), 'outside the image of 200 x 100'),
        (Prompt(box=Box(0, -50, 50, 0)), 'outside the image of 200 x 100'),
        (Prompt(box=Box(10, 10, 11.9, 40)), 'too small; expected sides of 2 pixels'),
        (Prompt(box=Box(10, 98.5, 40, 300)), 'too small'),
        (Prompt(box=BOX, points=(Point(NAN, 1),)), 'point .* is not finite'),
        (Prompt(mask=mask(), box=BOX), 'a mask excludes points and box'),
        (Prompt(mask=mask(), points=(Point(1, 1),)), 'a mask excludes points and box'),
        (
            Prompt(mask=mask(width=100, height=200)),
            '100 x 200 .*expected the image size 200 x 100',
        ),
        (Prompt(mask=mask(box=None)), 'the mask is empty'),
    ],
)
def test_refused(prompt: Prompt, message: str) -> None:
    with pytest.raises(PromptError, match=message):
        check_prompt(prompt, SIZE_PX)


@given(strategies.tuples(*[strategies.floats(-300.0, 300.0)] * 4))
@settings(deadline=None)
def test_an_accepted_box_lies_in_the_image_and_in_what_was_drawn(
    corners: tuple[float, float, float, float],
) -> None:
    drawn = Box(*corners)
    try:
        box = check_prompt(Prompt(box=drawn), SIZE_PX).box
    except PromptError:
        cut_width = min(drawn.right, 200.0) - max(drawn.left, 0.0)
        cut_height = min(drawn.bottom, 100.0) - max(drawn.top, 0.0)
        assert min(cut_width, cut_height) < 2.0
        return
    assert box is not None
    assert max(0.0, drawn.left) == box.left < box.right == min(200.0, drawn.right)
    assert max(0.0, drawn.top) == box.top < box.bottom == min(100.0, drawn.bottom)


def assert_told(
    prompt: DecoderPrompt, points: list[tuple[float, float]], labels: list[int]
) -> None:
    np.testing.assert_allclose(prompt.points, np.array(points), rtol=1e-6)
    np.testing.assert_array_equal(prompt.labels, labels)
    assert prompt.points.dtype == np.float32
    assert prompt.labels.dtype == np.int32


def test_corners_come_first_then_clicks_with_their_labels() -> None:
    checked = CheckedPrompt(
        points=(Point(100, 50), Point(20, 90, is_foreground=False)), box=Box(10, 20, 60, 50)
    )
    assert_told(
        decoder_prompt(checked, Box(0, 0, 200, 100), 1000),
        [(50, 200), (300, 500), (500, 500), (100, 900)],
        [2, 3, 1, 0],
    )


def test_points_are_told_in_the_window() -> None:
    checked = CheckedPrompt(points=(Point(100, 50),))
    assert_told(decoder_prompt(checked, Box(80, 40, 120, 60), 80), [(40, 40)], [1])


def test_a_mask_is_told_as_its_box() -> None:
    told = decoder_prompt(CheckedPrompt(mask=mask()), Box(0, 0, 200, 100), 200)
    assert_told(told, [(10, 40), (60, 100)], [2, 3])


def test_no_prompt_is_one_padding_point() -> None:
    assert_told(NO_PROMPT, [(0, 0)], [-1])


def test_extent_is_what_was_drawn() -> None:
    assert CheckedPrompt(points=(Point(1, 1),)).extent is None
    assert CheckedPrompt(box=BOX).extent == BOX
    single = np.zeros((100, 200), np.bool_)
    single[99, 199] = True
    assert CheckedPrompt(mask=single).extent == Box(199, 99, 200, 100)


def test_logits_of_a_mask_are_certain() -> None:
    logits = mask_logits_of(mask(), Box(0, 0, 200, 100), 50)
    # Cells of 4 x 2 pixels; the mask's borders 10 and 60 cut cells 2 and 15 in half.
    assert logits.dtype == np.float32
    assert logits.shape == (50, 50)
    np.testing.assert_allclose(logits[10:25, 3:15], 10.0, atol=1e-5)
    np.testing.assert_allclose(logits[10:25, [2]], 0.0, atol=1e-5)
    outside = logits.copy()
    outside[10:25, 2:15] = -10.0
    np.testing.assert_allclose(outside, -10.0, atol=1e-5)


def test_logits_of_a_mask_average_over_a_shrunk_side() -> None:
    stripes = np.zeros((50, 200), np.bool_)
    stripes[:, ::4] = True
    logits = mask_logits_of(stripes, Box(0, 0, 200, 50), 50)
    np.testing.assert_allclose(logits, (0.25 * 2.0 - 1.0) * 10.0, atol=1e-5)


def test_logits_of_a_mask_show_the_window() -> None:
    logits = mask_logits_of(mask(), Box(40, 30, 80, 70), 40)
    expected = np.full((40, 40), -10.0)
    expected[:20, :20] = 10.0
    np.testing.assert_allclose(logits, expected, atol=1e-5)
