# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Saving and loading weights."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from training.config import NanoConfig
from training.model import Nano

WEIGHTS = 'weights'


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """
    Write a checkpoint so that a crash never leaves half a file.

    :param path: destination.
    :param content: what to store; `config` and `weights` are expected by `load_model`.
    """
    temporary = path.with_suffix('.tmp')
    torch.save(content, temporary)
    temporary.replace(path)


def inference_checkpoint(
    config: NanoConfig, weights: dict[str, torch.Tensor], progress: dict[str, Any]
) -> dict[str, Any]:
    """
    Keep what resuming needs, without the optimiser's state.

    :param config: network sizes.
    :param weights: the averaged weights.
    :param progress: counters, for the record.
    :return: the checkpoint's content.
    """
    return {'config': asdict(config), WEIGHTS: weights, 'progress': progress}


def load_checkpoint(path: Path) -> dict[str, Any]:
    """
    Read a checkpoint of tensors and plain values only.

    :param path: file written by `save_checkpoint`.
    :return: its content.
    """
    content: dict[str, Any] = torch.load(path, map_location='cpu', weights_only=True)
    return content


def load_model(path: Path, image_size_px: int | None = None) -> tuple[Nano, dict[str, Any]]:
    """
    Rebuild the network of a checkpoint, ready for inference.

    :param path: file written by `save_checkpoint`.
    :param image_size_px: another image side than the checkpoint's; weights fit any.
    :return: the network in evaluation mode, and the recorded progress.
    """
    content = load_checkpoint(path)
    config = NanoConfig(**content['config'])
    if image_size_px is not None:
        config = replace(config, image_size_px=image_size_px)
    model = Nano(config)
    model.load_state_dict(content[WEIGHTS])
    model.eval()
    return model, dict(content['progress'])
