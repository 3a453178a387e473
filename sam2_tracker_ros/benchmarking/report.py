# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One file of results, to which one run after the other adds its section."""

import json
from pathlib import Path
from typing import Any

from sam2_tracker_ros.errors import SourceError
from sam2_tracker_ros.replay.measuring import machine
from sam2_tracker_ros.replay.whole_file import whole_file


def add_to_report(path: Path, section: str, label: str, results: dict[str, Any]) -> None:
    """
    Add results, with the machine that they were measured on, and replace those of the same name.

    :raises SourceError: the file is there and is something else.
    """
    report: Any = {}
    if path.exists():
        try:
            report = json.loads(path.read_text(encoding='utf-8'))
        except ValueError as error:
            message = f'{path} is not JSON ({error}); move it away, or choose another file'
            raise SourceError(message) from error
    if not isinstance(report, dict) or not isinstance(report.setdefault(section, {}), dict):
        message = f'{path} does not hold results of a benchmark; choose another file'
        raise SourceError(message)
    report[section][label] = {'machine': machine(), **results}
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as partial:
        partial.write_text(json.dumps(report, indent=1) + '\n', encoding='utf-8')
