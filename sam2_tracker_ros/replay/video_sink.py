# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A video with the results drawn into it."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from sam2_tracker_ros.core.types import Event, StepResult, UInt8Array
from sam2_tracker_ros.messages import bgr_image
from sam2_tracker_ros.overlay import draw_overlay
from sam2_tracker_ros.replay.source import SourceFrame
from sam2_tracker_ros.replay.video_writer import VideoWriter, open_video


class OverlayVideoSink:
    """
    Writes the video as results come; images of another size are scaled to the first one's.

    :param rate_hz: of the video.
    """

    def __init__(self, path: Path, rate_hz: float) -> None:
        self._path = path
        self._rate_hz = rate_hz
        self._size_px = (0, 0)
        self._writer: VideoWriter | None = None

    def write(self, source_frame: SourceFrame, result: StepResult) -> None:
        """Draw one frame and append it."""
        if source_frame.frame is None:
            return
        note = f'frame {source_frame.index}'
        self.append(draw_overlay(bgr_image(source_frame.frame), result, note))

    def append(self, image: UInt8Array) -> None:
        """Append a BGR image as it is."""
        size_px = image.shape[1], image.shape[0]
        if self._writer is None:
            self._size_px = size_px
            self._writer = open_video(self._path, size_px, self._rate_hz)
        if size_px != self._size_px:
            image = np.asarray(cv2.resize(image, self._size_px), np.uint8)
        self._writer.write(image)

    def write_events(self, source_frame: SourceFrame, events: Sequence[Event]) -> None:
        """Leave out an image that could not be used."""

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.close()

    def discard(self) -> None:
        """Leave no file."""
        if self._writer is not None:
            self._writer.discard()

    def __enter__(self) -> 'OverlayVideoSink':
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        """Finish the file; after an error there is none."""
        if error is None:
            self.close()
        else:
            self.discard()
