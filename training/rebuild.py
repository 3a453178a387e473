# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Train `nano` from random weights to its bundle, or go on: python -m training.rebuild."""

import argparse
import logging
from pathlib import Path
import subprocess
import sys

log = logging.getLogger(__name__)

PHASES = (('scratch', 70.0), ('refine', 30.0), ('window', 62.0))
"""Recipes and their minutes of wall clock on two cores, one after the other."""


def commands(out: Path, bundle: Path, scale: float, clip_art: Path | None) -> list[list[str]]:
    """
    Say what is to be run; a phase that was interrupted goes on, one that is finished ends at once.

    :param out: folder for checkpoints, curves and figures.
    :param bundle: folder of the bundle.
    :param scale: share of the usual budget.
    :param clip_art: optional folder of PNG clip art.
    :return: arguments of `python -m`, step by step.
    """
    art = [] if clip_art is None else ['--clip-art', str(clip_art)]
    steps: list[list[str]] = []
    before: Path | None = None
    for seed, (recipe, minutes) in enumerate(PHASES, start=1):
        folder = out / recipe
        interrupted = folder / 'resume.pt'
        source = interrupted if interrupted.exists() else before
        step = ['training.train', '--recipe', recipe, '--out', str(folder)]
        step += ['--minutes', str(minutes * scale), '--seed', str(seed), *art]
        steps.append(step if source is None else [*step, '--resume', str(source)])
        before = folder / 'average.pt'
    figures = [
        'training.evaluate',
        '--checkpoint',
        str(before),
        '--out',
        str(out / 'figures.json'),
    ]
    export = ['training.export', '--checkpoint', str(before), '--out', str(bundle)]
    return [*steps, [*figures, *art], [*export, '--figures', str(out / 'figures.json')]]


def main() -> None:
    """Parse the command line and run step by step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', type=Path, default=Path('build/training/rebuild'))
    parser.add_argument('--bundle', type=Path, default=Path('resource/nano'))
    parser.add_argument('--scale', type=float, default=1.0, help='share of the usual budget')
    parser.add_argument('--clip-art', type=Path, help='folder of PNG clip art with transparency')
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format='%(asctime)s %(message)s')
    arguments.out.mkdir(parents=True, exist_ok=True)
    for step in commands(arguments.out, arguments.bundle, arguments.scale, arguments.clip_art):
        log.info('python -m %s', ' '.join(step))
        subprocess.run([sys.executable, '-m', *step], check=True)


if __name__ == '__main__':
    main()
