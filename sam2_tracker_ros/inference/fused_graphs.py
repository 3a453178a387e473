# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The graphs that run: derived from a bundle's modules, one call for an image, one for a target.

- `encoder`: image -> features.
- `prompt_init`: features, points -> found, memory, pointer.
- `track_step`: features, the rings of all memories and pointers, which of them to attend to
  -> found, memory, pointer, conditioned features.
- `mask_memory`: features, a mask that an operator drew -> memory, whether it is finite.

Everything between the modules happens inside: normalisation, the joining of memories and pointers,
the choice among candidate masks, box and area of the mask, the check for numbers that are not
finite. What comes back to the host is `found`: FOUND numbers (see Found) and the chosen mask.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
from onnx import ModelProto

from sam2_tracker_ros.core.prompts import CERTAIN_LOGIT
from sam2_tracker_ros.core.types import Float32Array
from sam2_tracker_ros.inference.graph_writer import GraphWriter
from sam2_tracker_ros.inference.key_bias import add_key_bias
from sam2_tracker_ros.inference.lean_attention import make_lean
from sam2_tracker_ros.inference.mask_operators import best_candidate, boxes_of, finiteness
from sam2_tracker_ros.inference.memory_input import BIAS_INPUT

# Changes whenever the same bundle gives other graphs, so that cached ones are not used.
RECIPE = '1'
_FEATURES = ('feats0', 'feats1', 'feats2')
_PADDING_LABEL = -1


class Found(NamedTuple):
    """
    The numbers at the start of the output `found`.

    :param candidate: index of the chosen mask.
    :param left: of the box around the mask's positive cells, in cells; right and bottom exclusive.
    :param area: positive cells.
    :param is_finite: 1 when every number that the frame leaves behind is finite.
    """

    candidate: float
    predicted_iou: float
    object_score_logit: float
    left: float
    top: float
    right: float
    bottom: float
    area: float
    is_finite: float

    @property
    def extent(self) -> tuple[int, int, int, int]:
        """The box in whole cells, zeros when no cell is positive."""
        if not self.area:
            return 0, 0, 0, 0
        return int(self.left), int(self.top), int(self.right), int(self.bottom)


FOUND = len(Found._fields)


@dataclass(frozen=True)
class ModuleFacts:
    """
    What the modules of a bundle do not say in their files.

    :param sizes: what the names of contract.py mean.
    :param memory_mask_name: the decoder's output that the memory encoder takes.
    :param max_object_pointers: attended at most.
    :param vision_positions: float32 [1, C, s, s], the same for every image.
    :param memory_positions: float32 [T, Cm], the same for every memory.
    :param temporal_table: float32 [memory slots, Cm].
    """

    sizes: Mapping[str, int]
    memory_mask_name: str
    max_object_pointers: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    pointer_horizon_frames: float
    rounds_memory_to_bfloat16: bool
    vision_positions: Float32Array
    memory_positions: Float32Array
    temporal_table: Float32Array


def fused_graphs(
    files: Mapping[str, Path], facts: ModuleFacts, *, fixed: bool
) -> dict[str, ModelProto]:
    """
    Make the graphs.

    :param files: the modules, by stage.
    :param fixed: always attend to a full memory, with a bias that takes empty places out, so that
        all sizes are known; else to as many memories and pointers as are given.
    :raises ModelError: the modules cannot be joined.
    """
    modules = {stage: onnx.load(path) for stage, path in files.items()}
    if fixed:
        _fix_length(modules['memory_attention'], files['memory_attention'], _memory_length(facts))
    graphs = _Graphs(modules, facts, fixed=fixed)
    made = {
        'encoder': graphs.encoder(),
        'prompt_init': graphs.prompt_init(),
        'track_step': graphs.track_step(),
        'mask_memory': graphs.mask_memory(),
    }
    for model in made.values():
        make_lean(model, _memory_length(facts))
    return made


def _memory_length(facts: ModuleFacts) -> int:
    """Return the tokens of a full memory."""
    pointer_tokens = facts.sizes['Cp'] // facts.sizes['Cm']
    memories = len(facts.temporal_table) * facts.sizes['T']
    return memories + facts.max_object_pointers * pointer_tokens


def _fix_length(attention: ModelProto, path: Path, length: int) -> None:
    """Make an attention one for a memory of fixed length, with the bias input."""
    if any(item.name == BIAS_INPUT for item in attention.graph.input):
        return
    for item in attention.graph.input:
        if item.name in ('memory', 'memory_pos'):
            item.type.tensor_type.shape.dim[0].dim_value = length
    del attention.graph.value_info[:]
    add_key_bias(attention, path, length)


class _Graphs:
    """The graphs of one bundle."""

    def __init__(
        self, modules: Mapping[str, ModelProto], facts: ModuleFacts, *, fixed: bool
    ) -> None:
        self._modules = modules
        self._facts = facts
        self._sizes = facts.sizes
        self._fixed = fixed
        self._opset = next(
            item.version
            for item in modules['mask_decoder'].opset_import
            if item.domain in ('', 'ai.onnx')
        )
        decoder = {item.name: item for item in modules['mask_decoder'].graph.input}
        self._shapes = {
            item.name: [size.dim_value for size in item.type.tensor_type.shape.dim]
            for stage in ('vision_encoder', 'mask_decoder')
            for item in (*modules[stage].graph.output, *modules[stage].graph.input)
        }
        self._features = [name for name in _FEATURES if name in decoder or name == 'feats2']

    def encoder(self) -> ModelProto:
        """Return image uint8 [S, S, 3] -> the features that the other graphs take."""
        w, facts, side = GraphWriter(self._opset), self._facts, self._sizes['S']
        image = w.input('image', np.uint8, [side, side, 3])
        planes = w.operator('Cast', w.operator('Transpose', image, perm=[2, 0, 1]), to=1)
        std, mean = (
            np.asarray(values, np.float64)[:, None, None] for values in (facts.std, facts.mean)
        )
        scaled = w.operator('Mul', planes, w.constant((1.0 / (255.0 * std)).astype(np.float32)))
        normal = w.operator('Sub', scaled, w.constant((mean / std).astype(np.float32)))
        pixels = w.shaped(normal, 1, 3, side, side)
        maps = w.include(self._modules['vision_encoder'], 'vision', {'pixel_values': pixels})
        for name in (*self._features, 'feats2_no_mem'):
            w.output(name, maps[name], np.float32, self._feature_dims(name))
        return w.model()

    def prompt_init(self) -> ModelProto:
        """Return features and points -> found, memory, pointer."""
        w = GraphWriter(self._opset)
        features = self._feature_inputs(w)
        conditioned = w.input('feats2_cond', np.float32, self._feature_dims('feats2'))
        points = w.input('input_points', np.float32, [1, 1, 'points', 2])
        labels = w.input('input_labels', np.int32, [1, 1, 'points'])
        self._decoded(w, features, conditioned, points, labels, is_prompted=True)
        return w.model()

    def track_step(self) -> ModelProto:
        """Return features and memories -> found, memory, pointer, conditioned."""
        w = GraphWriter(self._opset)
        features = self._feature_inputs(w)
        conditioned = self._attended(w, features['feats2'])
        w.output('conditioned', conditioned, np.float32, self._feature_dims('feats2'))
        points = w.constant(np.zeros((1, 1, 1, 2), np.float32))
        labels = w.constant(np.full((1, 1, 1), _PADDING_LABEL, np.int32))
        self._decoded(w, features, conditioned, points, labels, is_prompted=False)
        return w.model()

    def mask_memory(self) -> ModelProto:
        """Return features and a drawn mask -> memory, is_finite."""
        w, sizes = GraphWriter(self._opset), self._sizes
        features = w.input('feats2', np.float32, self._feature_dims('feats2'))
        side = sizes['h' if self._facts.memory_mask_name == 'low_res_mask' else 'H']
        mask = w.input('mask', np.float32, [1, 1, side, side])
        score = w.constant(np.full(1, CERTAIN_LOGIT, np.float32))
        memory = self._memory(w, features, mask, score, is_prompted=True)
        w.output('memory', memory, np.float32, [sizes['T'], sizes['Cm']])
        w.output('is_finite', finiteness(w, memory), np.float32, [1])
        return w.model()

    def _feature_dims(self, name: str) -> list[int]:
        known = self._shapes.get(name) or self._shapes['feats2']
        return known if all(known) else [1, self._sizes['C'], self._sizes['s'], self._sizes['s']]

    def _feature_inputs(self, w: GraphWriter) -> dict[str, str]:
        names = self._features
        return {name: w.input(name, np.float32, self._feature_dims(name)) for name in names}

    def _attended(self, w: GraphWriter, features: str) -> str:
        """Condition the features on the chosen memories and pointers."""
        sizes, facts = self._sizes, self._facts
        memory, memory_pos = self._memories(w)
        pointers, pointer_pos = self._pointers(w)
        feeds = {
            'current_vision_features': self._tokens(w, features),
            'current_vision_position_embeddings': self._tokens(
                w, w.constant(facts.vision_positions)
            ),
            'memory': w.operator('Concat', memory, pointers, axis=0),
            'memory_pos': w.operator('Concat', memory_pos, pointer_pos, axis=0),
        }
        if self._fixed:
            feeds[BIAS_INPUT] = w.input(BIAS_INPUT, np.float32, [_memory_length(facts)])
        found = w.include(self._modules['memory_attention'], 'attention', feeds)
        return w.shaped(found['conditioned_feats'], 1, sizes['C'], sizes['s'], sizes['s'])

    def _memories(self, w: GraphWriter) -> tuple[str, str]:
        """Return the tokens of the chosen memories and their positions, [n * T, 1, Cm]."""
        tokens, channels = self._sizes['T'], self._sizes['Cm']
        count = len(self._facts.temporal_table) if self._fixed else 'memories'
        ring = w.input('memory_ring', np.float32, ['slots', tokens, channels])
        slots = w.input('memory_slots', np.int64, [count])
        rows = w.input('memory_rows', np.int64, [count])
        chosen = w.operator('Gather', ring, slots, axis=0)
        times = w.operator('Gather', w.constant(self._facts.temporal_table), rows, axis=0)
        places = w.constant(self._facts.memory_positions[None])
        positions = w.operator('Add', w.shaped(times, -1, 1, channels), places)
        return w.shaped(chosen, -1, 1, channels), w.shaped(positions, -1, 1, channels)

    def _pointers(self, w: GraphWriter) -> tuple[str, str]:
        """Return the tokens of the chosen pointers and their positions, [p * Cp / Cm, 1, Cm]."""
        width, channels = self._sizes['Cp'], self._sizes['Cm']
        per_pointer = width // channels
        count = self._facts.max_object_pointers if self._fixed else 'pointers'
        ring = w.input('pointer_ring', np.float32, ['slots', width])
        slots = w.input('pointer_slots', np.int64, [count])
        tokens = w.shaped(w.operator('Gather', ring, slots, axis=0), -1, 1, channels)
        if 'pointer_tpos' not in self._modules:
            return tokens, w.operator('Mul', tokens, w.constant(np.zeros(1, np.float32)))
        ages = w.input('pointer_ages', np.float32, [count])
        horizon = w.constant(np.array([1.0 / self._facts.pointer_horizon_frames], np.float32))
        times = w.operator('Mul', ages, horizon)
        found = w.include(self._modules['pointer_tpos'], 'times', {'normalized_diffs': times})
        each = w.shaped(found['pointer_pos'], -1, 1, channels)
        repeated = w.operator('Tile', each, w.integers(1, per_pointer, 1))
        return tokens, w.shaped(repeated, -1, 1, channels)

    def _tokens(self, w: GraphWriter, feature_map: str) -> str:
        """Reorder [1, C, s, s] to [T, 1, C]."""
        channels, tokens = self._sizes['C'], self._sizes['T']
        turned = w.operator('Transpose', w.shaped(feature_map, channels, tokens), perm=[1, 0])
        return w.shaped(turned, tokens, 1, channels)

    def _decoded(
        self,
        w: GraphWriter,
        features: Mapping[str, str],
        conditioned: str,
        points: str,
        labels: str,
        *,
        is_prompted: bool,
    ) -> None:
        """Decode, choose a candidate, encode its memory, and declare the outputs."""
        sizes, facts = self._sizes, self._facts
        given = {**features, 'feats2_cond': conditioned}
        given |= {'input_points': points, 'input_labels': labels}
        taken = {item.name for item in self._modules['mask_decoder'].graph.input}
        feeds = {name: value for name, value in given.items() if name in taken}
        decoded = w.include(self._modules['mask_decoder'], 'decoder', feeds)
        masks, iou = decoded['low_res_mask'], w.shaped(decoded['iou'], -1)
        score = w.shaped(decoded['object_score_logits'], 1)
        boxes, areas = boxes_of(w, masks, sizes['h'])
        index = best_candidate(w, iou, boxes)
        mask = w.operator('Gather', masks, index, axis=1)
        pointer = w.operator('Gather', decoded['object_pointer'], index, axis=1)
        memory_mask = w.operator('Gather', decoded[facts.memory_mask_name], index, axis=1)
        memory = self._memory(w, features['feats2'], memory_mask, score, is_prompted=is_prompted)
        report = w.operator(
            'Concat',
            w.operator('Cast', index, to=1),
            w.operator('Gather', iou, index, axis=0),
            score,
            w.shaped(w.operator('Gather', boxes, index, axis=0), 4),
            w.operator('Gather', areas, index, axis=0),
            finiteness(w, masks, iou, score, pointer, memory),
            w.shaped(mask, -1),
            axis=0,
        )
        w.output('found', report, np.float32, [FOUND + sizes['h'] ** 2])
        w.output('memory', memory, np.float32, [sizes['T'], sizes['Cm']])
        w.output('pointer', w.shaped(pointer, sizes['Cp']), np.float32, [sizes['Cp']])

    def _memory(
        self, w: GraphWriter, features: str, mask: str, score: str, *, is_prompted: bool
    ) -> str:
        """Return the tokens of the frame's memory, [T, Cm]."""
        given = {
            'feats2': features,
            self._facts.memory_mask_name: mask,
            'object_score_logits': w.shaped(score, 1, 1),
            'binarize': w.constant(np.array(is_prompted, np.float32)),
        }
        taken = {item.name for item in self._modules['memory_encoder'].graph.input}
        feeds = {name: value for name, value in given.items() if name in taken}
        found = w.include(self._modules['memory_encoder'], 'memory', feeds)
        tokens = w.shaped(found['memory_tokens'], self._sizes['T'], self._sizes['Cm'])
        if self._facts.rounds_memory_to_bfloat16:
            rounded = w.operator('Cast', tokens, to=onnx.TensorProto.BFLOAT16)
            tokens = w.operator('Cast', rounded, to=onnx.TensorProto.FLOAT)
        return tokens
