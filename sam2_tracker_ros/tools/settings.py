# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Settings of core/config.py as command line options, `--set name=value`."""

import argparse
from collections.abc import Sequence

from sam2_tracker_ros.core.config import (
    Config,
    SettingValue,
    config_from_flat_dict,
    settings_info,
)
from sam2_tracker_ros.errors import ConfigError

_TRUE, _FALSE = ('true', 'yes', 'on', '1'), ('false', 'no', 'off', '0')


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add `--model` and `--set`."""
    default = Config().model.model
    parser.add_argument(
        '--model',
        metavar='M',
        default=default,
        help=f'name of a bundle or path of its folder (default: {default})',
    )
    add_set_option(parser)


def add_set_option(parser: argparse.ArgumentParser) -> None:
    """Add `--set` alone."""
    parser.add_argument(
        '--set',
        dest='settings',
        metavar='NAME=VALUE',
        action='append',
        default=[],
        help='change a setting, for example coast_timeout_s=1.5; lists are separated by commas; '
        f'names: {", ".join(settings_info())}',
    )


def config_of(model: str, settings: Sequence[str]) -> Config:
    """
    Return the configuration that the options ask for.

    :param settings: texts NAME=VALUE.
    :raises ConfigError: a name is unknown, or a value has the wrong type or is out of range.
    """
    defaults = Config().as_flat_dict()
    values: dict[str, SettingValue] = {'model': model}
    for text in settings:
        name, equals, value = text.partition('=')
        if not equals:
            message = f'--set {text} has no value; expected NAME=VALUE'
            raise ConfigError(message)
        if name not in defaults:
            message = f'unknown setting {name!r}; expected one of {", ".join(sorted(defaults))}'
            raise ConfigError(message)
        values[name] = _parsed(name, value, defaults[name])
    return config_from_flat_dict(values)


def _parsed(name: str, text: str, default: SettingValue) -> SettingValue:
    """Read a text as the type of the setting's default."""
    if isinstance(default, tuple):
        return tuple(part.strip() for part in text.split(',') if part.strip())
    if isinstance(default, str):
        return text
    if isinstance(default, bool):
        if text.lower() not in (*_TRUE, *_FALSE):
            message = f'{name} is {text!r}; expected true or false'
            raise ConfigError(message)
        return text.lower() in _TRUE
    try:
        return int(text) if isinstance(default, int) else float(text)
    except ValueError as error:
        kind = 'a whole number' if isinstance(default, int) else 'a number'
        message = f'{name} is {text!r}; expected {kind}'
        raise ConfigError(message) from error
