# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Every way to run a bundle on one provider: the product of some settings, beside PyTorch."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from sam2_tracker_ros.benchmarking.contenders import (
    Contender,
    OriginalContender,
    TrackerContender,
)
from sam2_tracker_ros.benchmarking.figures import median_ratio
from sam2_tracker_ros.benchmarking.modules import ModulesContender
from sam2_tracker_ros.core.config import (
    Config,
    SettingValue,
    config_from_flat_dict,
    settings_info,
)
from sam2_tracker_ros.errors import ConfigError

# Settings that are varied when nobody says which; each takes all its choices.
AXES = ('precision', 'execution')
# What PyTorch computes with on a GPU; a CPU is given exact numbers only.
_GPU_PRECISIONS = ('fp32', 'tf32', 'fp16', 'bf16')


def parse_axes(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """
    Read axes, NAME=VALUE,VALUE; those of AXES when there are none.

    :raises ConfigError: one is no setting that takes one of several texts, or lacks values.
    """
    choices = {name: info.choices for name, info in settings_info().items() if info.choices}
    if not texts:
        return {name: choices[name] for name in AXES}
    axes = {}
    for text in texts:
        name, _, values = text.partition('=')
        axes[name] = tuple(value for value in values.split(',') if value)
        unknown = [value for value in axes[name] if value not in choices.get(name, ())]
        if name not in choices or not axes[name] or unknown:
            message = (
                f'--axis is {text!r}; expected NAME=VALUE,VALUE with one of the settings '
                f'{", ".join(choices)}'
                + (f' and of the values {", ".join(choices[name])}' if name in choices else '')
            )
            raise ConfigError(message)
    return axes


def contenders(
    base: Config, provider: str, axes: Mapping[str, Sequence[str]], source: str | None = None
) -> list[Contender]:
    """
    Return PyTorch, eager and compiled, a tracker for every combination, and the modules alone.

    Whatever cannot run on this machine is left to be found out by running it.

    :param base: settings that all have, the bundle among them.
    :param source: of the original, where the bundle does not say; see parity.reference.
    """
    trackers: dict[str, Config] = {}
    modules: dict[str, Config] = {}
    for values in product(*axes.values()):
        config = _config(base, provider, axes, values)
        trackers[' '.join((provider, *values))] = config
        modules.setdefault(_modules_name(config), config)
    return [
        *_originals(base, provider, source),
        *(TrackerContender(name, config) for name, config in trackers.items()),
        *(ModulesContender(name, config) for name, config in modules.items()),
    ]


def add_modules_ratios(comparison: dict[str, Any]) -> None:
    """
    Say of every tracker how much longer its step takes than the modules alone.

    :param comparison: what interleaved.Comparison.as_dict gives.
    """
    rows = {row['name']: row for row in comparison['contenders'] if 'problem' not in row}
    for row in rows.values():
        modules = rows.get(f'modules {row["facts"].get("precision")}')
        if 'settings' in row['facts'] and modules is not None:
            row['modules_ratio'] = median_ratio(row['steps_ms'], modules['steps_ms'])


def _originals(base: Config, provider: str, source: str | None) -> list[Contender]:
    device = 'cpu' if provider == 'cpu' else 'cuda'
    precisions = _GPU_PRECISIONS if device == 'cuda' else _GPU_PRECISIONS[:1]
    return [
        OriginalContender(
            name=f'pytorch {how} {precision}',
            bundle=base.model.model,
            source=source,
            device=device,
            precision=precision,
            is_compiled=how == 'compiled',
            threads=base.model.inference_threads,
        )
        for how in ('eager', 'compiled')
        for precision in precisions
    ]


def _config(
    base: Config, provider: str, axes: Mapping[str, Sequence[str]], values: Sequence[str]
) -> Config:
    settings: dict[str, SettingValue] = base.as_flat_dict()
    settings |= {'providers': (provider,), **dict(zip(axes, values, strict=True))}
    return config_from_flat_dict(settings)


def _modules_name(config: Config) -> str:
    return f'modules {config.model.precision}'
