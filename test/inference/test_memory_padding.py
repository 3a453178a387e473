# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What fills a memory that is not full, and that it is what the graph then attends to."""

from collections import Counter
from pathlib import Path
from typing import cast

from hypothesis import given
from hypothesis import strategies as st
from inference.reference import BOX, TOLERANCE, VISIBLE, Reference, image
from inference.tiny_bundle import write_bundle
from inference.tiny_form import CHANNELS, OURS, POINTERS, PUBLISHED, SLOTS, Form
import numpy as np
import pytest

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.core.model import AttendedMemory, AttendedPointer
from sam2_tracker_ros.core.types import Float32Array
from sam2_tracker_ros.inference import load_stages
from sam2_tracker_ros.inference.memory_padding import PADDINGS


@pytest.mark.parametrize('padding', PADDINGS)
@given(data=st.data())
def test_every_place_is_filled_with_something_that_exists(
    padding: str, data: st.DataObject
) -> None:
    """Whatever is remembered, and nothing of it is left out."""
    slots, max_pointers = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 20))
    memories = data.draw(st.integers(1, slots))
    pointers = data.draw(st.integers(1, max_pointers))
    places = PADDINGS[padding](memories, pointers, slots, max_pointers, 4)
    assert len(places.memories) == slots
    assert 4 * len(places.pointers) + len(places.fillers) == 4 * max_pointers
    assert set(places.memories) == set(range(memories))
    assert set(places.pointers) == set(range(pointers))
    assert set(places.fillers) <= set(range(memories))


@given(memories=st.integers(1, 7), extra=st.integers(0, 9))
def test_balance_repeats_everything_alike(memories: int, extra: int) -> None:
    """No memory and no pointer counts more than one place more than its like."""
    pointers = memories + extra
    places = PADDINGS['balanced'](memories, pointers, 7, 16, 4)
    for chosen in (places.memories, places.pointers):
        counts = Counter(chosen).values()
        assert max(counts) - min(counts) <= 1
    if memories == 7:
        assert Counter(places.pointers) == dict.fromkeys(range(pointers), 1)


def test_duplication_repeats_the_newest() -> None:
    """The prompted frame comes first in the list, the newest one second."""
    places = PADDINGS['duplicate'](3, 2, 7, 4, 4)
    assert places.memories == (0, 1, 2, 1, 1, 1, 1)
    assert places.pointers == (0, 1, 1, 1)
    assert places.fillers == ()
    assert PADDINGS['duplicate'](1, 1, 3, 1, 4).memories == (0, 0, 0)


def attended(folder: Path, padding: str, memories: int, pointers: int) -> Float32Array:
    """Return features [T, C] conditioned on the first images, the prompted one first."""
    model = load_stages(ModelConfig(model=str(folder), memory_padding=padding))
    frames = []
    for seed in range(max(memories, pointers)):
        features = model.encode_image(image(seed))
        found = model.decode_masks(features, None, BOX)
        frames.append(
            (
                model.encode_memory(
                    features,
                    found.memory_masks[0],
                    found.object_score_logit,
                    is_prompted=True,
                ),
                found.pointers[0],
            )
        )
    conditioned = model.attend_memory(
        model.encode_image(image(99)),
        [AttendedMemory(frame[0], row) for row, frame in enumerate(frames[:memories])],
        [AttendedPointer(frame[1], age) for age, frame in enumerate(frames[:pointers])],
    )
    return cast(Float32Array, conditioned).reshape(CHANNELS, -1).T


@pytest.mark.parametrize('form', [OURS, PUBLISHED], ids=lambda form: str(form.name))
def test_duplication_is_attention_to_the_copies(tmp_path: Path, form: Form) -> None:
    """As a numpy reference computes it that is given the copies."""
    folder = write_bundle(tmp_path / 'tiny', form)
    reference = Reference(form)
    decoded = [reference.decode(image(seed), None, BOX.points, BOX.labels) for seed in range(2)]
    tokens = [
        reference.remembered(image(seed), found['masks'][0], found['score'].item(), True)
        for seed, found in enumerate(decoded)
    ]
    memories = [(tokens[0], 0), *[(tokens[1], 1)] * (SLOTS - 1)]
    pointers = [(decoded[0]['pointers'][0], 0), *[(decoded[1]['pointers'][0], 1)] * (POINTERS - 1)]
    expected = reference.attend(image(99), memories, pointers)
    found = attended(folder, 'duplicate', 2, 2)
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)
    assert np.abs(found - attended(folder, 'exact', 2, 2)).max() > VISIBLE


@pytest.mark.parametrize('padding', PADDINGS)
def test_a_full_memory_needs_no_padding(bundle: Path, padding: str) -> None:
    """Every way is exact then."""
    exact = attended(bundle, 'exact', SLOTS, POINTERS)
    np.testing.assert_allclose(attended(bundle, padding, SLOTS, POINTERS), exact, atol=TOLERANCE)
