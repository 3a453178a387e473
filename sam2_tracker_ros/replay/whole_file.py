# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Files that are there whole, or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def unfinished(path: Path) -> Path:
    """Return the name that a file has until all of it is written; the suffix says its format."""
    return path.with_name(f'{path.stem}.partial{path.suffix}')


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a name to write to; at the end the file takes its place, or is removed on an error."""
    partial = unfinished(path)
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
