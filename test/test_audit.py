# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The audit of the dependencies finds what it should, in environments that are made up."""

import importlib.util
from pathlib import Path
import sys
from types import ModuleType

from packaging.requirements import Requirement
import pytest

PATH = Path(__file__).resolve().parent.parent / '.ci' / 'audit.py'


@pytest.fixture(scope='module')
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location('audit', PATH)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules['audit'] = made
    spec.loader.exec_module(made)
    return made


def test_an_affected_version_fails(
    audit: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = audit.installed()
    monkeypatch.setattr(audit, 'installed', lambda: {**real, 'aiohttp': '3.13.3'})
    assert audit.main() == 1
    assert 'affected: aiohttp 3.13.3: CVE-2026-69243' in capsys.readouterr().out


def test_what_is_accepted_is_told_and_does_not_fail(audit: ModuleType) -> None:
    found = dict(audit.affected({'pip': '23.2.1'}, audit.read_advisories()))
    assert [advisory.accepted != '' for advisory in found.values()] == [True]


@pytest.mark.parametrize(
    ('package', 'version', 'is_affected'),
    [
        ('aiohttp', '3.14.2', True),
        ('aiohttp', '3.14.3', False),
        ('protobuf', '5.29.6', False),
        ('protobuf', '6.31.0', True),
        ('Pillow', '12.2.0', True),
        ('nothing-of-ours', '0.1', False),
    ],
)
def test_versions_are_compared_as_versions(
    audit: ModuleType, package: str, version: str, *, is_affected: bool
) -> None:
    assert any(each.hits(package, version) for each in audit.read_advisories()) == is_affected


def test_every_requirement_is_looked_at(audit: ModuleType) -> None:
    groups = audit.requirements(audit.PROJECT.read_text())
    assert set(groups) == {'', 'evaluate', 'export', 'fetch', 'mavlink', 'operator'}
    assert {each.name for each in groups['']} >= {'numpy', 'onnx', 'onnxruntime', 'PyYAML'}
    assert [each.name for each in groups['operator']] == ['aiohttp']


def test_a_floor_that_is_affected_is_named(audit: ModuleType) -> None:
    asked_for = [Requirement('aiohttp>=3.10,<4'), Requirement('aiohttp>=3.14.3')]
    found = list(audit.low_floors(asked_for, audit.read_advisories()))
    assert {what for what, _ in found} == {'aiohttp<4,>=3.10'}


@pytest.mark.parametrize(
    ('text', 'is_gpl'),
    [
        ('GPL-3.0-only', True),
        ('AGPLv3', True),
        ('GNU General Public License v3 (GPLv3)', True),
        ('LGPL-3.0', False),
        ('GNU Lesser General Public License v3 (LGPLv3)', False),
        ('Apache-2.0', False),
    ],
)
def test_gpl_is_told_from_lgpl(audit: ModuleType, text: str, *, is_gpl: bool) -> None:
    assert audit.is_gpl(text) == is_gpl


def test_nothing_that_runs_on_a_robot_is_gpl(audit: ModuleType) -> None:
    groups = audit.requirements(audit.PROJECT.read_text())
    robot = audit.closure(groups[''] + groups['mavlink'] + groups['operator'] + groups['fetch'])
    assert {'numpy', 'pillow', 'aiohttp', 'multidict', 'pymavlink', 'protobuf'} <= robot
    licences = {package: audit.licence(package) for package in robot}
    assert not [package for package, text in licences.items() if audit.is_gpl(text)]
    assert 'Lesser' in licences['pymavlink']
