# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where fetched bundles are kept, and what is written down about each."""

from dataclasses import asdict, dataclass
import hashlib
import json
from pathlib import Path, PurePath
from typing import Any

from sam2_tracker_ros.errors import ModelError, shown
from sam2_tracker_ros.inference.bundle import FETCHED, MODELS_VARIABLE, models_folder
from sam2_tracker_ros.inference.digest import feed, sha256_of

_STAGING = '.partial'
_DAMAGED = (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True)
class RecordedFile:
    """
    One file as it arrived.

    :param sha256: in lower-case hexadecimal digits.
    """

    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Record:
    """
    What `fetched.json` says about the bundle beside it.

    :param repository: on the hub, OWNER/NAME.
    :param revision: what was asked for: a commit, a tag or a branch.
    :param commit: what that was when it was fetched; exactly its files are here.
    :param files: by name, with '/' between folders.
    """

    repository: str
    revision: str
    commit: str
    files: dict[str, RecordedFile]


def folder_of(name: str) -> Path:
    """
    Return the folder of a fetched bundle, which may not exist.

    :raises ModelError: this user has no home, and no other folder is named.
    """
    folder = models_folder()
    if not folder.is_absolute():
        message = (
            f'{folder} is no absolute path; set {MODELS_VARIABLE} to that of the folder '
            'in which models are to be kept'
        )
        raise ModelError(message)
    return folder / name


def staging_of(name: str, commit: str) -> Path:
    """Return the folder in which a bundle is put together; nothing finds it by name."""
    return folder_of(_STAGING) / f'{name}@{commit}'


def stagings_of(name: str) -> list[Path]:
    """Return every such folder of a bundle that is there."""
    return sorted(folder_of(_STAGING).glob(f'{name}@*'))


def read_record(folder: Path) -> Record | None:
    """
    Read what was written down about a bundle; None when it was not fetched.

    :raises ModelError: the record is damaged.
    """
    path = folder / FETCHED
    if not path.exists():
        return None
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding='utf-8'))
        files = {
            _inside(name): RecordedFile(int(file['size_bytes']), str(file['sha256']))
            for name, file in content['files'].items()
        }
        return Record(
            str(content['repository']), str(content['revision']), str(content['commit']), files
        )
    except _DAMAGED as error:
        message = (
            f'{path} is damaged ({shown(error)}); expected what `models fetch` wrote: '
            f'delete the folder {folder} and fetch the bundle again'
        )
        raise ModelError(message) from error


def _inside(name: str) -> str:
    """Return the name of a recorded file, which must not lead out of the bundle."""
    if PurePath(name).is_absolute() or '..' in PurePath(name).parts or not name.isprintable():
        message = f'{shown(name)} is not inside of the bundle'
        raise ValueError(message)
    return name


def write_record(folder: Path, record: Record) -> None:
    """Write it beside the files that it is about."""
    text = json.dumps(asdict(record), indent=1) + '\n'
    (folder / FETCHED).write_text(text, encoding='utf-8')


def record_file(path: Path) -> RecordedFile:
    """Measure a file."""
    return RecordedFile(path.stat().st_size, sha256_of(path))


def is_intact(folder: Path, record: Record) -> bool:
    """Whether every recorded file is there, and is the one that arrived."""
    return all(
        (folder / name).is_file() and record_file(folder / name) == file
        for name, file in record.files.items()
    )


def git_sha1_of(path: Path) -> str:
    """Return git's name of a file's content: the SHA-1 of a short header and the content."""
    header = b'blob %d\0' % path.stat().st_size
    digest = hashlib.sha1(header, usedforsecurity=False)
    feed(digest, path)
    return digest.hexdigest()
