# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The graphs of a tiny model, in all contracts."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inference.tiny_form import (
    CHANNELS,
    COARSE,
    FINE,
    FINE_CHANNELS,
    IMAGE,
    MEMORY_CHANNELS,
    SLOTS,
    TOKENS,
    Form,
    Weights,
)
import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import TensorProto, helper, numpy_helper

from sam2_tracker_ros.core.types import Float32Array

Array = NDArray[Any]


@dataclass
class Net:
    """Collects the nodes and constants of one graph."""

    weights: Weights
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)

    def op(self, kind: str, *inputs: str | Array, out: str = '', **attributes: Any) -> str:
        """Add a node; arrays and names of weights become constants."""
        names = []
        for number, item in enumerate(inputs):
            if not isinstance(item, str):
                name = f'constant_{len(self.nodes)}_{number}'
                self.constants[name] = item
            elif item in self.weights:
                name = f'weight_{item}'
                self.constants[name] = self.weights[item]
            else:
                name = item
            names.append(name)
        output = out or f'{kind.lower()}_{len(self.nodes)}'
        self.nodes.append(helper.make_node(kind, names, [output], **attributes))
        return output

    def save(
        self, path: Path, inputs: dict[str, list[Any]], outputs: dict[str, list[Any]]
    ) -> None:
        """Write the graph; names stand for free axes."""

        def infos(shapes: dict[str, list[Any]]) -> list[onnx.ValueInfoProto]:
            return [
                helper.make_tensor_value_info(
                    name, TensorProto.INT32 if name == 'input_labels' else TensorProto.FLOAT, dims
                )
                for name, dims in shapes.items()
            ]

        graph = helper.make_graph(
            self.nodes,
            path.stem,
            infos(inputs),
            infos(outputs),
            [numpy_helper.from_array(value, name) for name, value in self.constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
        onnx.checker.check_model(model)
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(model, path)


def write_encoder(graphs: Path, form: Form, weights: Weights) -> None:
    net = Net(weights)
    net.op('Conv', 'pixel_values', 'coarse', strides=[4, 4], out='feats2')
    net.op('Conv', 'pixel_values', 'fine', strides=[2, 2], out='feats0')
    net.op('Add', 'feats2', 'no_memory', out='feats2_no_mem')
    net.op('Identity', 'where', out='vision_pos_embed')
    coarse, fine = [1, CHANNELS, COARSE, COARSE], [1, FINE_CHANNELS, FINE, FINE]
    outputs = {'feats0': fine, 'feats2': coarse}
    outputs |= {'feats2_no_mem': coarse, 'vision_pos_embed': coarse}
    if form.is_published:
        net.op('Neg', 'feats0', out='feats1')
        outputs['feats1'] = fine
    net.save(graphs / 'vision_encoder.onnx', {'pixel_values': [1, 3, IMAGE, IMAGE]}, outputs)


def write_decoder(graphs: Path, form: Form, weights: Weights) -> None:
    """Masks from the fine features, shifted by what is pooled and by the labelled points."""
    net = Net(weights)
    count = form.candidates
    detail = 'feats0'
    if form.is_published:
        detail = net.op('Sub', 'feats0', 'feats1')
    else:
        detail = net.op('Add', 'feats0', net.op('ReduceMean', 'feats2', axes=[1, 2, 3]))
    pooled = net.op('ReduceMean', 'feats2_cond', axes=[2, 3], keepdims=0)
    labels = net.op('Cast', 'input_labels', to=TensorProto.FLOAT)
    weighted = net.op('Mul', 'input_points', net.op('Unsqueeze', labels, np.array([3])))
    point = net.op('ReduceSum', weighted, np.array([1, 2]), keepdims=0)
    shift = net.op(
        'Add', net.op('MatMul', pooled, 'mask_pooled'), net.op('MatMul', point, 'mask_point')
    )
    shift = net.op('Reshape', shift, np.array([1, count, 1, 1]))
    net.op('Add', net.op('Conv', detail, 'mask_fine'), shift, out='low_res_mask')
    net.op('Sigmoid', net.op('MatMul', pooled, 'iou'), out='iou')
    net.op(
        'Unsqueeze', net.op('MatMul', pooled, 'score'), np.array([0]), out='object_score_logits'
    )
    pointers = np.array([1, count, form.pointer_channels])
    net.op('Reshape', net.op('MatMul', pooled, 'pointer'), pointers, out='object_pointer')
    coarse, fine = [1, CHANNELS, COARSE, COARSE], [1, FINE_CHANNELS, FINE, FINE]
    inputs: dict[str, list[Any]] = {'feats0': fine}
    inputs |= {'feats1': fine} if form.is_published else {'feats2': coarse}
    inputs |= {'feats2_cond': coarse, 'input_points': [1, 1, 'N', 2], 'input_labels': [1, 1, 'N']}
    outputs: dict[str, list[Any]] = {
        'low_res_mask': [1, count, FINE, FINE],
        'iou': [1, count],
        'object_score_logits': [1, 1, 1],
        'object_pointer': [1, count, form.pointer_channels],
    }
    if form.is_published:
        enlarge = np.ones((1, 1, 2, 2), np.float32)
        net.op('ConvTranspose', 'low_res_mask', enlarge, strides=[2, 2], out='high_res_mask')
        outputs['high_res_mask'] = [1, count, IMAGE, IMAGE]
    net.save(graphs / 'mask_decoder.onnx', inputs, outputs)


def write_memory_encoder(graphs: Path, form: Form, weights: Weights) -> None:
    net = Net(weights)
    side = form.memory_mask_side
    cell = side // COARSE
    hard = net.op('Cast', net.op('Greater', form.memory_mask, _zero()), to=TensorProto.FLOAT)
    soft = net.op('Sigmoid', form.memory_mask)
    mask = net.op('Add', soft, net.op('Mul', 'binarize', net.op('Sub', hard, soft)))
    cells = net.op('AveragePool', mask, kernel_shape=[cell, cell], strides=[cell, cell])
    cells = net.op('Reshape', cells, np.array([TOKENS, 1]))
    features = net.op('Reshape', 'feats2', np.array([CHANNELS, TOKENS]))
    tokens = net.op('MatMul', net.op('Transpose', features, perm=[1, 0]), 'token_feature')
    tokens = net.op('Add', tokens, net.op('MatMul', cells, 'token_mask'))
    tokens = net.op('Add', tokens, net.op('Mul', 'binarize', 'token_prompted'))
    inputs: dict[str, list[Any]] = {
        'feats2': [1, CHANNELS, COARSE, COARSE],
        form.memory_mask: [1, 1, side, side],
        'binarize': [],
    }
    if not form.is_efficienttam:
        absent = net.op('LessOrEqual', 'object_score_logits', _zero())
        absent = net.op('Cast', absent, to=TensorProto.FLOAT)
        tokens = net.op('Add', tokens, net.op('MatMul', absent, 'token_absent'))
        inputs['object_score_logits'] = [1, 1]
    net.op('Unsqueeze', tokens, np.array([1]), out='memory_tokens')
    net.op('Identity', 'token_where', out='memory_pos')
    shape = [TOKENS, 1, MEMORY_CHANNELS]
    net.save(
        graphs / 'memory_encoder.onnx',
        inputs,
        {'memory_tokens': shape, 'memory_pos': shape},
    )


def write_attention(graphs: Path, form: Form, weights: Weights) -> None:
    """
    Two layers of self and cross attention.

    With a fixed memory each memory token has a key of its cell, as RoPE has, and the last tokens,
    where the pointers belong, have none.
    """
    net = Net(weights)
    state = net.op('Add', 'current_vision_features', 'current_vision_position_embeddings')
    state = net.op('Squeeze', state, np.array([1]))
    memory = net.op('Squeeze', 'memory', np.array([1]))
    placed = net.op('Add', memory, net.op('Squeeze', 'memory_pos', np.array([1])))
    keys = net.op('MatMul', placed, 'key')
    if form.is_fixed:
        where = np.zeros((form.fixed_length, CHANNELS), np.float32)
        where[: SLOTS * TOKENS] = np.tile(weights['cell_key'], (SLOTS, 1))
        keys = net.op('Add', keys, where)
    keys = net.op('Transpose', keys, perm=[1, 0])
    values = net.op('MatMul', memory, 'value')
    for _ in range(2):
        own = net.op('MatMul', state, net.op('Transpose', state, perm=[1, 0]))
        own = net.op('Softmax', net.op('Mul', own, np.array(0.1, np.float32)), axis=-1)
        state = net.op('Add', state, net.op('MatMul', own, state))
        scores = net.op('MatMul', net.op('MatMul', state, 'query'), keys)
        if form.takes_bias:
            scores = net.op('Add', scores, 'memory_bias')
        read = net.op('MatMul', net.op('Softmax', scores, axis=-1), values)
        state = net.op('Add', state, read)
    state = net.op('Transpose', state, perm=[1, 0])
    shape = np.array([1, CHANNELS, COARSE, COARSE])
    net.op('Reshape', state, shape, out='conditioned_feats')
    length = form.fixed_length if form.is_fixed else 'M'
    inputs: dict[str, list[Any]] = {
        'current_vision_features': [TOKENS, 1, CHANNELS],
        'current_vision_position_embeddings': [TOKENS, 1, CHANNELS],
        'memory': [length, 1, MEMORY_CHANNELS],
        'memory_pos': [length, 1, MEMORY_CHANNELS],
    }
    if form.takes_bias:
        inputs['memory_bias'] = [length]
    net.save(
        graphs / 'memory_attention.onnx',
        inputs,
        {'conditioned_feats': shape.tolist()},
    )


def _zero() -> Float32Array:
    return np.zeros((), np.float32)


def write_pointer_positions(graphs: Path, weights: Weights) -> None:
    """Sine waves of the age."""
    net = Net(weights)
    column = net.op('Unsqueeze', 'normalized_diffs', np.array([1]))
    net.op('Sin', net.op('MatMul', column, 'tpos'), out='pointer_pos')
    net.save(
        graphs / 'pointer_tpos.onnx',
        {'normalized_diffs': ['P']},
        {'pointer_pos': ['P', MEMORY_CHANNELS]},
    )
