# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Fused graphs against the modules that they are made of, frame by frame in one film."""

from dataclasses import dataclass, field, replace
import gc
from pathlib import Path

from inference.reference import BOX, image
from inference.tiny_bundle import write_bundle
from inference.tiny_form import OURS, POINTERS, SLOTS, Form
import numpy as np
import pytest

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.core.memory_bank import MemoryBank, MemoryEntry
from sam2_tracker_ros.core.memory_selection import NOTHING, RecencySelector
from sam2_tracker_ros.core.model import DecoderPrompt, Expectation, Sam2Model, Sighting
from sam2_tracker_ros.core.stage_clock import StageClock
from sam2_tracker_ros.core.staged_model import StagedModel
from sam2_tracker_ros.core.types import Box
from sam2_tracker_ros.inference import load_model, load_stages
from sam2_tracker_ros.inference.fused_model import FusedModel
from sam2_tracker_ros.inference.memory_ring import MemorySlot
from sam2_tracker_ros.inference.model_loading import load_runtime_graphs

CLICKS = DecoderPrompt(
    np.array([[5, 6], [9, 3], [1, 14]], np.float32), np.array([1, 1, 0], np.int32)
)


@dataclass
class Film:
    """One target in one model, remembered as SAM 2 does."""

    model: Sam2Model
    bank: MemoryBank | None = None
    sightings: list[Sighting] = field(default_factory=list)

    def show(
        self, prompt: DecoderPrompt | None = None, expectation: Expectation | None = None
    ) -> Sighting:
        """Look for the target in the next image, which depends on how many there were only."""
        index = len(self.sightings)
        features = self.model.encode_image(image(index))
        chosen = NOTHING
        if self.bank is not None:
            chosen = RecencySelector().select(self.bank, index, self.model.spec)
        sighting = self.model.look(
            features,
            chosen.memories,
            chosen.pointers,
            prompt=prompt,
            expectation=expectation,
            clock=StageClock(),
        )
        entry = MemoryEntry(index, sighting.memory, sighting.pointer)
        if self.bank is None:
            self.bank = MemoryBank(entry, POINTERS - 1)
        else:
            self.bank.remember(entry)
        self.sightings.append(sighting)
        return sighting


@dataclass
class Pair:
    """
    The same film in fused graphs and in modules.

    :param tolerance: relative to the largest logit: what these untrained networks remember of
        themselves grows. A model that rounds what it remembers may round to the next number.
    """

    fused: Film
    modular: Film
    tolerance: float

    def show(
        self, prompt: DecoderPrompt | None = None, expectation: Expectation | None = None
    ) -> Sighting:
        """Show both the next image and compare what they see."""
        ours = self.fused.show(prompt, expectation)
        theirs = self.modular.show(prompt, expectation)
        bound = self.tolerance * max(1.0, float(np.abs(theirs.mask_logits).max()))
        np.testing.assert_allclose(ours.mask_logits, theirs.mask_logits, atol=bound)
        assert ours.predicted_iou == pytest.approx(theirs.predicted_iou, abs=self.tolerance)
        assert ours.object_score_logit == pytest.approx(theirs.object_score_logit, abs=bound)
        assert ours.extent == theirs.extent
        assert ours.is_finite
        assert theirs.is_finite
        return ours

    def again(self) -> 'Pair':
        """Return another target in the same models."""
        return Pair(Film(self.fused.model), Film(self.modular.model), self.tolerance)


def place_of(sighting: Sighting) -> int:
    assert isinstance(sighting.memory, MemorySlot)
    return sighting.memory.index


def opened(bundle: Path, form: Form) -> Pair:
    config = ModelConfig(model=str(bundle), inference_threads=1)
    fused = load_model(config)
    assert isinstance(fused, Sam2Model)
    tolerance = 1e-3 if form.is_published else 1e-4
    return Pair(Film(fused), Film(StagedModel(load_stages(config))), tolerance)


@pytest.fixture
def pair(bundle: Path, form: Form) -> Pair:
    """Open each contract."""
    return opened(bundle, form)


def test_a_film_from_an_empty_bank_to_a_full_one(pair: Pair) -> None:
    pair.show(BOX)
    for _ in range(POINTERS + SLOTS):
        pair.show()


def test_a_correction_is_decoded_with_the_memory(pair: Pair) -> None:
    pair.show(BOX)
    pair.show()
    pair.show(CLICKS)
    pair.show()


def test_a_drawn_mask_is_remembered(pair: Pair) -> None:
    side = pair.fused.model.spec.memory_mask_size_px
    mask = np.full((side, side), -10.0, np.float32)
    mask[: side // 2, side // 4 :] = 10.0
    other = pair.again()
    pair.show(replace(BOX, memory_mask=mask))
    other.show(BOX)
    ours, theirs = pair.show().mask_logits, other.show().mask_logits
    assert np.abs(ours - theirs).max() > 10 * pair.tolerance


@pytest.mark.parametrize('seed', range(6))
def test_where_the_target_should_be_counts_alike(tmp_path: Path, seed: int) -> None:
    pair = opened(write_bundle(tmp_path / 'tiny', OURS), OURS)
    left, top, width, height = np.random.default_rng(seed).uniform(0.0, 0.5, 4)
    place = Box(left, top, left + width, top + height)
    pair.show(BOX)
    # A weight of 1 leaves the choice among candidates to the place alone.
    for weight in (0.25, 1.0):
        pair.show(expectation=Expectation(place, weight))


def test_more_memories_than_there_are_places_for_at_first(pair: Pair) -> None:
    targets = [pair, *(pair.again() for _ in range(5))]
    for target in targets:
        target.show(BOX)
    for _ in range(12):
        for target in targets:
            target.show()
    held = [sighting for target in targets for sighting in target.fused.sightings]
    assert len({place_of(sighting) for sighting in held}) == len(held) == 78


def test_places_of_forgotten_memories_are_used_again(pair: Pair) -> None:
    film = pair.fused
    film.show(BOX)
    places = set()
    gc.freeze()  # what the tests before have left need not be looked through 50 times
    for _ in range(50):
        places.add(place_of(film.show()))
        film.sightings[:] = [replace(s, memory=None, pointer=None) for s in film.sightings]
        gc.collect()
    gc.unfreeze()
    assert len(places) <= POINTERS + 1


def test_the_box_is_that_of_the_mask(pair: Pair) -> None:
    seen = set()
    for index in range(SLOTS + POINTERS):
        found = pair.show(BOX if index == 0 else None)
        rows, columns = np.nonzero(found.mask_logits > 0.0)
        expected = (0, 0, 0, 0)
        if len(rows):
            expected = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert found.extent == expected
        seen.add(found.extent)
    assert len(seen) > 1


def test_numbers_that_are_not_finite_are_told(pair: Pair) -> None:
    film, side = pair.fused, pair.fused.model.spec.memory_mask_size_px
    spoiled = np.full((side, side), np.nan, np.float32)
    assert film.show(BOX).is_finite
    assert not film.show(replace(BOX, memory_mask=spoiled)).is_finite
    # That memory was kept here, which the tracker would not do.
    assert not film.show().is_finite


def test_buffers_that_keep_their_address(pair: Pair, bundle: Path) -> None:
    """What captured CUDA graphs need is the same computation; it runs on a CPU too."""
    config = ModelConfig(model=str(bundle), inference_threads=1)
    of_bundle, graphs, _ = load_runtime_graphs(config, lambda _: None)
    pair.fused.model = FusedModel(of_bundle, graphs, captures=True)
    other = pair.again()
    for target in (pair, other):
        target.show(BOX)
    for _ in range(POINTERS):
        for target in (pair, other):
            target.show()
    pair.show(CLICKS)
    pair.show()


def test_two_images_at_once_keep_their_features(pair: Pair, bundle: Path) -> None:
    """As when two targets look at two windows of one frame."""
    config = ModelConfig(model=str(bundle), inference_threads=1)
    of_bundle, graphs, _ = load_runtime_graphs(config, lambda _: None)
    model = FusedModel(of_bundle, graphs, captures=True)
    found = []
    for images in ((0,), (0, 1)):
        features = [model.encode_image(image(index)) for index in images]
        sighting = model.look(
            features[0], (), (), prompt=BOX, expectation=None, clock=StageClock()
        )
        found.append(sighting.mask_logits)
    np.testing.assert_array_equal(found[0], found[1])
