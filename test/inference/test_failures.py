# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Numbers that are not finite, and inference that fails."""

from pathlib import Path

from inference.tiny_bundle import write_bundle, write_manifest
from inference.tiny_form import FINE, IMAGE, OURS, weights_of
from inference.tiny_graphs import write_decoder, write_memory_encoder
import numpy as np
import pytest

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.core.model import DecoderPrompt
from sam2_tracker_ros.core.types import Float32Array
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference import load_model

IMAGE_PIXELS = np.full((IMAGE, IMAGE, 3), 90, np.uint8)
CLICK = DecoderPrompt(np.full((1, 2), 5.0, np.float32), np.ones(1, np.int32))


def test_a_pointer_that_is_not_finite_spoils_its_candidate_only(tmp_path: Path) -> None:
    """The tracker, which cannot look into pointers, sees it in the predicted IoU."""
    folder = write_bundle(tmp_path, OURS)
    weights = weights_of(OURS)
    weights['pointer'][:, -1] = np.inf
    write_decoder(folder, OURS, weights)
    write_manifest(folder)
    model = load_model(ModelConfig(model=str(folder)))
    found = model.decode_masks(model.encode_image(IMAGE_PIXELS), None, CLICK)
    assert np.isfinite(found.predicted_iou).tolist() == [True, True, False]
    assert np.isfinite(found.mask_logits).all()


def test_a_memory_that_is_not_finite_is_refused(ours: Path) -> None:
    """It would spoil the frames to come."""
    model = load_model(ModelConfig(model=str(ours)))
    features = model.encode_image(IMAGE_PIXELS)
    mask = np.full((FINE, FINE), np.nan, np.float32)
    with pytest.raises(ModelError, match='memory_encoder gave numbers that are not finite'):
        model.encode_memory(features, mask, 1.0, is_prompted=False)


def test_a_model_that_gives_no_finite_memory_is_refused_at_load(tmp_path: Path) -> None:
    """Warming up finds out before the first frame does."""
    folder = write_bundle(tmp_path, OURS)
    weights = weights_of(OURS)
    weights['token_mask'][:] = np.inf
    write_memory_encoder(folder, OURS, weights)
    write_manifest(folder)
    with pytest.raises(ModelError, match='memory_encoder gave numbers that are not finite'):
        load_model(ModelConfig(model=str(folder)))


def test_failing_inference_says_what_was_given(ours: Path) -> None:
    """A mask of another size cannot be encoded; the model goes on afterwards."""
    model = load_model(ModelConfig(model=str(ours)))
    features = model.encode_image(IMAGE_PIXELS)
    mask: Float32Array = np.zeros((FINE + 1, FINE), np.float32)
    with pytest.raises(ModelError, match=r'memory_encoder failed .*low_res_mask \(1, 1, 9, 8\)'):
        model.encode_memory(features, mask, 1.0, is_prompted=False)
    found = model.decode_masks(features, None, CLICK)
    assert np.isfinite(found.mask_logits).all()
