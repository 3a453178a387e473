# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Look through what is installed for known vulnerabilities and licences, without a network.

Compares the versions in this interpreter's environment with advisories.yaml, names requirements of
pyproject.toml whose lowest version is affected, and looks at the licences of what runs on a robot.
The exit status is 1 when an installed version is affected, a licence is GPL, or packages do not
fit each other.
"""

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
import re
import subprocess
import sys

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
import yaml

ADVISORIES = Path(__file__).resolve().parent / 'advisories.yaml'
PROJECT = ADVISORIES.parent.parent / 'pyproject.toml'
# Extras of pyproject.toml that no robot needs.
NOT_ON_A_ROBOT = ('evaluate', 'export')


@dataclass(frozen=True)
class Advisory:
    """
    One known vulnerability.

    :param affected: versions, as PEP 440 writes them.
    :param accepted: why it does not matter here; empty where it does.
    """

    package: str
    affected: SpecifierSet
    ids: tuple[str, ...]
    what: str
    accepted: str = ''

    def hits(self, package: str, version: str) -> bool:
        """Return whether a version of a package is affected."""
        name = canonicalize_name(package)
        return name == self.package and self.affected.contains(version, prereleases=True)

    def __str__(self) -> str:
        return f'{", ".join(self.ids)}: {self.what}'


def read_advisories(path: Path = ADVISORIES) -> list[Advisory]:
    """Return what the file lists."""
    return [
        Advisory(
            package=canonicalize_name(entry['package']),
            affected=SpecifierSet(entry['affected']),
            ids=tuple(entry['ids']),
            what=entry['what'],
            accepted=entry.get('accepted', ''),
        )
        for entry in yaml.safe_load(path.read_text(encoding='utf-8'))
    ]


def installed() -> dict[str, str]:
    """Return the versions in this environment, by package."""
    return {
        canonicalize_name(found.metadata['Name']): found.version
        for found in metadata.distributions()
    }


def affected(
    versions: Mapping[str, str], advisories: Iterable[Advisory]
) -> Iterator[tuple[str, Advisory]]:
    """Return each package with each advisory that its version is affected by."""
    for advisory in advisories:
        version = versions.get(advisory.package)
        if version is not None and advisory.hits(advisory.package, version):
            yield f'{advisory.package} {version}', advisory


def requirements(text: str) -> dict[str, list[Requirement]]:
    """Return what pyproject.toml asks for, by extra; '' for everybody. Python 3.10 has no TOML."""
    found: dict[str, list[Requirement]] = {}
    group: str | None = None
    project = text[text.index('[project]') : text.index('[project.scripts]')]
    for line in project.splitlines():
        head = re.match(r'([a-z]+) = \[', line)
        if head:
            group = '' if head[1] == 'dependencies' else head[1]
        elif line.startswith(']'):
            group = None
        elif group is not None and (quoted := re.match(r'\s+"([^"]+)",', line)):
            found.setdefault(group, []).append(Requirement(quoted[1]))
    return found


def low_floors(
    asked_for: Iterable[Requirement], advisories: Iterable[Advisory]
) -> Iterator[tuple[str, Advisory]]:
    """Return the requirements whose lowest version is affected."""
    known = list(advisories)
    for requirement in asked_for:
        floors = [part.version for part in requirement.specifier if part.operator == '>=']
        for advisory in known:
            if floors and advisory.hits(requirement.name, floors[0]) and not advisory.accepted:
                yield str(requirement), advisory


def closure(asked_for: Iterable[Requirement]) -> set[str]:
    """Return the packages that are installed because of these."""
    waiting, found = [(each, '') for each in asked_for], set[str]()
    while waiting:
        requirement, extra = waiting.pop()
        name = canonicalize_name(requirement.name)
        if requirement.marker is not None and not requirement.marker.evaluate({'extra': extra}):
            continue
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        if name in found:
            continue
        found.add(name)
        for extra in requirement.extras or {''}:
            waiting += [(Requirement(need), extra) for need in needs]
    return found


def licence(package: str) -> str:
    """Return a package's licence in a few words, as its metadata give it."""
    about = metadata.metadata(package).json
    if expression := about.get('license_expression'):
        return str(expression)
    classifiers = [
        text.rpartition(' :: ')[2]
        for text in about.get('classifier', [])
        if text.startswith('License :: ') and not text.endswith('OSI Approved')
    ]
    lines = str(about.get('license') or 'unknown').strip().splitlines()
    return ', '.join(classifiers) or lines[0][:60]


def is_gpl(text: str) -> bool:
    """Return whether a licence would ask for the source of the whole robot."""
    return bool(re.search(r'(?<![LA-Za-z])A?GPL|(?<!Lesser )General Public License', text))


def main(arguments: Sequence[str] = ()) -> int:
    """Print what was found; return the exit status."""
    parser = argparse.ArgumentParser(description='Look for known vulnerabilities and licences.')
    parser.add_argument('--licences', action='store_true', help='list every licence')
    options = parser.parse_args(arguments)
    advisories, versions = read_advisories(), installed()
    groups = requirements(PROJECT.read_text(encoding='utf-8'))
    problems = 0
    for what, advisory in affected(versions, advisories):
        if advisory.accepted:
            print(f'accepted: {what}: {advisory} ({advisory.accepted})')
        else:
            print(f'affected: {what}: {advisory}; install one that is not {advisory.affected}')
            problems += 1
    everything = [each for listed in groups.values() for each in listed]
    for what, advisory in low_floors(everything, advisories):
        print(f'allowed by pyproject.toml: {what}: {", ".join(advisory.ids)}')
    robot = [each for name in groups.keys() - set(NOT_ON_A_ROBOT) for each in groups[name]]
    for package in sorted(closure(robot)):
        text = licence(package)
        problems += is_gpl(text)
        if options.licences or is_gpl(text):
            print(f'licence: {package} {versions[package]}: {text}')
    done = subprocess.run([sys.executable, '-m', 'pip', 'check'], check=False)
    print(f'{len(versions)} packages, {len(advisories)} advisories, {problems} problems')
    return 1 if problems or done.returncode else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
