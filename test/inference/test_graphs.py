# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Graphs that are damaged, of another model, or do not fit each other are refused at load."""

from collections.abc import Callable
import json
from pathlib import Path

from inference.tiny_bundle import write_bundle, write_manifest
from inference.tiny_form import OURS, SLOTS
import onnx
from onnx import TensorProto
import pytest

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference import load_model


def change_graph(path: Path, change: Callable[[onnx.GraphProto], None]) -> None:
    """Edit a graph and describe the result in the manifest, where there is one."""
    model = onnx.load(path)
    change(model.graph)
    onnx.save(model, path)
    if (path.parent / 'manifest.json').exists():
        write_manifest(path.parent)


def rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    """Rename a tensor everywhere."""
    for item in (*graph.input, *graph.output):
        item.name = new if item.name == old else item.name
    for node in graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]


def refused(folder: Path, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        load_model(ModelConfig(model=str(folder)))


@pytest.mark.parametrize('size', [10, 400])
def test_a_truncated_graph_without_digest_is_refused(published: Path, size: int) -> None:
    """ONNX Runtime's own error becomes one line that names the file."""
    path = published / 'onnx' / 'memory_attention.onnx'
    path.write_bytes(path.read_bytes()[:-size])
    refused(published, r'memory_attention.onnx cannot be opened as a graph .* copy, fetch')


def test_an_image_instead_of_a_graph_is_refused(published: Path) -> None:
    """A web page or picture saved under the name of a graph."""
    (published / 'onnx' / 'vision_encoder.onnx').write_bytes(b'\x89PNG\r\n' + bytes(100))
    refused(published, r'vision_encoder.onnx cannot be opened as a graph')


def test_an_unknown_input_is_refused(bundle: Path) -> None:
    """Names and shapes, expected and found."""
    path = next(bundle.rglob('vision_encoder.onnx'))
    change_graph(path, lambda graph: rename(graph, 'pixel_values', 'image'))
    refused(
        bundle,
        r'vision_encoder.onnx: the inputs are image tensor\(float\) \[1, 3, 16, 16\]; '
        r'expected pixel_values \[1, 3, S, S\]',
    )


def test_a_missing_output_is_refused(bundle: Path) -> None:
    """A decoder that does not say whether the object is there."""
    path = next(bundle.rglob('mask_decoder.onnx'))
    change_graph(path, lambda graph: rename(graph, 'object_score_logits', 'presence'))
    refused(
        bundle, r'mask_decoder.onnx: the outputs .* expected .*object_score_logits \[1, 1, 1\]'
    )


def test_labels_of_another_type_are_refused(bundle: Path) -> None:
    """int64 labels are another export."""

    def change(graph: onnx.GraphProto) -> None:
        for item in graph.input:
            if item.name == 'input_labels':
                item.type.tensor_type.elem_type = TensorProto.INT64

    change_graph(next(bundle.rglob('mask_decoder.onnx')), change)
    refused(
        bundle,
        r'mask_decoder.onnx: input input_labels is tensor\(int64\) \[1, 1, -1\]; '
        r'expected tensor\(int32\) \[1, 1, N\]',
    )


def test_graphs_of_different_models_are_refused(tmp_path: Path) -> None:
    """A pointer encoder of another width than the memory."""
    folder = write_bundle(tmp_path, OURS)

    def change(graph: onnx.GraphProto) -> None:
        graph.output[0].type.tensor_type.shape.dim[1].dim_value = 6

    model = onnx.load(folder / 'pointer_tpos.onnx')
    change(model.graph)
    weight = model.graph.initializer[1]
    weight.CopyFrom(onnx.helper.make_tensor(weight.name, TensorProto.FLOAT, [1, 6], [0.5] * 6))
    onnx.save(model, folder / 'pointer_tpos.onnx')
    write_manifest(folder)
    refused(
        folder, r'pointer_tpos.onnx: output pointer_pos is .*\[-1, 6\]; expected .*\[P, Cm=4\]'
    )


def test_constants_of_another_model_are_refused(published: Path) -> None:
    """A temporal table of another width."""
    path = published / 'constants.json'
    content = json.loads(path.read_text())
    content['memory_temporal_positional_encoding'] = [[0.0] * 6] * 3
    path.write_text(json.dumps(content))
    refused(published, r'4 memory channels, temporal table of 6 columns .* do not fit')


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'image_size': 1024}, r'constants.json is of another model: it says S=1024 .* have 16'),
        ({'mem_dim': 64}, r'constants.json is of another model: it says Cm=64 .* have 4'),
        ({'feat_size': 64}, r'constants.json is of another model: it says s=64 .* have 4'),
        ({'num_maskmem': 7}, r'num_maskmem is 7, the temporal table has 3 rows; expected'),
    ],
)
def test_sizes_of_another_model_are_refused(
    published: Path, changes: dict[str, int], message: str
) -> None:
    """What constants say about their model must be true of the graphs beside them."""
    path = published / 'constants.json'
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    refused(published, message)


def test_more_pointers_than_the_fixed_memory_holds_are_refused(published: Path) -> None:
    """A longer table needs a longer memory."""
    path = published / 'constants.json'
    path.write_text(json.dumps(json.loads(path.read_text()) | {'max_object_pointers': 9}))
    refused(published, r'a memory axis of 58 has no room for 3 memories of 16 tokens and 9 point')


def test_a_manifest_that_declares_other_shapes_is_refused(ours: Path) -> None:
    """Manifest and file must say the same."""
    path = ours / 'manifest.json'
    manifest = json.loads(path.read_text())
    manifest['graphs']['vision_encoder']['inputs']['pixel_values'] = [1, 3, 32, 32]
    path.write_text(json.dumps(manifest))
    refused(ours, r'vision_encoder.onnx: the inputs are .*16.* expected those of the manifest')


def test_a_memory_encoder_without_a_mask_from_the_decoder_is_refused(published: Path) -> None:
    """The two must speak of the same mask."""
    path = published / 'onnx' / 'mask_decoder.onnx'
    change_graph(path, lambda graph: rename(graph, 'high_res_mask', 'preview'))
    refused(published, r'memory_encoder takes high_res_mask, mask_decoder gives low_res_mask;')


def test_a_fixed_attention_without_softmax_is_refused(published: Path) -> None:
    """It could not be made exact while the bank is not full; with padding it runs as it is."""

    def change(graph: onnx.GraphProto) -> None:
        for node in graph.node:
            if node.op_type == 'Softmax':
                node.op_type = 'Elu'
                del node.attribute[:]

    change_graph(published / 'onnx' / 'memory_attention.onnx', change)
    refused(published, r'memory_attention.onnx: expected softmax nodes .* free memory axis')
    model = load_model(ModelConfig(model=str(published), memory_padding='balanced'))
    assert model.spec.memory_slots == SLOTS
