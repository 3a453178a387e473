# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Every setting is named, checked and refused with what is allowed."""

from dataclasses import fields

import pytest

from sam2_tracker_ros.core.config import (
    Config,
    SettingInfo,
    SettingValue,
    check_setting,
    config_from_flat_dict,
    settings_info,
)
from sam2_tracker_ros.errors import ConfigError

DEFAULTS = Config().as_flat_dict()
INFO = settings_info()
NUMBERS = sorted(name for name, value in DEFAULTS.items() if type(value) in (int, float))


def test_names_are_unique_over_the_groups() -> None:
    names = [
        item.name for group in fields(Config) for item in fields(getattr(Config(), group.name))
    ]
    assert sorted(names) == sorted(set(names)) == sorted(DEFAULTS) == sorted(INFO)


@pytest.mark.parametrize('name', sorted(DEFAULTS))
def test_the_default_is_allowed_and_described(name: str) -> None:
    check_setting(name, DEFAULTS[name])
    assert INFO[name].description.endswith('.')


def test_flat_and_back() -> None:
    assert config_from_flat_dict(DEFAULTS) == Config()
    changed = config_from_flat_dict({'max_targets': 7, 'coast_timeout_s': 2})
    assert changed.tracker.max_targets == 7
    assert changed.status.coast_timeout_s == 2
    assert config_from_flat_dict(changed.as_flat_dict()) == changed
    assert {**changed.as_flat_dict(), 'max_targets': 4, 'coast_timeout_s': 0.7} == DEFAULTS


@pytest.mark.parametrize('name', NUMBERS)
def test_limits_are_allowed_and_what_is_beyond_is_not(name: str) -> None:
    info: SettingInfo = INFO[name]
    assert info.minimum is not None
    assert info.maximum is not None
    kind = type(DEFAULTS[name])
    assert kind in (int, float)
    low, high = (
        (int if kind is int else float)(info.minimum),
        (int if kind is int else float)(info.maximum),
    )
    check_setting(name, low)
    check_setting(name, high)
    for beyond in (low - 1, high + 1):
        with pytest.raises(ConfigError, match=f'^{name} is .*expected a number from'):
            check_setting(name, beyond)


@pytest.mark.parametrize(
    ('name', 'value', 'hint'),
    [
        ('max_targets', 1.0, 'expected a value of type int'),
        ('max_targets', True, 'expected a value of type int'),
        ('max_targets', '4', 'expected a value of type int'),
        ('coast_timeout_s', True, 'expected a value of type float'),
        ('coast_timeout_s', float('nan'), 'expected a number from 0 to 60'),
        ('coast_timeout_s', float('inf'), 'expected a number from 0 to 60'),
        ('autostart', 1, 'expected a value of type bool'),
        ('model', 3, 'expected a value of type str'),
        ('providers', 'cpu', 'expected a value of type tuple'),
        ('providers', (), 'expected one of tensorrt, cuda, cpu'),
        ('providers', ('cpu', 'gpu'), 'expected one of tensorrt, cuda, cpu'),
        ('memory_selection', 'best', 'expected one of motion_aware, recency'),
    ],
)
def test_a_wrong_value_is_refused(name: str, value: SettingValue, hint: str) -> None:
    with pytest.raises(ConfigError, match=hint) as caught:
        config_from_flat_dict({name: value})
    assert name in str(caught.value)
    assert repr(value) in str(caught.value)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"unknown setting 'max_target'.*max_targets"):
        config_from_flat_dict({'max_target': 3})


def test_a_whole_number_serves_where_seconds_are_asked_for() -> None:
    assert config_from_flat_dict({'coast_timeout_s': 1}).status.coast_timeout_s == 1.0
