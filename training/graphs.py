# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The five exported stages of `nano`: names, free axes and example inputs."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from sam2_tracker_ros.export.graph import Graph
from training.model import Nano


class Stage(nn.Module):
    """Gives one stage the tensor names and shapes of the graph contract."""

    def __init__(self, model: Nano, body: Callable[..., Any]) -> None:
        """
        Wrap a stage.

        :param model: the network.
        :param body: calls the stage with the graph's inputs.
        """
        super().__init__()
        self.model = model
        self.body = body

    def forward(self, *inputs: Tensor) -> Any:
        """
        Run the stage.

        :param inputs: in the order of the graph's inputs.
        :return: one tensor or a tuple, in the order of the graph's outputs.
        """
        return self.body(self.model, *inputs)


def _encode(model: Nano, pixel_values: Tensor) -> Any:
    return model.vision_encoder(pixel_values)


def _decode(model: Nano, *inputs: Tensor) -> Any:
    feats0, feats2, conditioned, points, labels = inputs
    decoded = model.mask_decoder(feats0, feats2, conditioned, points[:, 0], labels[:, 0])
    return (
        decoded.mask,
        decoded.iou,
        decoded.object_score.unsqueeze(0),
        decoded.pointer.unsqueeze(0),
    )


def _remember(
    model: Nano, feats2: Tensor, mask: Tensor, object_score: Tensor, binarize: Tensor
) -> Any:
    tokens, positions = model.memory_encoder(feats2, mask, object_score, binarize)
    return tokens.transpose(0, 1), positions.transpose(0, 1)


def _attend(
    model: Nano, tokens: Tensor, positions: Tensor, memory: Tensor, memory_pos: Tensor
) -> Any:
    side_cells = model.config.image_size_px // model.config.feature_stride
    feats2 = tokens.permute(1, 2, 0).reshape(1, -1, side_cells, side_cells)
    return model.memory_attention(
        feats2, positions[:, 0], memory.transpose(0, 1), memory_pos.transpose(0, 1)
    )


def _date(model: Nano, normalized_diffs: Tensor) -> Any:
    return model.pointer_position(normalized_diffs)


def graphs_of(model: Nano) -> tuple[Graph, ...]:
    """
    List the graphs with example inputs.

    :param model: the network in evaluation mode.
    :return: graphs as the exporter wants them.
    """
    config = model.config
    size_px, hidden, memory = config.image_size_px, config.hidden_channels, config.memory_channels
    side, fine = size_px // config.feature_stride, size_px // config.mask_stride
    cells, bank = side * side, config.memory_slots * side * side + config.max_object_pointers
    feats2 = torch.randn(1, hidden, side, side)
    return (
        Graph(
            'vision_encoder',
            Stage(model, _encode),
            {'pixel_values': torch.randn(1, 3, size_px, size_px)},
            ('feats0', 'feats2', 'feats2_no_mem', 'vision_pos_embed'),
        ),
        Graph(
            'mask_decoder',
            Stage(model, _decode),
            {
                'feats0': torch.randn(1, config.fine_channels, fine, fine),
                'feats2': feats2,
                'feats2_cond': feats2 + 0.5 * torch.randn_like(feats2),
                'input_points': torch.tensor([[[[40.0, 50.0], [90.0, 120.0], [60.0, 70.0]]]]),
                'input_labels': torch.tensor([[[2, 3, 1]]], dtype=torch.int32),
            },
            ('low_res_mask', 'iou', 'object_score_logits', 'object_pointer'),
            {'input_points': {2: 'points'}, 'input_labels': {2: 'points'}},
        ),
        Graph(
            'memory_encoder',
            Stage(model, _remember),
            {
                'feats2': feats2,
                'low_res_mask': 4 * torch.randn(1, 1, fine, fine),
                'object_score_logits': torch.tensor([[-1.0]]),
                'binarize': torch.tensor(0.0),
            },
            ('memory_tokens', 'memory_pos'),
        ),
        Graph(
            'memory_attention',
            Stage(model, _attend),
            {
                'current_vision_features': torch.randn(cells, 1, hidden),
                'current_vision_position_embeddings': torch.randn(cells, 1, hidden),
                'memory': 0.3 * torch.randn(bank, 1, memory),
                'memory_pos': 0.3 * torch.randn(bank, 1, memory),
            },
            ('conditioned_feats',),
            {'memory': {0: 'tokens'}, 'memory_pos': {0: 'tokens'}},
        ),
        Graph(
            'pointer_tpos',
            Stage(model, _date),
            {'normalized_diffs': torch.tensor([0.1, 0.5, 2.0])},
            ('pointer_pos',),
            {'normalized_diffs': {0: 'pointers'}, 'pointer_pos': {0: 'pointers'}},
        ),
    )
