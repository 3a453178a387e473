# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Random weights that test something, for architectures whose trained weights are elsewhere.

The libraries start biases, tables, embeddings and layer scales at zero, and clone layers: a wrong
row of a table, a forgotten term or a layer used twice would go unseen. Here nothing is zero and
nothing is like another.
"""

import math

import torch
from torch import Tensor, nn

_PROJECTIONS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
_SCALES = ('gamma', 'scale')  # of residual branches
# Buffers that the libraries draw when they build a model, and store with its weights.
_RANDOM_TABLES = ('positional_embedding', 'positional_encoding_gaussian_matrix')
# Keeps attention in the decoder soft, so that rounding is not amplified as no trained net does.
_DECODER_QUERY_SCALE = 0.25
# The object is visible in most frames.
_VISIBLE_LOGIT = 4.0


@torch.no_grad()
def randomise(model: nn.Module, seed: int) -> None:
    """
    Replace every parameter and random table, in place; equal seeds make equal weights.

    :param model: transformers' Sam2VideoModel or EfficientTAM's model.
    """
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(_drawn(module, name, noise))
        for name, buffer in module.named_buffers(recurse=False):
            if name in _RANDOM_TABLES:
                buffer.copy_(torch.randn(buffer.shape, generator=generator))
    for name, module in _mask_decoder(model).named_modules():
        if name.endswith(('q_proj', 'k_proj')):
            module.weight.mul_(_DECODER_QUERY_SCALE)
    object_score_bias(model).fill_(_VISIBLE_LOGIT)


def object_score_bias(model: nn.Module) -> Tensor:
    """Return what is added to the object score, [1]; changing it moves all scores of a clip."""
    bias: Tensor = score_layer(model).bias
    return bias


def score_layer(model: nn.Module) -> nn.Linear:
    """Return the last layer of the object score's head; it is not listed last."""
    head = _mask_decoder(model).pred_obj_score_head
    (last,) = (m for m in head.modules() if isinstance(m, nn.Linear) and m.out_features == 1)
    return last


def _drawn(module: nn.Module, name: str, noise: Tensor) -> Tensor:
    """Scale noise to what a parameter of that kind has in a trained network."""
    is_norm = 'Norm' in type(module).__name__
    if name == 'bias':
        return 0.05 * noise
    if is_norm:
        return 1.0 + 0.1 * noise
    if isinstance(module, _PROJECTIONS):
        return noise / math.sqrt(math.prod(noise.shape[1:]))
    if name.endswith(_SCALES):
        return 0.5 + 0.1 * noise
    return 0.5 * noise


def _mask_decoder(model: nn.Module) -> nn.Module:
    return getattr(model, 'mask_decoder', None) or model.sam_mask_decoder
