# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From the modules of a model to its graphs: names, free axes, and inputs as real frames give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sam2_tracker_ros.core.model import AttendedMemory, AttendedPointer
from sam2_tracker_ros.core.types import Float32Array
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.export.graph import Graph
from sam2_tracker_ros.inference.memory_input import FrameMemory, MemoryInput

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet
MEMORY_FORMS = ('dynamic', 'static')
_DECODED = ('low_res_mask', 'iou', 'object_score_logits', 'object_pointer')
# Prompts in fractions of the image, with labels: each case of the decoder's rules.
_PROMPTS = (
    ([[0.25, 0.3], [0.6, 0.7]], [2, 3]),
    ([[0.4, 0.5]], [1]),
    ([[0.0, 0.0]], [-1]),
    ([[0.25, 0.3], [0.6, 0.7], [0.4, 0.5], [0.1, 0.9]], [2, 3, 1, 0]),
)
_SEED = 11
_CLEAR_SCORE, _MAX_STEPS = 1.0, 8
# Logits that are multiples of this stay exact when a mask is made four times larger, so that no
# pixel near zero is inside by one implementation's rounding and outside by another's.
_LOGIT_STEP = 1 / 8


@dataclass(frozen=True)
class Stages:
    """
    The modules of a model in evaluation mode; the names are those of inference/contract.py.

    :param encoder: pixel_values -> the tensors that `features` names.
    :param features: with feats2, feats2_no_mem and vision_pos_embed among them.
    :param decoder: fine features, feats2_cond, points, labels -> masks, iou, score, pointers.
    :param fine_features: which features the decoder takes first.
    :param memory_encoder: feats2, low_res_mask, score if it takes one, binarize -> tokens and
        positions.
    :param attention: for a memory of any length.
    :param static_attention: for a full memory, with a bias.
    :param original_attention: what both are rewritten forms of; takes what either takes.
    :param pointer_position: None for a model whose pointers have no place in time.
    :param temporal_table: float32 [memory slots, Cm].
    """

    image_size_px: int
    encoder: nn.Module
    features: tuple[str, ...]
    decoder: nn.Module
    fine_features: tuple[str, ...]
    memory_encoder: nn.Module
    memory_takes_score: bool
    attention: nn.Module
    static_attention: nn.Module
    pointer_position: nn.Module | None
    temporal_table: Tensor
    max_pointers: int
    original_attention: nn.Module | None = None


def graphs_of(
    stages: Stages, memory: str = 'dynamic', encoder_file: str = ''
) -> tuple[Graph, ...]:
    """
    Return the graphs of a model, each with inputs that the stages before it computed.

    :param memory: `dynamic` for a memory of any length, `static` for a full one with a bias.
    :raises ModelError: there is no such form of memory.
    """
    if memory not in MEMORY_FORMS:
        message = f'memory is {memory!r}; expected {" or ".join(MEMORY_FORMS)}'
        raise ModelError(message)
    is_static = memory == 'static'
    with torch.no_grad():
        image = sample_image(stages.image_size_px)
        frame = dict(zip(stages.features, stages.encoder(image), strict=True))
        prompted = _decoder_inputs(stages, frame)
        decoded = [dict(zip(_DECODED, stages.decoder(*i.values()), strict=True)) for i in prompted]
        masks = _memory_inputs(stages, frame, decoded)
        remembered = [stages.memory_encoder(*inputs.values()) for inputs in masks]
        attended = _attention_inputs(stages, frame, decoded, remembered, is_static=is_static)
    any_points = {name: {2: 'points'} for name in ('input_points', 'input_labels')}
    graphs = [
        Graph(
            'vision_encoder',
            stages.encoder,
            {'pixel_values': image},
            stages.features,
            file=encoder_file,
        ),
        Graph(
            'mask_decoder', stages.decoder, prompted[0], _DECODED, any_points, tuple(prompted[1:])
        ),
        Graph(
            'memory_encoder',
            stages.memory_encoder,
            masks[0],
            ('memory_tokens', 'memory_pos'),
            more_inputs=tuple(masks[1:]),
        ),
        _attention_graph(stages, attended, is_static=is_static),
    ]
    if stages.pointer_position is not None:
        graphs.append(_pointer_graph(stages.pointer_position, stages.max_pointers))
    return tuple(graphs)


def _attention_graph(
    stages: Stages, attended: Sequence[Mapping[str, Tensor]], *, is_static: bool
) -> Graph:
    any_memory = {name: {0: 'memory_tokens'} for name in ('memory', 'memory_pos')}
    return Graph(
        'memory_attention',
        stages.static_attention if is_static else stages.attention,
        attended[0],
        ('conditioned_feats',),
        {} if is_static else any_memory,
        tuple(attended[1:]),
        original=stages.original_attention,
    )


def constants_of(stages: Stages) -> dict[str, Any]:
    """Return the content of constants.json; upstream keeps memories in bfloat16."""
    return {
        'image_size_px': stages.image_size_px,
        'mean': MEAN,
        'std': STD,
        'temporal_table': stages.temporal_table.tolist(),
        'max_object_pointers': stages.max_pointers,
        'memory_dtype': 'bfloat16',
    }


def sample_image(size_px: int) -> Tensor:
    """Return a picture of blocks of many sizes, normalised, float32 [1, 3, size, size]."""
    generator = torch.Generator().manual_seed(_SEED)
    image = torch.zeros(1, 3, size_px, size_px)
    for cells in (4, 16, 64, size_px):
        blocks = torch.randn(1, 3, cells, cells, generator=generator)
        image += 0.6 * nn.functional.interpolate(blocks, (size_px, size_px))
    return image


def _decoder_inputs(stages: Stages, frame: Mapping[str, Tensor]) -> list[dict[str, Tensor]]:
    """Return every kind of prompt for a target that is there, and one for a target that is not."""
    fine = {name: frame[name] for name in stages.fine_features}
    found = []
    for points, labels in _PROMPTS:
        inputs = {
            'feats2_cond': frame['feats2_no_mem'],
            'input_points': torch.tensor([[points]]) * stages.image_size_px,
            'input_labels': torch.tensor([[labels]], dtype=torch.int32),
        }
        found.append(fine | inputs)
    visible = [_with_score(stages.decoder, inputs, _CLEAR_SCORE) for inputs in found]
    return [*visible, _with_score(stages.decoder, found[2], -_CLEAR_SCORE)]


def _with_score(decoder: nn.Module, inputs: dict[str, Tensor], score: float) -> dict[str, Tensor]:
    """
    Return inputs for which the object score is at least so clear, on either side of zero.

    A target that is absent has no mask and no pointer of its own: nothing else would be verified.
    The features are moved by Newton's steps along the score's gradient, and not at all where a
    step would be longer than they are: scores of random weights hardly depend on them.
    """
    moved = inputs
    for _ in range(_MAX_STEPS):
        features = moved['feats2_cond'].detach().requires_grad_()
        with torch.enable_grad():
            found = decoder(*(moved | {'feats2_cond': features}).values())[2].sum()
            if found / score >= 1.0:
                return moved
            (gradient,) = torch.autograd.grad(found, features)
        step = (1.1 * score - found.detach()) / gradient.square().sum() * gradient
        if not step.norm() < features.detach().norm():
            break
        moved = moved | {'feats2_cond': features.detach() + step}
    return inputs


def _memory_inputs(
    stages: Stages, frame: Mapping[str, Tensor], decoded: Sequence[Mapping[str, Tensor]]
) -> list[dict[str, Tensor]]:
    """Return masks of prompted and tracked frames, of targets that are there and that are not."""
    found = []
    for number, result in enumerate(decoded):
        best = int(result['iou'].argmax())
        mask = result['low_res_mask'][:, best : best + 1]
        inputs = {
            'feats2': frame['feats2'],
            'low_res_mask': (mask / _LOGIT_STEP).round() * _LOGIT_STEP,
        }
        if stages.memory_takes_score:
            inputs['object_score_logits'] = torch.tensor([[2.0 if number % 2 == 0 else -2.0]])
        found.append(inputs | {'binarize': torch.tensor(1.0 if number == 0 else 0.0)})
    return found


def _attention_inputs(
    stages: Stages,
    frame: Mapping[str, Tensor],
    decoded: Sequence[Mapping[str, Tensor]],
    remembered: Sequence[tuple[Tensor, Tensor]],
    *,
    is_static: bool,
) -> list[dict[str, Tensor]]:
    """
    Return a full memory, the memory of the first tracked frame, and some between.

    :raises ModelError: the image is too small for a memory of any length.
    """
    table = stages.temporal_table.numpy()
    slots, channels = table.shape
    tokens = len(remembered[0][0])
    pointer_tokens = stages.max_pointers * decoded[0]['object_pointer'].shape[-1] // channels
    if pointer_tokens >= tokens and not is_static:
        message = (
            f'{stages.image_size_px} pixels make {tokens} tokens of a memory, all pointers '
            f'together {pointer_tokens}; expected fewer of these, by which a memory of '
            'any length is read: choose a larger --image-size, or --memory static'
        )
        raise ModelError(message)
    length = slots * tokens + pointer_tokens
    memory_input = MemoryInput(
        table, stages.max_pointers, length if is_static else None, takes_bias=is_static
    )
    current = {
        'current_vision_features': frame['feats2'].flatten(2).permute(2, 0, 1),
        'current_vision_position_embeddings': frame['vision_pos_embed']
        .flatten(2)
        .permute(2, 0, 1),
    }
    frames = [FrameMemory(tokens.numpy(), places.numpy()) for tokens, places in remembered]
    vectors = [vector.numpy() for found in decoded for vector in found['object_pointer'][0]]
    inputs = []
    for memories, pointers in (
        (slots, stages.max_pointers),
        (1, 1),
        (2, 2),
        (slots, slots + 1),
    ):
        feeds = memory_input.feeds(
            [AttendedMemory(frames[n % len(frames)], n - 1) for n in range(memories)],
            [AttendedPointer(vectors[n % len(vectors)], n + 1) for n in range(pointers)],
            _pointer_places(stages, pointers),
        )
        inputs.append(current | {name: torch.from_numpy(feed) for name, feed in feeds.items()})
    return inputs


def _pointer_places(stages: Stages, count: int) -> Float32Array:
    """Return float32 [count, Cm] for the ages 1, 2, ... frames."""
    if stages.pointer_position is None:
        return np.zeros((count, stages.temporal_table.shape[-1]), np.float32)
    places: Float32Array = stages.pointer_position(_ages(count, stages.max_pointers)).numpy()
    return places


def _ages(count: int, max_pointers: int) -> Tensor:
    return torch.arange(1, count + 1) / (max_pointers - 1)


def _pointer_graph(module: nn.Module, max_pointers: int) -> Graph:
    free = {name: {0: 'pointers'} for name in ('normalized_diffs', 'pointer_pos')}
    return Graph(
        'pointer_tpos',
        module,
        {'normalized_diffs': _ages(max_pointers, max_pointers)},
        ('pointer_pos',),
        free,
        (
            {'normalized_diffs': torch.tensor([0.0])},
            {'normalized_diffs': torch.tensor([9.0, 0.5])},
        ),
    )
