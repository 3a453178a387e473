# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The README's tables and commands are those of the code."""

from pathlib import Path
import re

import pytest

from sam2_tracker_ros.core.config import Config, SettingValue, settings_info

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / 'README.md').read_text(encoding='utf-8')


def in_yaml(value: SettingValue) -> str:
    """Return a value as a parameter file has it."""
    if isinstance(value, tuple):
        return f'[{", ".join(value)}]'
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_the_parameter_table_is_the_list_of_settings() -> None:
    rows = re.findall(r'^\| `(\w+)` \| (.*?) \| (yes)? ?\| (.*) \|$', README, re.MULTILINE)
    infos = settings_info()
    assert rows == [
        (name, in_yaml(value), 'yes' if infos[name].changeable else '', infos[name].description)
        for name, value in Config().as_flat_dict().items()
    ]


@pytest.mark.parametrize('target', re.findall(r'\]\(([^)#:]+)\)', README))
def test_a_link_leads_somewhere(target: str) -> None:
    assert (ROOT / target).exists()


def test_every_make_verb_that_it_names_exists() -> None:
    makefile = (ROOT / 'Makefile').read_text(encoding='utf-8')
    verbs = re.findall(r'^(\w+):', makefile, re.MULTILINE)
    named = set(re.findall(r'\bmake (\w+)', README))
    assert named
    assert named <= set(verbs)
