# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`sam2-tracker models fetch`: a published bundle, put where its name finds it."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
import shutil
from types import ModuleType

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference.bundle import CONSTANTS, OBTAINABLE, read_bundle
from sam2_tracker_ros.inference.contract import FAMILIES
from sam2_tracker_ros.inference.graphs import open_graphs
from sam2_tracker_ros.inference.sessions import runtime_from_config
from sam2_tracker_ros.tools.model_store import (
    Record,
    folder_of,
    is_intact,
    read_record,
    record_file,
    staging_of,
    stagings_of,
    write_record,
)


@dataclass(frozen=True)
class Published:
    """
    Where a bundle is published.

    :param repository: on the hub, OWNER/NAME.
    :param revision: fetched unless another one is asked for.
    """

    repository: str
    revision: str


PUBLISHED = {'sam2.1-hiera-tiny': Published('square-zero-labs/sam2.1-tiny-video-onnx', 'main')}
_REQUIRED = (CONSTANTS, *(f'onnx/{stage}.onnx' for stage in FAMILIES['sam2']))
_OPTIONAL = ('README.md', 'LICENSE', 'LICENSE.md', 'LICENSE.txt', 'NOTICE')


@dataclass(frozen=True)
class Fetched:
    """
    A bundle that is there now.

    :param is_new: something had to be done for it.
    """

    folder: Path
    record: Record
    is_new: bool


def fetch(name: str, revision: str | None) -> Fetched:
    """
    Download a bundle, unless it is there.

    :param revision: a commit, tag or branch; None for the commit that is there, else the default.
    :raises ModelError: it is not published, cannot be had, or cannot be used.
    """
    published = _published(name)
    folder = folder_of(name)
    present = _present(folder)
    if present and revision is None:
        if is_intact(folder, present):
            return Fetched(folder, present, is_new=False)
        wanted, asked = present.commit, present.revision
    else:
        wanted = asked = published.revision if revision is None else revision
    download = _downloader()
    snapshot = download.find_snapshot(published.repository, wanted, _REQUIRED, _OPTIONAL)
    if present and snapshot.commit == present.commit and is_intact(folder, present):
        return Fetched(folder, present, is_new=False)
    staging = staging_of(name, snapshot.commit)
    download.download(snapshot, staging, present=folder)
    files = {file.name: record_file(staging / file.name) for file in snapshot.files}
    record = Record(snapshot.repository, asked, snapshot.commit, files)
    write_record(staging, record)
    _check_usable(staging, record)
    _replace(folder, staging)
    for leftover in stagings_of(name):
        shutil.rmtree(leftover)
    return Fetched(folder, record, is_new=True)


def _published(name: str) -> Published:
    if name in PUBLISHED:
        return PUBLISHED[name]
    if name in OBTAINABLE:
        message = f'{name} is not published; make it: {OBTAINABLE[name]}'
    else:
        message = (
            f'no published model is called {name!r}; expected {", ".join(PUBLISHED)}: '
            'see `sam2-tracker models`'
        )
    raise ModelError(message)


def _present(folder: Path) -> Record | None:
    """Read what is there now; what was not fetched is never replaced."""
    record = read_record(folder)
    if record is None and folder.exists():
        message = (
            f'{folder} was not made by `models fetch`, so it is not replaced: '
            'move it away and fetch again'
        )
        raise ModelError(message)
    return record


def _downloader() -> ModuleType:
    """Import what needs the optional package."""
    try:
        return import_module('sam2_tracker_ros.tools.model_download')
    except ModuleNotFoundError as error:
        message = (
            f'fetching needs the Python package huggingface_hub ({error}): '
            "python3 -m pip install 'huggingface_hub>=1,<3'"
        )
        raise ModelError(message) from error


def _check_usable(folder: Path, record: Record) -> None:
    """Open the graphs and compare them with the contract, without running them."""
    try:
        open_graphs(read_bundle(folder), runtime_from_config(ModelConfig()))
    except ModelError as error:
        message = (
            f'{record.repository} at {record.commit} arrived as it is there, but cannot be used: '
            f'{error}; choose another one with --revision'
        )
        raise ModelError(message) from error


def _replace(folder: Path, staging: Path) -> None:
    """Give a finished bundle its name."""
    if folder.exists():
        folder.rename(staging.with_name(f'{staging.name}.replaced'))
    staging.rename(folder)
