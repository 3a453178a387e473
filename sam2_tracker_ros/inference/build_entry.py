# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
One build on disk: a folder with the graphs and with `entry.json`, which says what they are.

`entry.json` is written last and in one step: a build that was interrupted has none. One process
builds at a time; others wait. TensorRT's engines lie beside the graphs and have no digests here:
TensorRT checks them itself, and may add to them while it runs.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
import fcntl
import json
import math
import os
from pathlib import Path
import shutil
import stat

from sam2_tracker_ros.inference.build_key import Key, entry_name
from sam2_tracker_ros.inference.digest import sha256_of

ENGINES = 'engines'
_ENTRY = 'entry.json'
_LOCK = 'lock'
_FOR_THE_OWNER = 0o700


class DamagedEntryError(Exception):
    """An entry is not what it says; it never leaves the cache."""


@dataclass(frozen=True)
class Entry:
    """
    What is known of one build.

    :param key: what it depends on.
    :param mask_iou: of the worst frame against fp32; None where the precision needs no comparison,
        NaN when something was not finite.
    :param build_s: how long it took, comparison included.
    :param files: size and SHA-256 of each graph, by name.
    """

    folder: Path
    key: Key
    mask_iou: float | None
    build_s: float
    files: Mapping[str, tuple[int, str]]

    def graph(self, name: str) -> Path:
        """Return the file of a graph."""
        return graph_path(self.folder, name)


def graph_path(folder: Path, name: str) -> Path:
    """Return the file of a graph in the folder of a build."""
    return folder / f'{name}.onnx'


def read_entry(folder: Path) -> Entry | None:
    """
    Read what a build says about itself; None when there is none.

    :raises DamagedEntryError: it cannot be understood.
    """
    path = folder / _ENTRY
    if not path.exists():
        return None
    try:
        record = json.loads(path.read_text(encoding='utf-8'))
        mask_iou = record['mask_iou']
        return Entry(
            folder=folder,
            key=dict(record['key']),
            mask_iou=math.nan if mask_iou == 'not finite' else mask_iou,
            build_s=float(record['build_s']),
            files={
                name: (int(file['size_bytes']), str(file['sha256']))
                for name, file in record['files'].items()
            },
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        message = f'{path} is damaged ({type(error).__name__}: {error})'
        raise DamagedEntryError(message) from error


def valid_entry(folder: Path, key: Key) -> Entry | None:
    """
    Return a build whose files are what it says, and are what was asked for; None without one.

    :raises DamagedEntryError: there is one, but it cannot be used.
    :raises PermissionError: somebody else may have written it.
    """
    _check_owner(folder)
    entry = read_entry(folder)
    if entry is None:
        return None
    if entry.key != key:
        message = f'{folder} was built for something else'
        raise DamagedEntryError(message)
    for name, (size_bytes, digest) in entry.files.items():
        path = entry.graph(name)
        if (
            path.parent != folder
            or not path.is_file()
            or path.stat().st_size != size_bytes
            or sha256_of(path) != digest
        ):
            message = f'{path} is missing or changed'
            raise DamagedEntryError(message)
    return entry


def write_entry(
    folder: Path, key: Key, graphs: list[str], mask_iou: float | None, build_s: float
) -> Entry:
    """
    Declare a build finished.

    :param graphs: names of those in the folder.
    """
    paths = {name: graph_path(folder, name) for name in graphs}
    files = {name: (path.stat().st_size, sha256_of(path)) for name, path in paths.items()}
    entry = Entry(folder, key, mask_iou, build_s, files)
    record = {
        'key': key,
        'mask_iou': 'not finite' if mask_iou is not None and math.isnan(mask_iou) else mask_iou,
        'build_s': round(build_s, 3),
        'files': {
            name: {'size_bytes': size, 'sha256': digest} for name, (size, digest) in files.items()
        },
    }
    unfinished = folder / f'{_ENTRY}.part'
    unfinished.write_text(json.dumps(record, indent=1) + '\n', encoding='utf-8')
    unfinished.replace(folder / _ENTRY)
    return entry


@contextmanager
def building(folder: Path) -> Iterator[None]:
    """
    Be the one process that builds in a folder, which is made if need be.

    :raises OSError: the folder cannot be written, or somebody else may write it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(_FOR_THE_OWNER, exist_ok=True)
    _check_owner(folder)
    with (folder / _LOCK).open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the system opens it again even if the process is killed
        yield


def _check_owner(folder: Path) -> None:
    """
    Refuse a folder that somebody else may write, or may put in the place of ours.

    An entry has digests, but they lie beside it: who can write the one can write the other, and a
    TensorRT engine is a program.

    :raises PermissionError: says whose it is.
    """
    for path in (folder, folder.parent):
        if not path.exists():
            continue
        found = path.stat()
        # The superuser can do anything anyway, and builds what an image of a robot contains.
        if found.st_uid not in (os.geteuid(), 0):
            message = f'{path} belongs to another user; set cache_folder to a folder of your own'
            raise PermissionError(message)
        if found.st_mode & stat.S_IWOTH and not (path != folder and found.st_mode & stat.S_ISVTX):
            message = f'everybody may write {path}; run `chmod o-w {path}`, or set cache_folder'
            raise PermissionError(message)


def clear(folder: Path) -> None:
    """Remove what is in the folder of a build, but not what makes others wait."""
    for path in [*folder.glob(f'{_ENTRY}*'), *folder.glob('*.onnx')]:  # entry first
        path.unlink(missing_ok=True)
    shutil.rmtree(folder / ENGINES, ignore_errors=True)


def entry_folder(cache_folder: Path, key: Key) -> Path:
    """Return the folder of a build; it may not exist."""
    return cache_folder / entry_name(key)


def entries(cache_folder: Path) -> list[Entry]:
    """Return the builds that are kept; what is damaged is left out, files are not checked."""
    found = []
    for path in sorted(cache_folder.glob(f'*/{_ENTRY}')):
        try:
            entry = read_entry(path.parent)
        except DamagedEntryError:
            continue
        if entry is not None:
            found.append(entry)
    return found


def remove_builds(cache_folder: Path) -> int:
    """Remove every build, finished or not; return how many there were."""
    folders = [path.parent for path in cache_folder.glob(f'*/{_LOCK}')]
    for folder in folders:
        shutil.rmtree(folder)
    return len(folders)
