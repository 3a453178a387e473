# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
A model bundle: a folder with the graphs of a model and the numbers that belong to them.

A folder with `manifest.json` is ours: the manifest names every file with its digest, and each
graph's inputs and outputs. A folder without one is read as the published SAM 2.1 bundle:
`constants.json` and `onnx/STAGE.onnx` under their fixed names; their digests are known where
`sam2-tracker models fetch` wrote them down in `fetched.json`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
import json
import os
from pathlib import Path, PurePath
from typing import Any

from sam2_tracker_ros.errors import ModelError, shown
from sam2_tracker_ros.inference.constants import ModelConstants, constants_from_json
from sam2_tracker_ros.inference.contract import FAMILIES
from sam2_tracker_ros.inference.digest import sha256_of
from sam2_tracker_ros.inference.self_contained import check_graph_file

MANIFEST = 'manifest.json'
CONSTANTS = 'constants.json'
FETCHED = 'fetched.json'
FORMAT = 1
MAX_JSON_BYTES = 8 << 20
MAX_GRAPH_BYTES = 2 << 30  # what one ONNX file can hold
_MAX_TEXT = 255  # of a name, which may be that of a file

PACKAGE_DIR = Path(__file__).resolve().parent.parent
# Where the bundles of the package are: installed, and in a source checkout.
BUNDLE_ROOTS = (PACKAGE_DIR / 'bundles', PACKAGE_DIR.parent / 'resource')
MODELS_VARIABLE = 'SAM2_TRACKER_MODELS'
# Bundles that are not part of the package, and the command that brings each.
OBTAINABLE = {
    'sam2.1-hiera-tiny': 'sam2-tracker models fetch sam2.1-hiera-tiny',
    'efficienttam-ti-512': 'sam2-tracker export efficienttam_ti_512x512.pt',
    'efficienttam-ti-2-512': 'sam2-tracker export efficienttam_ti_2.pt --image-size 512',
}

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class GraphFile:
    """
    One graph of a bundle.

    :param inputs: the shapes that the manifest declares, -1 for a free axis; None without one.
    :param outputs: likewise.
    """

    stage: str
    path: Path
    inputs: Shapes | None = None
    outputs: Shapes | None = None


@dataclass(frozen=True)
class Bundle:
    """
    A bundle whose files are all there and are what the manifest says.

    :param graphs: by stage.
    """

    name: str
    family: str
    precision: str
    graphs: Mapping[str, GraphFile]
    constants: ModelConstants


def bundle_folder(name_or_path: str) -> Path:
    """
    Find the folder of a bundle.

    :param name_or_path: a folder, else the name of a bundle of the package or of the user's.
    :raises ModelError: there is none; says which names exist, or how to get this one.
    """
    path = Path(name_or_path).expanduser()
    candidates = [path]
    if path.name == name_or_path:
        candidates += [root / name_or_path for root in _roots()]
    for candidate in candidates:
        if _is_bundle(candidate):
            return candidate
    names = ', '.join(sorted({folder.name for folder in named_bundles()})) or 'none'
    if path.exists():
        message = (
            f'{path} is no model bundle: expected a folder with {MANIFEST} or {CONSTANTS}; '
            f'name such a folder, or a bundle that is there: {names}'
        )
    elif name_or_path in OBTAINABLE:
        message = (
            f'the model {name_or_path} is not on this machine; expected a folder of that name in '
            f'{models_folder()}: run `{OBTAINABLE[name_or_path]}`'
        )
    else:
        message = (
            f'unknown model {name_or_path!r}: neither a folder nor the name of a bundle; '
            f'there are: {names}; name one of these or give the path of a bundle folder'
        )
    raise ModelError(message)


def models_folder() -> Path:
    """
    Return where a user's own bundles are found by name; it may not exist.

    The variable SAM2_TRACKER_MODELS, else `sam2_tracker_ros/models` in the XDG data home.
    """
    if chosen := os.environ.get(MODELS_VARIABLE):
        return Path(chosen)
    data = os.environ.get('XDG_DATA_HOME') or '~/.local/share'
    # Unlike pathlib, it leaves '~' alone where there is no home.
    return Path(os.path.expanduser(data)) / 'sam2_tracker_ros' / 'models'  # noqa: PTH111


def read_bundle(folder: Path) -> Bundle:
    """
    Read what a bundle says about itself and check its files; opens no graph.

    :raises ModelError: a file is missing, damaged, too large or not the one that was meant.
    """
    if (folder / MANIFEST).exists():
        return _read_ours(folder)
    return _read_published(folder)


def named_bundles() -> Iterator[Path]:
    """Return the folders of the bundles that a name finds; nothing is checked."""
    for root in _roots():
        if root.is_dir():
            yield from (folder for folder in root.iterdir() if _is_bundle(folder))


def _roots() -> tuple[Path, ...]:
    return (*BUNDLE_ROOTS, models_folder())


def _is_bundle(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (MANIFEST, CONSTANTS))


def _read_ours(folder: Path) -> Bundle:
    path = folder / MANIFEST
    manifest = _read_json(path)
    if manifest.get('format') != FORMAT:
        message = (
            f'{path} has format {shown(manifest.get("format"))}; expected {FORMAT}: '
            'use the version of the package that the bundle was exported for, or export it again'
        )
        raise ModelError(message)
    family = _entry(path, manifest, 'family', str)
    if family not in FAMILIES:
        message = (
            f'{path}: family is {shown(family)}; expected {" or ".join(FAMILIES)}: '
            'use the version of the package that the bundle was exported for'
        )
        raise ModelError(message)
    stages = FAMILIES[family]
    graphs = _entry(path, manifest, 'graphs', dict)
    if sorted(graphs) != sorted(stages):
        names = ', '.join(graphs).encode('ascii', 'replace').decode()[:_MAX_TEXT]
        message = (
            f'{path} names graphs for {names or "nothing"}; expected '
            f'{", ".join(stages)}: export the bundle again'
        )
        raise ModelError(message)
    constants = _file_inside(folder, _entry(path, manifest, 'constants', str), MAX_JSON_BYTES)
    _check_digest(constants, _entry(path, manifest, 'constants_sha256', str))
    return Bundle(
        name=_entry(path, manifest, 'name', str),
        family=family,
        precision=_entry(path, manifest, 'precision', str),
        graphs={stage: _graph_file(path, stage, graphs[stage]) for stage in stages},
        constants=constants_from_json(_read_json(constants), constants),
    )


def _read_published(folder: Path) -> Bundle:
    """Read a bundle that says nothing about itself; its card says fp32."""
    constants = _file_inside(folder, CONSTANTS, MAX_JSON_BYTES)
    graphs = {
        stage: GraphFile(stage, _file_inside(folder, f'onnx/{stage}.onnx', MAX_GRAPH_BYTES))
        for stage in FAMILIES['sam2']
    }
    _check_fetched(folder, [constants, *(graph.path for graph in graphs.values())])
    for graph in graphs.values():
        check_graph_file(graph.path)
    return Bundle(
        name=folder.resolve().name,
        family='sam2',
        precision='fp32',
        graphs=graphs,
        constants=constants_from_json(_read_json(constants), constants),
    )


def _check_fetched(folder: Path, paths: Sequence[Path]) -> None:
    """Compare files with what was written down when they were fetched, if they were."""
    record = folder / FETCHED
    if not record.exists():
        return
    remedy = f'run `sam2-tracker models fetch {folder.name}`, or copy the bundle again'
    files = _entry(record, _read_json(record), 'files', dict)
    for path in paths:
        entry = _entry(record, files, path.relative_to(folder).as_posix(), dict)
        _check_digest(path, _entry(record, entry, 'sha256', str), FETCHED, remedy)


def _graph_file(manifest: Path, stage: str, entry: Any) -> GraphFile:
    if not isinstance(entry, dict):
        message = f'{manifest}: the entry of {stage} is {shown(entry)}; expected an object'
        raise ModelError(message)
    file = _entry(manifest, entry, 'file', str)
    path = _file_inside(manifest.parent, file, MAX_GRAPH_BYTES)
    _check_digest(path, _entry(manifest, entry, 'sha256', str))
    check_graph_file(path)
    return GraphFile(
        stage, path, _shapes(manifest, entry, 'inputs'), _shapes(manifest, entry, 'outputs')
    )


def _shapes(manifest: Path, entry: dict[str, Any], key: str) -> Shapes:
    declared = _entry(manifest, entry, key, dict)
    try:
        return {name: tuple(int(size) for size in dims) for name, dims in declared.items()}
    except (OverflowError, TypeError, ValueError) as error:
        message = (
            f'{manifest}: {key} is {shown(declared)}; expected lists of whole numbers by name'
        )
        raise ModelError(message) from error


def _entry(path: Path, record: dict[str, Any], key: str, kind: type[Any]) -> Any:
    value = record.get(key)
    if not isinstance(value, kind) or not _is_printable(value):
        found = 'missing' if key not in record else shown(value)
        message = (
            f'{path}: {key!r} is {found}; expected a JSON value of type {kind.__name__}: '
            'copy, fetch or export the bundle again'
        )
        raise ModelError(message)
    return value


def _is_printable(value: Any) -> bool:
    """Return whether a text can be shown and logged, and names a file if it is one."""
    return not isinstance(value, str) or (value.isprintable() and len(value) <= _MAX_TEXT)


def _file_inside(folder: Path, name: str, max_bytes: int) -> Path:
    """Return a file of the bundle, or the one it links to, as download caches keep them."""
    path = folder / name
    if PurePath(name).is_absolute() or '..' in PurePath(name).parts:
        message = (
            f'{folder}: the file name {shown(name)} leads out of the bundle; expected one inside'
        )
        raise ModelError(message)
    try:
        size = path.stat().st_size if path.is_file() else None
    except OSError:  # no name that a file can have
        size = None
    if size is None:
        message = f'{path} is missing; copy, fetch or export the whole bundle again'
        raise ModelError(message)
    if not 0 < size <= max_bytes:
        message = (
            f'{path} has {size} bytes; expected 1 to {max_bytes}: '
            'copy, fetch or export the bundle again'
        )
        raise ModelError(message)
    return path


def _check_digest(
    path: Path, expected: str, record: str = MANIFEST, remedy: str = 'copy the bundle again'
) -> None:
    found = sha256_of(path)
    if found != expected.lower():
        message = (
            f'{path} is not the file that {record} names: its SHA-256 is {found}, '
            f'expected {expected}; the file is truncated or changed: {remedy}'
        )
        raise ModelError(message)


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():  # a pipe would be waited for
        message = f'{path} is no file; copy, fetch or export the bundle again'
        raise ModelError(message)
    if path.stat().st_size > MAX_JSON_BYTES:
        message = f'{path} has {path.stat().st_size} bytes; expected at most {MAX_JSON_BYTES}'
        raise ModelError(message)
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (ValueError, RecursionError) as error:
        message = f'{path} is not JSON ({error}); it is damaged: copy the bundle again'
        raise ModelError(message) from error
    if not isinstance(content, dict):
        message = f'{path} holds a JSON {type(content).__name__}; expected an object'
        raise ModelError(message)
    return content
