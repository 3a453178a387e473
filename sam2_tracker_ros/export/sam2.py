# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The stages of transformers' Sam2VideoModel as graphs.

What is traced together follows `_single_frame_forward`, `_encode_new_memory` and
`_prepare_memory_conditioned_features` of transformers' modeling_sam2_video.py (Apache-2.0).
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.export.graph import ModelExport, parameter_count
from sam2_tracker_ros.export.rope_attention import AttentionParts, LayerParts, RopeMemoryAttention
from sam2_tracker_ros.export.rules import (
    MASK_RULE,
    candidates,
    check_settings,
    hidden_when_absent,
    memory_mask,
)
from sam2_tracker_ros.export.stages import Stages, constants_of, graphs_of
from sam2_tracker_ros.inference.memory_input import DROP

_SIZE_STEP_PX = 32  # of the encoder's coarsest features, and of the table of its windows


class VisionEncoder(nn.Module):
    """Backbone, neck and the two convolutions of the decoder that need no prompt."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, ...]:
        """Return feats0, feats1, feats2, feats2_no_mem and vision_pos_embed."""
        found = self.model.vision_encoder(pixel_values, return_dict=True)
        fine, middle, coarse = found.fpn_hidden_states[:3]
        decoder = self.model.mask_decoder
        no_memory = self.model.no_memory_embedding.reshape(1, -1, 1, 1)
        return (
            decoder.conv_s0(fine),
            decoder.conv_s1(middle),
            coarse,
            coarse + no_memory,
            found.fpn_position_encoding[2],
        )


class MaskDecoder(nn.Module):
    """Prompt encoder, mask decoder, object score and pointer, with the rules between them."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, feats0: Tensor, feats1: Tensor, feats2_cond: Tensor, points: Tensor, labels: Tensor
    ) -> tuple[Tensor, ...]:
        """Return masks [1, 3, h, h], iou [1, 3], score [1, 1, 1] and pointers [1, 3, Cp]."""
        model = self.model
        sparse, dense = model.prompt_encoder(points, labels, None, None)

        def decode(*, several: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
            masks, iou, tokens, score = model.mask_decoder(
                image_embeddings=feats2_cond,
                image_positional_embeddings=model.get_image_wide_positional_embeddings(),
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
                multimask_output=several,
                high_resolution_features=[feats0, feats1],
            )
            return masks[:, 0], iou[:, 0], tokens[:, 0], score

        *several, score = decode(several=True)
        *single, _ = decode(several=False)
        masks, iou, tokens = candidates(labels, several, single)
        pointers = model.object_pointer_proj(tokens)
        masks, pointers = hidden_when_absent(score[:, 0], masks, pointers, model.no_object_pointer)
        return masks, iou, score, pointers


class MemoryEncoder(nn.Module):
    """Enlarges the mask, encodes it with the features and adds the sign of absence."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, feats2: Tensor, low_res_mask: Tensor, score: Tensor, binarize: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return memory_tokens [T, 1, Cm] and memory_pos [T, 1, Cm]."""
        size = self.model.config.image_size
        mask = functional.interpolate(low_res_mask, (size, size), mode='bilinear')
        return self.encode(feats2, mask, score, binarize)

    def encode(
        self, feats2: Tensor, mask: Tensor, score: Tensor, binarize: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Encode a mask of the size of the image."""
        config = self.model.config
        mask = memory_mask(
            mask, binarize, config.sigmoid_scale_for_mem_enc, config.sigmoid_bias_for_mem_enc
        )
        tokens, positions = self.model.memory_encoder(feats2, mask)
        absent = self.model.occlusion_spatial_embedding_parameter
        is_absent = (score <= 0).to(mask.dtype)
        tokens = tokens + (is_absent * absent)[..., None, None]
        return tokens.flatten(2).permute(2, 0, 1), positions.flatten(2).permute(2, 0, 1)


class PointerPosition(nn.Module):
    """The ages of pointers, as sine waves, projected."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.projection = model.temporal_positional_encoding_projection_layer
        half = model.hidden_dim // 2
        exponent = 2 * torch.div(torch.arange(half), 2, rounding_mode='floor') / half
        self.register_buffer('wavelengths', 10000.0**exponent)

    def forward(self, normalized_diffs: Tensor) -> Tensor:
        """Return [P, Cm] for ages [P]."""
        angles = normalized_diffs[:, None] / self.wavelengths
        return self.projection(torch.cat([angles.sin(), angles.cos()], dim=-1))


class OriginalAttention(nn.Module):
    """The model's own memory attention, told what it cannot see: how many tokens are pointers."""

    def __init__(self, model: Any, slots: int) -> None:
        super().__init__()
        self.attention = model.memory_attention
        self.slots = slots

    def forward(
        self,
        features: Tensor,
        positions: Tensor,
        memory: Tensor,
        memory_pos: Tensor,
        bias: Tensor | None = None,
    ) -> Tensor:
        """Do what RopeMemoryAttention does; what a bias drops is taken out."""
        tokens = len(features)
        pointers = len(memory) % tokens
        if bias is not None:
            is_kept = bias > DROP
            pointers = int(is_kept[self.slots * tokens :].sum())
            memory, memory_pos = memory[is_kept], memory_pos[is_kept]
        found = self.attend(features, positions, memory, memory_pos, pointers)
        side = round(tokens**0.5)
        return found.reshape(tokens, -1).transpose(0, 1).reshape(1, -1, side, side)

    def attend(
        self,
        features: Tensor,
        positions: Tensor,
        memory: Tensor,
        memory_pos: Tensor,
        pointers: int,
    ) -> Tensor:
        """Call the library, with how many memory tokens at the end are pointers."""
        found: Tensor = self.attention(
            current_vision_features=features,
            current_vision_position_embeddings=positions,
            memory=memory,
            memory_posision_embeddings=memory_pos,  # as the library spells it
            num_object_pointer_tokens=pointers,
        )
        return found


def memory_attention(model: Any, slots: int | None = None) -> RopeMemoryAttention:
    """Return the model's memory attention; see RopeMemoryAttention for slots."""
    original = model.memory_attention
    cosine, sine = original.rotary_emb(torch.zeros(1), original.position_ids)
    layers = [
        LayerParts(
            self_attention=_parts(layer.self_attn),
            cross_attention=_parts(layer.cross_attn_image),
            norm1=layer.layer_norm1,
            norm2=layer.layer_norm2,
            norm3=layer.layer_norm3,
            linear1=layer.linear1,
            linear2=layer.linear2,
            activation=layer.activation,
        )
        for layer in original.layers
    ]
    return RopeMemoryAttention(layers, original.layer_norm, cosine[0], sine[0], slots)


def sam2_export(
    model: Any, name: str, source: dict[str, Any], *, memory: str = 'dynamic'
) -> ModelExport:
    """
    Describe the graphs of a Sam2VideoModel in evaluation mode.

    :param memory: `dynamic` for a memory of any length, `static` for a full one with a bias.
    :raises ModelError: the model is of a kind or size that cannot be exported.
    """
    _check(model)
    config = model.config
    table = model.memory_temporal_positional_encoding.detach().flatten(1)
    stages = Stages(
        image_size_px=config.image_size,
        encoder=VisionEncoder(model),
        features=('feats0', 'feats1', 'feats2', 'feats2_no_mem', 'vision_pos_embed'),
        decoder=MaskDecoder(model),
        fine_features=('feats0', 'feats1'),
        memory_encoder=MemoryEncoder(model),
        memory_takes_score=True,
        attention=memory_attention(model),
        static_attention=memory_attention(model, slots=len(table)),
        pointer_position=PointerPosition(model),
        temporal_table=table,
        max_pointers=config.max_object_pointers_in_encoder,
        original_attention=OriginalAttention(model, len(table)),
    )
    parts = ('vision_encoder', 'memory_attention', 'mask_decoder', 'memory_encoder')
    parameters = {part: parameter_count(getattr(model, part)) for part in parts}
    return ModelExport(
        name,
        'sam2',
        graphs_of(stages, memory),
        constants_of(stages),
        source,
        parameters | {'total': parameter_count(model)},
    )


def _parts(attention: Any) -> AttentionParts:
    return AttentionParts(attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj)


def _check(model: Any) -> None:
    config = model.config
    check_settings(config, MASK_RULE)
    check_settings(config.mask_decoder_config, {'num_multimask_outputs': 3})
    if config.image_size % _SIZE_STEP_PX:
        message = (
            f'the image size is {config.image_size}; expected a multiple of {_SIZE_STEP_PX} '
            'pixels, which the strides of the encoder fit: choose another --image-size'
        )
        raise ModelError(message)
    if config.memory_attention_num_attention_heads != 1:
        message = 'memory attention has several heads; expected one, as in every published SAM 2'
        raise ModelError(message)
    is_sam21 = (
        config.enable_temporal_pos_encoding_for_object_pointers
        and config.enable_occlusion_spatial_embedding
    )
    if not is_sam21:
        message = (
            'the checkpoint has no pointer positions or no occlusion embedding; expected a '
            'SAM 2.1 model: export a checkpoint such as facebook/sam2.1-hiera-tiny'
        )
        raise ModelError(message)
