# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What every recording gives: one frame after the other."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from sam2_tracker_ros.core.bearing import CameraCalibration
from sam2_tracker_ros.core.types import Frame


@dataclass(frozen=True)
class SourceFrame:
    """
    One image of a recording.

    :param index: counts the images of the recording, those that cannot be used included.
    :param frame: None when the image cannot be used.
    :param problem: why it cannot be used.
    :param calibration: of the camera, where the recording has it.
    """

    index: int
    stamp_ns: int
    frame: Frame | None = None
    problem: str = ''
    calibration: CameraCalibration | None = None


class FrameSource(Protocol):
    """A recording."""

    @property
    def frame_count(self) -> int | None:
        """Images in the recording, as far as it says; None when it does not."""

    @property
    def rate_hz(self) -> float:
        """Images in a second, for a video of the results."""

    def frames(self) -> Iterator[SourceFrame]:
        """
        Read the images in order, one at a time.

        :raises SourceError: the recording is damaged.
        """
