# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Prompts and clicks to core prompts."""

from typing import Any

import numpy as np
import pytest

from messages.library import Library
from sam2_tracker_ros.core.types import Box, PromptAction
from sam2_tracker_ros.errors import PromptError
from sam2_tracker_ros.messages import prompt_from_click, prompt_from_message


def test_a_prompt_is_read(library: Library) -> None:
    message = library.prompt(
        action=1,
        target_id='car',
        normalized=True,
        point_x=[0.5, 0.25],
        point_y=[0.75, 0.125],
        point_labels=[1, 0],
        box=[0.1, 0.2, 0.3, 0.4],
    )
    prompt = prompt_from_message(message)
    assert prompt.action is PromptAction.REFINE
    assert (prompt.target_id, prompt.normalized, prompt.mask) == ('car', True, None)
    assert [(point.x, point.y, point.is_foreground) for point in prompt.points] == [
        (0.5, 0.75, True),
        (0.25, 0.125, False),
    ]
    assert prompt.box == Box(0.1, 0.2, 0.3, 0.4)


def test_a_mask_prompt_is_read(library: Library) -> None:
    pixels = np.zeros((6, 8), np.uint8)
    pixels[2:4, 3:6] = 200
    prompt = prompt_from_message(library.prompt(mask=library.image_of(pixels, 'mono8')))
    assert prompt.mask is not None
    np.testing.assert_array_equal(prompt.mask, pixels > 0)
    assert prompt.box is None
    assert prompt.points == ()


@pytest.mark.parametrize(
    ('fields', 'complaint'),
    [
        ({'action': 9}, 'unknown prompt action 9'),
        ({'point_x': [1.0], 'point_y': [1.0], 'point_labels': []}, 'as many of each'),
        ({'point_x': [1.0, 2.0], 'point_y': [1.0], 'point_labels': [1]}, 'as many of each'),
        ({'point_x': [1.0], 'point_y': [1.0], 'point_labels': [2]}, 'unknown point label 2'),
        ({'box': [1.0, 2.0, 3.0]}, 'the box has 3 numbers'),
    ],
)
def test_a_prompt_that_does_not_fit_together_is_refused(
    library: Library, fields: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(PromptError, match=complaint):
        prompt_from_message(library.prompt(**fields))


def test_a_name_of_any_length_is_refused(library: Library) -> None:
    assert prompt_from_message(library.prompt(target_id='n' * 100)).target_id == 'n' * 100
    with pytest.raises(PromptError, match='target_id has 101 characters; send at most 100'):
        prompt_from_message(library.prompt(target_id='n' * 101))


def test_a_mask_of_another_encoding_or_length_is_refused(library: Library) -> None:
    pixels = np.zeros((6, 8), np.uint8)
    with pytest.raises(PromptError, match='expected mono8'):
        prompt_from_message(library.prompt(mask=library.image_of(pixels, 'rgb8')))
    truncated = library.image(np.zeros(47, np.uint8), 'mono8', 8, 6, 8)
    with pytest.raises(PromptError, match='truncated: 47 bytes'):
        prompt_from_message(library.prompt(mask=truncated))
    no_height = library.image(np.zeros(48, np.uint8), 'mono8', 8, 0, 8)
    with pytest.raises(PromptError, match='8 x 0'):
        prompt_from_message(library.prompt(mask=no_height))


def test_a_click_is_a_foreground_point(library: Library) -> None:
    prompt = prompt_from_click(library.find('geometry_msgs/msg/Point')(x=12.0, y=34.0, z=0.0))
    assert prompt.action is PromptAction.ADD
    (point,) = prompt.points
    assert (point.x, point.y, point.is_foreground) == (12.0, 34.0, True)
    assert not prompt.normalized
