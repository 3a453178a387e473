# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A video file, read with OpenCV."""

from collections.abc import Iterator
import math
from pathlib import Path

import cv2
import numpy as np

from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND, Frame, PixelFormat
from sam2_tracker_ros.errors import SourceError
from sam2_tracker_ros.replay.source import SourceFrame


class VideoSource:
    """
    Reads every frame of a video.

    :param rate_hz: gives the stamps; None takes the rate that the file says.
    :raises SourceError: OpenCV cannot read it, or the file says no rate.
    """

    def __init__(self, path: Path, rate_hz: float | None) -> None:
        self._path = path
        capture = self._open()
        self._frame_count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self._rate_hz = capture.get(cv2.CAP_PROP_FPS) if rate_hz is None else rate_hz
        capture.release()
        if not (math.isfinite(self._rate_hz) and self._rate_hz > 0.0):
            message = f'{path} does not say its frame rate; give it with --fps'
            raise SourceError(message)

    @property
    def frame_count(self) -> int | None:
        """Frames that the file says it has."""
        return self._frame_count if self._frame_count > 0 else None

    @property
    def rate_hz(self) -> float:
        """Frames in a second."""
        return self._rate_hz

    def frames(self) -> Iterator[SourceFrame]:
        """Read the frames in order, one at a time."""
        capture = self._open()
        try:
            index = 0
            while True:
                is_read, pixels = capture.read()
                if not is_read:
                    return
                stamp_ns = round(index * NANOSECONDS_PER_SECOND / self._rate_hz)
                image = np.asarray(pixels, np.uint8)
                yield SourceFrame(index, stamp_ns, Frame(image, stamp_ns, PixelFormat.BGR))
                index += 1
        finally:
            capture.release()

    def _open(self) -> cv2.VideoCapture:
        capture = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)
        if not capture.isOpened():
            message = (
                f'{self._path} cannot be read as a video; expected a video file, a ROS 2 bag '
                '(its folder, .db3 or .mcap) or a folder of images'
            )
            raise SourceError(message)
        return capture
