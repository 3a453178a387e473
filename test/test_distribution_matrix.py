# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`make matrix`: each combination in a copy of the checkout, what failed counted and named."""

import json
import os
from pathlib import Path
import shutil
import subprocess
import sys
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PYTHON = f'{sys.version_info[0]}.{sys.version_info[1]}'
KILTED = f'kilted-{PYTHON}'

# Stands for the real one, which takes minutes: the environment is the one of this test.
BOOTSTRAP = """
import os
from pathlib import Path
import sys

root = Path(__file__).resolve().parent.parent
assert os.environ['ROS_WHEELS'] in ('kilted', 'jazzy')
if (root / 'broken').exists():
    sys.exit('setup: this step failed: build')
runner = root / '.venv' / 'bin' / 'ros-run'
runner.parent.mkdir(parents=True, exist_ok=True)
runner.write_text('#!/bin/sh\\nexec "$@"\\n')
runner.chmod(0o755)
"""
TESTS = """
import pytest

def test_passes(): pass
def test_fails(): assert False
@pytest.mark.skip
def test_is_skipped(): pass
@pytest.fixture
def broken(): raise OSError
def test_cannot_start(broken): pass
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a repository with the script, a bootstrap and four tests."""
    root = tmp_path / 'checkout'
    (root / '.ci').mkdir(parents=True)
    shutil.copy(ROOT / '.ci' / 'matrix.py', root / '.ci')
    (root / '.ci' / 'bootstrap.py').write_text(BOOTSTRAP)
    (root / '.gitignore').write_text('/build/\n')
    (root / 'test_four.py').write_text(TESTS)
    subprocess.run(['git', 'init', '--quiet', str(root)], check=True)
    return root


def run(checkout: Path, *arguments: str, path: str | None = None) -> tuple[int, str, Any]:
    """Run the script; return its status, what it printed, and the combinations it wrote down."""
    done = subprocess.run(
        [sys.executable, str(checkout / '.ci' / 'matrix.py'), *arguments],
        env={**os.environ, 'PATH': os.environ['PATH'] if path is None else path},
        capture_output=True,
        text=True,
        check=False,
    )
    report = checkout / 'build' / 'matrix' / 'matrix.json'
    written = json.loads(report.read_text())['combinations'] if report.exists() else None
    return done.returncode, done.stdout + done.stderr, written


def test_counts_what_passed_failed_and_was_skipped(checkout: Path) -> None:
    status, printed, (outcome,) = run(checkout, '--only', KILTED, '--', '-p', 'no:cacheprovider')
    assert status == 1
    assert outcome['state'] == 'failed'
    assert (outcome['passed'], outcome['failed'], outcome['skipped']) == (1, 2, 1)
    assert outcome['failures'] == ['test_four::test_fails', 'test_four::test_cannot_start']
    assert outcome['versions']['python'].startswith(PYTHON)
    assert set(outcome['versions']) == {'python', 'rclpy', 'numpy', 'onnxruntime'}
    assert f'| {KILTED} | failed | 1 | 2 | 1 |' in printed


def test_passes_with_arguments_for_pytest(checkout: Path) -> None:
    status, _, (outcome,) = run(checkout, '--only', KILTED, '--', '-k', 'passes')
    assert (status, outcome['state'], outcome['passed']) == (0, 'passed', 1)
    # Nothing that ran is nothing that works.
    status, _, (outcome,) = run(checkout, '--only', KILTED, '--', '-k', 'absent')
    assert (status, outcome['state']) == (1, 'failed')


def test_the_copy_follows_the_checkout(checkout: Path) -> None:
    (checkout / 'test_more.py').write_text('def test_more(): pass\n')
    arguments = ('--only', KILTED, '--', '-k', 'passes or more')
    _, _, (outcome,) = run(checkout, *arguments)
    assert outcome['passed'] == 2
    (checkout / 'test_more.py').unlink()
    _, _, (outcome,) = run(checkout, *arguments)
    assert outcome['passed'] == 1


def test_what_cannot_be_built_is_a_failure_with_its_reason(checkout: Path) -> None:
    (checkout / 'broken').touch()
    status, printed, (outcome,) = run(checkout, '--only', KILTED)
    assert (status, outcome['state']) == (1, 'not built')
    assert outcome['failures'] == ['setup: this step failed: build']
    assert 'setup: this step failed: build' in printed


def test_a_missing_python_is_a_failure(checkout: Path, tmp_path: Path) -> None:
    status, printed, outcomes = run(checkout, path=str(tmp_path / 'empty'))
    assert status == 1
    assert len(outcomes) == 8
    assert {outcome['state'] for outcome in outcomes} == {'no python'}
    assert 'install python3.13' in printed


def test_a_combination_that_there_is_not_is_refused(checkout: Path) -> None:
    status, printed, outcomes = run(checkout, '--only', 'humble-3.8')
    assert (status, outcomes) == (2, None)
    assert 'jazzy-3.12' in printed
