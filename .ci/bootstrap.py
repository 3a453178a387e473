# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Make the development environment: Python packages, ROS 2 from wheels, and this package built.

Needs Python, its C headers, a C++ compiler and make, and nothing else. Afterwards
`.venv/bin/ros-run COMMAND...` runs a command that sees ROS 2 and this package. Whatever is already
there and current is left alone, so the second run takes a moment. ROS_WHEELS=jazzy takes ROS 2
Jazzy instead of Kilted; a ROS 2 that is sourced chooses nothing. Standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
from pathlib import Path
import platform
import re
import shutil
import subprocess
import sys
import sysconfig

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / '.venv'
BUILD = ROOT / 'build'
INSTALL = ROOT / 'install'
ROS_WHEELS = os.environ.get('ROS_WHEELS') or 'kilted'
ROS_REQUIREMENTS = ROOT / '.ci' / f'ros-{ROS_WHEELS}.txt'
REQUIREMENTS = ROOT / '.ci' / 'requirements.txt'
RUNNER_TEMPLATE = ROOT / '.ci' / 'ros-run.in'

OLDEST_PYTHON, NEWEST_PYTHON = (3, 10), (3, 13)  # there are ROS 2 wheels for these and between

# A change in the first needs the messages generated anew. The others are installed as links, so
# that only a new or removed file needs a build, and a short one.
GENERATED_FROM = ('CMakeLists.txt', 'package.xml', 'msg', 'srv', 'resource/executable.py.in')
LINKED = ('sam2_tracker_ros', 'config', 'examples', 'launch', 'resource/nano')

# Variables of a sourced ROS 2, another Python environment, pip or make that would mix something
# foreign into this environment.
FOREIGN_VARIABLES = (
    *('AMENT_PREFIX_PATH', 'CMAKE_PREFIX_PATH', 'COLCON_PREFIX_PATH', 'LD_LIBRARY_PATH'),
    *('RMW_IMPLEMENTATION', 'ROS_DISTRO', 'ROS_PYTHON_VERSION', 'ROS_VERSION'),
    *('PYTHONHOME', 'PYTHONPATH', 'VIRTUAL_ENV', '_ROS_WHEELS_BOOTSTRAP_COMPLETE'),
    *('PIP_PREFIX', 'PIP_REQUIRE_VIRTUALENV', 'PIP_TARGET', 'PIP_USER'),
    *('MAKEFLAGS', 'MAKELEVEL', 'MFLAGS'),
)


class SetupError(Exception):
    """The environment cannot be made; the message is the one line that says why."""


def check_prerequisites() -> None:
    """Refuse a machine that lacks something, with the name of what to install."""
    name = f'python{sys.version_info[0]}.{sys.version_info[1]}'
    if not ROS_REQUIREMENTS.exists():
        known = sorted(path.stem[len('ros-') :] for path in REQUIREMENTS.parent.glob('ros-*.txt'))
        raise SetupError(
            f'ROS_WHEELS={ROS_WHEELS} is not known, this needs one of: {", ".join(known)}'
        )
    if (platform.system(), platform.machine()) != ('Linux', 'x86_64'):
        raise SetupError(
            'ROS 2 wheels exist for Linux on x86_64 only, this is '
            f'{platform.system()} on {platform.machine()}: install ROS 2 and build with colcon, '
            'or use the half that needs no ROS: pip install .'
        )
    if not OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        raise SetupError(
            f'ROS 2 wheels need Python 3.10 to 3.13, this is {platform.python_version()}: install '
            'one of them and name it, for example: make demo PYTHON=python3.12'
        )
    if sys.implementation.name != 'cpython':
        raise SetupError(f'ROS 2 wheels need CPython, this is {sys.implementation.name}')
    if not all(importlib.util.find_spec(module) for module in ('venv', 'ensurepip')):
        raise SetupError(f'the venv module is missing: install {name}-venv')
    if not (Path(sysconfig.get_path('include')) / 'Python.h').exists():
        raise SetupError(f'Python.h is missing: install {name}-dev (or python3-devel)')
    for variable, commands in (('CC', ('cc', 'gcc', 'clang')), ('CXX', ('c++', 'g++', 'clang++'))):
        if not os.environ.get(variable) and not any(map(shutil.which, commands)):
            raise SetupError(f'no {commands[0]} found: install a C and C++ compiler (g++)')
    if not shutil.which('make'):
        raise SetupError('no make found: install make')


def clean_environment() -> dict[str, str]:
    """Return this process's environment without another ROS or Python in it."""
    environment = {k: v for k, v in os.environ.items() if k not in FOREIGN_VARIABLES}
    environment['PATH'] = f'{VENV}/bin{os.pathsep}{environment["PATH"]}'
    return environment


def run(step: str, *command: str | Path, **variables: str) -> None:
    """Run a command quietly; when it fails, show what its output says about errors."""
    print(f'-- {step}', flush=True)
    log = BUILD / 'bootstrap.log'
    with log.open('wb') as stream:
        status = subprocess.call(  # noqa: S603 - only the commands below
            [str(word) for word in command],
            cwd=ROOT,
            env={**clean_environment(), **variables},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
        )
    if status:
        lines = log.read_text(errors='replace').splitlines()
        errors = [line for line in lines if 'error' in line.lower()]
        print('\n'.join((errors or lines)[-15:]), file=sys.stderr)
        raise SetupError(f'this step failed: {step}; its whole output is in {log}')


def digest_of(*parts: str | bytes) -> str:
    """Return one name for several texts."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(hashlib.sha256(data).digest())
    return digest.hexdigest()


def files_of(*names: str) -> list[Path]:
    """Return the files with these names in the repository and below them."""
    paths = [path for name in names for path in (ROOT / name, *(ROOT / name).rglob('*'))]
    return sorted(path for path in paths if path.is_file() and path.suffix != '.pyc')


def install() -> str:
    """
    Make `.venv` unless it is complete and current.

    An unfinished one is started anew: pip's cache makes that fast, and nothing half-written stays.

    :return: the digest of what is installed
    """
    stamp = VENV / 'bootstrap.stamp'
    lists = (REQUIREMENTS, ROS_REQUIREMENTS)
    contents = (path.read_bytes() for path in lists)
    digest = digest_of(*contents, sys.version, sys.base_prefix, str(ROOT))
    if stamp.exists() and stamp.read_text() == digest:
        return digest
    version = platform.python_version()
    run(f'environment .venv, Python {version}', sys.executable, '-m', 'venv', '--clear', VENV)
    run(
        f'Python packages and ROS 2 wheels, {ROS_WHEELS} (about 350 MB, a minute or more)',
        *(VENV / 'bin' / 'python', '-m', 'pip', 'install', '--disable-pip-version-check'),
        *('--no-input', *(word for path in lists for word in ('--requirement', path))),
    )
    repair_cmake_files()
    stamp.write_text(digest)
    return digest


def repair_cmake_files() -> None:
    """Replace the paths of the wheels' build machine in their CMake files by this machine's."""
    program = 'import numpy; print(numpy.get_include())'
    numpy_include = subprocess.check_output(  # noqa: S603 - our own interpreter
        [str(VENV / 'bin' / 'python'), '-c', program], env=clean_environment(), text=True
    ).strip()
    python_include = sysconfig.get_path('include')
    home = r'/opt/python/cp\d+-cp\d+'
    for file in (VENV / 'share').glob('*/cmake/*.cmake'):
        text = file.read_text()
        repaired = re.sub(home + r'/include/python[\d.]+', python_include, text)
        repaired = re.sub(home + r'/lib/[^;"]*/numpy/_?core/include', numpy_include, repaired)
        if repaired != text:
            file.write_text(repaired)


def build(installed: str) -> None:
    """
    Generate the messages and install the package as links into `install/`.

    :param installed: digest of the environment to build with
    """
    stamp = INSTALL / 'bootstrap.stamp'
    sources = (f'{path}\n'.encode() + path.read_bytes() for path in files_of(*GENERATED_FROM))
    generated = digest_of(installed, *sources)
    linked = digest_of(*map(str, files_of(*LINKED)))
    built = stamp.read_text().split() if stamp.exists() else ['', '']
    if built == [generated, linked]:
        return
    if built[0] != generated:
        for folder in (INSTALL, BUILD / 'source', BUILD / 'sam2_tracker_ros'):
            shutil.rmtree(folder, ignore_errors=True)
    run(
        'messages and package (colcon build)',
        *(VENV / 'bin' / 'colcon', 'build', '--paths', linked_source(), '--symlink-install'),
        *('--executor', 'sequential', '--cmake-args', '-DBUILD_TESTING=OFF'),
        f'-DPython3_EXECUTABLE={VENV}/bin/python',
        AMENT_PREFIX_PATH=str(VENV),
        CMAKE_PREFIX_PATH=str(VENV),
    )
    for path in INSTALL.rglob('*'):  # links to files that are gone
        if path.is_symlink() and not path.exists():
            path.unlink()
    stamp.write_text(f'{generated} {linked}')


def linked_source() -> Path:
    """Return the folder for colcon: CMake refuses a source with a virtual environment in it."""
    source = BUILD / 'source'
    source.mkdir(exist_ok=True)
    for name in sorted({Path(path).parts[0] for path in (*GENERATED_FROM, *LINKED)}):
        if not (source / name).is_symlink():
            (source / name).symlink_to(ROOT / name)
    return source


def write_runner() -> None:
    """Write `.venv/bin/ros-run`, the command that runs another with ROS 2 and this package."""
    text = RUNNER_TEMPLATE.read_text()
    text = text.replace('@FOREIGN_VARIABLES@', ' '.join(FOREIGN_VARIABLES))
    text = text.replace('@PYTHON@', f'python{sys.version_info[0]}.{sys.version_info[1]}')
    text = text.replace('@ROOT@', str(ROOT))
    runner = VENV / 'bin' / 'ros-run'
    if not runner.exists() or runner.read_text() != text:
        runner.write_text(text)
        runner.chmod(0o755)


def main() -> int:
    """Bring everything up to date; 2 and one line when that is not possible."""
    try:
        check_prerequisites()
        BUILD.mkdir(exist_ok=True)
        with (BUILD / 'bootstrap.lock').open('w') as lock:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(lock, fcntl.LOCK_EX)
            build(install())
            write_runner()
    except SetupError as error:
        print(f'setup: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print('setup: interrupted, run it again to finish', file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
