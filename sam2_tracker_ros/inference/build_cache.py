# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Runtime graphs, opened: those that were built before, else new ones, which are kept.

What is kept is what a start would otherwise spend its time on: the graphs in the numbers of the
precision, for the CPU also as ONNX Runtime optimised them for this processor, for TensorRT the
engines, and how the masks compare with those of fp32.
"""

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
import math
from pathlib import Path
import time

from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference.build_entry import (
    ENGINES,
    DamagedEntryError,
    Entry,
    building,
    clear,
    entry_folder,
    graph_path,
    valid_entry,
    write_entry,
)
from sam2_tracker_ros.inference.build_key import Key, build_key
from sam2_tracker_ros.inference.bundle import Bundle
from sam2_tracker_ros.inference.precision import MIN_MASK_IOU
from sam2_tracker_ros.inference.sessions import GraphSession, Runtime, Storage

Sessions = Mapping[str, GraphSession]
Make = Callable[[], Mapping[str, bytes]]
Gate = Callable[[Sessions], float]
Progress = Callable[[str], None]


class _CannotKeepError(Exception):
    """The cache cannot be used, or so it seems."""


def open_runtime_graphs(
    bundle: Bundle,
    runtime: Runtime,
    recipe: str,
    make: Make,
    *,
    on_progress: Progress,
    gate: Gate | None,
) -> Sessions:
    """
    Open a model's runtime graphs, by name.

    A cache that cannot be read or written costs time, never the model: `on_progress` is told.

    :param recipe: version of what `make` does.
    :param make: returns float32 graphs by name, each whole in itself.
    :param gate: returns the worst mask IoU of opened graphs against fp32, NaN when something is
        not finite; asked once for each build, and only when the precision is not exact.
    :raises ModelError: the graphs cannot be made or opened, or their masks are not those of fp32.
    """
    key = build_key(bundle, runtime, recipe)
    folder = entry_folder(runtime.cache_folder, key)
    gate = None if runtime.policy.is_exact else gate

    @cache
    def made() -> Mapping[str, bytes]:
        return _lowered(make(), runtime)

    sessions = _open_kept(folder, key, runtime, on_progress)
    if sessions is not None:
        return sessions
    on_progress(f'building {bundle.name} in {runtime.policy.name} for {runtime.provider}')
    try:
        with building(folder):
            # Another process may have built it while this one waited.
            sessions = _open_kept(folder, key, runtime, lambda _: None)
            return sessions or _build(
                folder, key, runtime, made, on_progress=on_progress, gate=gate
            )
    except (OSError, _CannotKeepError) as error:
        on_progress(f'{folder} cannot be used, so that nothing is kept: {error}')
    sessions = {name: GraphSession(name, content, runtime) for name, content in made().items()}
    check_masks(runtime, gate(sessions) if gate else None)
    return sessions


def kept_build(bundle: Bundle, runtime: Runtime, recipe: str) -> Entry | None:
    """Return what is kept of a model's runtime graphs; None when it could not be opened."""
    key = build_key(bundle, runtime, recipe)
    try:
        return valid_entry(entry_folder(runtime.cache_folder, key), key)
    except (OSError, DamagedEntryError):
        return None


def check_masks(runtime: Runtime, mask_iou: float | None) -> None:
    """
    Refuse a precision whose masks are not those of fp32.

    :raises ModelError: names the IoU, its bound and what to choose instead.
    """
    if mask_iou is None or mask_iou >= MIN_MASK_IOU:
        return
    policy = runtime.policy
    found = (
        'gives numbers that are not finite'
        if math.isnan(mask_iou)
        else f'gives other masks than fp32: the IoU of the worst frame is {mask_iou:.3f}'
    )
    message = (
        f'precision {policy.name} on {runtime.provider} {found}; expected an IoU of at least '
        f'{MIN_MASK_IOU}: set precision to {policy.instead}'
    )
    raise ModelError(message)


def _lowered(graphs: Mapping[str, bytes], runtime: Runtime) -> dict[str, bytes]:
    """Put graphs into the numbers of the precision; only a build needs the package onnx."""
    try:
        lowering = import_module('sam2_tracker_ros.inference.lowering')
    except ModuleNotFoundError as error:
        message = 'graphs are built with the package onnx, which is missing: install it'
        raise ModelError(message) from error
    return dict(lowering.lowered(graphs, runtime))


def _open_kept(folder: Path, key: Key, runtime: Runtime, on_progress: Progress) -> Sessions | None:
    """
    Open what was built before; None when there is nothing that can be used.

    :raises ModelError: its masks were not those of fp32.
    """
    try:
        entry = valid_entry(folder, key)
        if entry is None:
            return None
        check_masks(runtime, entry.mask_iou)
        return _opened(entry, runtime)
    except (OSError, DamagedEntryError, _CannotKeepError) as error:
        on_progress(f'{folder} cannot be used ({error}); building it again')
        return None


def _opened(entry: Entry, runtime: Runtime) -> Sessions:
    storage = _storage(entry.folder, runtime)
    try:
        return {
            name: GraphSession(name, entry.graph(name), runtime, storage) for name in entry.files
        }
    except ModelError as error:
        raise _CannotKeepError(error) from error


def _storage(folder: Path, runtime: Runtime) -> Storage:
    """Tell how graphs of a finished build are opened."""
    if runtime.provider == 'cpu':
        return Storage(is_optimised=True)
    return Storage(engines=folder / ENGINES)


def _build(
    folder: Path,
    key: Key,
    runtime: Runtime,
    make: Make,
    *,
    on_progress: Progress,
    gate: Gate | None,
) -> Sessions:
    """
    Build into a folder; return what was opened on the way.

    :param make: returns the graphs in the numbers of the precision.
    """
    start_s = time.monotonic()
    clear(folder)
    if runtime.provider != 'cpu':
        (folder / ENGINES).mkdir()
    graphs = make()
    takes_long = ', which takes minutes' if runtime.provider == 'tensorrt' else ''
    sessions = {}
    for name, content in graphs.items():
        on_progress(f'building {name}{takes_long}')
        sessions[name] = _open_and_keep(folder, name, content, runtime)
    mask_iou = None
    if gate is not None:
        on_progress(f'comparing the masks of {runtime.policy.name} with those of fp32')
        mask_iou = gate(sessions)
    write_entry(folder, key, list(graphs), mask_iou, time.monotonic() - start_s)
    on_progress(f'kept in {folder}')
    check_masks(runtime, mask_iou)
    return sessions


def _open_and_keep(folder: Path, name: str, content: bytes, runtime: Runtime) -> GraphSession:
    """Open a graph so that its file is there afterwards."""
    path = graph_path(folder, name)
    try:
        if runtime.provider == 'cpu':
            return GraphSession(name, content, runtime, Storage(optimised=path))
        path.write_bytes(content)
        # From the file, as later: TensorRT finds an engine by the file's name.
        return GraphSession(name, path, runtime, _storage(folder, runtime))
    except ModelError as error:  # of the graph, or of writing it: without the cache it shows
        raise _CannotKeepError(error) from error
