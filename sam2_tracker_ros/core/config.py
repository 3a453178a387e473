# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Every setting, once: name, default, unit, range and description.

ROS parameters, `config/tracker.yaml` and command line options are made from these records.
"""

from dataclasses import asdict, dataclass, field, fields
import math
from typing import Any, TypeAlias

from sam2_tracker_ros.errors import ConfigError

SettingValue: TypeAlias = bool | int | float | str | tuple[str, ...]


@dataclass(frozen=True)
class SettingInfo:
    """
    What is known about a setting besides its default.

    :param minimum: smallest allowed number, in the unit that the name ends in.
    :param choices: the only allowed texts; empty for any.
    :param changeable: may be changed while the tracker runs.
    """

    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    changeable: bool = False


def setting(
    default: SettingValue,
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    changeable: bool = False,
) -> Any:
    """Declare one setting as a dataclass field."""
    info = SettingInfo(description, minimum, maximum, choices, changeable)
    return field(default=default, metadata={'info': info})


@dataclass(frozen=True)
class ModelConfig:
    """Which model runs, and on what."""

    model: str = setting(
        'nano',
        'Name of a bundle of the package or of the models folder, or the path of a bundle folder.',
    )
    providers: tuple[str, ...] = setting(
        ('cpu',),
        'ONNX Runtime execution providers in order of preference.',
        choices=('tensorrt', 'cuda', 'cpu'),
    )
    allow_provider_fallback: bool = setting(
        False, 'Run on a later provider of the list when the first one cannot be had.'
    )
    precision: str = setting(
        'fp32',
        'Numbers that the graphs compute with; those less exact than tf32 must give the same '
        'masks as fp32 when they are built.',
        choices=('fp32', 'tf32', 'fp16', 'bf16', 'int8'),
    )
    cache_folder: str = setting(
        '',
        'Where built graphs and engines are kept for the next start; empty for sam2_tracker_ros '
        'in the XDG cache home.',
    )
    execution: str = setting(
        'fused',
        'fused runs one graph per frame and target, derived from the bundle; modular runs its '
        'graphs one by one, for comparing.',
        choices=('fused', 'modular'),
    )
    memory_padding: str = setting(
        'exact',
        'What fills the places of a memory that is not full: exact attends to what exists only; '
        'balanced and duplicate repeat it, as graphs of fixed length do unmodified.',
        choices=('exact', 'balanced', 'duplicate'),
    )
    inference_threads: int = setting(
        0,
        'Threads of the CPU provider for one operator; 0 takes the number of usable cores.',
        minimum=0,
        maximum=256,
    )


@dataclass(frozen=True)
class TrackerConfig:
    """How the tracker remembers."""

    memory_selection: str = setting(
        'motion_aware',
        'Which remembered frames are attended: motion_aware (SAMURAI) the newest good ones, also '
        'choosing between masks by where the target should be; recency (SAM 2) the newest.',
        choices=('motion_aware', 'recency'),
    )
    remember_unmeasured: bool = setting(
        False,
        'With recency: remember frames in which the target was not measured too, as SAM 2 does.',
    )
    max_targets: int = setting(
        4, 'Targets that may be tracked at the same time.', minimum=1, maximum=64
    )
    max_memories: int = setting(
        0,
        'Remembered frames that are attended at most, the prompted one included: fewer cost less '
        'on a CPU; 0 for as many as the model was made for.',
        minimum=0,
        maximum=64,
    )
    min_target_size_px: float = setting(
        48.0,
        'The model looks at the largest window around the target in which the root of the target '
        'area has this many pixels of the model image; 0 always takes the whole image.',
        minimum=0.0,
        maximum=1024.0,
        changeable=True,
    )
    min_component_fraction: float = setting(
        0.2,
        'Separate pieces of a mask smaller than this fraction of its largest piece, and those '
        'away from the expected place, are left out of mask and box; 0 keeps every piece.',
        minimum=0.0,
        maximum=1.0,
        changeable=True,
    )


@dataclass(frozen=True)
class StatusConfig:
    """When a target counts as measured, coasting, lost and found again."""

    min_object_score_logit: float = setting(
        0.0,
        'A target is visible when the logit of its object score is above this.',
        minimum=-10.0,
        maximum=10.0,
        changeable=True,
    )
    min_predicted_iou: float = setting(
        0.3,
        'A mask whose predicted IoU is lower is not a measurement.',
        minimum=0.0,
        maximum=1.0,
        changeable=True,
    )
    min_mask_area_px: int = setting(
        16,
        'A mask with fewer pixels of the camera image has vanished.',
        minimum=1,
        maximum=1_000_000,
        changeable=True,
    )
    max_area_ratio: float = setting(
        4.0,
        'A mask that is this many times larger than the recent area has exploded.',
        minimum=1.1,
        maximum=1000.0,
        changeable=True,
    )
    motion_gate: float = setting(
        2.0,
        'A box centre further from the predicted path than this many standard deviations and a '
        'box diagonal is another object; 0 switches the check off.',
        minimum=0.0,
        maximum=1000.0,
        changeable=True,
    )
    coast_timeout_s: float = setting(
        0.7,
        'A target that is not measured for longer is lost.',
        minimum=0.0,
        maximum=60.0,
        changeable=True,
    )
    resume_frames: int = setting(
        2,
        'A coasting target is tracked again after this many consistent frames in a row.',
        minimum=1,
        maximum=100,
        changeable=True,
    )
    reacquire_frames: int = setting(
        2,
        'A lost target is tracked again after at least this many consistent frames in a row.',
        minimum=1,
        maximum=100,
        changeable=True,
    )
    reacquire_time_s: float = setting(
        0.08,
        'A lost target is tracked again when consistent frames span at least this time, so that '
        'a fast camera decides no more hastily than a slow one.',
        minimum=0.0,
        maximum=10.0,
        changeable=True,
    )


@dataclass(frozen=True)
class NodeConfig:
    """What only the ROS node needs."""

    image_transport: str = setting(
        'raw',
        'raw subscribes to image, compressed to image/compressed.',
        choices=('raw', 'compressed'),
    )
    autostart: bool = setting(True, 'Configure and activate without a lifecycle manager.')
    input_timeout_s: float = setting(
        0.25,
        'Without an image for longer, INPUT_STALLED is reported and the watchdog repeats states, '
        'the first one up to 1 / watchdog_rate_hz later; targets coast while inference takes '
        'longer than this and than twice its usual time.',
        minimum=0.05,
        maximum=60.0,
        changeable=True,
    )
    inference_timeout_s: float = setting(
        5.0,
        'The model is loaded anew when it has not answered for longer, or has only failed for as '
        'long; raise it for a model that is slower than that.',
        minimum=0.1,
        maximum=3600.0,
        changeable=True,
    )
    frame_history_s: float = setting(
        1.0,
        'Frames of this time are kept, so that a prompt with a stamp starts on the frame that the '
        'operator saw; 0 applies every prompt to the newest frame.',
        minimum=0.0,
        maximum=10.0,
    )
    frame_history_mib: int = setting(
        256, 'Memory that those frames may take [MiB].', minimum=1, maximum=16384
    )
    watchdog_rate_hz: float = setting(
        10.0, 'How often states are repeated while images stall.', minimum=5.0, maximum=100.0
    )
    camera_info_timeout_s: float = setting(
        2.0,
        'Without a CameraInfo for longer there are no bearings: a zoom lens may have moved; 0 for '
        'a calibration that is published once.',
        minimum=0.0,
        maximum=3600.0,
        changeable=True,
    )
    diagnostics_period_s: float = setting(
        1.0, 'Time between two messages on /diagnostics.', minimum=0.1, maximum=60.0
    )


@dataclass(frozen=True)
class Config:
    """All settings."""

    model: ModelConfig = field(default_factory=ModelConfig)
    tracker: TrackerConfig = field(default_factory=TrackerConfig)
    status: StatusConfig = field(default_factory=StatusConfig)
    node: NodeConfig = field(default_factory=NodeConfig)

    def as_flat_dict(self) -> dict[str, SettingValue]:
        """Return name and value of every setting; names are unique over the groups."""
        groups = (self.model, self.tracker, self.status, self.node)
        return {name: value for group in groups for name, value in asdict(group).items()}


def settings_info() -> dict[str, SettingInfo]:
    """Return what is known about every setting, by name."""
    groups = (ModelConfig, TrackerConfig, StatusConfig, NodeConfig)
    return {item.name: item.metadata['info'] for group in groups for item in fields(group)}


def config_from_flat_dict(values: dict[str, SettingValue]) -> Config:
    """
    Build a configuration from names and values; settings that are not named keep their default.

    :raises ConfigError: a name is unknown, or a value has the wrong type or is out of range.
    """
    defaults = Config().as_flat_dict()
    for name, value in values.items():
        if name not in defaults:
            message = f'unknown setting {name!r}; expected one of {", ".join(sorted(defaults))}'
            raise ConfigError(message)
        check_setting(name, value)
    merged = {**defaults, **values}

    def group(cls: type[Any]) -> Any:
        return cls(**{item.name: merged[item.name] for item in fields(cls)})

    return Config(
        model=group(ModelConfig),
        tracker=group(TrackerConfig),
        status=group(StatusConfig),
        node=group(NodeConfig),
    )


def check_setting(name: str, value: SettingValue) -> None:
    """
    Refuse a value of the wrong type or out of its range.

    :raises ConfigError: says the setting, the value and what is allowed.
    """
    info = settings_info()[name]
    default = Config().as_flat_dict()[name]
    accepted = (int, float) if type(default) is float else type(default)
    if not isinstance(value, accepted) or isinstance(value, bool) != isinstance(default, bool):
        message = f'{name} is {value!r}; expected a value of type {type(default).__name__}'
        raise ConfigError(message)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        _check_range(name, value, info)
    texts = value if isinstance(value, tuple) else (value,)
    if info.choices and (not texts or any(text not in info.choices for text in texts)):
        message = f'{name} is {value!r}; expected one of {", ".join(info.choices)}'
        raise ConfigError(message)


def _check_range(name: str, value: float, info: SettingInfo) -> None:
    low = -math.inf if info.minimum is None else info.minimum
    high = math.inf if info.maximum is None else info.maximum
    if not low <= value <= high:
        message = f'{name} is {value!r}; expected a number from {low:g} to {high:g}'
        raise ConfigError(message)
