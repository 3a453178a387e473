# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Figures of many runs as text, and their means."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sam2_tracker_ros.evaluation.runs import ClipFigures

_NONE = '-'


@dataclass(frozen=True)
class Summary:
    """
    One tracker over all clips; each figure is the mean over the clips that have it.

    :param clips: with truth.
    :param precision_of_absence: and recall, over the clips in which the target is absent.
    :param absences: how many there were; `lost` of them were called LOST, after `to_lost_s`.
    :param returns: how many there were; `reacquired` of them were found, after `to_reacquired_s`.
    """

    contender: str
    clips: int
    auc: float | None
    precision: float | None
    normalized_precision: float | None
    region_and_contour: float | None
    precision_of_absence: float | None
    recall_of_absence: float | None
    absences: int
    lost: int
    to_lost_s: float | None
    returns: int
    reacquired: int
    to_reacquired_s: float | None
    false_reacquisitions: int


def summarize(name: str, figures: Sequence[ClipFigures]) -> Summary:
    """
    Return the means of one tracker.

    :param figures: of its clips.
    """
    losses = [row.loss for row in figures if row.loss]
    with_absence = [loss for loss in losses if loss.to_lost_s]
    to_lost = [delay for loss in losses for delay in loss.to_lost_s]
    to_reacquired = [delay for loss in losses for delay in loss.to_reacquired_s]
    return Summary(
        contender=name,
        clips=sum(row.auc is not None for row in figures),
        auc=_mean(row.auc for row in figures),
        precision=_mean(row.precision for row in figures),
        normalized_precision=_mean(row.normalized_precision for row in figures),
        region_and_contour=_mean(row.region_and_contour for row in figures),
        precision_of_absence=_mean(loss.precision for loss in with_absence),
        recall_of_absence=_mean(loss.recall for loss in with_absence),
        absences=len(to_lost),
        lost=sum(delay is not None for delay in to_lost),
        to_lost_s=_mean(to_lost),
        returns=len(to_reacquired),
        reacquired=sum(delay is not None for delay in to_reacquired),
        to_reacquired_s=_mean(to_reacquired),
        false_reacquisitions=sum(loss.false_reacquisitions for loss in losses),
    )


def accuracy_table(figures: Sequence[ClipFigures], summaries: Sequence[Summary]) -> str:
    """Return a line for each tracker on each clip with truth, then the mean of each tracker."""
    lines = [_accuracy_line('clip', 'tracker', ('AUC', 'P20', 'NP', 'J&F'), 'problem')]
    with_truth = [row for row in figures if row.auc is not None or row.problem]
    for row in sorted(with_truth, key=lambda row: row.clip):
        numbers = row.auc, row.precision, row.normalized_precision, row.region_and_contour
        lines.append(
            _accuracy_line(row.clip, row.contender, tuple(map(_text, numbers)), row.problem)
        )
    for mean in summaries:
        values = mean.auc, mean.precision, mean.normalized_precision, mean.region_and_contour
        lines.append(_accuracy_line(f'mean of {mean.clips}', mean.contender, _texts(values)))
    return '\n'.join(lines)


def loss_table(summaries: Sequence[Summary]) -> str:
    """Return a line for each tracker: what it said while its targets were absent."""
    lines = [
        f'{"tracker":24} {"precision":>9} {"recall":>7} {"LOST":>7} {"after s":>8} '
        f'{"found":>7} {"after s":>8} {"falsely":>8}'
    ]
    lines += [
        f'{mean.contender:24} {_text(mean.precision_of_absence):>9} '
        f'{_text(mean.recall_of_absence):>7} {f"{mean.lost}/{mean.absences}":>7} '
        f'{_text(mean.to_lost_s):>8} {f"{mean.reacquired}/{mean.returns}":>7} '
        f'{_text(mean.to_reacquired_s):>8} {mean.false_reacquisitions:8}'
        for mean in summaries
    ]
    return '\n'.join(lines)


def _accuracy_line(clip: str, contender: str, numbers: Sequence[str], problem: str = '') -> str:
    columns = ' '.join(f'{number:>6}' for number in numbers)
    return f'{clip:28} {contender:24} {columns}  {problem}'.rstrip()


def _texts(values: Iterable[float | None]) -> list[str]:
    return [_text(value) for value in values]


def _text(value: float | None) -> str:
    return _NONE if value is None else f'{value:.3f}'


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
