# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A folder of image files, in natural order: 2.png before 10.png."""

from collections.abc import Iterator
from pathlib import Path
import re

from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND, Frame, PixelFormat
from sam2_tracker_ros.errors import SourceError
from sam2_tracker_ros.replay.image_file import read_image
from sam2_tracker_ros.replay.source import SourceFrame

SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')


class FolderSource:
    """
    Reads every image file of a folder.

    :param rate_hz: gives the stamps; the first is 0.
    :raises SourceError: there is no image file.
    """

    def __init__(self, folder: Path, rate_hz: float) -> None:
        files = (
            path
            for path in folder.iterdir()
            if path.suffix.lower() in SUFFIXES and not path.is_dir()
        )
        self._files = sorted(files, key=_natural_order)
        self._rate_hz = rate_hz
        if not self._files:
            known = ', '.join(SUFFIXES)
            message = f'{folder} is neither a bag (no metadata.yaml) nor holds images ({known})'
            raise SourceError(message)

    @property
    def frame_count(self) -> int:
        """Image files in the folder."""
        return len(self._files)

    @property
    def rate_hz(self) -> float:
        """Images in a second."""
        return self._rate_hz

    def frames(self) -> Iterator[SourceFrame]:
        """Read the images in order, one at a time."""
        for index, path in enumerate(self._files):
            stamp_ns = round(index * NANOSECONDS_PER_SECOND / self._rate_hz)
            image = read_image(path)
            if image is None:
                yield SourceFrame(index, stamp_ns, problem=f'{path.name} is no readable image')
            else:
                yield SourceFrame(index, stamp_ns, Frame(image, stamp_ns, PixelFormat.BGR))


def _natural_order(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Return a key that compares the numbers in a name by value."""
    parts = re.findall(r'\d+|\D+', path.name.lower())
    return [(int(part), '') if part.isdecimal() else (-1, part) for part in parts], path.name
