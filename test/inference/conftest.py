# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Bundles for the tests of this folder."""

from pathlib import Path

from inference.tiny_bundle import write_bundle
from inference.tiny_form import EFFICIENTTAM, OURS, PUBLISHED, Form
import pytest


@pytest.fixture(params=[OURS, PUBLISHED, EFFICIENTTAM], ids=lambda form: str(form.name))
def form(request: pytest.FixtureRequest) -> Form:
    """Choose one contract after the other."""
    chosen: Form = request.param
    return chosen


@pytest.fixture
def bundle(tmp_path: Path, form: Form) -> Path:
    """Write a bundle in each contract."""
    return write_bundle(tmp_path / 'tiny', form)


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """Write a bundle with a manifest."""
    return write_bundle(tmp_path / 'tiny', OURS)


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Write a bundle without one."""
    return write_bundle(tmp_path / 'tiny', PUBLISHED)
