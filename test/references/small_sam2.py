# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""SAM 2's architecture with few channels and blocks, for references that fit into a repository."""

from typing import Any

from torch import nn
from transformers import Sam2VideoConfig, Sam2VideoModel

SIZE_PX = 128
# Side of the feature map; the two finer ones are twice and four times as large.
_GRID = SIZE_PX // 16
# A pointer makes two memory tokens: all pointers together must be fewer tokens than a frame has.
_HIDDEN, _MEMORY = 32, 16


def small_sam2(hidden: int = _HIDDEN, memory: int = _MEMORY) -> Sam2VideoModel:
    """
    Return the model with its initial weights; every kind of layer of the original is in it.

    The class takes memories of 64 channels, whatever its configuration says, so the two layers
    that look at them are replaced.

    :param hidden: channels of features.
    :param memory: channels of memories.
    """
    model = Sam2VideoModel(Sam2VideoConfig(**_settings(hidden, memory))).eval()
    for layer in model.memory_attention.layers:
        attention = layer.cross_attn_image
        attention.kv_in_dim = memory
        attention.k_proj = nn.Linear(memory, attention.internal_dim)
        attention.v_proj = nn.Linear(memory, attention.internal_dim)
    return model


def _settings(hidden: int, memory: int) -> dict[str, Any]:
    backbone = {
        'model_type': 'sam2_hiera_det_model',
        'image_size': [SIZE_PX, SIZE_PX],
        'hidden_size': 8,
        'embed_dim_per_stage': [8, 16, 24, 32],
        'blocks_per_stage': [1, 2, 3, 1],
        'num_attention_heads_per_stage': [1, 2, 2, 4],
        'window_size_per_stage': [8, 4, 8, 4],
        'global_attention_blocks': [4, 5],
        'mlp_ratio': 2.0,
    }
    vision = {
        'backbone_config': backbone,
        'backbone_channel_list': [32, 24, 16, 8],
        'backbone_feature_sizes': [[4 * _GRID] * 2, [2 * _GRID] * 2, [_GRID] * 2],
        'fpn_hidden_size': hidden,
    }
    return {
        'image_size': SIZE_PX,
        'vision_config': vision,
        'prompt_encoder_config': {'hidden_size': hidden, 'image_size': SIZE_PX},
        'mask_decoder_config': {
            'hidden_size': hidden,
            'mlp_dim': 64,
            'num_attention_heads': 4,
            'iou_head_hidden_dim': 64,
        },
        'memory_attention_hidden_size': hidden,
        'memory_attention_num_layers': 2,
        'memory_attention_feed_forward_hidden_size': 64,
        'memory_attention_rope_feat_sizes': [_GRID, _GRID],
        'memory_encoder_hidden_size': hidden,
        'memory_encoder_output_channels': memory,
        'mask_downsampler_kernel_size': 2,
        'mask_downsampler_stride': 4,
        'mask_downsampler_padding': 0,
        'mask_downsampler_embed_dim': hidden,
        'memory_fuser_embed_dim': hidden,
        'memory_fuser_intermediate_dim': 64,
    }
