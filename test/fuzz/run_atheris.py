# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Fuzz each target for a while, guided by what its inputs reach in the module under test.

    build/fuzz/venv/bin/python test/fuzz/run_atheris.py [--seconds 60] [TARGET ...]

Each target runs in processes of its own. An input that ends one (a finding, a crash, a hang) is
kept as `test/fuzz/corpus/TARGET/found_DIGEST`, and another process goes on. Figures go to
`build/fuzz/report.json`; what was reached is kept in `build/fuzz/corpus/TARGET`, as the start
of the next run. The status is 1 when there were findings.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
import hashlib
import importlib
from importlib.metadata import version
import json
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys
import time
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'test'), str(ROOT)]
BUILD = ROOT / 'build' / 'fuzz'
# Options of libFuzzer: one input that takes longer hangs; inputs stay small enough to be kept.
_TIMEOUT_S, _MAX_BYTES, _MAX_RSS_MIB = 20, 2048, 3000
# One process of a target more than that only finds the same again.
_MAX_FINDINGS = 3
_KEPT = 'found_'
_STARTED = re.compile(r'INITED cov: (\d+)')
_REACHED = re.compile(r'cov: (\d+) ft: (\d+)')
_EXECUTED = re.compile(r'stat::number_of_executed_units: +(\d+)')
_SEEN = re.compile(r'^#(\d+)', re.MULTILINE)


@dataclass
class Figures:
    """
    What came out for a target.

    :param executions: inputs that were read.
    :param coverage: places of the module under test that they reached, as libFuzzer counts them.
    :param new_coverage: of these, what the stored inputs did not reach.
    """

    executions: int = 0
    coverage: int = 0
    new_coverage: int = 0
    duration_s: float = 0.0
    findings: list[dict[str, str]] = field(default_factory=list)


def main(arguments: Sequence[str]) -> int:
    """Fuzz the named targets, or all of them; return the exit status."""
    from fuzz.targets import TARGETS  # noqa: PLC0415 - the fuzzing process imports it otherwise

    names = [name for name, target in TARGETS.items() if not target.needs_ros]
    parser = argparse.ArgumentParser(description='Fuzz the readers of bytes from outside.')
    parser.add_argument('targets', nargs='*', metavar='TARGET', help=f'of: {", ".join(names)}')
    parser.add_argument('--seconds', type=int, default=60, help='for each target (default: 60)')
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.targets) - set(names)):
        parser.error(f'unknown target {unknown[0]}; expected one of {", ".join(names)}')
    report = BUILD / 'report.json'
    results = {}
    if report.exists():  # of targets that are not run this time
        results = json.loads(report.read_text(encoding='utf-8'))['targets']
    for name in options.targets or names:
        figures = fuzz(name, options.seconds)
        results[name] = asdict(figures)
        print(  # noqa: T201 - what a person sees while it runs
            f'{name}: {figures.executions} executions, coverage {figures.coverage} '
            f'({figures.new_coverage} new), {len(figures.findings)} findings'
        )
        report.parent.mkdir(parents=True, exist_ok=True)
        content = {'atheris': version('atheris'), 'targets': results}
        report.write_text(json.dumps(content, indent=1) + '\n', encoding='utf-8')
    return int(any(results[name]['findings'] for name in options.targets or names))


def fuzz(name: str, seconds: int) -> Figures:
    """Fuzz one target for so many seconds, in processes that go on where one ended."""
    figures = Figures()
    found = BUILD / 'found' / name
    shutil.rmtree(found, ignore_errors=True)
    begun_s = time.monotonic()
    while (left_s := seconds - (time.monotonic() - begun_s)) >= 1.0:
        seen = len(figures.findings)
        _run_once(name, round(left_s), found, figures)
        if len(figures.findings) in (seen, _MAX_FINDINGS):
            break
    # Not before the end: the next process would begin with what ended the one before.
    for finding in figures.findings:
        shutil.copy(found / finding['file'], ROOT / 'test' / 'fuzz' / 'corpus' / name)
    figures.duration_s = round(time.monotonic() - begun_s, 1)
    return figures


def _run_once(name: str, seconds: int, found: Path, figures: Figures) -> None:
    reached = BUILD / 'corpus' / name
    for folder in (reached, found):
        folder.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, __file__, '--fuzz', name),
        *(f'-max_total_time={seconds}', f'-timeout={_TIMEOUT_S}', f'-rss_limit_mb={_MAX_RSS_MIB}'),
        *(f'-max_len={_MAX_BYTES}', '-print_final_stats=1', f'-artifact_prefix={found}/'),
        *(str(reached), str(ROOT / 'test' / 'fuzz' / 'corpus' / name)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, errors='replace', check=False)
    output = done.stdout + done.stderr
    (BUILD / f'{name}.log').write_text(output, encoding='utf-8')
    _count(output, figures)
    artifacts = [path for path in sorted(found.iterdir()) if not path.name.startswith(_KEPT)]
    if done.returncode and not artifacts:
        message = f'{name} could not be fuzzed; see {BUILD / name}.log'
        raise SystemExit(message)
    for path in artifacts:
        kept = path.with_name(_KEPT + hashlib.sha256(path.read_bytes()).hexdigest()[:12])
        kind = path.name.partition('-')[0]
        path.replace(kept)
        figures.findings.append({'file': kept.name, 'kind': kind, 'why': _why(output)})


def _why(output: str) -> str:
    """Return what atheris or libFuzzer said about an input that ended a process."""
    said = re.search(r'=== Uncaught Python exception: ===\n(.*)', output) or re.search(
        r'ERROR: (libFuzzer: .*)', output
    )
    return said[1][:300] if said else 'nothing was said; see the log'


def _count(output: str, figures: Figures) -> None:
    executed = _EXECUTED.findall(output) or _SEEN.findall(output)
    figures.executions += int(executed[-1]) if executed else 0
    reached = [int(places) for places, _ in _REACHED.findall(output)]
    if reached:
        started = _STARTED.search(output)
        figures.coverage = max(figures.coverage, *reached)
        new = max(reached) - (int(started[1]) if started else 0)
        figures.new_coverage = max(figures.new_coverage, new)


def fuzz_here(name: str, options: Sequence[str]) -> None:
    """Fuzz a target in this process, with coverage of its modules; ends the process."""
    # Only there in build/fuzz/venv, and without types.
    atheris: Any = importlib.import_module('atheris')

    modules = _modules_of(name)
    with atheris.instrument_imports(include=list(modules)):
        from fuzz.targets import TARGETS  # noqa: PLC0415 - measured from its import on

    run = TARGETS[name].run
    atheris.Setup([sys.argv[0], *options], run)
    atheris.Fuzz()


def _modules_of(name: str) -> tuple[str, ...]:
    """Ask another process for a target's modules: here they are not to be imported yet."""
    program = f'from fuzz.targets import TARGETS; print(*TARGETS[{name!r}].modules)'
    path = os.pathsep.join([str(ROOT / 'test'), str(ROOT)])
    done = subprocess.run(
        [sys.executable, '-c', program],
        env={**os.environ, 'PYTHONPATH': path},
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(done.stdout.split())


if __name__ == '__main__':
    if sys.argv[1:2] == ['--fuzz']:
        fuzz_here(sys.argv[2], sys.argv[3:])
    else:
        sys.exit(main(sys.argv[1:]))
