# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How the references are kept: runs and calls as compressed .npz files beside this module."""

from collections.abc import Mapping
import lzma
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam2_tracker_ros.parity.runs import Run, TargetRun

FOLDER = Path(__file__).resolve().parent
# What every reference was made on; see parity/clip.py.
SIZE_PX, FRAMES = 128, 24

Arrays = Mapping[str, NDArray[Any]]


def save_runs(path: Path, runs: Mapping[str, Run]) -> None:
    """Write runs by the name of their scenario; masks are packed to bits."""
    arrays = {
        f'{scenario}.{number}.{name}': values
        for scenario, run in runs.items()
        for number, target in enumerate(run)
        for name, values in (
            ('logits', target.logits),
            ('scores', target.scores),
            ('pointers', target.pointers),
            ('masks', np.packbits(target.masks, axis=-1)),
        )
    }
    _save(path, arrays)


def load_runs(path: Path) -> dict[str, Run]:
    """Read them again."""
    runs: dict[str, Run] = {}
    with lzma.open(path) as file, np.load(file) as stored:
        for scenario, number in sorted({tuple(key.split('.')[:2]) for key in stored}):
            values = {
                name: stored[f'{scenario}.{number}.{name}']
                for name in ('logits', 'scores', 'pointers', 'masks')
            }
            values['masks'] = np.unpackbits(values['masks'], axis=-1).astype(np.bool_)
            runs[scenario] = (*runs.get(scenario, ()), TargetRun(**values))
    return runs


def save_calls(path: Path, calls: Mapping[str, tuple[Arrays, Arrays]]) -> None:
    """Write inputs and outputs of single calls of stages, by `stage case`."""
    arrays = {
        f'{call}.{kind}.{name}': np.asarray(values)
        for call, sides in calls.items()
        for kind, side in zip(('in', 'out'), sides, strict=True)
        for name, values in side.items()
    }
    _save(path, arrays)


def load_calls(path: Path) -> dict[str, tuple[Arrays, Arrays]]:
    """Read them again."""
    calls: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    with lzma.open(path) as file, np.load(file) as stored:
        for key in stored:
            call, kind, name = key.split('.')
            calls.setdefault(call, ({}, {}))[kind == 'out'][name] = stored[key]
    return dict(calls)


def _save(path: Path, arrays: Arrays) -> None:
    """Write arrays; lzma sees that scenarios start alike, zip does not."""
    with lzma.open(path, 'wb') as file:
        np.savez(file, allow_pickle=False, **arrays)
