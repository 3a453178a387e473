# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Measure which branches of the package the tests take: make coverage.

The nodes that the tests start as processes are measured too. Prints a table per package, writes
`build/coverage/index.html` (line by line) and `build/coverage/coverage.json`, and ends with 1 when
a package is below its bound or a test failed. Run with ros-run; arguments go to pytest.

`export` and `parity` need PyTorch, which `.venv` does not have: `make parity` tests them, and they
have no part in these figures ([tool.coverage.run] in pyproject.toml).
"""

from __future__ import annotations

from collections import defaultdict
import json
import os
from pathlib import Path
import subprocess
import sys
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
COVERAGE = ROOT / 'build' / 'coverage'
REPORT = COVERAGE / 'coverage.json'

# At least so many percent of the branches: of the tracking itself, and of each other package.
BOUNDS = {'core': 95.0}
OTHER_BOUND = 85.0


def main() -> int:
    """Run the tests under coverage.py and report; the worst of tests, tool and bounds."""
    COVERAGE.mkdir(parents=True, exist_ok=True)
    _coverage('erase')
    tests = _coverage('run', '-m', 'pytest', *sys.argv[1:])
    for command in (('combine', '--quiet'), ('json', '--quiet', '-o', str(REPORT))):
        if status := _coverage(*command):
            return status
    _coverage('html', '--quiet', '--directory', str(COVERAGE))
    figures = _figures(json.loads(REPORT.read_text())['files'])
    print(_table(figures))
    print(f'line by line in {COVERAGE / "index.html"}')
    below = [name for name, counts in figures.items() if _branches(counts) < _bound(name)]
    for name in below:
        print(f'below its bound of {_bound(name):.0f} % of branches: {name}', file=sys.stderr)
    if tests:
        print(f'pytest ended with {tests}: what failed covers less', file=sys.stderr)
    return 1 if below or tests else 0


def _coverage(*arguments: str) -> int:
    """Run one of coverage.py's commands."""
    command = [sys.executable, '-m', 'coverage', *arguments]
    environment = {**os.environ, 'COVERAGE_RCFILE': str(ROOT / 'pyproject.toml')}
    return subprocess.call(command, cwd=ROOT, env=environment)  # noqa: S603 - our own interpreter


def _figures(files: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Return what was counted, summed over each package; modules beside them are `.`."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for path, file in files.items():
        parts = Path(path).parts[1:]
        for key, count in file['summary'].items():
            if isinstance(count, int):
                sums[parts[0] if len(parts) > 1 else '.'][key] += count
    return dict(sorted(sums.items()))


def _bound(name: str) -> float:
    """Return how many percent of its branches a package has to reach."""
    return BOUNDS.get(name, OTHER_BOUND)


def _branches(counts: dict[str, int]) -> float:
    """Return how much of the branches is covered, in percent; 100 where there are none."""
    if not counts['num_branches']:
        return 100.0
    return 100 * counts['covered_branches'] / counts['num_branches']


def _table(figures: dict[str, dict[str, int]]) -> str:
    """Return the figures as a table in Markdown."""
    head = '| package | statements | covered | branches | covered | bound |'
    lines = [head, '|---' * 6 + '|']
    for name, counts in figures.items():
        statements = 100 * counts['covered_lines'] / max(counts['num_statements'], 1)
        lines.append(
            f'| {name} | {counts["num_statements"]} | {statements:.1f} % '
            f'| {counts["num_branches"]} | {_branches(counts):.1f} % | {_bound(name):.0f} % |'
        )
    return '\n'.join(lines)


if __name__ == '__main__':
    sys.exit(main())
