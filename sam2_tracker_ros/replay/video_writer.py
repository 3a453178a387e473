# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Video files: H.264, which browsers play, where there is an ffmpeg program; else MPEG-4.

OpenCV's wheels have no H.264 encoder.
"""

from pathlib import Path
import shutil
import subprocess
from typing import Protocol

import cv2

from sam2_tracker_ros.core.types import UInt8Array
from sam2_tracker_ros.errors import SourceError
from sam2_tracker_ros.replay.whole_file import unfinished

_ENCODER = 'libx264'
_QUALITY = ('-preset', 'veryfast', '-crf', '21', '-pix_fmt', 'yuv420p')


class VideoWriter(Protocol):
    """Takes images of one size."""

    def write(self, image: UInt8Array) -> None:
        """Append a BGR image."""

    def close(self) -> None:
        """Finish the file, which has its name from then on."""

    def discard(self) -> None:
        """Leave nothing behind."""


def open_video(path: Path, size_px: tuple[int, int], rate_hz: float) -> VideoWriter:
    """Start a .mp4 file for images of that width and height."""
    program = shutil.which('ffmpeg')
    if program is not None and _has_encoder(program):
        return _FfmpegVideo(program, path, size_px, rate_hz)
    return _OpenCvVideo(path, size_px, rate_hz)


class _OpenCvVideo:
    """MPEG-4, which every player but a browser knows."""

    def __init__(self, path: Path, size_px: tuple[int, int], rate_hz: float) -> None:
        code = cv2.VideoWriter.fourcc(*'mp4v')
        self._path, self._partial = path, unfinished(path)
        self._writer = cv2.VideoWriter(str(self._partial), code, rate_hz, size_px)
        if not self._writer.isOpened():
            message = f'{path} cannot be written as a video; check the folder and the free space'
            raise SourceError(message)

    def write(self, image: UInt8Array) -> None:
        """Append an image."""
        self._writer.write(image)

    def close(self) -> None:
        """Finish the file."""
        self._writer.release()
        self._partial.replace(self._path)

    def discard(self) -> None:
        """Leave nothing behind."""
        self._writer.release()
        self._partial.unlink(missing_ok=True)


class _FfmpegVideo:
    """H.264, encoded by an ffmpeg process that is fed raw images."""

    def __init__(self, program: str, path: Path, size_px: tuple[int, int], rate_hz: float) -> None:
        self._path, self._partial = path, unfinished(path)
        width, height = size_px
        command = (
            *(program, '-y', '-loglevel', 'error', '-f', 'rawvideo', '-pix_fmt', 'bgr24'),
            *('-s', f'{width}x{height}', '-r', f'{rate_hz:.6f}', '-i', '-', '-an'),
            # yuv420p halves both sides: odd ones lose a pixel.
            *('-vf', 'crop=trunc(iw/2)*2:trunc(ih/2)*2', '-c:v', _ENCODER, *_QUALITY),
            *('-movflags', '+faststart', str(self._partial)),
        )
        self._process = subprocess.Popen(  # noqa: S603 - the program that PATH names
            command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )

    def write(self, image: UInt8Array) -> None:
        """Append an image."""
        if self._process.stdin is None or self._process.poll() is not None:
            raise self._error()
        try:
            self._process.stdin.write(image.tobytes())
        except BrokenPipeError as error:
            raise self._error() from error

    def close(self) -> None:
        """Finish the file."""
        _, complaint = self._process.communicate()
        if self._process.returncode:
            raise self._error(complaint)
        self._partial.replace(self._path)

    def discard(self) -> None:
        """Leave nothing behind."""
        self._process.kill()
        self._process.communicate()
        self._partial.unlink(missing_ok=True)

    def _error(self, complaint: bytes = b'') -> SourceError:
        text = complaint.decode(errors='replace').strip()
        message = (
            f'{self._path} could not be written by ffmpeg ({text or "it ended early"}); check '
            'the folder and the free space'
        )
        return SourceError(message)


def _has_encoder(program: str) -> bool:
    command = (program, '-hide_banner', '-encoders')
    listed = subprocess.run(  # noqa: S603 - the program that PATH names
        command, capture_output=True, check=False
    )
    return _ENCODER.encode() in listed.stdout
