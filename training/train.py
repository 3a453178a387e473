# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Train `nano` for a given number of minutes: python -m training.train --minutes 90."""

import argparse
import copy
import csv
from dataclasses import dataclass
import logging
from pathlib import Path
import time
from typing import Any

import torch
from torch import nn

from training.batches import Batch, BatchStream, normalise
from training.checkpoint import inference_checkpoint, load_checkpoint, save_checkpoint
from training.config import NanoConfig
from training.library import LibraryConfig
from training.losses import Figures, clip_loss
from training.model import Nano
from training.recipes import RECIPES, SCRATCH, Recipe
from training.rollout import Guidance, Sequences, track

log = logging.getLogger(__name__)

AVERAGING = 0.998
LOG_EVERY_STEPS = 50
SAVE_EVERY_S = 120.0


@dataclass
class Progress:
    """Counters that survive a restart."""

    step: int = 0
    clips: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0


class Trainer:
    """One network, its optimiser and its averaged copy."""

    def __init__(self, model: Nano, budget_s: float, recipe: Recipe = SCRATCH) -> None:
        """
        Prepare training.

        :param model: the network.
        :param budget_s: wall-clock budget; the learning rate reaches zero at its end.
        :param recipe: the schedule.
        """
        self.model = model
        self.average = copy.deepcopy(model).eval()
        self.optimizer = torch.optim.AdamW(_groups(model), lr=recipe.peak_rate, betas=(0.9, 0.98))
        self.budget_s = budget_s
        self.recipe = recipe
        self.progress = Progress()

    @property
    def share(self) -> float:
        """Share of the budget that is used, 0..1."""
        return min(1.0, self.progress.wall_s / self.budget_s)

    def step(self, batch: Batch) -> tuple[float, Figures]:
        """
        Learn from one batch.

        :param batch: clips and prompts.
        :return: loss and figures.
        """
        rate = self.recipe.learning_rate(self.share)
        for group in self.optimizer.param_groups:
            group['lr'] = rate
        self.model.train()
        sequences = as_sequences(batch)
        guidance = Guidance(
            teacher_share=self.recipe.teacher(self.share),
            refine_share=0.05,
            faulty_share=self.recipe.faulty_share,
            pointer_delay_frames=int(torch.randint(0, 20, ())),
        )
        loss, figures = clip_loss(track(self.model, sequences, guidance), sequences)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        if bool(torch.isfinite(norm)):
            self.optimizer.step()
            self._update_average()
        else:
            log.warning('step %d skipped: gradient is not finite', self.progress.step)
        self.progress.step += 1
        self.progress.clips += len(batch.frames)
        return float(loss.detach()), figures

    def _update_average(self) -> None:
        """Let the averaged copy follow, faster while training is young."""
        keep = min(AVERAGING, (self.progress.step + 1) / (self.progress.step + 20))
        with torch.no_grad():
            current = self.model.state_dict()
            for name, value in self.average.state_dict().items():
                if value.is_floating_point():
                    value.lerp_(current[name], 1 - keep)
                else:
                    value.copy_(current[name])

    def save(self, folder: Path) -> None:
        """
        Write the state to resume from and the averaged weights.

        :param folder: destination.
        """
        counters = vars(self.progress)
        weights = self.average.state_dict()
        content = inference_checkpoint(self.model.config, weights, counters)
        save_checkpoint(folder / 'average.pt', content)
        content = {
            **content,
            'current': self.model.state_dict(),
            'optimizer': self.optimizer.state_dict(),
        }
        save_checkpoint(folder / 'resume.pt', content)

    def restore(self, path: Path) -> None:
        """
        Continue from `save`, or start from averaged weights alone.

        :param path: resume.pt or average.pt.
        """
        content: dict[str, Any] = load_checkpoint(path)
        self.average.load_state_dict(content['weights'])
        self.model.load_state_dict(content.get('current', content['weights']))
        if 'optimizer' in content:
            self.optimizer.load_state_dict(content['optimizer'])
            self.progress = Progress(**content['progress'])
        else:
            self.progress = Progress(**{**content['progress'], 'wall_s': 0.0})


def as_sequences(batch: Batch) -> Sequences:
    """
    Turn a batch into tensors.

    :param batch: clips and prompts.
    :return: the same as tensors.
    """
    pixels = normalise(batch.frames).contiguous(memory_format=torch.channels_last)
    return Sequences(
        pixels,
        torch.from_numpy(batch.masks),
        torch.from_numpy(batch.presence),
        torch.from_numpy(batch.points),
        torch.from_numpy(batch.labels),
    )


def _groups(model: Nano) -> list[dict[str, Any]]:
    """
    Keep weight decay away from biases, norms, tables and temperatures.

    :param model: the network.
    :return: optimiser groups.
    """
    decayed = [value for value in model.parameters() if value.ndim in (2, 4)]
    free = [value for value in model.parameters() if value.ndim not in (2, 4)]
    return [
        {'params': decayed, 'weight_decay': 0.02},
        {'params': free, 'weight_decay': 0.0},
    ]


def run(trainer: Trainer, stream: BatchStream, folder: Path) -> None:
    """
    Train until the budget is used, logging a curve and saving now and then.

    :param trainer: what to train.
    :param stream: batches.
    :param folder: where the curve and the checkpoints go.
    """
    figures, losses = Figures(), 0.0
    last_save_s = trainer.progress.wall_s
    wall, cpu = time.monotonic(), time.process_time()
    while trainer.share < 1.0:
        loss, found = trainer.step(stream.at(trainer.share))
        figures.add(found)
        losses += loss
        progress = trainer.progress
        progress.wall_s += time.monotonic() - wall
        progress.cpu_s += time.process_time() - cpu
        wall, cpu = time.monotonic(), time.process_time()
        if progress.step % LOG_EVERY_STEPS == 0:
            _log_row(folder / 'curve.csv', progress, losses / LOG_EVERY_STEPS, figures)
            figures, losses = Figures(), 0.0
        if progress.wall_s - last_save_s > SAVE_EVERY_S:
            trainer.save(folder)
            last_save_s = progress.wall_s
    trainer.save(folder)


def _log_row(path: Path, progress: Progress, loss: float, figures: Figures) -> None:
    """
    Append to the learning curve.

    :param path: CSV file.
    :param progress: counters.
    :param loss: mean loss since the last row.
    :param figures: sums since the last row, on training clips.
    """
    row = {
        'step': progress.step,
        'clips': progress.clips,
        'wall_s': round(progress.wall_s, 1),
        'cpu_s': round(progress.cpu_s, 1),
        'loss': round(loss, 4),
        **{name: round(value, 4) for name, value in figures.means().items()},
    }
    fresh = not path.exists()
    with path.open('a', newline='') as file:
        writer = csv.DictWriter(file, list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)
    log.info('%s', row)


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--minutes', type=float, required=True, help='wall-clock budget')
    parser.add_argument('--out', type=Path, default=Path('build/training'), help='output folder')
    parser.add_argument('--recipe', choices=tuple(RECIPES), default='scratch')
    parser.add_argument('--resume', type=Path, help='checkpoint to continue from')
    parser.add_argument('--clip-art', type=Path, help='folder of PNG clip art with transparency')
    parser.add_argument('--threads', type=int, default=2, help='CPU threads')
    parser.add_argument('--seed', type=int, default=1, help='seed of weights and clips')
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format='%(asctime)s %(message)s')
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    arguments.out.mkdir(parents=True, exist_ok=True)
    recipe = RECIPES[arguments.recipe]
    trainer = Trainer(Nano(NanoConfig()), arguments.minutes * 60, recipe)
    if arguments.resume is not None:
        trainer.restore(arguments.resume)
    seed = arguments.seed + 7919 * trainer.progress.step
    stream = BatchStream(LibraryConfig(clip_art_folder=arguments.clip_art), recipe.stages, seed)
    try:
        run(trainer, stream, arguments.out)
    finally:
        stream.close()


if __name__ == '__main__':
    main()
