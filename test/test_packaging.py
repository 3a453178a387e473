# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is installed, by colcon and by pip, and the lists of dependencies."""

import ast
import importlib
from importlib.metadata import version
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys
import zipfile

from ament_index_python.packages import get_package_prefix
from catkin_pkg.package import Package, parse_package
import cv2
from isolated import ROS_PACKAGES, run_isolated
import numpy as np
from packaging.requirements import Requirement
import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / 'sam2_tracker_ros'

# Names in package.xml of what Python knows by another name. vision_msgs is used where it is found.
ROSDEP_KEYS = {
    'cv2': 'python3-opencv',
    'filterpy': 'python3-filterpy-pip',
    'matplotlib': 'python3-matplotlib',
    'numpy': 'python3-numpy',
    'onnxruntime': 'python3-onnxruntime-pip',
    'rosbags': 'python3-rosbags-pip',
    'tqdm': 'python3-tqdm',
    'yaml': 'python3-yaml',
}
PIP_NAMES = {'cv2': 'opencv-python-headless', 'yaml': 'PyYAML'}
# Published bundles, downloads, exports, the bridge and the page need them, and say so.
NOT_IN_ROSDEP = {'aiohttp', 'onnx', 'huggingface_hub', 'pymavlink', 'torch', 'transformers'}


def imported_packages(*folders: Path) -> set[str]:
    """Return what is imported from outside the package and the standard library."""
    found = set()
    for folder in folders:
        for path in folder.rglob('*.py'):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    found |= {alias.name.split('.')[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    found.add(node.module.split('.')[0])
    return found - sys.stdlib_module_names - {PACKAGE.name}


def pyproject_list(name: str) -> list[str]:
    text = (ROOT / 'pyproject.toml').read_text()
    match = re.search(rf'^{name} = \[(.*?)^\]', text, re.MULTILINE | re.DOTALL)
    assert match
    return re.findall(r'"([^"]+)"', match[1])


def requirements(name: str = 'requirements') -> dict[str, Requirement]:
    lines = (ROOT / '.ci' / f'{name}.txt').read_text().splitlines()
    parsed = [Requirement(line) for line in lines if line and not line.startswith('#')]
    by_name = {requirement.name: requirement for requirement in parsed}
    assert len(by_name) == len(parsed), 'every package is listed once'
    return by_name


def executables() -> dict[str, str]:
    text = (ROOT / 'CMakeLists.txt').read_text()
    match = re.search(r'set\(EXECUTABLES(.*?)\)', text, re.DOTALL)
    assert match
    words = match[1].split()
    return dict(zip(words[::2], words[1::2], strict=True))


@pytest.fixture(scope='module')
def package_xml() -> Package:
    return parse_package(str(ROOT / 'package.xml'))


def test_package_xml_is_valid_for_ros(package_xml: Package) -> None:
    warnings: list[str] = []
    package_xml.validate(warnings=warnings)
    assert warnings == []
    assert package_xml.package_format == 3
    assert [str(license_name) for license_name in package_xml.licenses] == ['Apache-2.0']
    assert [group.name for group in package_xml.member_of_groups] == ['rosidl_interface_packages']


def test_package_xml_names_everything_that_runs(package_xml: Package) -> None:
    package_xml.evaluate_conditions({})
    named = {depend.name for depend in package_xml.exec_depends}
    imported = imported_packages(PACKAGE, ROOT / 'launch') - NOT_IN_ROSDEP
    assert {ROSDEP_KEYS.get(name, name) for name in imported} <= named


def test_package_xml_names_what_messages_are_made_of(package_xml: Package) -> None:
    package_xml.evaluate_conditions({})
    texts = [path.read_text() for folder in ('msg', 'srv') for path in (ROOT / folder).iterdir()]
    used = set(re.findall(r'^(\w+)/\w+', '\n'.join(texts), re.MULTILINE))
    assert used
    assert used <= {depend.name for depend in package_xml.build_depends}
    assert used <= {depend.name for depend in package_xml.build_export_depends}


def test_pip_installs_what_the_ros_free_half_imports() -> None:
    folders = [path for path in PACKAGE.iterdir() if path.is_dir() and path.name != 'ros']
    imported = {PIP_NAMES.get(name, name) for name in imported_packages(*folders)}
    groups = ('dependencies', 'fetch', 'export', 'mavlink', 'operator')
    listed = [line for group in groups for line in pyproject_list(group)]
    assert imported == {Requirement(line).name for line in listed}


def test_environment_agrees_with_the_ranges_of_pip() -> None:
    for line in (
        *pyproject_list('dependencies'),
        *pyproject_list('fetch'),
        *pyproject_list('mavlink'),
        *pyproject_list('operator'),
    ):
        wanted = Requirement(line)
        assert wanted.name in requirements()
        assert wanted.specifier.contains(version(wanted.name)), line


@pytest.mark.parametrize(('name', 'module'), executables().items())
def test_executable_is_installed(name: str, module: str) -> None:
    file = Path(get_package_prefix(PACKAGE.name)) / 'lib' / PACKAGE.name / name
    assert os.access(file, os.X_OK)
    assert file.read_text().startswith('#!')
    assert callable(importlib.import_module(module).main)


def test_pip_command_is_the_ros_executable() -> None:
    text = (ROOT / 'pyproject.toml').read_text()
    assert f'sam2-tracker = "{executables()["sam2-tracker"]}:main"' in text


def test_colcon_installs_package_model_messages_and_headers() -> None:
    prefix = Path(get_package_prefix(PACKAGE.name))
    python = f'python{sys.version_info[0]}.{sys.version_info[1]}'
    installed = prefix / 'lib' / python / 'site-packages' / PACKAGE.name
    for module in PACKAGE.rglob('*.py'):
        assert (installed / module.relative_to(PACKAGE)).exists(), module
    assert (installed / 'bundles' / 'nano' / 'manifest.json').exists()
    assert not list((installed / 'bundles').rglob('*.pt'))
    assert (installed / 'precision' / 'fp32.yaml').exists()
    for message in (ROOT / 'msg').iterdir():
        assert (installed / 'interfaces' / 'msg' / message.name).exists()
    share = prefix / 'share' / PACKAGE.name
    assert {path.name for path in (ROOT / 'config').iterdir()} <= {
        path.name for path in (share / 'config').iterdir()
    }
    assert list((prefix / 'include').rglob('target.hpp')), 'C++ consumers include it'


def test_source_files_name_licence_and_holder() -> None:
    kinds = ('.py', '.txt', '.yaml', '.toml', '.in', '.xml', 'Makefile')
    folders = ('.ci', 'config', 'launch', 'resource', PACKAGE.name, 'test', 'training')
    files = [path for path in ROOT.iterdir() if path.is_file()]
    files += [path for folder in folders for path in (ROOT / folder).rglob('*')]
    files = [path for path in files if path.name.endswith(kinds) and path.stat().st_size]
    assert len(files) > 50
    for path in files:
        head = path.read_text()[:400]
        assert 'SPDX-License-Identifier: Apache-2.0' in head, path
        assert 'SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors' in head, path


def evaluated_annotations(tree: ast.Module) -> list[ast.expr]:
    """Return the annotations that Python computes when it imports a module."""
    found: list[ast.expr | None] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            found += [node.returns, *(argument.annotation for argument in arguments)]
        elif isinstance(node, ast.Module | ast.ClassDef):
            found += [item.annotation for item in node.body if isinstance(item, ast.AnnAssign)]
    return [annotation for annotation in found if annotation is not None]


@pytest.mark.parametrize(
    'path', [*PACKAGE.glob('ros/*.py'), *(ROOT / 'test' / 'ros').glob('*.py')]
)
def test_no_class_of_rclpy_is_subscripted_at_import(path: Path) -> None:
    """They are generic since Kilted only: 'Publisher[Any]' is to be quoted for Jazzy."""
    tree = ast.parse(path.read_text())
    if any(isinstance(node, ast.ImportFrom) and node.module == '__future__' for node in tree.body):
        return
    of_rclpy = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or '').startswith('rclpy')
        for alias in node.names
    }
    subscripted = {
        part.value.id
        for annotation in evaluated_annotations(tree)
        for part in ast.walk(annotation)
        if isinstance(part, ast.Subscript) and isinstance(part.value, ast.Name)
    }
    assert not subscripted & of_rclpy


@pytest.fixture(scope='module')
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that `pip install .` would fill."""
    source = tmp_path_factory.mktemp('source')
    for name in ('setup.py', 'pyproject.toml', 'package.xml', 'README.md', 'LICENSE'):
        shutil.copy(ROOT / name, source)
    for name in ('config', 'msg', 'srv', 'resource', PACKAGE.name):
        ignored = shutil.ignore_patterns('__pycache__')
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    command = [sys.executable, '-m', 'pip', 'wheel', '--no-deps', '--no-build-isolation']
    subprocess.run([*command, '-q', '-w', str(source), str(source)], check=True)
    site = tmp_path_factory.mktemp('site')
    with zipfile.ZipFile(next(source.glob('*.whl'))) as wheel:
        wheel.extractall(site)
    return site


def test_wheel_holds_package_model_and_message_texts(site: Path) -> None:
    installed = site / PACKAGE.name
    for module in PACKAGE.rglob('*.py'):
        assert (installed / module.relative_to(PACKAGE)).exists(), module
    bundle = {path.name for path in (ROOT / 'resource' / 'nano').iterdir()}
    assert {path.name for path in (installed / 'bundles' / 'nano').iterdir()} == {
        name for name in bundle if not name.endswith('.pt')
    }
    assert {path.name for path in (installed / 'precision').iterdir()} == {
        path.name for path in (ROOT / 'config' / 'precision').iterdir()
    }
    for folder in ('msg', 'srv'):
        assert {path.name for path in (installed / 'interfaces' / folder).iterdir()} == {
            path.name for path in (ROOT / folder).iterdir()
        }


def test_wheel_replays_a_folder_of_images_without_ros(site: Path, tmp_path: Path) -> None:
    for number in range(4):
        image = np.full((120, 160, 3), 90, np.uint8)
        image[40:80, 60 + 4 * number : 100 + 4 * number] = (30, 30, 220)
        assert cv2.imwrite(str(tmp_path / f'{number:04}.png'), image)
    program = """
        import sys
        from sam2_tracker_ros.tools import main
        sys.exit(main(sys.argv[1:]))
    """
    out = tmp_path / 'out'
    arguments = ('replay', str(tmp_path), '--box', '60,40,40,40', '--out', str(out))
    run_isolated(site, program, *arguments, absent=ROS_PACKAGES)
    assert len((out / 'results.jsonl').read_text().splitlines()) >= 4


def test_wheel_version_is_the_one_of_package_xml(site: Path, package_xml: Package) -> None:
    assert (site / f'{PACKAGE.name}-{package_xml.version}.dist-info').is_dir()


class TestBootstrap:
    """A machine that lacks something is told in one line what to install."""

    @pytest.fixture
    def checkout(self, tmp_path: Path) -> Path:
        shutil.copytree(ROOT / '.ci', tmp_path / '.ci')
        return tmp_path

    def run(self, checkout: Path, *commands: str, **variables: str) -> str:
        """Run the bootstrap on a machine with only these commands; return its complaint."""
        folder = checkout / 'bin'
        folder.mkdir()
        for command in commands:
            (folder / command).symlink_to('/bin/true')
        done = subprocess.run(
            [sys.executable, str(checkout / '.ci' / 'bootstrap.py')],
            env={'PATH': str(folder), '_ROS_WHEELS_BOOTSTRAP_COMPLETE': '1', **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert done.stderr.count('\n') == 1
        assert not (checkout / '.venv').exists()
        return done.stderr

    def test_names_a_missing_compiler(self, checkout: Path) -> None:
        assert 'install a C and C++ compiler' in self.run(checkout, 'make')

    def test_names_a_missing_cxx_compiler(self, checkout: Path) -> None:
        assert 'no c++ found' in self.run(checkout, 'make', 'cc')

    def test_names_missing_make(self, checkout: Path) -> None:
        assert 'install make' in self.run(checkout, 'cc', 'c++')

    def test_names_the_distributions_there_are_wheels_of(self, checkout: Path) -> None:
        complaint = self.run(checkout, 'make', 'cc', 'c++', ROS_WHEELS='humble')
        assert 'humble is not known' in complaint
        assert 'jazzy, kilted' in complaint

    def test_a_sourced_ros_chooses_nothing(self, checkout: Path) -> None:
        assert 'install make' in self.run(checkout, 'cc', 'c++', ROS_DISTRO='humble')

    def test_distributions_consist_of_the_same_packages(self) -> None:
        kilted, jazzy = (
            {name.removeprefix(f'ros-{distro}-') for name in requirements(f'ros-{distro}')}
            for distro in ('kilted', 'jazzy')
        )
        assert kilted - jazzy == {'ament-cmake-ros-core'}
        # What Jazzy's generators ask for instead.
        assert jazzy - kilted == {
            *('ament-cmake-gmock', 'ament-cmake-gtest', 'ament-cmake-pytest'),
            *('ament-cmake-ros', 'python-cmake-module'),
        }
