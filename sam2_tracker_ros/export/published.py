# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The published 5-graph form of SAM 2.1, exactly as the card of its first bundle describes it.

One candidate, the mask at the size of the image between decoder and memory encoder, a memory of
fixed length without a bias, no manifest. Ours (sam2.py) is the better form; this one is for those
who run the published bundle elsewhere, and to prove that it is made exact when it is loaded.
"""

from dataclasses import replace

from torch import Tensor, nn
from torch.nn import functional

from sam2_tracker_ros.export.graph import Graph, Inputs, ModelExport
from sam2_tracker_ros.export.rules import NO_OBJECT_LOGIT
from sam2_tracker_ros.export.sam2 import MemoryEncoder
from sam2_tracker_ros.export.stages import MEAN, STD
from sam2_tracker_ros.inference.memory_input import BIAS_INPUT


class OneMask(nn.Module):
    """The decoder's best candidate, also at the size of the image."""

    def __init__(self, decoder: nn.Module, image_size_px: int) -> None:
        super().__init__()
        self.decoder = decoder
        self.image_size_px = image_size_px

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Return low_res_mask, high_res_mask, iou, object_score_logits and object_pointer."""
        masks, iou, score, pointers = self.decoder(*inputs)
        best = iou.argmax(dim=1)
        mask = masks[:, best]
        large = functional.interpolate(mask, (self.image_size_px,) * 2, mode='bilinear')
        return mask, large, iou[:, best], score, pointers[:, best]


class LargeMaskEncoder(nn.Module):
    """The memory encoder of a mask that has the size of the image."""

    def __init__(self, encoder: MemoryEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(
        self, feats2: Tensor, mask: Tensor, score: Tensor, binarize: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return memory_tokens and memory_pos."""
        return self.encoder.encode(feats2, mask, score, binarize)


def published_form(export: ModelExport, image_size_px: int) -> ModelExport:
    """
    Turn the export of a SAM 2.1 model with a static memory into the published form.

    Its precision is float32: the form has no place to say another.
    """
    table = export.constants['temporal_table']
    constants = {
        'image_size': image_size_px,
        'feat_size': image_size_px // 16,
        'mem_dim': len(table[0]),
        'num_maskmem': len(table),
        'max_object_pointers': export.constants['max_object_pointers'],
        'no_obj_score': NO_OBJECT_LOGIT,
        'image_mean': MEAN,
        'image_std': STD,
        'memory_temporal_positional_encoding': table,
    }
    graphs = tuple(_published(graph, image_size_px) for graph in export.graphs)
    return replace(export, graphs=graphs, constants=constants, is_published=True)


def _published(graph: Graph, size_px: int) -> Graph:
    """Give a graph the names and shapes of the published form."""
    module = graph.module
    if graph.stage == 'mask_decoder':
        outputs = ('low_res_mask', 'high_res_mask', *graph.outputs[1:])
        return replace(graph, module=OneMask(module, size_px), outputs=outputs)
    if isinstance(module, MemoryEncoder):
        return replace(
            graph,
            module=LargeMaskEncoder(module),
            inputs=_with_large_mask(graph.inputs, size_px),
            more_inputs=tuple(_with_large_mask(inputs, size_px) for inputs in graph.more_inputs),
        )
    if graph.stage == 'memory_attention':
        inputs = {name: value for name, value in graph.inputs.items() if name != BIAS_INPUT}
        return replace(graph, inputs=inputs, more_inputs=())
    return graph


def _with_large_mask(inputs: Inputs, size_px: int) -> Inputs:
    small = inputs['low_res_mask']
    large = functional.interpolate(small, (size_px, size_px), mode='bilinear')
    return {
        ('high_res_mask' if value is small else name): (large if value is small else value)
        for name, value in inputs.items()
    }
