# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Fast checks of how `nano` is made; skipped where its requirements are not installed."""

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs torch (training/requirements.txt)')
pytest.importorskip('skimage', reason='training needs scikit-image (training/requirements.txt)')
pytest.importorskip('onnx', reason='export needs onnx (training/requirements.txt)')
pytest.importorskip('cv2', reason='training needs OpenCV (training/requirements.txt)')

from training.batches import Batch, draw_prompt, make_batch  # noqa: E402
from training.checkpoint import inference_checkpoint, load_model, save_checkpoint  # noqa: E402
from training.config import NanoConfig  # noqa: E402
from training.export import export_bundle  # noqa: E402
from training.library import Library, LibraryConfig  # noqa: E402
from training.model import Nano  # noqa: E402
from training.rebuild import PHASES, commands  # noqa: E402
from training.recipes import RECIPES, SCRATCH  # noqa: E402
from training.rollout import Guidance, track  # noqa: E402
from training.scenes import ClipConfig  # noqa: E402
from training.synthesis import make_clip  # noqa: E402
from training.train import Trainer, as_sequences  # noqa: E402

SMALL = LibraryConfig(grounds=3, sprites=6, ground_px=160)


@pytest.fixture(scope='module')
def library() -> Library:
    return Library(SMALL, np.random.default_rng(3))


@pytest.fixture(scope='module')
def batch(library: Library) -> Batch:
    return make_batch(np.random.default_rng(4), library, 2, ClipConfig(frames=3, size_px=96))


@pytest.fixture
def model() -> Nano:
    torch.manual_seed(5)
    torch.set_num_threads(2)
    return Nano(NanoConfig(image_size_px=96))


def test_equal_seeds_make_equal_clips() -> None:
    clips = []
    for _ in range(2):
        random = np.random.default_rng(7)
        clips.append(make_clip(random, Library(SMALL, random), ClipConfig(frames=3, size_px=96)))
    assert np.array_equal(clips[0].frames, clips[1].frames)
    assert np.array_equal(clips[0].masks, clips[1].masks)


@pytest.mark.parametrize('seed', range(12))
def test_truth_is_consistent(library: Library, seed: int) -> None:
    config = ClipConfig(frames=5, size_px=96, hide_share=1.0)
    clip = make_clip(np.random.default_rng(seed), library, config)
    visible_px = clip.masks.astype(np.float64).sum((2, 3)) / 255
    assert clip.frames.shape == (5, 96, 96, 3)
    assert (visible_px[clip.presence == 1] >= 5).all()
    assert (visible_px[clip.presence == 0] < visible_px.max() * 0.1 + 1).all()
    together = clip.masks.astype(np.int32).sum(1)
    assert together.max() <= 256, 'two targets claim the same pixel'


def test_targets_are_hidden_and_return(library: Library) -> None:
    random = np.random.default_rng(11)
    config = ClipConfig(frames=5, size_px=96, hide_share=1.0)
    presence = [make_clip(random, library, config).presence[:, 0] for _ in range(24)]
    hidden = [row for row in presence if row[0] == 1 and (row == 0).any()]
    returned = [row for row in hidden if row[-1] == 1]
    assert len(hidden) >= 10
    assert returned


def test_a_box_prompt_surrounds_the_mask() -> None:
    mask = np.zeros((96, 96), np.uint8)
    mask[30:50, 20:60] = 255
    points, labels = draw_prompt(np.random.default_rng(0), mask, box_share=1.0)
    assert labels.tolist() == [2, 3, -1]
    assert np.allclose(points[:2], [[20, 30], [60, 50]], atol=10)


def test_a_click_lands_on_the_mask() -> None:
    mask = np.zeros((96, 96), np.uint8)
    mask[30:50, 20:60] = 255
    for seed in range(10):
        points, labels = draw_prompt(np.random.default_rng(seed), mask, box_share=0.0)
        column, row = points[0].astype(int)
        assert labels[0] == 1
        assert mask[row, column] == 255


def test_training_lowers_the_loss(model: Nano, batch: Batch) -> None:
    trainer = Trainer(model, budget_s=60)
    trainer.progress.wall_s = 1.2  # past the warm-up
    losses = [trainer.step(batch)[0] for _ in range(8)]
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.8 * losses[0]


def test_learning_rate_ends_at_zero() -> None:
    assert SCRATCH.learning_rate(1.0) == pytest.approx(0.0, abs=1e-12)
    assert max(map(SCRATCH.learning_rate, np.linspace(0, 1, 50))) == pytest.approx(2e-3, rel=0.01)


def test_absent_targets_give_empty_masks(model: Nano, batch: Batch) -> None:
    model.eval()
    with torch.no_grad():
        model.mask_decoder.to_scores.bias[0] = -50.0
        decoded = track(model, as_sequences(batch), Guidance())
    assert all(bool((frame.mask == -1024).all()) for frame in decoded)
    no_object = model.mask_decoder.no_object_pointer
    assert all(
        torch.allclose(frame.pointer, no_object.expand_as(frame.pointer)) for frame in decoded
    )


def test_a_bundle_matches_its_contract(model: Nano, tmp_path: Path) -> None:
    model.eval()
    with torch.no_grad():
        model.mask_decoder.to_scores.bias[0] = 5.0
    export_bundle(model, tmp_path / 'nano', {'steps': 0})
    manifest = json.loads((tmp_path / 'nano' / 'manifest.json').read_text())
    graphs = manifest['graphs']
    assert set(graphs) == {
        'vision_encoder', 'mask_decoder', 'memory_encoder', 'memory_attention', 'pointer_tpos'
    }  # fmt: skip
    assert graphs['memory_attention']['inputs']['memory'] == [-1, 1, 64]
    assert graphs['mask_decoder']['inputs']['input_points'] == [1, 1, -1, 2]
    assert graphs['mask_decoder']['outputs']['low_res_mask'] == [1, 1, 24, 24]
    constants = json.loads((tmp_path / 'nano' / 'constants.json').read_text())
    assert np.array(constants['temporal_table']).shape == (constants['memory_slots'], 64)


def test_a_checkpoint_survives_a_round_trip(model: Nano, tmp_path: Path) -> None:
    path = tmp_path / 'checkpoint.pt'
    save_checkpoint(path, inference_checkpoint(model.config, model.state_dict(), {'step': 3}))
    restored, progress = load_model(path)
    assert progress == {'step': 3}
    assert restored.config == model.config
    for name, value in model.state_dict().items():
        assert torch.equal(value, restored.state_dict()[name])


def test_rebuilding_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    steps = commands(tmp_path, tmp_path / 'bundle', 0.5, None)
    assert [step[0] for step in steps[3:]] == ['training.evaluate', 'training.export']
    assert '--resume' not in steps[0]
    first, second, third = (tmp_path / recipe for recipe, _ in PHASES)
    assert steps[1][-2:] == ['--resume', str(first / 'average.pt')]
    assert steps[2][-2:] == ['--resume', str(second / 'average.pt')]
    third.mkdir()
    (third / 'resume.pt').touch()
    steps = commands(tmp_path, tmp_path / 'bundle', 0.5, None)
    assert steps[2][-2:] == ['--resume', str(third / 'resume.pt')]
    assert all(recipe in RECIPES for recipe, _ in PHASES)


def test_targets_of_the_window_recipe_are_as_large_as_the_tracker_shows_them() -> None:
    (_, config), *_ = RECIPES['window'].stages[-1].variants
    random = np.random.default_rng(8)
    stock = Library(SMALL, random)
    roots = []
    for _ in range(40):
        clip = make_clip(random, stock, config)
        roots += [np.sqrt((mask > 127).sum()) for mask in clip.masks[0] if mask.any()]
    # The tracker's window gives a target 48 px of 192.
    assert 20 < np.median(roots) < 60
