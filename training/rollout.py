# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The tracker's loop over a batch of clips, the way the deployed tracker runs it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from training.decoder import Decoded
from training.layers import memory_positions
from training.memory_faults import with_faults
from training.model import Nano

TEACHER_LOGIT = 10.0


@dataclass
class Sequences:
    """N sequences of T frames in B clips, as tensors; N is a multiple of B."""

    pixels: Tensor
    """[B * T, 3, S, S], clip by clip."""
    masks: Tensor
    """[N, T, S/4, S/4], 0..1."""
    presence: Tensor
    """[N, T]: 1, 0 or -1."""
    points: Tensor
    """[N, P, 2] in pixels, first frame."""
    labels: Tensor
    """[N, P]."""


@dataclass(frozen=True)
class Guidance:
    """What training adds to the loop; the defaults are plain tracking."""

    teacher_share: float = 0.0
    """Probability that a memory is written with the true mask."""
    refine_share: float = 0.0
    """Probability that a tracked frame gets a click on the true mask."""
    faulty_share: float = 0.0
    """Share of sequences whose memories are often written with a wrong mask."""
    pointer_delay_frames: int = 0
    """Extra age of the first pointer, as in long streams."""


def track(model: Nano, sequences: Sequences, guidance: Guidance) -> list[Decoded]:
    """
    Prompt the first frame and follow to the last one.

    :param model: the network.
    :param sequences: frames, prompts and truth.
    :param guidance: what training adds.
    :return: one decoding per frame.
    """
    count, frames = sequences.presence.shape
    feats0, feats2, prompted, positions = model.vision_encoder(sequences.pixels)
    clips = len(sequences.pixels) // frames
    which = torch.arange(clips).repeat_interleave(count // clips) * frames
    queries = positions.flatten(2).squeeze(0).T
    tokens: list[Tensor] = []
    pointers: list[Tensor] = []
    decoded: list[Decoded] = []
    faulty = torch.rand(count) < guidance.faulty_share
    for time in range(frames):
        now0, now2 = feats0[which + time], feats2[which + time]
        points, labels = sequences.points, sequences.labels
        if time == 0:
            conditioned = prompted[which]
        else:
            memory, memory_pos = _bank(model, tokens, pointers, time, guidance)
            conditioned = model.memory_attention(now2, queries, memory, memory_pos)
            points, labels = _later_prompt(sequences, time, guidance.refine_share)
        result = model.mask_decoder(now0, now2, conditioned, points, labels)
        decoded.append(result)
        pointers.append(result.pointer)
        mask, score = _remembered(sequences, time, result, guidance.teacher_share)
        if time > 0:
            mask, score = with_faults(sequences.masks[:, time], mask, score, faulty)
        clicked = (labels >= 0).any(1).float()[:, None, None, None]
        tokens.append(model.memory_encoder(now2, mask, score, clicked)[0])
    return decoded


def _bank(
    model: Nano, tokens: list[Tensor], pointers: list[Tensor], time: int, guidance: Guidance
) -> tuple[Tensor, Tensor]:
    """
    Gather what a frame may look at: the prompted frame, recent frames, their pointers.

    :param model: the network.
    :param tokens: [N, T, memory] of each earlier frame.
    :param pointers: [N, memory] of each earlier frame.
    :param time: number of the current frame, at least 1.
    :param guidance: what training adds.
    :return: memory [N, M, memory] and positions [1, M, memory].
    """
    config = model.config
    recent = range(time - 1, max(0, time - config.memory_slots), -1)
    spatial = memory_positions(round(tokens[0].shape[1] ** 0.5))
    places = [spatial + model.temporal_table[-1]]
    places += [spatial + model.temporal_table[time - index - 1] for index in recent]
    pointed = [0, *range(time - 1, max(0, time - config.max_object_pointers), -1)]
    ages = [float(time - index) for index in pointed]
    ages[0] += guidance.pointer_delay_frames
    dated = model.pointer_position(torch.tensor(ages) / config.pointer_horizon_frames)
    memory = [tokens[0], *(tokens[index] for index in recent)]
    memory.append(torch.stack([pointers[index] for index in pointed], dim=1))
    return torch.cat(memory, dim=1), torch.cat([*places, dated]).unsqueeze(0)


def _later_prompt(sequences: Sequences, time: int, share: float) -> tuple[Tensor, Tensor]:
    """
    Prompt a tracked frame: nothing, or sometimes a click on the target.

    :param sequences: truth.
    :param time: frame number.
    :param share: probability of a click.
    :return: points [N, 1, 2] and labels [N, 1].
    """
    count, side = len(sequences.masks), sequences.masks.shape[-1]
    points = torch.zeros(count, 1, 2)
    labels = torch.full((count, 1), -1, dtype=torch.int32)
    if share == 0 or torch.rand(()).item() >= share:
        return points, labels
    truth = sequences.masks[:, time].flatten(1)
    cells = torch.multinomial((truth > 0.5).float() + 1e-6, 1)
    chosen = (truth.gather(1, cells) > 0.5) & (sequences.presence[:, time : time + 1] == 1)
    stride = sequences.pixels.shape[-1] // side
    rows = torch.div(cells, side, rounding_mode='floor')
    places = torch.stack([cells % side, rows], dim=-1).float() * stride + stride / 2
    keep = chosen.unsqueeze(-1)
    return torch.where(keep, places, points), torch.where(chosen, 1, labels).int()


def _remembered(
    sequences: Sequences, time: int, result: Decoded, teacher_share: float
) -> tuple[Tensor, Tensor]:
    """
    Choose the mask and score that enter memory; no gradient flows through them.

    :param sequences: truth.
    :param time: frame number.
    :param result: prediction.
    :param teacher_share: probability, per sequence, of the truth.
    :return: [N, 1, S/4, S/4] logits and [N, 1] logits.
    """
    mask, score = result.mask.detach(), result.object_score.detach()
    if teacher_share == 0:
        return mask, score
    forced = torch.rand(len(mask)) < teacher_share
    truth = (sequences.masks[:, time : time + 1] - 0.5) * 2 * TEACHER_LOGIT
    known = sequences.presence[:, time : time + 1].ne(0).float() * 2 - 1
    picked = forced[:, None, None, None]
    return torch.where(picked, truth, mask), torch.where(forced[:, None], known, score)
