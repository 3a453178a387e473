# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""EfficientTAM's architecture with few channels and blocks, plain and with pooled memory."""

from typing import Any

from efficient_track_anything.build_efficienttam import build_efficienttam
from efficient_track_anything.modeling.efficienttam_utils import MLP
from efficient_track_anything.modeling.sam.transformer import TwoWayTransformer
from references.stored import SIZE_PX
import torch

_GRID = SIZE_PX // 16
_HIDDEN, _MEMORY = 32, 16  # an object pointer makes two memory tokens
_PREDICTOR = 'efficient_track_anything.efficienttam_video_predictor.EfficientTAMVideoPredictor'
_SETTINGS = {
    '_target_': _PREDICTOR,
    'compile_image_encoder': False,
    'binarize_mask_from_pts_for_mem_enc': True,
    'image_size': SIZE_PX,
    'image_encoder.trunk.embed_dim': _HIDDEN,
    'image_encoder.trunk.depth': 4,
    'image_encoder.trunk.num_heads': 2,
    'image_encoder.trunk.mlp_ratio': 2.0,
    'image_encoder.trunk.window_size': 4,
    'image_encoder.trunk.window_block_indexes': '[0,2]',
    'image_encoder.neck.d_model': _HIDDEN,
    'image_encoder.neck.backbone_channel_list': f'[{_HIDDEN}]',
    'image_encoder.neck.position_encoding.num_pos_feats': _HIDDEN,
    'memory_attention.d_model': _HIDDEN,
    'memory_attention.num_layers': 2,
    'memory_attention.layer.d_model': _HIDDEN,
    'memory_attention.layer.dim_feedforward': 64,
    'memory_attention.layer.self_attention.embedding_dim': _HIDDEN,
    'memory_attention.layer.self_attention.feat_sizes': f'[{_GRID},{_GRID}]',
    'memory_attention.layer.cross_attention.embedding_dim': _HIDDEN,
    'memory_attention.layer.cross_attention.feat_sizes': f'[{_GRID},{_GRID}]',
    'memory_attention.layer.cross_attention.kv_in_dim': _MEMORY,
    'memory_encoder.in_dim': _HIDDEN,
    'memory_encoder.out_dim': _MEMORY,
    'memory_encoder.position_encoding.num_pos_feats': _MEMORY,
    'memory_encoder.mask_downsampler.embed_dim': _HIDDEN,
    'memory_encoder.mask_downsampler.kernel_size': 2,
    'memory_encoder.mask_downsampler.stride': 4,
    'memory_encoder.mask_downsampler.padding': 0,
    'memory_encoder.fuser.layer.dim': _HIDDEN,
}


def small_efficienttam(configuration: str) -> Any:
    """
    Return the video predictor with its initial weights.

    Sizes of the decoder are constants of the class, so its two largest parts are replaced.

    :param configuration: efficienttam_ti, or efficienttam_ti_2 with pooled memory.
    """
    model = build_efficienttam(
        f'configs/efficienttam/{configuration}.yaml',
        device='cpu',
        hydra_overrides_extra=[f'++model.{name}={value}' for name, value in _SETTINGS.items()],
    )
    decoder = model.sam_mask_decoder
    decoder.transformer = TwoWayTransformer(
        depth=2, embedding_dim=_HIDDEN, num_heads=4, mlp_dim=64
    )
    decoder.iou_prediction_head = MLP(_HIDDEN, 64, 4, 3, sigmoid_output=True)
    assert isinstance(model, torch.nn.Module)
    return model.eval()
