# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The bundle that comes with the package."""

import numpy as np

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.core.model import AttendedMemory, AttendedPointer, DecoderPrompt
from sam2_tracker_ros.inference import load_stages

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
