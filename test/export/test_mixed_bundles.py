# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whole bundles in mixed precision: nano's types, sizes and masks; what a CPU cannot run."""

from pathlib import Path
import re
import shutil

from inference.tiny_bundle import write_bundle, write_manifest
from inference.tiny_form import OURS
import numpy as np
import onnx
from onnx import TensorProto
import pytest

from sam2_tracker_ros.core.config import Config, ModelConfig, TrackerConfig
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import BoolArray, Frame, PixelFormat, Prompt
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.export.emulation import emulated
from sam2_tracker_ros.inference import load_model
from sam2_tracker_ros.inference.bundle import bundle_folder
from sam2_tracker_ros.inference.mixed_precision import to_mixed_precision
from sam2_tracker_ros.testing.drone_scene import DroneScene

STAGES = ('vision_encoder', 'memory_attention', 'mask_decoder', 'memory_encoder', 'pointer_tpos')
TYPES = {'fp16': TensorProto.FLOAT16, 'bf16': TensorProto.BFLOAT16}
PRODUCTS = {
    'fp16': {'MatMul', 'Gemm', 'Conv', 'ConvTranspose'},
    'bf16': {'MatMul', 'Gemm'},
}


def nano(stage: str) -> onnx.ModelProto:
    return onnx.load(bundle_folder('nano') / f'{stage}.onnx')


@pytest.mark.parametrize('precision', TYPES)
@pytest.mark.parametrize('stage', STAGES)
def test_only_products_of_nano_are_in_16_bits(stage: str, precision: str) -> None:
    model = nano(stage)
    mixed = to_mixed_precision(model, precision)
    onnx.checker.check_model(mixed)
    typed = onnx.shape_inference.infer_shapes(mixed, check_type=True, strict_mode=True).graph
    assert typed.input == model.graph.input
    assert typed.output == model.graph.output
    in_16_bits = {
        item.name
        for item in typed.value_info
        if item.type.tensor_type.elem_type == TYPES[precision]
    } | {item.name for item in typed.initializer if item.data_type == TYPES[precision]}
    operators = {
        node.op_type for node in typed.node if in_16_bits.intersection([*node.input, *node.output])
    }
    assert operators <= PRODUCTS[precision] | {'Cast'}
    for node in typed.node:
        is_product = node.op_type in PRODUCTS[precision]
        if is_product and in_16_bits.intersection([*node.input, *node.output]):
            assert in_16_bits.issuperset([*filter(None, node.input), *node.output])


@pytest.mark.parametrize(
    ('stage', 'products'),
    [('vision_encoder', 19), ('memory_attention', 7), ('mask_decoder', 16), ('memory_encoder', 3)],
)
def test_most_products_of_nano_are_in_fp16(stage: str, products: int) -> None:
    """All but scores and the last of each decision."""
    mixed = to_mixed_precision(nano(stage), 'fp16')
    casts = {node.output[0] for node in mixed.graph.node if node.op_type == 'Cast'}
    weights = {w.name for w in mixed.graph.initializer if w.data_type == TensorProto.FLOAT16}
    found = [
        node
        for node in mixed.graph.node
        if node.op_type in PRODUCTS['fp16'] and (casts | weights).intersection(node.input)
    ]
    assert len(found) == products


@pytest.mark.parametrize('stage', ['vision_encoder', 'mask_decoder'])
def test_fp16_halves_what_is_mostly_weights(stage: str) -> None:
    model = nano(stage)
    assert to_mixed_precision(model, 'fp16').ByteSize() < 0.54 * model.ByteSize()


def bundle_in(folder: Path, precision: str) -> Path:
    """Convert the graphs of a bundle in place."""
    for path in folder.glob('*.onnx'):
        onnx.save(to_mixed_precision(onnx.load(path), precision), path)
    write_manifest(folder)
    return folder


def masks(model: str, scene: DroneScene, frames: int) -> list[BoolArray]:
    """
    Track in the whole image.

    A search window follows the mask in steps, so that one pixel can give another window.
    """
    config = Config(model=ModelConfig(model=model), tracker=TrackerConfig(min_target_size_px=0.0))
    tracker = Tracker(load_model(config.model), config)
    found = []
    for index in range(frames):
        truth = scene.frame(index)
        frame = Frame(truth.image, truth.stamp_ns, PixelFormat.BGR)
        result = tracker.step(frame, [Prompt(box=truth.box)] if index == 0 else [])
        mask = result.targets[0].mask
        assert mask is not None
        image = np.zeros(truth.image.shape[:2], np.bool_)
        box = mask.box
        image[int(box.top) : int(box.bottom), int(box.left) : int(box.right)] = mask.region
        found.append(image)
    return found


@pytest.mark.parametrize('precision', TYPES)
def test_nano_gives_the_same_masks(tmp_path: Path, precision: str) -> None:
    folder = tmp_path / precision
    folder.mkdir()
    for path in bundle_folder('nano').glob('*.onnx'):
        onnx.save(emulated(to_mixed_precision(onnx.load(path), precision)), folder / path.name)
    shutil.copy(bundle_folder('nano') / 'constants.json', folder)
    write_manifest(folder)
    scene = DroneScene(seed=2, duration_s=6.0)
    expected, found = masks('nano', scene, 12), masks(str(folder), scene, 12)
    overlaps = [
        np.count_nonzero(a & b) / np.count_nonzero(a | b)
        for a, b in zip(expected, found, strict=True)
    ]
    assert min(overlaps) > 0.99
    assert any((a != b).any() for a, b in zip(expected, found, strict=True))


def test_a_cpu_runs_fp16(tmp_path: Path) -> None:
    folder = bundle_in(write_bundle(tmp_path, OURS), 'fp16')
    assert load_model(ModelConfig(model=str(folder))).spec.providers == ('CPUExecutionProvider',)


def test_a_cpu_refuses_bf16_and_says_what_to_do(tmp_path: Path) -> None:
    folder = bundle_in(write_bundle(tmp_path, OURS), 'bf16')
    expected = (
        rf'^{re.escape(str(folder))}/\w+\.onnx cannot run on CPUExecutionProvider .*'
        r'bfloat16 in a bf16 bundle; set providers to cuda or tensorrt, or .*fp32 or fp16$'
    )
    with pytest.raises(ModelError, match=expected):
        load_model(ModelConfig(model=str(folder)))
