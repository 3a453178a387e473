# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Run the tests with every ROS 2 distribution and Python there are wheels for: make matrix.

Each combination has a copy of this checkout and an environment of its own under
`build/matrix/<distribution>-<python>/`; what is there and current is kept for the next run. One
after the other, so that they do not disturb each other's times. The table is printed and written
to `build/matrix/matrix.json`. A Python that this machine lacks counts as a failure: a combination
that nobody tried is not one that works. Standard library only.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass, field
import fnmatch
import itertools
import json
import os
from pathlib import Path
import shlex
import shutil
import subprocess
import sys
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
MATRIX = ROOT / 'build' / 'matrix'

DISTRIBUTIONS = ('kilted', 'jazzy')
PYTHONS = ('3.10', '3.11', '3.12', '3.13')
# Whose versions say what a combination was made of, by the names pip knows them by.
TOLD_VERSIONS = {'rclpy': 'ros-rclpy', 'numpy': 'numpy', 'onnxruntime': 'onnxruntime'}


@dataclass
class Outcome:
    """
    What came of one combination.

    :param state: `passed`, `failed`, `not built` or `no python`
    :param seconds: how long the tests took, without making the environment
    :param versions: of Python and the packages in TOLD_VERSIONS
    :param failures: the tests that failed, or the one line that says why there were none
    """

    name: str
    state: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    versions: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def main() -> int:
    """Run the combinations asked for; 1 when one of them did not pass, 2 when none is meant."""
    names = [f'{distribution}-{python}' for distribution, python in _combinations()]
    parser = argparse.ArgumentParser(description='Run the tests on every ROS 2 and Python.')
    parser.add_argument('--only', default='*', help='for example jazzy-3.12, or kilted-*')
    parser.add_argument('pytest', nargs='*', help='arguments for pytest, after --')
    options = parser.parse_args()
    asked = [name for name in names if fnmatch.fnmatch(name, options.only)]
    if not asked:
        print(f'matrix: no {options.only!r}; there are: {", ".join(names)}', file=sys.stderr)
        return 2
    MATRIX.mkdir(parents=True, exist_ok=True)
    outcomes = []
    for name in asked:
        outcomes.append(_try_combination(name, options.pytest))
        _write_report(outcomes, options.pytest)  # what is known so far, should this be interrupted
    print(_table(outcomes))
    print(f'written to {MATRIX / "matrix.json"}')
    return 0 if all(outcome.state == 'passed' for outcome in outcomes) else 1


def _combinations() -> list[tuple[str, str]]:
    """Return each distribution with each Python."""
    return list(itertools.product(DISTRIBUTIONS, PYTHONS))


def _try_combination(name: str, arguments: list[str]) -> Outcome:
    """Make one combination, run its tests and say how it went."""
    distribution, _, version = name.partition('-')
    print(f'== {name}', flush=True)
    python = _find_python(version)
    if python is None:
        reason = f'no Python {version} on PATH: install python{version}, its venv and its headers'
        return _said(Outcome(name, 'no python', failures=[reason]))
    checkout = MATRIX / name
    _copy_checkout(checkout)
    environment = {key: value for key, value in os.environ.items() if not key.startswith('MAKE')}
    environment['ROS_WHEELS'] = distribution
    setup = subprocess.run(  # noqa: S603 - our own script
        [python, checkout / '.ci' / 'bootstrap.py'],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if setup.returncode:
        lines = setup.stderr.strip().splitlines() or ['setup ended without a word']
        return _said(Outcome(name, 'not built', failures=lines[-1:]))
    return _said(_run_tests(name, checkout, environment, arguments))


def _said(outcome: Outcome) -> Outcome:
    """Print what came of a combination."""
    print(f'   {outcome.state}: {outcome.passed} passed, {outcome.failed} failed', flush=True)
    for failure in outcome.failures:
        print(f'   {failure}', flush=True)
    return outcome


def _find_python(version: str) -> str | None:
    """
    Return the path of this Python, or None.

    A command of that name need not start one: pyenv has commands for versions that are installed
    but not chosen, and runs them for who names the version.
    """
    program = 'import sys; print(sys.executable, "%d.%d" % sys.version_info[:2])'
    choices: tuple[dict[str, str], ...] = ({}, {'PYENV_VERSION': version})
    for chosen in choices:
        try:
            answer = subprocess.run(  # noqa: S603 - python, with the line above
                [f'python{version}', '-c', program],
                env={**os.environ, **chosen},
                capture_output=True,
                text=True,
                check=False,
            )
        except FileNotFoundError:
            return None
        path, _, found = answer.stdout.strip().rpartition(' ')
        if answer.returncode == 0 and found == version:
            return path
    return None


def _copy_checkout(target: Path) -> None:
    """Make the folder hold what git knows or would add, as it is here; keep what was built."""
    listed = subprocess.check_output(
        ['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],  # noqa: S607
        cwd=ROOT,
        text=True,
    )
    files = {name for name in listed.split('\0') if name and (ROOT / name).is_file()}
    record = target / 'build' / 'copied.json'
    before = set(json.loads(record.read_text())) if record.exists() else set()
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(sorted(before | files)))
    for name in sorted(before - files):
        (target / name).unlink(missing_ok=True)
    for name in sorted(files):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)
    record.write_text(json.dumps(sorted(files)))


def _run_tests(
    name: str, checkout: Path, environment: dict[str, str], arguments: list[str]
) -> Outcome:
    """Run pytest there and read its report."""
    report = checkout / 'build' / 'tests.xml'
    report.unlink(missing_ok=True)
    runner = checkout / '.venv' / 'bin' / 'ros-run'
    log = checkout / 'build' / 'tests.log'
    print(f'-- pytest {shlex.join(arguments)}'.rstrip() + f', into {log}', flush=True)
    with log.open('wb') as stream:
        status = subprocess.call(  # noqa: S603 - pytest
            [runner, 'pytest', f'--junitxml={report}', *arguments],
            cwd=checkout,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
        )
    outcome = Outcome(name, 'failed', versions=_versions(runner, checkout))
    if report.exists():
        _read_report(report, outcome)
    if status and not outcome.failures:
        outcome.failures.append(f'pytest ended with {status}, see {log}')
    elif status == 0 and outcome.passed:
        outcome.state = 'passed'
    return outcome


def _read_report(report: Path, outcome: Outcome) -> None:
    """Count what pytest wrote down, in JUnit's format."""
    for suite in ElementTree.parse(report).iter('testsuite'):  # noqa: S314 - pytest's own file
        count = {
            key: int(suite.get(key, '0')) for key in ('tests', 'errors', 'failures', 'skipped')
        }
        outcome.failed += count['errors'] + count['failures']
        outcome.skipped += count['skipped']
        outcome.passed += count['tests'] - sum(list(count.values())[1:])
        outcome.seconds += round(float(suite.get('time', '0')), 1)
        outcome.failures += [
            f'{case.get("classname")}::{case.get("name")}'
            for case in suite.iter('testcase')
            if case.find('failure') is not None or case.find('error') is not None
        ]


def _versions(runner: Path, checkout: Path) -> dict[str, str]:
    """Return what this combination is made of."""
    program = (
        'import json, platform; from importlib.metadata import version; '
        f'names = {TOLD_VERSIONS!r}; '
        'found = {name: version(pip_name) for name, pip_name in names.items()}; '
        'print(json.dumps({"python": platform.python_version(), **found}))'
    )
    answer = subprocess.check_output(  # noqa: S603 - the line above
        [runner, 'python', '-c', program], cwd=checkout, text=True
    )
    versions: dict[str, str] = json.loads(answer)
    return versions


def _write_report(outcomes: list[Outcome], arguments: list[str]) -> None:
    """Write the figures for whoever reads them later."""
    report = {'pytest': arguments, 'combinations': [asdict(outcome) for outcome in outcomes]}
    (MATRIX / 'matrix.json').write_text(json.dumps(report, indent=2) + '\n')


def _table(outcomes: list[Outcome]) -> str:
    """Return the figures as a table in Markdown."""
    told = ('python', *TOLD_VERSIONS)
    head = ('ROS 2, Python', 'result', 'passed', 'failed', 'skipped', 'seconds', *told)
    rows = [
        (
            *(outcome.name, outcome.state, outcome.passed, outcome.failed, outcome.skipped),
            *(f'{outcome.seconds:.0f}', *(outcome.versions.get(name, '-') for name in told)),
        )
        for outcome in outcomes
    ]
    lines = [head, ('---',) * len(head), *rows]
    return '\n'.join('| ' + ' | '.join(map(str, line)) + ' |' for line in lines)


if __name__ == '__main__':
    sys.exit(main())
