# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Numbers that are not finite, and inference that fails."""

from pathlib import Path

from inference.tiny_bundle import write_bundle, write_manifest
from inference.tiny_form import CHANNELS, COARSE, FINE, IMAGE, OURS, weights_of
from inference.tiny_graphs import write_decoder
import numpy as np
import pytest

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.core.model import DecoderPrompt
from sam2_tracker_ros.core.types import Float32Array
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference import load_stages

IMAGE_PIXELS = np.full((IMAGE, IMAGE, 3), 90, np.uint8)
CLICK = DecoderPrompt(np.full((1, 2), 5.0, np.float32), np.ones(1, np.int32))


def test_a_pointer_that_is_not_finite_spoils_its_candidate_only(tmp_path: Path) -> None:
    """
    The tracker, which cannot look into pointers, sees it in the predicted IoU.

    The last candidate's pointer overflows for large features, not for those of the black image
    that is looked at when the model is loaded.
    """
    folder = write_bundle(tmp_path, OURS)
    weights = weights_of(OURS)
    weights['pointer'][:, -1] = 1e37
    write_decoder(folder, OURS, weights)
    write_manifest(folder)
    model = load_stages(ModelConfig(model=str(folder)))
    large = np.full((1, CHANNELS, COARSE, COARSE), 100.0, np.float32)
    found = model.decode_masks(model.encode_image(IMAGE_PIXELS), large, CLICK)
    assert np.isfinite(found.predicted_iou).tolist() == [True, True, False]
    assert np.isfinite(found.mask_logits).all()


def test_a_memory_that_is_not_finite_is_refused(ours: Path) -> None:
    """It would spoil the frames to come."""
    model = load_stages(ModelConfig(model=str(ours)))
    features = model.encode_image(IMAGE_PIXELS)
    mask = np.full((FINE, FINE), np.nan, np.float32)
    with pytest.raises(ModelError, match='memory_encoder gave numbers that are not finite'):
        model.encode_memory(features, mask, 1.0, is_prompted=False)


def test_names_that_are_no_text_are_refused(published: Path) -> None:
    """The runtime opens such a graph, and fails when it is asked for the name."""
    path = published / 'onnx' / 'pointer_tpos.onnx'
    path.write_bytes(path.read_bytes().replace(b'normalized_diffs', b'normalized_diff\xff'))
    with pytest.raises(ModelError, match=r'pointer_tpos.onnx cannot be opened as a graph'):
        load_stages(ModelConfig(model=str(published)))


@pytest.mark.parametrize('value', [np.nan, np.inf])
@pytest.mark.parametrize(
    ('weight', 'message'),
    [
        ('coarse', r'vision_encoder.onnx: .*feats2.* of a black image is not finite; expected'),
        ('mask_point', r'mask_decoder.onnx: low_res_mask of a black image is not finite'),
        ('score', r'mask_decoder.onnx: object_score_logits of a black image is not finite'),
        ('token_absent', r'memory_encoder.onnx: memory_tokens of a black image is not finite'),
        ('key', r'memory_attention.onnx: conditioned_feats of a black image is not finite'),
        ('tpos', r'pointer_tpos.onnx: pointer_pos of a black image is not finite'),
    ],
)
def test_weights_that_are_not_finite_are_refused_at_load(
    tmp_path: Path, weight: str, message: str, value: float
) -> None:
    """Warming up finds out before the first frame does, whatever the manifest says."""
    weights = weights_of(OURS)
    weights[weight].flat[0] = value
    folder = write_bundle(tmp_path, OURS, weights)
    with pytest.raises(ModelError, match=message):
        load_stages(ModelConfig(model=str(folder)))


def test_failing_inference_says_what_was_given(ours: Path) -> None:
    """A mask of another size cannot be encoded; the model goes on afterwards."""
    model = load_stages(ModelConfig(model=str(ours)))
    features = model.encode_image(IMAGE_PIXELS)
    mask: Float32Array = np.zeros((FINE + 1, FINE), np.float32)
    with pytest.raises(ModelError, match=r'memory_encoder failed .*low_res_mask \(1, 1, 9, 8\)'):
        model.encode_memory(features, mask, 1.0, is_prompted=False)
    found = model.decode_masks(features, None, CLICK)
    assert np.isfinite(found.mask_logits).all()
