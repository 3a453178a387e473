# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Figures for people."""

from collections.abc import Mapping, Sequence
from typing import Any

_HEADINGS = (
    *(
        'contender',
        'p50 [ms]',
        'p95',
        'p99',
        'of baseline',
        'graphs p50',
        'of graphs',
        'of modules',
    ),
    *('cpu [ms]', 'peak [MiB]', 'first load [s]', 'load [s]', 'worst mask IoU', 'worst box IoU'),
)


def stage_table(timings_ms: Mapping[str, Mapping[str, float]]) -> str:
    """Return a line for each stage, and for the whole step."""
    lines = [f'{"stage":10} {"p50":>8} {"p95":>8} {"p99":>8}  ms']
    lines += [
        f'{name:10} {values["p50"]:8.2f} {values["p95"]:8.2f} {values["p99"]:8.2f}'
        for name, values in timings_ms.items()
    ]
    return '\n'.join(lines)


def comparison_table(comparison: Mapping[str, Any]) -> str:
    """Return a Markdown table of what Comparison.as_dict gives, and what could not run."""
    ran = [row for row in comparison['contenders'] if 'problem' not in row]
    failed = [row for row in comparison['contenders'] if 'problem' in row]
    rows = [_HEADINGS, *(_cells(row) for row in ran)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, _line([('-' * width) for width in widths], widths))
    lines += ['', *(f'- {row["name"]}: {row["problem"]}' for row in failed)] if failed else []
    return '\n'.join(lines)


def growth_table(results: Mapping[str, Any]) -> str:
    """Return what a step costs late, with more targets, and with more pixels."""
    frames = results['frames']
    lines = [
        f'frame {late["frame"]}: {late["ratio"]:.3f} of frame 100 '
        f'({late["late_p50_ms"]:.2f} and {late["early_p50_ms"]:.2f} ms)'
        for late in frames['late']
    ]
    lines.append(
        f'memory: {frames["resident_mib"][0]:.1f} MiB at the start, '
        f'{frames["resident_mib"][-1]:.1f} MiB after {frames["frames"][-1]} frames, '
        f'{frames["slope_mib"]:+.3f} MiB for 1,000 frames'
    )
    sizes = {f'targets, {name}': costs for name, costs in results['targets'].items()}
    sizes |= {key: results[key] for key in ('camera_width_px', 'model_image_px') if key in results}
    for name, costs in sizes.items():
        cells = [
            f'{cost["value"]}: {cost["timings_ms"]["step"]["p50"]:.2f} ms ({cost["ratio"]:.2f} x)'
            for cost in costs
        ]
        lines.append(f'{name}: {", ".join(cells)}')
    return '\n'.join(lines)


def heading(comparison: Mapping[str, Any]) -> str:
    """Return what was compared, in one line."""
    width, height = comparison['image_px']
    return (
        f'{comparison["clip"]}, {width} x {height}, {comparison["timed_frames"]} frames after '
        f'{comparison["warm_up_frames"]} to warm up, in turns; the baseline is '
        f'{comparison["baseline"]}'
    )


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    step_ms, graphs_ms = row['step_ms'], row['graphs_ms']
    graphs_p50 = graphs_ms['p50'] if graphs_ms else None
    return (
        row['name'],
        *(f'{step_ms[key]:.2f}' for key in ('p50', 'p95', 'p99')),
        f'{row["ratio"]:.3f}',
        _number(graphs_p50, '.2f'),
        _number(step_ms['p50'] / graphs_p50 if graphs_p50 else None, '.3f'),
        _number(row.get('modules_ratio'), '.3f'),
        f'{row["cpu_ms"]["p50"]:.1f}',
        f'{row["peak_mib"]:.0f}',
        f'{row["first_load_s"]:.2f}',
        f'{row["load_s"]:.2f}',
        _number(row['worst_mask_iou'], '.4f'),
        _number(row['worst_box_iou'], '.4f'),
    )


def _number(value: float | None, form: str) -> str:
    return '-' if value is None else f'{value:{form}}'


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
    return f'| {" | ".join(padded)} |'
