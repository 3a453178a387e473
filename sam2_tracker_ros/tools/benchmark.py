# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`sam2-tracker benchmark`: what a model costs on this machine, alone, beside others, growing."""

import argparse
from pathlib import Path

from sam2_tracker_ros.benchmarking.clips import CLIPS
from sam2_tracker_ros.benchmarking.report import add_to_report
from sam2_tracker_ros.tools import benchmark_runs
from sam2_tracker_ros.tools.arguments import positive_count
from sam2_tracker_ros.tools.settings import add_settings


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of the verb."""
    add_settings(parser)
    _add_kinds(parser)
    parser.add_argument(
        '--frames', type=positive_count, default=100, metavar='N', help='timed frames (100)'
    )
    parser.add_argument(
        '--warm-up',
        type=positive_count,
        default=20,
        metavar='N',
        help='frames before them, which do not count; the bank is full after 16 (20)',
    )
    parser.add_argument(
        '--clip', choices=CLIPS, default='drone', help='720p, or square as the model image (drone)'
    )
    parser.add_argument(
        '--plain',
        action='store_true',
        help='settings of plain SAM 2 (whole image, recency); always so beside PyTorch',
    )
    parser.add_argument(
        '--label', metavar='NAME', help='of the results in the file (model, or provider)'
    )
    parser.add_argument('--json', type=Path, metavar='FILE', help='add the results to this file')
    parser.add_argument('--out', type=Path, metavar='DIR', help='draw plots and write tables here')


def _add_kinds(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument(
        '--compare',
        metavar='A,B,...',
        help='side by side, in turns, the first is the baseline: ours; card, the loop of a '
        'published card; modules, the graphs alone; pytorch and compiled, the original; csrt, kcf '
        'and mil of OpenCV; and the names of --variant, which otherwise come last',
    )
    kinds.add_argument(
        '--profile',
        action='store_true',
        help='which operators the time goes to; measuring them slows small ones down',
    )
    kinds.add_argument(
        '--growth',
        action='store_true',
        help='over frames, targets and resolution, with plots in --out',
    )
    kinds.add_argument(
        '--matrix',
        choices=('cpu', 'cuda', 'tensorrt'),
        help='all combinations of --axis on this provider, for every --bundle, beside PyTorch',
    )
    parser.add_argument(
        '--variant',
        action='append',
        default=[],
        metavar='NAME:SETTING=VALUE[:...]',
        help='with --compare: our tracker with other settings; may be repeated',
    )
    parser.add_argument(
        '--bundle',
        action='append',
        default=[],
        metavar='B',
        help='with --matrix: instead of --model; with --growth: besides it; may be repeated',
    )
    parser.add_argument(
        '--axis',
        action='append',
        default=[],
        metavar='SETTING=VALUE,VALUE',
        help='with --matrix (all choices of precision and of execution)',
    )
    parser.add_argument(
        '--growth-frames',
        type=positive_count,
        default=10_000,
        metavar='N',
        help='with --growth: how far (10000)',
    )
    parser.add_argument(
        '--reference',
        metavar='SOURCE',
        help='with PyTorch: the original (what the bundle was exported from)',
    )
    parser.add_argument(
        '--device', choices=('cpu', 'cuda'), default='cpu', help='of pytorch and compiled (cpu)'
    )


def run(options: argparse.Namespace) -> int:
    """Measure, print tables, draw, and add the results to the file."""
    if options.compare is not None:
        section, results = 'comparisons', benchmark_runs.compare_contenders(options)
    elif options.matrix is not None:
        section, results = 'matrix', benchmark_runs.measure_matrix(options)
    elif options.profile:
        section, results = 'operators_ms', benchmark_runs.measure_operators(options)
    elif options.growth:
        section, results = 'growth', benchmark_runs.measure_growth(options)
    else:
        section, results = 'steps', benchmark_runs.measure_steps(options)
    if options.json:
        label = options.label or options.matrix or Path(options.model).name
        add_to_report(options.json, section, label, results)
        print(f'written: {options.json}')
    return 0
