# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The originals, frame by frame as a camera gives them, find what they find in a whole video."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip('torch', reason='torch is not installed: make parity installs it')
pytest.importorskip('transformers', reason='transformers is not installed: make parity does it')

# These import torch.
from references.small_sam2 import SIZE_PX, small_sam2

from sam2_tracker_ros.core.geometry import camera_mask
from sam2_tracker_ros.core.types import Frame
from sam2_tracker_ros.errors import PromptError
from sam2_tracker_ros.export.seeded import randomise
from sam2_tracker_ros.parity.clip import scenarios, seeded_clip
from sam2_tracker_ros.parity.comparison import mask_iou
from sam2_tracker_ros.parity.efficienttam_reference import efficienttam_reference
from sam2_tracker_ros.parity.sam2_reference import sam2_reference
from sam2_tracker_ros.parity.streaming import Device, StreamedOriginal

pytestmark = pytest.mark.parity
FRAMES = 30  # more than any memory reaches back


def small_model(family: str) -> Any:
    if family == 'sam2':
        return small_sam2()
    pytest.importorskip('efficient_track_anything', reason='EfficientTAM is not installed')
    from references.small_efficienttam import small_efficienttam  # noqa: PLC0415

    return small_efficienttam('efficienttam_ti')


@pytest.mark.parametrize('family', ['sam2', 'efficienttam'])
def test_streamed_masks_are_those_of_the_whole_video(family: str) -> None:
    model = small_model(family)
    randomise(model, seed=1)
    scenario = scenarios(seeded_clip(SIZE_PX, FRAMES))['box']
    reference = sam2_reference if family == 'sam2' else efficienttam_reference
    (expected,) = reference(model, scenario)
    assert 0.01 < expected.masks.mean() < 0.99
    original = StreamedOriginal(model, family, Device())
    found = np.zeros_like(expected.masks)
    for index, pixels in enumerate(scenario.frames):
        start = scenario.prompts[0].box if index == 0 else None
        mask = original.step(Frame(pixels, index), start)
        if mask is not None:
            found[index] = camera_mask(mask, (SIZE_PX, SIZE_PX))
    assert mask_iou(found, expected.masks).min() > 0.999


def test_memory_does_not_grow() -> None:
    model = small_sam2()
    randomise(model, seed=1)
    scenario = scenarios(seeded_clip(SIZE_PX, 4))['box']
    original = StreamedOriginal(model, 'sam2', Device())
    sizes = []
    for index in range(60):
        start = scenario.prompts[0].box if index == 0 else None
        original.step(Frame(scenario.frames[index % 4], index), start)
        sizes.append(original.remembered)
    assert sizes[20:] == [sizes[20]] * 40


def test_a_stream_begins_with_a_box() -> None:
    original = StreamedOriginal(small_sam2(), 'sam2', Device())
    with pytest.raises(PromptError, match='there is no target'):
        original.step(Frame(np.zeros((8, 8, 3), np.uint8), 0))
