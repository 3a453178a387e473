# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Measure a checkpoint on held-out synthetic clips, next to a mask that never moves."""

import argparse
import json
import logging
from pathlib import Path

import numpy as np
import torch

from training.batches import Batch, draw_prompt, make_batch
from training.checkpoint import load_model
from training.library import Library, LibraryConfig
from training.losses import Figures, clip_loss, hard_iou
from training.model import Nano
from training.rollout import Guidance, Sequences, track
from training.scenes import ClipConfig
from training.train import as_sequences

log = logging.getLogger(__name__)

SEED = 20_000_000
CLIPS_PER_BATCH = 4


def evaluate(model: Nano, clips: int, frames: int, clip_art: Path | None) -> dict[str, float]:
    """
    Track held-out clips from a box on the first frame.

    Seed, textures, photographs and clip art all differ from training.

    :param model: the network in evaluation mode.
    :param clips: number of clips; each holds two targets.
    :param frames: frames a clip.
    :param clip_art: optional folder of PNG clip art.
    :return: figures, each 0..1, and the number of clips.
    """
    random = np.random.default_rng(SEED)
    stock = LibraryConfig(grounds=64, sprites=128, clip_art_folder=clip_art, held_out=True)
    library = Library(stock, random)
    config = ClipConfig(
        frames=frames, size_px=model.config.image_size_px, hide_share=0.4, speed=0.8
    )
    figures, frozen = Figures(), []
    for _ in range(0, clips, CLIPS_PER_BATCH):
        sequences = _boxed(random, make_batch(random, library, CLIPS_PER_BATCH, config))
        with torch.no_grad():
            decoded = track(model, sequences, Guidance())
            figures.add(clip_loss(decoded, sequences)[1])
        frozen += _frozen_overlaps(sequences)
        log.info('%s', figures.means())
    return {**figures.means(), 'frozen_mask_iou': float(np.mean(frozen)), 'clips': float(clips)}


def _boxed(random: np.random.Generator, batch: Batch) -> Sequences:
    """
    Prompt every sequence with a box around its first mask.

    :param random: source of randomness.
    :param batch: clips; their own prompts are dropped.
    :return: sequences.
    """
    stride = batch.frames.shape[2] // batch.masks.shape[-1]
    for index, mask in enumerate(batch.masks[:, 0]):
        pixels = np.kron(mask * 255, np.ones((stride, stride))).astype(np.uint8)
        batch.points[index], batch.labels[index] = draw_prompt(random, pixels, box_share=1.0)
    return as_sequences(batch)


def _frozen_overlaps(sequences: Sequences) -> list[float]:
    """
    Score the true first mask, left in place.

    :param sequences: truth.
    :return: IoU of every later frame with a visible target.
    """
    first = (sequences.masks[:, :1] - 0.499).sign()
    overlaps: list[float] = []
    for time in range(1, sequences.masks.shape[1]):
        visible = (sequences.presence[:, time] == 1) & (sequences.presence[:, 0] == 1)
        overlap = hard_iou(first, sequences.masks[:, time : time + 1])
        overlaps += overlap[visible].tolist()
    return overlaps


def main() -> None:
    """Parse the command line, measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--checkpoint', type=Path, default=Path('resource/nano/checkpoint.pt'))
    parser.add_argument('--image-size', type=int, help='image side in pixels, a multiple of 16')
    parser.add_argument('--clips', type=int, default=48)
    parser.add_argument('--frames', type=int, default=24)
    parser.add_argument('--clip-art', type=Path, help='folder of PNG clip art')
    parser.add_argument('--threads', type=int, default=2, help='CPU threads')
    parser.add_argument('--out', type=Path, help='also write the figures to this file')
    parser.add_argument('--verbose', action='store_true', help='log after each batch')
    arguments = parser.parse_args()
    if arguments.verbose:
        logging.basicConfig(level=logging.INFO, format='%(message)s')
    torch.set_num_threads(arguments.threads)
    model, _ = load_model(arguments.checkpoint, arguments.image_size)
    figures = evaluate(model, arguments.clips, arguments.frames, arguments.clip_art)
    text = json.dumps({name: round(value, 4) for name, value in figures.items()}, indent=1)
    if arguments.out is not None:
        arguments.out.write_text(text + '\n')
    print(text)


if __name__ == '__main__':
    main()
