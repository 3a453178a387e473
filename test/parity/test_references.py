# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Our tracker on small bundles, against what PyTorch made of the same clip; no torch needed.

test/references/README.md says how the references were made.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
import shutil

import numpy as np
import pytest
from references.stored import FOLDER, FRAMES, SIZE_PX, load_calls, load_runs

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.core.geometry import camera_mask
from sam2_tracker_ros.core.model import (
    AttendedMemory,
    AttendedPointer,
    ConditionedFeatures,
    DecoderPrompt,
    Features,
    MaskCandidates,
    Memory,
    MemoryMask,
    ModelSpec,
    Sam2Model,
    Sam2Stages,
)
from sam2_tracker_ros.core.plain_sam2 import PLAIN_SAM2
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import Frame, Prompt, UInt8Array
from sam2_tracker_ros.inference import load_model, load_stages
from sam2_tracker_ros.inference.bundle import read_bundle
from sam2_tracker_ros.inference.graphs import open_graphs
from sam2_tracker_ros.inference.sessions import runtime_from_config
from sam2_tracker_ros.parity.clip import Scenario, scenarios, seeded_clip
from sam2_tracker_ros.parity.comparison import Bounds, TargetComparison, compare
from sam2_tracker_ros.parity.runs import Run, track

# Bundles, and the references that belong to them.
REFERENCES = {
    'sam2': 'sam2',
    'sam2_published': 'sam2',
    'efficienttam': 'efficienttam',
    'efficienttam_pooled': 'efficienttam_pooled',
}
# A bundle that has some graphs in common with another one keeps only what differs.
BASES = {'sam2_published': 'sam2', 'efficienttam_pooled': 'efficienttam'}
SCENARIOS = {
    'sam2': ('point', 'box', 'two', 'correction'),
    'efficienttam': ('point', 'box', 'two'),
    'efficienttam_pooled': ('point', 'box', 'two'),
}
CASES = [
    (bundle, scenario)
    for bundle, reference in REFERENCES.items()
    for scenario in SCENARIOS[reference]
]
MAX_GRAPH_ERROR = 1e-3


@pytest.fixture(scope='module')
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every bundle, whole."""
    whole = tmp_path_factory.mktemp('references')
    for name in REFERENCES:
        folder = whole / name
        graphs = folder / 'onnx' if name.endswith('published') else folder
        if name in BASES:
            graphs.mkdir(parents=True)
            for graph in (FOLDER / BASES[name]).glob('*.onnx'):
                shutil.copy(graph, graphs)
        shutil.copytree(FOLDER / name, folder, dirs_exist_ok=True)
    return whole


@pytest.fixture(scope='module')
def clip() -> dict[str, Scenario]:
    return dict(scenarios(seeded_clip(SIZE_PX, FRAMES)))


@lru_cache
def opened(folder: Path, padding: str = 'exact', execution: str = 'fused') -> Sam2Model:
    return load_model(ModelConfig(model=str(folder), memory_padding=padding, execution=execution))


@lru_cache
def references(name: str) -> dict[str, Run]:
    return load_runs(FOLDER / f'{name}.npz.xz')


def worst(found: Sequence[TargetComparison]) -> tuple[float, float]:
    """Return the worst mask IoU and the largest score error of any target."""
    return (
        min(float(target.mask_iou.min()) for target in found),
        max(float(target.score_error.max()) for target in found),
    )


@pytest.mark.parametrize('execution', ['fused', 'modular'])
@pytest.mark.parametrize(('bundle', 'scenario'), CASES)
def test_tracker_is_the_original_in_every_frame(
    bundle: str, scenario: str, bundles: Path, clip: dict[str, Scenario], execution: str
) -> None:
    expected = references(REFERENCES[bundle])[scenario]
    model = opened(bundles / bundle, execution=execution)
    found = compare(track(model, clip[scenario]), expected)
    assert [len(target.mask_iou) for target in found] == [FRAMES] * clip[scenario].target_count
    assert all(target.is_within(Bounds()) for target in found), worst(found)


@pytest.mark.parametrize(('bundle', 'scenario'), CASES)
def test_pointers_are_the_originals(
    bundle: str, scenario: str, bundles: Path, clip: dict[str, Scenario]
) -> None:
    expected = references(REFERENCES[bundle])[scenario]
    for mine, theirs in zip(
        track(opened(bundles / bundle), clip[scenario]), expected, strict=True
    ):
        assert np.abs(mine.pointers - theirs.pointers).max() < 1e-3


@pytest.mark.parametrize('name', list(SCENARIOS))
def test_references_can_tell(name: str) -> None:
    runs = references(name)
    scores = np.concatenate([target.scores for run in runs.values() for target in run])
    assert 0.5 < (scores > 0.0).mean() < 1.0  # targets vanish, and come back
    assert np.abs(scores).min() > 2e-3  # none is present by a hair
    for target in (target for run in runs.values() for target in run):
        is_present = target.scores > 0.0
        assert is_present[np.flatnonzero(~is_present)[0] :].any()
        assert (target.logits[~is_present] == -1024.0).all()
        covered = target.masks[is_present].mean(axis=(1, 2))
        assert 0.02 < covered.min() <= covered.max() < 0.98
        assert np.ptp(target.logits[is_present], axis=0).mean() > 0.1
    first, second = runs['two']
    assert not np.array_equal(first.masks, second.masks)


@pytest.mark.parametrize('bundle', list(SCENARIOS))
def test_every_graph_is_its_module(bundle: str, bundles: Path) -> None:
    config = ModelConfig(model=str(bundles / bundle))
    graphs = open_graphs(read_bundle(bundles / bundle), runtime_from_config(config))
    calls = load_calls(FOLDER / f'{bundle}_calls.npz.xz')
    stages = {call.split()[0] for call in calls}
    of_this_bundle = {path.stem for path in (FOLDER / bundle).glob('*attention.onnx')}
    expected_stages = set(read_bundle(bundles / bundle).graphs)
    assert stages == (of_this_bundle if bundle in BASES else expected_stages)
    for call, (inputs, outputs) in calls.items():
        found = graphs.run(call.split()[0], inputs)
        for name, expected in outputs.items():
            error = np.abs(found[name] - expected).max()
            assert error < MAX_GRAPH_ERROR, f'{call} {name} is off by {error}'


def test_the_published_form_unmodified_is_near_and_duplication_is_worse(
    bundles: Path, clip: dict[str, Scenario]
) -> None:
    expected = references('sam2')['box']
    figures = {}
    for padding in ('balanced', 'duplicate'):
        (found,) = compare(
            track(opened(bundles / 'sam2_published', padding), clip['box']), expected
        )
        assert not found.is_within(Bounds())
        figures[padding] = found
    balanced, duplicate = figures['balanced'], figures['duplicate']
    assert balanced.mask_iou.min() > 0.985
    assert duplicate.mask_iou.min() < balanced.mask_iou.min()
    assert duplicate.score_error.max() > 1.5 * balanced.score_error.max()
    # A full memory needs no padding: both end like the original.
    assert balanced.mask_iou[-3:].min() > 0.995


class Spoiled:
    """
    A model with one mistake; `how` is what the tests below are named after.

    :param stages: make none.
    """

    def __init__(self, stages: Sam2Stages, how: str) -> None:
        self._stages = stages
        self._how = how

    @property
    def spec(self) -> ModelSpec:
        return self._stages.spec

    def encode_image(self, image: UInt8Array) -> Features:
        return self._stages.encode_image(image)

    def attend_memory(
        self,
        features: Features,
        memories: Sequence[AttendedMemory],
        pointers: Sequence[AttendedPointer],
    ) -> ConditionedFeatures:
        last = self.spec.memory_slots - 1
        if self._how == 'rows reversed':
            memories = [replace(one, temporal_row=last - one.temporal_row) for one in memories]
        if self._how == 'rows off by one':
            memories = [
                replace(one, temporal_row=max(one.temporal_row - 1, 0)) for one in memories
            ]
        if self._how == 'oldest memory forgotten' and len(memories) == last + 1:
            memories = memories[:-1]
        if self._how == 'ages of pointers ignored':
            pointers = [replace(one, age_frames=0) for one in pointers]
        if self._how == 'oldest pointer forgotten' and len(pointers) > 1:
            pointers = pointers[:-1]
        return self._stages.attend_memory(features, memories, pointers)

    def decode_masks(
        self,
        features: Features,
        conditioned: ConditionedFeatures | None,
        prompt: DecoderPrompt,
    ) -> MaskCandidates:
        return self._stages.decode_masks(features, conditioned, prompt)

    def encode_memory(
        self,
        features: Features,
        mask: MemoryMask,
        object_score_logit: float,
        *,
        is_prompted: bool,
    ) -> Memory:
        is_prompted = is_prompted and self._how != 'prompted mask not binarised'
        if self._how == 'absence not encoded':
            object_score_logit = abs(object_score_logit)
        return self._stages.encode_memory(
            features, mask, object_score_logit, is_prompted=is_prompted
        )


@pytest.mark.parametrize(
    'how',
    [
        'rows reversed',
        'rows off by one',
        'oldest memory forgotten',
        'ages of pointers ignored',
        'oldest pointer forgotten',
        'prompted mask not binarised',
        'absence not encoded',
    ],
)
def test_a_mistake_would_be_seen(how: str, bundles: Path, clip: dict[str, Scenario]) -> None:
    expected = references('sam2')['box']
    stages = load_stages(ModelConfig(model=str(bundles / 'sam2')))
    sound = track(Spoiled(stages, 'not at all'), clip['box'])
    assert compare(sound, expected)[0].is_within(Bounds())
    (found,) = compare(track(Spoiled(stages, how), clip['box']), expected)
    assert not found.is_within(Bounds())


def test_what_the_tracker_reports_is_what_was_compared(
    bundles: Path, clip: dict[str, Scenario]
) -> None:
    tracker = Tracker(opened(bundles / 'sam2'), PLAIN_SAM2)
    (expected,) = references('sam2')['box']
    box = clip['box'].prompts[0].box
    (target,) = tracker.step(Frame(clip['box'].frames[0], 0), [Prompt(box=box)]).targets
    assert target.mask is not None
    assert np.array_equal(camera_mask(target.mask, (SIZE_PX, SIZE_PX)), expected.masks[0])
