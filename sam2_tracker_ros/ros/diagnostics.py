# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node's accounts on /diagnostics (REP-107)."""

from dataclasses import asdict, dataclass

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
import numpy as np

from sam2_tracker_ros.core.model import ModelSpec
from sam2_tracker_ros.ros.accounts import Snapshot

_MILLISECONDS = 1000.0


@dataclass(frozen=True)
class Health:
    """
    What is told besides the accounts.

    :param model: what is loaded; None when nothing is.
    :param problem: why the model could not be loaded, or empty.
    :param progress: what is done while the model is loaded, or empty.
    :param calibration_problem: why there are no bearings, or empty.
    """

    is_active: bool
    model: ModelSpec | None
    problem: str
    progress: str
    calibration_problem: str


def diagnostic_array(
    stamp: object, node_name: str, health: Health, accounts: Snapshot
) -> DiagnosticArray:
    """Return the state of model, input, timing and targets."""
    message = DiagnosticArray(
        status=[
            _model_status(health, accounts),
            _input_status(health, accounts),
            _timing_status(accounts),
            _targets_status(accounts),
        ]
    )
    message.header.stamp = stamp
    for status in message.status:
        status.name = f'{node_name}: {status.name}'
        status.hardware_id = node_name
    return message


def _model_status(health: Health, accounts: Snapshot) -> DiagnosticStatus:
    values: dict[str, object] = {
        'frames failed': accounts.frames_failed,
        'loaded anew': accounts.model_restarts,
        'model build': health.progress,
    }
    if health.model is not None:
        values |= {
            'model': health.model.name,
            'family': health.model.family,
            'precision': health.model.precision,
            'providers': ', '.join(health.model.providers),
        }
    if health.problem:
        return _status('model', DiagnosticStatus.ERROR, health.problem, values)
    if health.progress:
        text = f'configuring: {health.progress}'
        return _status('model', DiagnosticStatus.WARN, text, values)
    if health.model is None:
        return _status('model', DiagnosticStatus.WARN, 'not configured', values)
    if accounts.last_failure:
        return _status('model', DiagnosticStatus.ERROR, accounts.last_failure, values)
    return _status('model', DiagnosticStatus.OK, f'{health.model.name} is loaded', values)


def _input_status(health: Health, accounts: Snapshot) -> DiagnosticStatus:
    values: dict[str, object] = {
        'frames received': accounts.frames_received,
        'frames processed': accounts.frames_processed,
        'frames dropped': accounts.frames_dropped,
        'frames rejected': accounts.frames_rejected,
        'last rejection': accounts.last_rejection,
        'bearings': health.calibration_problem or 'valid',
    }
    if not health.is_active:
        return _status('input', DiagnosticStatus.WARN, 'not active', values)
    if accounts.is_stalled:
        why = accounts.last_rejection or 'no image arrives'
        return _status('input', DiagnosticStatus.ERROR, why, values)
    if accounts.last_rejection:
        return _status('input', DiagnosticStatus.WARN, accounts.last_rejection, values)
    return _status('input', DiagnosticStatus.OK, 'images arrive', values)


def _timing_status(accounts: Snapshot) -> DiagnosticStatus:
    values: dict[str, object] = {'rate [Hz]': f'{accounts.rate_hz:.2f}'}
    for name, durations_s in (
        ('latency', accounts.latencies_s),
        ('step', accounts.steps_s),
        ('node overhead', accounts.overheads_s),
        ('taking', accounts.takings_s),
        ('conversion', accounts.conversions_s),
        ('publishing', accounts.publishings_s),
    ):
        for percent in (50, 95):
            values[f'{name} p{percent} [ms]'] = _percentile_ms(durations_s, percent)
    for name, duration_s in asdict(accounts.timings).items():
        stage = name.removesuffix('_s')
        values[f'last {stage} [ms]'] = f'{duration_s * _MILLISECONDS:.2f}'
    values['masks and overlays skipped'] = accounts.pictures_skipped
    values['publishing failures'] = accounts.publishing_failures
    values['last publishing failure'] = accounts.last_publishing_failure
    return _status('timing', DiagnosticStatus.OK, f'{accounts.rate_hz:.1f} Hz', values)


def _targets_status(accounts: Snapshot) -> DiagnosticStatus:
    age_s = accounts.measured_age_s
    values: dict[str, object] = {
        'targets': ', '.join(accounts.targets),
        'age of the last measurement [s]': 'never measured' if age_s is None else f'{age_s:.3f}',
    }
    summary = ', '.join(accounts.targets) or 'no target'
    return _status('targets', DiagnosticStatus.OK, summary, values)


def _percentile_ms(durations_s: tuple[float, ...], percent: int) -> str:
    if not durations_s:
        return 'unknown'
    return f'{float(np.percentile(durations_s, percent)) * _MILLISECONDS:.3f}'


def _status(name: str, level: bytes, message: str, values: dict[str, object]) -> DiagnosticStatus:
    pairs = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
    return DiagnosticStatus(name=name, level=level, message=message, values=pairs)
