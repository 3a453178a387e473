# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Clips and prompts stacked into batches, made in a worker process."""

from dataclasses import dataclass
import logging
import multiprocessing
import queue
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from training.library import Library, LibraryConfig
from training.rendering import TARGETS
from training.scenes import ClipConfig
from training.synthesis import MEAN_RGB, STD_RGB, Clip, make_clip
from training.textures import Image, Random

log = logging.getLogger(__name__)

MAX_POINTS = 3
QUEUE_LENGTH = 6
LONGEST_WAIT_S = 180
PARENT_CHECK_S = 5


@dataclass(frozen=True)
class Stage:
    """One step of the curriculum; it starts at a share of the whole budget."""

    starts_at: float
    variants: tuple[tuple[int, ClipConfig], ...]
    """Clips a batch and their difficulty; each batch takes one of these."""


@dataclass
class Batch:
    """B clips of T frames; every sequence n = clip * TARGETS + target, N = B * TARGETS."""

    frames: Image
    """[B, T, S, S, 3], RGB."""
    masks: npt.NDArray[np.float32]
    """[N, T, S/4, S/4], share of each cell that is covered."""
    presence: npt.NDArray[np.int8]
    """[N, T]: 1 visible, 0 hidden, -1 undecided."""
    points: npt.NDArray[np.float32]
    """[N, MAX_POINTS, 2] in pixels, for the first frame."""
    labels: npt.NDArray[np.int32]
    """[N, MAX_POINTS]."""


def make_batch(random: Random, library: Library, clips: int, config: ClipConfig) -> Batch:
    """
    Make a batch.

    :param random: source of randomness.
    :param library: stock of grounds and sprites.
    :param clips: number of clips.
    :param config: their difficulty.
    :return: the batch.
    """
    made = [make_clip(random, library, config) for _ in range(clips)]
    prompts = [
        draw_prompt(random, clip.masks[0, target]) for clip in made for target in range(TARGETS)
    ]
    return Batch(
        frames=np.stack([clip.frames for clip in made]),
        masks=np.concatenate([_coverage(clip) for clip in made]),
        presence=np.concatenate([clip.presence.T for clip in made]),
        points=np.stack([points for points, _ in prompts]),
        labels=np.stack([labels for _, labels in prompts]),
    )


def _coverage(clip: Clip) -> npt.NDArray[np.float32]:
    """
    Average masks over the cells of stride 4.

    :param clip: the clip.
    :return: [TARGETS, T, S/4, S/4], 0..1.
    """
    frames, targets, side, _ = clip.masks.shape
    cells = clip.masks.reshape(frames, targets, side // 4, 4, side // 4, 4)
    shares: npt.NDArray[np.float32] = cells.astype(np.float32).mean((3, 5)) / 255
    return shares.transpose(1, 0, 2, 3)


def draw_prompt(
    random: Random, mask: Image, box_share: float = 0.75
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
    """
    Point at a target as a person would: a sloppy box or a click or two.

    :param random: source of randomness.
    :param mask: [S, S], 0..255.
    :param box_share: how often the prompt is a box.
    :return: points [MAX_POINTS, 2] and labels [MAX_POINTS], padded with label -1.
    """
    points = np.zeros((MAX_POINTS, 2), np.float32)
    labels = np.full(MAX_POINTS, -1, np.int32)
    rows, columns = np.nonzero(mask >= max(1, int(mask.max()) // 2))
    if len(rows) == 0:
        return points, labels
    if random.random() < box_share:
        low = np.array([columns.min(), rows.min()], np.float32)
        high = np.array([columns.max() + 1, rows.max() + 1], np.float32)
        jitter = 0.06 * (high - low)
        points[0] = low + random.normal(0, 1, 2) * jitter
        points[1] = high + random.normal(0, 1, 2) * jitter
        labels[:2] = (2, 3)
        return points, labels
    points[0], labels[0] = _inner_point(random, mask), 1
    if random.random() < 0.2:
        points[1], labels[1] = random.uniform(0, len(mask), 2), 0
        column, row = points[1].astype(int)
        if mask[row, column] > 0:
            labels[1] = 1
    return points, labels


def _inner_point(random: Random, mask: Image) -> npt.NDArray[np.float32]:
    """
    Choose a pixel inside a mask, seldom near its edge.

    :param random: source of randomness.
    :param mask: [S, S], 0..255.
    :return: [2], x and y.
    """
    depth = cv2.distanceTransform((mask > mask.max() // 2).astype(np.uint8), cv2.DIST_L2, 3)
    inner = np.argwhere(depth >= random.uniform(0.2, 0.95) * depth.max())
    row, column = inner[random.integers(len(inner))]
    return np.array([column + 0.5, row + 0.5], np.float32)


def normalise(frames: Image) -> Tensor:
    """
    Turn pictures into network input.

    :param frames: [..., S, S, 3], RGB 0..255.
    :return: [n, 3, S, S], standardised per channel.
    """
    side = frames.shape[-2]
    flat = torch.from_numpy(frames.reshape(-1, side, side, 3)).permute(0, 3, 1, 2).float()
    mean = torch.tensor(MEAN_RGB).view(1, 3, 1, 1) * 255
    deviation = torch.tensor(STD_RGB).view(1, 3, 1, 1) * 255
    return (flat - mean) / deviation


class BatchStream:
    """Batches from one worker process that follows the curriculum."""

    def __init__(self, library: LibraryConfig, stages: tuple[Stage, ...], seed: int) -> None:
        """
        Start the worker.

        :param library: stock of grounds and sprites.
        :param stages: the curriculum.
        :param seed: of all randomness in the worker.
        """
        context = multiprocessing.get_context('spawn')
        self._progress = context.Value('d', 0.0)
        self._queue: Any = context.Queue(QUEUE_LENGTH)
        self._worker = context.Process(
            target=_work, args=(self._queue, self._progress, library, stages, seed), daemon=True
        )
        self._worker.start()

    def at(self, progress: float) -> Batch:
        """
        Take the next batch.

        :param progress: share of the budget that is used, which chooses the stage.
        :return: a batch, made for this stage or, just after a change, for the one before.
        """
        self._progress.value = progress
        try:
            batch: Batch = self._queue.get(timeout=LONGEST_WAIT_S)
        except queue.Empty:
            alive = 'alive but slow' if self._worker.is_alive() else 'dead; see its traceback'
            raise RuntimeError(f'no clips for {LONGEST_WAIT_S} s: the worker is {alive}') from None
        return batch

    def close(self) -> None:
        """End the worker."""
        self._worker.terminate()
        self._worker.join()


def stage_at(stages: tuple[Stage, ...], progress: float) -> Stage:
    """
    Find the current stage.

    :param stages: in order of their start.
    :param progress: share of the budget used.
    :return: the last stage that has started.
    """
    return [stage for stage in stages if stage.starts_at <= progress][-1]


def _work(
    output: Any, progress: Any, library: LibraryConfig, stages: tuple[Stage, ...], seed: int
) -> None:
    """
    Fill the queue until the process is ended or its parent is gone.

    :param output: queue of batches.
    :param progress: shared share of the budget used.
    :param library: stock of grounds and sprites.
    :param stages: the curriculum.
    :param seed: of all randomness.
    """
    cv2.setNumThreads(1)
    output.cancel_join_thread()
    random = np.random.default_rng(seed)
    stock = Library(library, random)
    parent = multiprocessing.parent_process()
    batch: Batch | None = None
    while parent is not None and parent.is_alive():
        if batch is None:
            stage = stage_at(stages, progress.value)
            clips, config = stage.variants[random.integers(len(stage.variants))]
            batch = make_batch(random, stock, clips, config)
        try:
            output.put(batch, timeout=PARENT_CHECK_S)
            batch = None
        except queue.Full:
            log.debug('training is slower than synthesis')
