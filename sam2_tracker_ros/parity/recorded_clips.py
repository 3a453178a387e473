# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Recorded clips with a true box for each frame.

A clip is a folder with `frames/*.jpg` or `video.mp4`, and `groundtruth.txt`: for each frame a line
`x,y,width,height` in pixels from the top left, `nan,nan,nan,nan` where the target is absent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
import math
from pathlib import Path

from sam2_tracker_ros.core.types import Box, Frame
from sam2_tracker_ros.errors import SourceError
from sam2_tracker_ros.replay.open_source import open_source

_TRUTH = 'groundtruth.txt'


@dataclass(frozen=True)
class RecordedClip:
    """
    One clip, read when it is asked for.

    :param truth: for each frame; None where the target is absent.
    :param start: the box of the first frame.
    """

    name: str
    media: Path
    truth: tuple[Box | None, ...]
    start: Box

    def frames(self) -> Iterator[Frame]:
        """
        Read the images that there is truth for.

        :raises SourceError: one cannot be read.
        """
        source = open_source(self.media)
        for _, frame in zip(self.truth, source.frames(), strict=False):
            if frame.frame is None:
                message = f'{self.media}: {frame.problem}; copy the clip again'
                raise SourceError(message)
            yield frame.frame


def recorded_clips(folder: Path) -> tuple[RecordedClip, ...]:
    """
    Find the clips in a folder, or the one that it is.

    :raises SourceError: there are none, or one is damaged.
    """
    folders = [path.parent for path in sorted([*folder.glob(_TRUTH), *folder.glob(f'*/{_TRUTH}')])]
    if not folders:
        message = f'{folder} holds no clips; expected folders with {_TRUTH} and frames or a video'
        raise SourceError(message)
    return tuple(_read(clip) for clip in folders)


def _read(folder: Path) -> RecordedClip:
    path = folder / _TRUTH
    media = folder / 'frames'
    if not media.is_dir():
        media = folder / 'video.mp4'
    try:
        truth = tuple(_box(line) for line in path.read_text(encoding='utf-8').split())
    except ValueError as error:
        message = f'{path} is damaged ({error}); expected x,y,width,height on each line'
        raise SourceError(message) from error
    if not truth or truth[0] is None:
        message = f'{path} has no box for the first frame; expected one to start the target with'
        raise SourceError(message)
    return RecordedClip(folder.name, media, truth, truth[0])


def _box(line: str) -> Box | None:
    x, y, width, height = (float(number) for number in line.split(','))
    if not all(map(math.isfinite, (x, y, width, height))):
        return None
    return Box(x, y, x + width, y + height)
