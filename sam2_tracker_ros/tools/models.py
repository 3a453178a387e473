# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`sam2-tracker models`: which model bundles are there, and how to get others."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
import json
from pathlib import Path

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference.build_entry import Entry, entries, remove_builds
from sam2_tracker_ros.inference.bundle import OBTAINABLE, named_bundles, read_bundle
from sam2_tracker_ros.inference.sessions import cache_folder
from sam2_tracker_ros.tools import model_build
from sam2_tracker_ros.tools.model_fetch import PUBLISHED, fetch
from sam2_tracker_ros.tools.model_store import read_record

_MEGABYTE = 1e6


@dataclass(frozen=True)
class _Listed:
    """
    One bundle, there or not.

    :param size_bytes: of its graphs.
    :param where: its folder; empty when it is not there.
    :param repository: it was fetched from; empty when it was not.
    :param problem: why it cannot be used; empty when it can.
    :param command: brings it here; empty when it is there.
    :param builds: folders of what is kept of it for faster starts.
    """

    name: str
    family: str = ''
    precision: str = ''
    size_bytes: int = 0
    where: str = ''
    repository: str = ''
    commit: str = ''
    problem: str = ''
    command: str = ''
    builds: tuple[str, ...] = ()


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of the verb."""
    actions = parser.add_subparsers(dest='action', metavar='ACTION')
    text = 'list what is there and what can be had (also without ACTION); downloads nothing'
    listing = actions.add_parser('list', help=text, description=f'{text.capitalize()}.')
    for place, default in ((parser, False), (listing, argparse.SUPPRESS)):
        place.add_argument(
            '--json', action='store_true', default=default, help='write the list as JSON'
        )
    text = 'download a published bundle'
    fetching = actions.add_parser('fetch', help=text, description=f'{text.capitalize()}.')
    fetching.add_argument('name', metavar='NAME', help=', '.join(PUBLISHED))
    fetching.add_argument(
        '--revision',
        metavar='R',
        help='commit, tag or branch of its repository (default: the commit that is there already, '
        'else the branch main as it is now)',
    )
    model_build.add_to(actions)
    text = 'remove what was built and kept for faster starts; bundles stay'
    actions.add_parser('clean', help=text, description=f'{text.capitalize()}.')


def run(options: argparse.Namespace) -> int:
    """List bundles, fetch one, build one, or remove what was built."""
    if options.action == 'fetch':
        return _fetch(options.name, options.revision)
    if options.action == 'build':
        return model_build.run(options)
    if options.action == 'clean':
        return _clean()
    return _list(as_json=options.json)


def _fetch(name: str, revision: str | None) -> int:
    fetched = fetch(name, revision)
    size = sum(file.size_bytes for file in fetched.record.files.values())
    verb = 'fetched' if fetched.is_new else 'already there'
    print(
        f'{name}: {verb}, {_megabytes(size)}, commit {fetched.record.commit}\n'
        f'in {fetched.folder}; use it with --model {name}'
    )
    return 0


def _clean() -> int:
    folder = cache_folder(ModelConfig())
    print(f'removed {remove_builds(folder)} builds from {folder}')
    return 0


def _list(*, as_json: bool) -> int:
    builds = entries(cache_folder(ModelConfig()))
    bundles = [_listed(folder, builds) for folder in sorted(named_bundles())]
    bundles += _absent({bundle.name for bundle in bundles})
    if as_json:
        print(json.dumps([asdict(bundle) for bundle in bundles]))
        return 0
    for bundle in bundles:
        size = _megabytes(bundle.size_bytes) if bundle.size_bytes else ''
        where = bundle.where or f'not here; {bundle.command}'
        print(f'{bundle.name:24} {bundle.precision:6} {size:>10}  {where}')
        if bundle.repository:
            print(f'    from {bundle.repository} at {bundle.commit}')
        if bundle.problem:
            print(f'    cannot be used: {bundle.problem}')
        for build in bundle.builds:
            print(f'    built: {build}')
    return 0


def _listed(folder: Path, builds: Sequence[Entry]) -> _Listed:
    repository = commit = ''
    try:
        if record := read_record(folder):
            repository, commit = record.repository, record.commit
        bundle = read_bundle(folder)
    except ModelError as error:
        return _Listed(
            folder.name,
            where=str(folder),
            repository=repository,
            commit=commit,
            problem=str(error),
        )
    return _Listed(
        name=folder.name,
        family=bundle.family,
        precision=bundle.precision,
        size_bytes=sum(graph.path.stat().st_size for graph in bundle.graphs.values()),
        where=str(folder),
        repository=repository,
        commit=commit,
        builds=tuple(str(each.folder) for each in builds if each.key.get('model') == bundle.name),
    )


def _absent(there: set[str]) -> Iterator[_Listed]:
    for name, command in OBTAINABLE.items():
        if name not in there:
            yield _Listed(name, command=command)


def _megabytes(size_bytes: int) -> str:
    return f'{size_bytes / _MEGABYTE:.1f} MB'
