# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The numbers of `constants.json`, whoever wrote it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sam2_tracker_ros.core.types import Float32Array
from sam2_tracker_ros.errors import ModelError

# Where each number is found: the name that our exports use, then that of the published bundles.
# Sizes are not read here: the graphs declare them (see contract.py).
_NAMES = {
    'mean': ('mean', 'image_mean'),
    'std': ('std', 'image_std'),
    'temporal_table': ('temporal_table', 'memory_temporal_positional_encoding'),
}


@dataclass(frozen=True)
class ModelConstants:
    """
    What a model needs besides its graphs.

    :param mean: of the pixels in 0..1, in RGB order.
    :param temporal_table: float32 [memory slots, memory channels], added to memory positions.
    :param max_object_pointers: None when only the graphs tell.
    :param pointer_horizon_frames: the age that is 1 for pointer_tpos; None for
        max_object_pointers - 1.
    :param rounds_memory_to_bfloat16: the original stores memories in bfloat16.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    temporal_table: Float32Array
    max_object_pointers: int | None
    pointer_horizon_frames: float | None
    rounds_memory_to_bfloat16: bool


def constants_from_json(
    content: Mapping[str, Any], path: Path, *, is_published: bool = False
) -> ModelConstants:
    """
    Read the numbers.

    :param path: for messages.
    :param is_published: the bundle has no manifest: memories are rounded to bfloat16, as the
        original does; ours say so by `"memory_dtype": "bfloat16"`.
    :raises ModelError: a number is missing or makes no sense.
    """
    table = _numbers(content, 'temporal_table', path)
    if table.ndim < 2 or 0 in table.shape:
        message = f'{path}: temporal_table has the shape {table.shape}; expected rows and columns'
        raise ModelError(message)
    std = _colour(content, 'std', path)
    if min(std) <= 0.0:
        message = f'{path}: std is {std}; expected positive numbers'
        raise ModelError(message)
    return ModelConstants(
        mean=_colour(content, 'mean', path),
        std=std,
        temporal_table=table.reshape(len(table), -1),
        max_object_pointers=_whole_number(content, 'max_object_pointers', path),
        pointer_horizon_frames=_whole_number(content, 'pointer_horizon_frames', path),
        rounds_memory_to_bfloat16=is_published or content.get('memory_dtype') == 'bfloat16',
    )


def _numbers(content: Mapping[str, Any], key: str, path: Path) -> Float32Array:
    names = _NAMES[key]
    value = next((content[name] for name in names if name in content), None)
    try:
        numbers = np.asarray(value, np.float32)
    except (TypeError, ValueError) as error:
        message = f'{path}: {key} is not a table of numbers; copy or export the bundle again'
        raise ModelError(message) from error
    if value is None or not np.isfinite(numbers).all():
        found = 'missing' if value is None else 'not finite'
        message = f'{path}: {" or ".join(names)} is {found}; copy or export the bundle again'
        raise ModelError(message)
    return numbers


def _colour(content: Mapping[str, Any], key: str, path: Path) -> tuple[float, float, float]:
    numbers = _numbers(content, key, path)
    if numbers.shape != (3,):
        message = f'{path}: {key} has the shape {numbers.shape}; expected one number per colour'
        raise ModelError(message)
    red, green, blue = numbers.tolist()
    return red, green, blue


def _whole_number(content: Mapping[str, Any], key: str, path: Path) -> int | None:
    value = content.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        message = f'{path}: {key} is {value!r}; expected a whole number of at least 1'
        raise ModelError(message)
    return value
