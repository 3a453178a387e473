# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Recorded clips with, where somebody drew them, a true box and a true mask for each frame."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from sam2_tracker_ros.core.types import BoolArray, Box, Frame
from sam2_tracker_ros.errors import SourceError
from sam2_tracker_ros.replay.image_file import read_image
from sam2_tracker_ros.replay.open_source import open_source

DEFAULT_RATE_HZ = 30.0


@dataclass(frozen=True)
class MaskFolder:
    """
    Masks as PNG files, one for each frame of the media, in order of their names.

    :param color: of the target's pixels, as `color_codes` gives it.
    """

    files: tuple[Path, ...]
    color: int

    def read(self, index: int) -> BoolArray:
        """
        Read the mask of one frame, boolean [height, width].

        :raises SourceError: the file is no image.
        """
        return np.asarray(color_codes(self.files[index]) == self.color, np.bool_)


@dataclass(frozen=True)
class RecordedClip:
    """
    One clip from the frame with the prompt on, read when it is asked for.

    :param start_frame: of the media, counted from 0, with the prompt.
    :param start: the box of the prompt, in pixels.
    :param truth: for each frame from `start_frame` on; None where the target is absent; empty when
        nothing is known.
    :param ignored: frames, counted from `start_frame`, that nobody can judge.
    """

    name: str
    media: Path
    truth: tuple[Box | None, ...]
    start: Box
    rate_hz: float = DEFAULT_RATE_HZ
    start_frame: int = 0
    masks: MaskFolder | None = None
    ignored: frozenset[int] = frozenset()

    @property
    def frame_count(self) -> int:
        """Frames from the start on."""
        if self.truth:
            return len(self.truth)
        count = open_source(self.media, rate_hz=self.rate_hz).frame_count or 0
        return max(count - self.start_frame, 0)

    def frames(self) -> Iterator[Frame]:
        """
        Read the images from the start on, those that there is truth for where there is any.

        :raises SourceError: one cannot be read.
        """
        source = open_source(self.media, rate_hz=self.rate_hz)
        stop = self.start_frame + len(self.truth) if self.truth else None
        for frame in islice(source.frames(), self.start_frame, stop):
            if frame.frame is None:
                message = f'{self.media}: {frame.problem}; copy the clip again'
                raise SourceError(message)
            yield frame.frame

    def true_mask(self, index: int) -> BoolArray | None:
        """Read the mask of a frame, counted from the start; None where there is none."""
        position = self.start_frame + index
        if self.masks is None or position >= len(self.masks.files):
            return None
        return self.masks.read(position)


def color_codes(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    """
    Read an image as one number for each pixel, 0 for black, [height, width].

    Red counts least, so that the first colours of a palette of masks have the smallest numbers.

    :raises SourceError: the file is no image.
    """
    pixels = read_image(path)
    if pixels is None:
        message = f'{path} is no readable image; copy the clip again'
        raise SourceError(message)
    blue, green, red = (pixels[..., channel] for channel in range(3))
    codes = blue.astype(np.int32) << 8
    codes |= green
    codes <<= 8
    codes |= red
    return codes
