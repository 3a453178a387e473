# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The numbers of `constants.json`, whoever wrote it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sam2_tracker_ros.core.types import Float32Array
from sam2_tracker_ros.errors import ModelError, shown

# Of sides, channels and memories: what is beyond is no size of a model, and fills the memory.
_MAX_WHOLE = 1 << 16
# Where each number is found: the name that our exports use, then that of the published bundles.
_NAMES = {
    'mean': ('mean', 'image_mean'),
    'std': ('std', 'image_std'),
    'temporal_table': ('temporal_table', 'memory_temporal_positional_encoding'),
}
# Sizes that constants may state, by their name in contract.py. The graphs declare them; what is
# stated here tells whether the two belong together.
_STATED = {
    'image_size_px': 'S',
    'image_size': 'S',
    'feat_size': 's',
    'mem_dim': 'Cm',
    'memory_channels': 'Cm',
    'hidden_channels': 'C',
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
    :param stated_sizes: sizes of the model that they were made for, by their name in contract.py.
    :param path: the file.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    temporal_table: Float32Array
    max_object_pointers: int | None
    pointer_horizon_frames: float | None
    rounds_memory_to_bfloat16: bool
    stated_sizes: Mapping[str, int]
    path: Path


def constants_from_json(content: Mapping[str, Any], path: Path) -> ModelConstants:
    """
    Read the numbers.

    The published form says nothing about the type of memories: they are rounded to bfloat16, as
    the original does. Ours say so by `"memory_dtype": "bfloat16"`.

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
    stated_rows = _whole_number(content, 'num_maskmem', path)
    if stated_rows not in (None, len(table)):
        message = (
            f'{path}: num_maskmem is {stated_rows}, the temporal table has {len(table)} rows; '
            'expected one row per memory: copy, fetch or export the bundle again'
        )
        raise ModelError(message)
    is_published = 'temporal_table' not in content
    return ModelConstants(
        mean=_colour(content, 'mean', path),
        std=std,
        temporal_table=table.reshape(len(table), -1),
        max_object_pointers=_whole_number(content, 'max_object_pointers', path),
        pointer_horizon_frames=_whole_number(content, 'pointer_horizon_frames', path),
        rounds_memory_to_bfloat16=is_published or content.get('memory_dtype') == 'bfloat16',
        stated_sizes=_stated_sizes(content, path),
        path=path,
    )


def _numbers(content: Mapping[str, Any], key: str, path: Path) -> Float32Array:
    names = _NAMES[key]
    value = next((content[name] for name in names if name in content), None)
    try:
        numbers = np.asarray(value, np.float32)
    except (OverflowError, TypeError, ValueError) as error:
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


def _stated_sizes(content: Mapping[str, Any], path: Path) -> dict[str, int]:
    found = [(name, _whole_number(content, key, path)) for key, name in _STATED.items()]
    return {name: size for name, size in found if size is not None}


def _whole_number(content: Mapping[str, Any], key: str, path: Path) -> int | None:
    value = content.get(key)
    if value is None:
        return None
    if type(value) is not int or not 1 <= value <= _MAX_WHOLE:
        message = f'{path}: {key} is {shown(value)}; expected a whole number, 1 to {_MAX_WHOLE}'
        raise ModelError(message)
    return value
