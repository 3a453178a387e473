# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The fake model does what the tests of the tracker rely on."""

import numpy as np
import pytest

from sam2_tracker_ros.core.model import AttendedMemory, DecoderPrompt, MaskCandidates, Sam2Stages
from sam2_tracker_ros.core.types import BoolArray, Float32Array, UInt8Array
from sam2_tracker_ros.testing.fake_model import FakeModel

SIZE = 32
RED, BLUE = (220, 30, 30), (30, 30, 220)


def scene() -> UInt8Array:
    """Return gray with a red and a blue square of 8 pixels."""
    image = np.full((SIZE, SIZE, 3), 90, np.uint8)
    image[4:12, 4:12] = RED
    image[20:28, 20:28] = BLUE
    return image


def square(start: int) -> BoolArray:
    """Return the mask of one of the squares."""
    mask = np.zeros((SIZE, SIZE), np.bool_)
    mask[start : start + 8, start : start + 8] = True
    return mask


def told(*points: tuple[float, float, int]) -> DecoderPrompt:
    """Return points with labels."""
    return DecoderPrompt(
        np.array([point[:2] for point in points], np.float32),
        np.array([point[2] for point in points], np.int32),
    )


def decoded(model: Sam2Stages, prompt: DecoderPrompt) -> MaskCandidates:
    return model.decode_masks(model.encode_image(scene()), None, prompt)


@pytest.mark.parametrize(
    ('prompt', 'start'),
    [
        (told((8, 8, 1)), 4),
        (told((24, 24, 1)), 20),
        (told((4, 4, 2), (12, 12, 3)), 4),
        (told((18, 18, 2), (30, 30, 3)), 20),
        (told((4, 4, 2), (12, 12, 3), (24, 24, 1)), 20),
    ],
)
def test_finds_what_is_pointed_at(prompt: DecoderPrompt, start: int) -> None:
    found = decoded(FakeModel(SIZE), prompt)
    np.testing.assert_array_equal(found.mask_logits[0] > 0.0, square(start))
    assert found.object_score_logit > 0.0
    assert found.mask_logits.shape == (1, SIZE, SIZE)


def test_candidates_are_smaller_and_worse() -> None:
    found = decoded(FakeModel(SIZE, candidates=3), told((8, 8, 1)))
    areas = [np.count_nonzero(logits > 0.0) for logits in found.mask_logits]
    assert areas == [64, 36, 16]
    assert list(found.predicted_iou) == sorted(found.predicted_iou, reverse=True)
    assert len(found.pointers) == len(found.memory_masks) == 3


def test_a_background_point_takes_its_colour_out() -> None:
    model = FakeModel(SIZE, tolerance=441.0)
    everything = decoded(model, told((8, 8, 1)))
    assert (everything.mask_logits > 0.0).all()
    without = decoded(model, told((8, 8, 1), (24, 24, 0)))
    assert not (without.mask_logits[0] > 0.0)[square(20)].any()
    assert (without.mask_logits[0] > 0.0)[square(4)].all()


def remembered(model: FakeModel, mask: BoolArray, logit: float = 5.0) -> AttendedMemory:
    logits: Float32Array = np.where(mask, 10.0, -10.0).astype(np.float32)
    features = model.encode_image(scene())
    return AttendedMemory(model.encode_memory(features, logits, logit, is_prompted=True), 6)


def test_remembers_by_colour() -> None:
    model = FakeModel(SIZE)
    features = model.encode_image(np.ascontiguousarray(np.rot90(scene())))
    conditioned = model.attend_memory(features, [remembered(model, square(4))], [])
    found = model.decode_masks(features, conditioned, told((0, 0, -1)))
    np.testing.assert_array_equal(found.mask_logits[0] > 0.0, np.rot90(square(4)))


@pytest.mark.parametrize(
    ('mask', 'logit'), [(square(4), -5.0), (np.zeros((SIZE, SIZE), np.bool_), 5.0)]
)
def test_an_absent_object_leaves_a_memory_of_nothing(mask: BoolArray, logit: float) -> None:
    model = FakeModel(SIZE)
    features = model.encode_image(scene())
    nothing, blue = remembered(model, mask, logit), remembered(model, square(20))
    conditioned = model.attend_memory(features, [nothing], [])
    found = model.decode_masks(features, conditioned, told((0, 0, -1)))
    assert found.object_score_logit < 0.0
    assert not (found.mask_logits > 0.0).any()
    assert not found.predicted_iou.any()
    conditioned = model.attend_memory(features, [nothing, blue], [])
    found = model.decode_masks(features, conditioned, told((0, 0, -1)))
    np.testing.assert_array_equal(found.mask_logits[0] > 0.0, square(20))


def test_keeps_nothing_between_calls() -> None:
    model = FakeModel(SIZE)
    first = decoded(model, told((8, 8, 1)))
    decoded(model, told((24, 24, 1)))
    again = decoded(model, told((8, 8, 1)))
    np.testing.assert_array_equal(again.mask_logits, first.mask_logits)
