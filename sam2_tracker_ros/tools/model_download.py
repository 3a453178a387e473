# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The files of one commit of a Hugging Face repository: found, transferred, compared with digests.

Only this module imports huggingface_hub, and only `sam2-tracker models fetch` imports this module.
It finds endpoint, token and proxies and speaks to the hub. Its `hf_hub_download` is not used: in
current versions it lets an interrupted transfer start from zero the next time.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
import re
import shutil
import time
from typing import NoReturn

from huggingface_hub import HfApi, constants, hf_hub_url
from huggingface_hub.errors import (
    HfHubHTTPError,
    HTTPError,  # what its client raises
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoSibling
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status
from tqdm import tqdm

from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference.bundle import MODELS_VARIABLE
from sam2_tracker_ros.inference.digest import sha256_of
from sam2_tracker_ros.tools.model_store import git_sha1_of

_TIMEOUT_S = 30.0
_TRIES = 5  # in a row without a single byte
_PAUSE_S = 1.0
_FORBIDDEN = (401, 403)
_COMMIT = re.compile('[0-9a-f]{40}')


@dataclass(frozen=True)
class HubFile:
    """
    A file of a commit, as the hub describes it.

    :param name: with '/' between folders.
    :param digest: SHA-256 of a large file, the SHA-1 of git of a small one.
    """

    name: str
    size_bytes: int
    digest: str
    is_large: bool

    def digest_of(self, path: Path) -> str:
        """Return the digest of the same kind of a local file."""
        return sha256_of(path) if self.is_large else git_sha1_of(path)

    def is_at(self, path: Path) -> bool:
        """Whether a local file is this one."""
        return (
            path.is_file()
            and path.stat().st_size == self.size_bytes
            and self.digest_of(path) == self.digest
        )


@dataclass(frozen=True)
class Snapshot:
    """The wanted files of one commit."""

    repository: str
    commit: str
    files: tuple[HubFile, ...]


def find_snapshot(
    repository: str, revision: str, required: Collection[str], optional: Collection[str]
) -> Snapshot:
    """
    Ask the hub once which commit a revision is, and what its files are.

    :param required: names of files that must be in the repository.
    :param optional: names of files that are wanted if they are.
    :raises ModelError: no answer, an unknown repository or revision, a file without digest.
    """
    with _one_line_errors(repository, revision):
        try:
            info = HfApi().model_info(
                repository, revision=revision, files_metadata=True, timeout=_TIMEOUT_S
            )
            commit, siblings = str(info.sha or ''), list(info.siblings or ())
        except (ValueError, KeyError, TypeError) as error:
            message = (
                f'{constants.ENDPOINT} did not answer as a Hugging Face hub does ({error!r}); '
                'check HF_ENDPOINT, proxies and whether this network wants a login'
            )
            raise ModelError(message) from error
    if not _COMMIT.fullmatch(commit) or (_COMMIT.fullmatch(revision) and commit != revision):
        message = (
            f'{constants.ENDPOINT} answered with the commit {commit!r} of {repository} when asked '
            f'for {revision!r}; expected {"that" if _COMMIT.fullmatch(revision) else "a hash"}: '
            'check HF_ENDPOINT and --revision'
        )
        raise ModelError(message)
    where = f'{repository} at {commit}'
    found = {sibling.rfilename: sibling for sibling in siblings}
    missing = [name for name in required if name not in found]
    if missing:
        message = (
            f'{where} has no {", ".join(missing)}; expected {", ".join(required)}: '
            'choose another one with --revision'
        )
        raise ModelError(message)
    wanted = [*required, *(name for name in optional if name in found)]
    files = tuple(_described(found[name], where) for name in wanted)
    return Snapshot(repository, commit, files)


def download(snapshot: Snapshot, folder: Path, present: Path) -> None:
    """
    Bring the files of a commit into a folder; what is there already, in part too, is used.

    :param present: another folder that may have some of the files.
    :raises ModelError: the hub cannot be reached, a file is not what the hub says it is, or
        there is no room for it.
    """
    with _one_line_errors(snapshot.repository, snapshot.commit):
        for file in snapshot.files:
            target = folder / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            if not file.is_at(target) and file.is_at(present / file.name):
                shutil.copyfile(present / file.name, target)
        absent = [file for file in snapshot.files if not file.is_at(folder / file.name)]
        arrived = sum(_size_of(_part_of(folder / file.name)) for file in absent)
        total = sum(file.size_bytes for file in absent)
        _check_room(total - arrived, folder)
        # No bar where nobody sees it.
        with tqdm(
            total=total, initial=arrived, unit='B', unit_scale=True, disable=None
        ) as progress:
            for file in absent:
                _transfer(snapshot, file, folder / file.name, progress)


def _transfer(snapshot: Snapshot, file: HubFile, target: Path, progress: 'tqdm[NoReturn]') -> None:
    """Go on with a file where the last transfer stopped; it gets its name when it is whole."""
    part = _part_of(target)
    url = hf_hub_url(snapshot.repository, file.name, revision=snapshot.commit)
    progress.set_description(file.name)
    part.touch()
    tries_left = _TRIES
    while _size_of(part) < file.size_bytes:
        size = _size_of(part)
        try:
            _stream(url, part, progress)
            break
        except HfHubHTTPError:
            raise
        except HTTPError:
            tries_left = _TRIES if _size_of(part) > size else tries_left - 1
            if not tries_left:
                raise
            time.sleep(_PAUSE_S)
    if not file.is_at(part):
        found, size = file.digest_of(part), _size_of(part)
        part.unlink()
        message = (
            f'{file.name} of {snapshot.repository} at {snapshot.commit} did not arrive as it is '
            f'there: it has the digest {found} and {size} bytes, expected {file.digest} and '
            f'{file.size_bytes}; it was deleted: fetch again'
        )
        raise ModelError(message)
    part.replace(target)


def _stream(url: str, part: Path, progress: 'tqdm[NoReturn]') -> None:
    """Append what is missing of a file, as long as the connection holds."""
    # A compressed answer could not be continued.
    headers = {**build_hf_headers(), 'Accept-Encoding': 'identity'}
    with part.open('ab') as stream:
        start = stream.tell()
        if start:
            headers['Range'] = f'bytes={start}-'
        with get_session().stream('GET', url, headers=headers, timeout=_TIMEOUT_S) as response:
            hf_raise_for_status(response)
            if response.status_code != HTTPStatus.PARTIAL_CONTENT:
                stream.truncate(0)
                progress.update(-start)
            for block in response.iter_bytes():
                stream.write(block)
                stream.flush()  # a fetch that is killed loses nothing
                progress.update(len(block))


def _part_of(target: Path) -> Path:
    return target.with_name(f'{target.name}.part')


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _described(sibling: RepoSibling, where: str) -> HubFile:
    name, large = sibling.rfilename, sibling.lfs
    digest = large.sha256 if large else sibling.blob_id
    size = large.size if large else sibling.size
    if not digest or size is None:
        message = (
            f'{constants.ENDPOINT} names no digest or size for {name} of {where}, so that '
            'it could not be checked; fetch it from https://huggingface.co'
        )
        raise ModelError(message)
    return HubFile(name, size, digest.lower(), large is not None)


def _check_room(needed: int, folder: Path) -> None:
    """Refuse to begin what the disk cannot hold."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        message = (
            f'{folder} has {free / 1e6:.1f} MB free; expected {needed / 1e6:.1f} MB: '
            f'make room, or set {MODELS_VARIABLE} to another folder'
        )
        raise ModelError(message)


@contextmanager
def _one_line_errors(repository: str, revision: str) -> Iterator[None]:
    """Say in one line what the library says in many, and what to do."""
    endpoint = constants.ENDPOINT
    try:
        yield
    except OfflineModeIsEnabled as error:
        message = 'HF_HUB_OFFLINE forbids downloads; unset it to fetch a model'
        raise ModelError(message) from error
    except RevisionNotFoundError as error:
        message = (
            f'{repository} has no revision {revision!r}; expected a commit, tag or branch of it: '
            f'see {endpoint}/{repository}/commits/main'
        )
        raise ModelError(message) from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        if isinstance(error, RepositoryNotFoundError) or status in _FORBIDDEN:
            message = (
                f'{endpoint} does not show {repository} (HTTP {status}): it does not exist there, '
                'or needs an account that may read it: log in with `hf auth login`, or set '
                'HF_TOKEN'
            )
        else:
            message = (
                f'{endpoint} answered HTTP {status} when asked for {repository} at {revision}; '
                'fetch again later: what has arrived is kept'
            )
        raise ModelError(message) from error
    except HTTPError as error:
        reason = ' '.join(str(error).split()) or type(error).__name__
        message = (
            f'{endpoint} cannot be reached ({reason}); fetch again when it can be: what has '
            'arrived is kept; behind a proxy set HTTPS_PROXY, for a mirror HF_ENDPOINT'
        )
        raise ModelError(message) from error
    except OSError as error:
        message = (
            f'the download cannot be written ({error}); what has arrived is kept: make room, or '
            f'set {MODELS_VARIABLE} to another folder'
        )
        raise ModelError(message) from error
