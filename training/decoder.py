# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The mask decoder: features and prompts to a mask, two scores and an object pointer."""

from dataclasses import dataclass
import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.config import NanoConfig
from training.layers import MatchingKey, PlainResidual, unit
from training.memory import object_pointer
from training.prompt_maps import PROMPT_CHANNELS, prompt_maps

ABSENT_LOGIT = -1024.0
EVIDENCE_CHANNELS = 4
SELF_MATCH_CHANNELS = 3


@dataclass
class Decoded:
    """What the decoder knows about a frame, before and after gating by the object score."""

    raw_mask: Tensor
    """[B, 1, S/4, S/4] logits, not gated."""
    mask: Tensor
    """[B, 1, S/4, S/4] logits, ABSENT_LOGIT everywhere when the object is absent."""
    iou: Tensor
    """[B, 1] predicted IoU of the mask, 0..1."""
    object_score: Tensor
    """[B, 1] logits, positive when the object is visible."""
    pointer: Tensor
    """[B, memory], the learned no-object pointer when the object is absent."""


class MaskDecoder(nn.Module):
    """A small U-Net over features, memory evidence and drawn prompts."""

    def __init__(self, config: NanoConfig, key: MatchingKey) -> None:
        """
        Build the decoder.

        :param config: network sizes.
        :param key: the shared key projection.
        """
        super().__init__()
        self.config = config
        self.key = key
        fine, hidden, coarse = (
            config.fine_channels,
            config.hidden_channels,
            config.coarse_channels,
        )
        self.log_temperature = nn.Parameter(torch.tensor(math.log(14.0)))
        self.enter = nn.Conv2d(2 * hidden + PROMPT_CHANNELS + SELF_MATCH_CHANNELS, hidden, 1)
        self.block8 = PlainResidual(hidden)
        self.down = nn.Conv2d(hidden, coarse, 3, 2, 1)
        self.block16 = PlainResidual(coarse)
        self.context = nn.Linear(2 * coarse, coarse)
        self.up = nn.Conv2d(coarse, hidden, 1)
        self.merge8 = PlainResidual(hidden)
        self.enter4 = nn.Conv2d(hidden, fine, 1)
        self.skip4 = nn.Conv2d(fine + PROMPT_CHANNELS, fine, 1)
        self.block4 = PlainResidual(fine)
        self.to_mask = nn.Conv2d(fine, 1, 3, 1, 1)
        pooled = 2 * coarse + 3 * EVIDENCE_CHANNELS + 3
        self.judge = nn.Sequential(nn.Linear(pooled, 64), nn.ReLU())
        self.to_scores = nn.Linear(64, 2)
        self.to_pointer = nn.Linear(64, config.value_channels)
        self.no_object_pointer = nn.Parameter(0.2 * torch.randn(config.memory_channels))
        with torch.no_grad():
            self.to_mask.weight.mul_(0.5)
            self.to_mask.bias = nn.Parameter(torch.tensor([-2.0]))

    def forward(
        self, feats0: Tensor, feats2: Tensor, conditioned: Tensor, points: Tensor, labels: Tensor
    ) -> Decoded:
        """
        Decode one object.

        :param feats0: [B, fine, S/4, S/4].
        :param feats2: [B, hidden, s, s], unconditioned.
        :param conditioned: [B, hidden, s, s], feats2 plus memory evidence (or no-memory).
        :param points: [B, N, 2] in pixels.
        :param labels: [B, N].
        :return: mask, scores and pointer.
        """
        stride = self.config.mask_stride
        drawn4 = prompt_maps(points, labels, int(feats0.shape[-1]), stride)
        drawn8 = functional.avg_pool2d(drawn4, self.config.feature_stride // stride)
        evidence = conditioned - feats2
        keys = self.key(feats2)
        matched = self._self_match(keys, drawn8, evidence[:, :EVIDENCE_CHANNELS])
        trunk = functional.relu(self.enter(torch.cat([feats2, evidence, drawn8, matched], 1)))
        trunk = self.block8(trunk)
        deep = self.block16(functional.relu(self.down(trunk)))
        context = torch.cat([deep.mean((2, 3)), deep.amax((2, 3))], dim=1)
        deep = deep + self.context(context)[:, :, None, None]
        trunk = self.merge8(trunk + _double(self.up(deep)))
        fine = _double(self.enter4(trunk)) + self.skip4(torch.cat([feats0, drawn4], 1))
        raw_mask = self.to_mask(self.block4(functional.relu(fine)))
        return self._conclude(raw_mask, context, evidence[:, :EVIDENCE_CHANNELS], keys)

    def _self_match(self, keys: Tensor, drawn8: Tensor, evidence: Tensor) -> Tensor:
        """
        Ask of every cell whether its look-alikes in this frame are part of the object.

        :param keys: [B, T, key].
        :param drawn8: [B, PROMPT_CHANNELS, s, s].
        :param evidence: [B, EVIDENCE_CHANNELS, s, s].
        :return: [B, SELF_MATCH_CHANNELS, s, s]: share of look-alikes inside, similarity to
            the mean object key, similarity to the mean key of everything else.
        """
        prompted = drawn8[:, 4:5]
        drawn = torch.maximum(drawn8[:, 0:1], drawn8[:, 5:6])
        prior = prompted * drawn + (1 - prompted) * evidence[:, 2:3]
        inside = prior.flatten(2).transpose(1, 2)
        likeness = torch.softmax(self.log_temperature.exp() * keys @ keys.transpose(1, 2), -1)
        share = likeness @ inside
        object_key = unit((keys * inside).mean(1, keepdim=True))
        other_key = unit((keys * (1 - inside)).mean(1, keepdim=True))
        columns = [share, (keys * object_key).sum(-1, True), (keys * other_key).sum(-1, True)]
        return torch.cat(columns, dim=-1).transpose(1, 2).reshape(-1, 3, *drawn8.shape[2:])

    def _conclude(
        self, raw_mask: Tensor, context: Tensor, evidence: Tensor, keys: Tensor
    ) -> Decoded:
        """
        Judge the mask and gate it.

        :param raw_mask: [B, 1, S/4, S/4] logits.
        :param context: [B, 2 * coarse].
        :param evidence: [B, EVIDENCE_CHANNELS, s, s].
        :param keys: [B, T, key].
        :return: mask, scores and pointer.
        """
        inside = functional.avg_pool2d(raw_mask.sigmoid(), 2)
        area = inside.sum((2, 3))
        within = (evidence * inside).sum((2, 3)) / (area + 0.05)
        shape = [raw_mask.amax((2, 3)) / 8, torch.log(area + 0.05) / 3, inside.amax((2, 3))]
        statistics = [context, evidence.amax((2, 3)), evidence.mean((2, 3)), within, *shape]
        judged = self.judge(torch.cat(statistics, dim=1))
        scores = self.to_scores(judged)
        object_score, iou = scores[:, :1], scores[:, 1:].sigmoid()
        present = (object_score > 0).float()
        pointer = object_pointer(
            keys, inside.detach().flatten(1), self.to_pointer(judged.detach())
        )
        gate = present[:, :, None, None]
        return Decoded(
            raw_mask=raw_mask,
            mask=gate * raw_mask + (1 - gate) * ABSENT_LOGIT,
            iou=iou,
            object_score=object_score,
            pointer=present * pointer + (1 - present) * self.no_object_pointer,
        )


def _double(features: Tensor) -> Tensor:
    """
    Enlarge a feature map smoothly.

    :param features: [B, C, h, w].
    :return: [B, C, 2h, 2w].
    """
    return functional.interpolate(features, scale_factor=2.0, mode='bilinear', align_corners=False)
