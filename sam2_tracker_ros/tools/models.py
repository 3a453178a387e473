# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`sam2-tracker models`: which model bundles are there."""

import argparse
from dataclasses import asdict, dataclass
import json
from pathlib import Path

from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference.bundle import packaged_bundles, read_bundle

_MEGABYTE = 1e6


@dataclass(frozen=True)
class _Listed:
    """
    One bundle.

    :param size_bytes: of its graphs.
    :param problem: why it cannot be used; empty when it can.
    """

    name: str
    family: str
    precision: str
    size_bytes: int
    where: str
    problem: str = ''


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of the verb."""
    parser.add_argument('--json', action='store_true', help='write the list as JSON')


def run(options: argparse.Namespace) -> int:
    """List the bundles of the package."""
    bundles = [_listed(folder) for folder in sorted(packaged_bundles())]
    if options.json:
        print(json.dumps([asdict(bundle) for bundle in bundles]))
        return 0
    for bundle in bundles:
        size = f'{bundle.size_bytes / _MEGABYTE:.1f} MB'
        print(f'{bundle.name:24} {bundle.precision:6} {size:>10}  {bundle.where}')
        if bundle.problem:
            print(f'    cannot be used: {bundle.problem}')
    if not bundles:
        print('no bundles; name the folder of one with --model')
    return 0


def _listed(folder: Path) -> _Listed:
    try:
        bundle = read_bundle(folder)
    except ModelError as error:
        return _Listed(folder.name, '', '', 0, str(folder), str(error))
    size = sum(graph.path.stat().st_size for graph in bundle.graphs.values())
    return _Listed(bundle.name, bundle.family, bundle.precision, size, str(folder))
