# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The bundle that comes with the package."""

from dataclasses import replace
from pathlib import Path

from isolated import run_isolated
import numpy as np
import pytest

from sam2_tracker_ros.core.config import Config, ModelConfig
from sam2_tracker_ros.core.model import AttendedMemory, AttendedPointer, DecoderPrompt, Sam2Model
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import Box, Frame, PixelFormat, Prompt
from sam2_tracker_ros.inference import load_model, load_stages
from sam2_tracker_ros.testing.drone_scene import DroneScene

ROOT = Path(__file__).resolve().parent.parent.parent
NO_POINT = DecoderPrompt(np.zeros((1, 2), np.float32), np.array([-1], np.int32))


def test_the_default_model_runs_with_every_filling_of_its_bank() -> None:
    """Its files are those of its manifest, and what it gives is finite."""
    model = load_stages(ModelConfig())
    assert model.spec.name == 'nano'
    side = model.spec.image_size_px
    image = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    box = np.array([[0.3, 0.3], [0.6, 0.7]], np.float32) * np.float32(side)
    features = model.encode_image(image)
    found = model.decode_masks(features, None, DecoderPrompt(box, np.array([2, 3], np.int32)))
    memory = model.encode_memory(
        features, found.memory_masks[0], found.object_score_logit, is_prompted=True
    )
    for count in range(1, model.spec.memory_slots + 1):
        conditioned = model.attend_memory(
            features,
            [AttendedMemory(memory, row) for row in range(count)],
            [AttendedPointer(found.pointers[0], age) for age in range(1, count + 1)],
        )
        tracked = model.decode_masks(features, conditioned, NO_POINT)
        assert np.isfinite(tracked.mask_logits).all()
        assert np.isfinite(tracked.predicted_iou).all()


class Looking:
    """A model that is asked for so many targets at once."""

    def __init__(self, model: Sam2Model, looks: int) -> None:
        self.spec = replace(model.spec, parallel_looks=looks)
        self.encode_image, self.look = model.encode_image, model.look


def test_several_targets_at_once_are_found_as_one_after_the_other() -> None:
    """The same graphs, from two threads; a window for each target."""
    runs = []
    for looks in (2, 1):
        model = load_model(ModelConfig(inference_threads=2))
        assert model.spec.parallel_looks == 2
        scene, tracker = DroneScene(), Tracker(Looking(model, looks), Config())
        first = scene.frame(0)
        assert first.box is not None
        places = [first.box, Box(300, 200, 420, 300), Box(700, 400, 800, 500)]
        boxes = []
        for index in range(8):
            shown = scene.frame(index)
            frame = Frame(shown.image, shown.stamp_ns, PixelFormat.BGR)
            prompts = [Prompt(box=box) for box in places] if index == 0 else []
            boxes.append([target.box for target in tracker.step(frame, prompts).targets])
        runs.append(boxes)
    assert runs[0] == runs[1]
    assert len(runs[0][-1]) >= 2


def test_the_runtime_collects_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime from 1.31 on would keep a device ID and a queue for its maker in the cache."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    monkeypatch.delenv('ORT_DISABLE_TELEMETRY', raising=False)
    run_isolated(ROOT, 'import sam2_tracker_ros.inference', absent=())
    assert list(tmp_path.iterdir()) == []
