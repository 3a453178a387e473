# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A small SAM 2.1, its bundle, and what both say to the same prompt."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from references.small_sam2 import SIZE_PX, small_sam2
import torch

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.core.model import DecoderPrompt, MaskCandidates
from sam2_tracker_ros.core.types import Float32Array, UInt8Array
from sam2_tracker_ros.export.sam2 import sam2_export
from sam2_tracker_ros.export.seeded import randomise
from sam2_tracker_ros.export.writer import write_bundle
from sam2_tracker_ros.inference import OnnxSam2Model, load_stages

GRID, CHANNELS, MEMORY_CHANNELS, SLOTS, POINTERS = SIZE_PX // 16, 32, 16, 7, 16
TOLERANCE = 1e-4
NO_MASK = -1024.0
# Labels of prompts, and whether the original then chooses among three masks.
PROMPTS = {
    'nothing': ([-1], True),
    'point': ([1], True),
    'box': ([2, 3], False),
    'box and points': ([2, 3, 1, 0], False),
}


def seeded_model() -> Any:
    model = small_sam2(CHANNELS, MEMORY_CHANNELS)
    randomise(model, seed=1)
    return model


def exported(model: Any, folder: Path, memory: str = 'dynamic') -> OnnxSam2Model:
    write_bundle(sam2_export(model, 'small', {}, memory=memory), folder)
    return load_stages(ModelConfig(model=str(folder), inference_threads=1))


def block_image() -> UInt8Array:
    """Return a picture of coloured blocks, uint8 [SIZE_PX, SIZE_PX, 3]."""
    coarse = np.random.default_rng(5).integers(0, 256, (16, 16, 3), np.uint8)
    return coarse.repeat(SIZE_PX // 16, axis=0).repeat(SIZE_PX // 16, axis=1)


def prompt_of(labels: list[int]) -> DecoderPrompt:
    points = np.random.default_rng(2).uniform(10, SIZE_PX - 10, (len(labels), 2))
    return DecoderPrompt(points.astype(np.float32), np.array(labels, np.int32))


def pixels_of(model: OnnxSam2Model, image: Any) -> Any:
    scaled = (image / 255.0 - np.array(model.spec.mean)) / np.array(model.spec.std)
    return torch.from_numpy(scaled.astype(np.float32)).permute(2, 0, 1)[None]


@torch.no_grad()
def decoded_by(original: Any, pixels: Any, prompt: DecoderPrompt, *, several: bool) -> Any:
    """Run what the original runs on a prompted frame."""
    return original._single_frame_forward(
        pixel_values=pixels,
        input_points=torch.from_numpy(prompt.points)[None, None],
        input_labels=torch.from_numpy(prompt.labels)[None, None],
        multimask_output=several,
    )


def decode(model: OnnxSam2Model, image: Any, prompt: DecoderPrompt) -> MaskCandidates:
    return model.decode_masks(model.encode_image(image), None, prompt)


def chosen(found: MaskCandidates) -> tuple[Float32Array, float, Float32Array]:
    """Return mask, predicted IoU and pointer of the best candidate."""
    best = int(found.predicted_iou.argmax())
    pointer = cast(Float32Array, found.pointers[best])
    return found.mask_logits[best], float(found.predicted_iou[best]), pointer


def assert_same(found: MaskCandidates, expected: Any) -> None:
    mask, iou, pointer = chosen(found)
    np.testing.assert_allclose(mask, expected.pred_masks[0, 0], rtol=1e-5, atol=TOLERANCE)
    np.testing.assert_allclose(iou, expected.iou_scores.max(), atol=TOLERANCE)
    np.testing.assert_allclose(pointer, expected.object_pointer[0, 0], atol=TOLERANCE)
    score = expected.object_score_logits.item()
    assert found.object_score_logit == pytest.approx(score, abs=TOLERANCE)
