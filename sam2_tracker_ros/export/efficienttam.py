# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The stages of EfficientTAM as graphs, from the upstream package `efficient_track_anything`.

What is traced together follows upstream's modeling/efficienttam_base.py (Apache-2.0): as SAM 2.1,
with one feature level, pointers without a place in time, and memories without a sign of absence.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.export.efficienttam_attention import POOL, PooledRopeMemoryAttention
from sam2_tracker_ros.export.graph import ModelExport, parameter_count
from sam2_tracker_ros.export.rope_attention import AttentionParts, LayerParts, RopeMemoryAttention
from sam2_tracker_ros.export.rules import (
    MASK_RULE,
    candidates,
    check_settings,
    hidden_when_absent,
    memory_mask,
)
from sam2_tracker_ros.export.sam2 import OriginalAttention
from sam2_tracker_ros.export.stages import Stages, constants_of, graphs_of

CONFIGURATIONS = ('efficienttam_ti', 'efficienttam_ti_512x512', 'efficienttam_ti_2')
_PREDICTOR = 'efficient_track_anything.efficienttam_video_predictor.EfficientTAMVideoPredictor'
_STRIDE = 16
_REASON_LENGTH = 300  # of another library's message, in one line
_RULES = {
    **MASK_RULE,
    'use_obj_ptrs_in_encoder': True,
    'add_tpos_enc_to_obj_ptrs': False,
    'pred_obj_scores': True,
    'soft_no_obj_ptr': False,
    'fixed_no_obj_ptr': True,
    'non_overlap_masks_for_mem_enc': False,
    'no_obj_embed_spatial': None,
}
# Cross attentions of upstream's that are known here, by the name of their class.
_ATTENTIONS = {
    'RoPEAttention': RopeMemoryAttention,
    'EfficientRoPEAttention2': PooledRopeMemoryAttention,
}


def load_efficienttam(
    configuration: str, checkpoint: Path | None, image_size_px: int | None = None
) -> Any:
    """
    Build upstream's video predictor, in evaluation mode, on the CPU.

    :param configuration: its name without suffix, for example efficienttam_ti_512x512.
    :param checkpoint: a .pt file; None keeps the initial weights.
    :param image_size_px: another side of the model image, a multiple of 16.
    :raises ModelError: the package is missing, or there is no such configuration or checkpoint.
    """
    try:
        build = import_module('efficient_track_anything.build_efficienttam')
    except ModuleNotFoundError as error:
        message = (
            f'the Python package {error.name} is missing, which EfficientTAM needs: clone '
            'yformer/EfficientTAM and run `pip install --no-deps ./EfficientTAM`, and '
            '`pip install hydra-core iopath tqdm pillow`'
        )
        raise ModelError(message) from error
    if not configuration.startswith('efficienttam_'):
        message = f'{configuration!r} is no EfficientTAM; expected {", ".join(CONFIGURATIONS)}'
        raise ModelError(message)
    if checkpoint is not None and not checkpoint.is_file():
        message = f'{checkpoint} does not exist; expected a checkpoint that ends in .pt'
        raise ModelError(message)
    # Upstream's function for the video predictor drops overrides where there is no GPU.
    overrides = [
        f'++model._target_={_PREDICTOR}',
        '++model.binarize_mask_from_pts_for_mem_enc=true',
        '++model.compile_image_encoder=False',
        *([] if image_size_px is None else _sizes(image_size_px)),
    ]
    try:
        return build.build_efficienttam(
            f'configs/efficienttam/{configuration}.yaml',
            None if checkpoint is None else str(checkpoint),
            device='cpu',
            hydra_overrides_extra=overrides,
        )
    except Exception as error:  # hydra's, torch's and upstream's own errors have no common base
        reason = f'{type(error).__name__}: {" ".join(str(error).split())}'[:_REASON_LENGTH]
        message = (
            f'EfficientTAM {configuration} with {checkpoint or "no checkpoint"} cannot be built '
            f'({reason}); expected one of {", ".join(CONFIGURATIONS)} and its own checkpoint'
        )
        raise ModelError(message) from error


def efficienttam_export(
    model: Any, name: str, source: dict[str, Any], *, memory: str = 'dynamic'
) -> ModelExport:
    """
    Describe the graphs of an EfficientTAM in evaluation mode.

    :param memory: `dynamic` for a memory of any length, `static` for a full one with a bias.
    :raises ModelError: its memory attention is of a kind that is not known here.
    """
    check_settings(model, _RULES)
    table = model.maskmem_tpos_enc.detach().flatten(1)
    stages = Stages(
        image_size_px=model.image_size,
        encoder=ImageEncoder(model),
        features=('feats2', 'feats2_no_mem', 'vision_pos_embed'),
        decoder=MaskDecoder(model),
        fine_features=(),
        memory_encoder=MemoryEncoder(model),
        memory_takes_score=False,
        attention=memory_attention(model),
        static_attention=memory_attention(model, slots=len(table)),
        pointer_position=None,
        temporal_table=table,
        max_pointers=model.max_obj_ptrs_in_encoder,
        original_attention=UpstreamAttention(model, len(table)),
    )
    parameters = {
        'image_encoder': parameter_count(model.image_encoder),
        'memory_attention': parameter_count(model.memory_attention),
        'mask_decoder': parameter_count(model.sam_mask_decoder),
        'memory_encoder': parameter_count(model.memory_encoder),
        'total': parameter_count(model),
    }
    graphs = graphs_of(stages, memory, encoder_file='image_encoder')
    return ModelExport(name, 'efficienttam', graphs, constants_of(stages), source, parameters)


class ImageEncoder(nn.Module):
    """A plain vision transformer and its neck."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return feats2, feats2_no_mem and vision_pos_embed."""
        found = self.model.image_encoder(pixel_values)
        features = found['backbone_fpn'][-1]
        no_memory = self.model.no_mem_embed.reshape(1, -1, 1, 1)
        return features, features + no_memory, found['vision_pos_enc'][-1]


class MaskDecoder(nn.Module):
    """Prompt encoder, mask decoder, object score and pointer, with the rules between them."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, feats2_cond: Tensor, points: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
        """Return masks [1, 3, h, h], iou [1, 3], score [1, 1, 1] and pointers [1, 3, Cp]."""
        model = self.model
        encoder = model.sam_prompt_encoder
        sparse, dense = encoder(points=(points[:, 0], labels[:, 0]), boxes=None, masks=None)

        def decode(*, several: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
            masks, iou, tokens, score = model.sam_mask_decoder(
                image_embeddings=feats2_cond,
                image_pe=encoder.get_dense_pe(),
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
                multimask_output=several,
                repeat_image=False,
            )
            return masks, iou, tokens, score

        *several, score = decode(several=True)
        *single, _ = decode(several=False)
        masks, iou, tokens = candidates(labels, several, single)
        pointers = model.obj_ptr_proj(tokens)
        masks, pointers = hidden_when_absent(score, masks, pointers, model.no_obj_ptr)
        return masks, iou, score[None], pointers


class MemoryEncoder(nn.Module):
    """Enlarges the mask and encodes it with the features."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, feats2: Tensor, low_res_mask: Tensor, binarize: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return memory_tokens [T, 1, Cm] and memory_pos [T, 1, Cm]."""
        model = self.model
        mask = functional.interpolate(low_res_mask, (model.image_size,) * 2, mode='bilinear')
        mask = memory_mask(
            mask, binarize, model.sigmoid_scale_for_mem_enc, model.sigmoid_bias_for_mem_enc
        )
        found = model.memory_encoder(feats2, mask, skip_mask_sigmoid=True)
        tokens, positions = found['vision_features'], found['vision_pos_enc'][-1]
        return tokens.flatten(2).permute(2, 0, 1), positions.flatten(2).permute(2, 0, 1)


class UpstreamAttention(OriginalAttention):
    """Upstream's memory attention, which names its inputs in its own way."""

    def attend(
        self,
        features: Tensor,
        positions: Tensor,
        memory: Tensor,
        memory_pos: Tensor,
        pointers: int,
    ) -> Tensor:
        """Call upstream, with how many memory tokens at the end are pointers."""
        found: Tensor = self.attention(
            curr=features,
            curr_pos=positions,
            memory=memory,
            memory_pos=memory_pos,
            num_obj_ptr_tokens=pointers,
        )
        return found


def memory_attention(model: Any, slots: int | None = None) -> RopeMemoryAttention:
    """
    Return the model's memory attention; see RopeMemoryAttention for slots.

    :raises ModelError: upstream's kind of it is not known here.
    """
    original, side = model.memory_attention, model.image_size // _STRIDE
    kind = type(original.layers[0].cross_attn_image).__name__
    if kind not in _ATTENTIONS:
        message = (
            f'the memory attention is a {kind}; expected {" or ".join(_ATTENTIONS)}: '
            f'export one of {", ".join(CONFIGURATIONS)}'
        )
        raise ModelError(message)
    if _ATTENTIONS[kind] is PooledRopeMemoryAttention and side % POOL:
        message = (
            f'the image size is {model.image_size}; expected a multiple of {POOL * _STRIDE} '
            f'pixels, since this model averages {POOL} x {POOL} cells of a memory'
        )
        raise ModelError(message)
    angles = original.layers[0].self_attn.compute_cis(end_x=side, end_y=side)
    layers = [
        LayerParts(
            self_attention=_parts(layer.self_attn),
            cross_attention=_parts(layer.cross_attn_image),
            norm1=layer.norm1,
            norm2=layer.norm2,
            norm3=layer.norm3,
            linear1=layer.linear1,
            linear2=layer.linear2,
            activation=layer.activation,
        )
        for layer in original.layers
    ]
    cosine, sine = (
        part.repeat_interleave(2, dim=-1).contiguous() for part in (angles.real, angles.imag)
    )
    return _ATTENTIONS[kind](layers, original.norm, cosine, sine, slots)


def _parts(attention: Any) -> AttentionParts:
    return AttentionParts(attention.q_proj, attention.k_proj, attention.v_proj, attention.out_proj)


def _sizes(image_size_px: int) -> list[str]:
    """
    Return hydra's overrides for another image size.

    :raises ModelError: the patches of the encoder do not fit it.
    """
    if image_size_px % _STRIDE:
        message = f'the image size is {image_size_px}; expected a multiple of {_STRIDE} pixels'
        raise ModelError(message)
    side = image_size_px // _STRIDE
    attention = 'model.memory_attention.layer'
    return [
        f'++model.image_size={image_size_px}',
        f'++{attention}.self_attention.feat_sizes=[{side},{side}]',
        f'++{attention}.cross_attention.feat_sizes=[{side},{side}]',
    ]
