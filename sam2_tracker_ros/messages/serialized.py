# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Serialized Image and CompressedImage, read without copying their pixels.

A middleware hands messages over as CDR: four bytes that name the byte order, then the fields in
their order, each aligned to its own size.
"""

from dataclasses import dataclass
import struct

from sam2_tracker_ros.core.types import Frame
from sam2_tracker_ros.errors import ImageError
from sam2_tracker_ros.messages.images import frame_from_compressed_image, frame_from_image

# Plain CDR and plain XCDR2, which are the same for fields of up to four bytes.
_ENCAPSULATIONS = {0x0000: '>', 0x0001: '<', 0x0006: '>', 0x0007: '<'}
_ENCAPSULATION_SIZE = 4
_NUMBER_SIZE = 4


@dataclass(frozen=True)
class Stamp:
    """What is read of a builtin_interfaces/Time."""

    sec: int
    nanosec: int


@dataclass(frozen=True)
class Header:
    """What is read of a std_msgs/Header."""

    stamp: Stamp
    frame_id: str


@dataclass(frozen=True)
class SerializedImage:
    """
    A sensor_msgs/Image, for `frame_from_image`.

    :param data: a view of the serialized message.
    """

    header: Header
    height: int
    width: int
    encoding: str
    step: int
    data: memoryview


@dataclass(frozen=True)
class SerializedCompressedImage:
    """
    A sensor_msgs/CompressedImage, for `frame_from_compressed_image`.

    :param data: a view of the serialized message.
    """

    header: Header
    format: str
    data: memoryview


def frame_from_serialized_image(message: bytes) -> Frame:
    """
    Look at the pixels of a serialized sensor_msgs/Image; only yuv422 and bayer are copied.

    :raises ImageError: as `read_image` and `frame_from_image`.
    """
    return frame_from_image(read_image(message))


def frame_from_serialized_compressed_image(message: bytes) -> Frame:
    """
    Decode a serialized sensor_msgs/CompressedImage with JPEG or PNG data.

    :raises ImageError: as `read_compressed_image` and `frame_from_compressed_image`.
    """
    return frame_from_compressed_image(read_compressed_image(message))


def read_image(message: bytes) -> SerializedImage:
    """
    Read a serialized sensor_msgs/Image.

    :raises ImageError: the bytes are not one, or they are cut short.
    """
    reader = _Reader(message)
    header = reader.header()
    height, width, length = reader.numbers('III')
    encoding = reader.text(length)
    reader.take(1)  # is_bigendian: every encoding that is read has single bytes
    step, length = reader.numbers('II')
    return SerializedImage(header, height, width, encoding, step, reader.take(length))


def read_compressed_image(message: bytes) -> SerializedCompressedImage:
    """
    Read a serialized sensor_msgs/CompressedImage.

    :raises ImageError: the bytes are not one, or they are cut short.
    """
    reader = _Reader(message)
    header = reader.header()
    (length,) = reader.numbers('I')
    text = reader.text(length)
    (length,) = reader.numbers('I')
    return SerializedCompressedImage(header, text, reader.take(length))


class _Reader:
    """
    Reads one field after the other.

    :raises ImageError: the bytes do not start as CDR does.
    """

    def __init__(self, message: bytes) -> None:
        kind = int.from_bytes(message[:2], 'big')
        if len(message) < _ENCAPSULATION_SIZE or kind not in _ENCAPSULATIONS:
            text = (
                f'a message of {len(message)} bytes starts with {message[:2].hex()!r}; expected '
                'plain CDR; check the middleware of the publisher'
            )
            raise ImageError(text)
        self._order = _ENCAPSULATIONS[kind]
        self._bytes = memoryview(message)[_ENCAPSULATION_SIZE:]
        self._offset = 0

    def numbers(self, kinds: str) -> tuple[int, ...]:
        """Return integers of four bytes; `kinds` are their letters in `struct`."""
        self._offset += -self._offset % _NUMBER_SIZE
        content = self.take(_NUMBER_SIZE * len(kinds))
        values: tuple[int, ...] = struct.unpack(self._order + kinds, content)
        return values

    def text(self, length: int) -> str:
        """Return a string; what is no UTF-8 is replaced, as rclpy does."""
        return bytes(self.take(length)).rstrip(b'\0').decode('utf-8', 'replace')

    def header(self) -> Header:
        """Return a std_msgs/Header."""
        seconds, nanoseconds, length = self.numbers('iII')
        return Header(Stamp(seconds, nanoseconds), self.text(length))

    def take(self, size: int) -> memoryview:
        """Return a view of the next bytes."""
        start, self._offset = self._offset, self._offset + size
        if self._offset > len(self._bytes):
            text = (
                f'the serialized message is truncated: {len(self._bytes)} bytes; expected at '
                f'least {self._offset}; check the publisher and the transport'
            )
            raise ImageError(text)
        return self._bytes[start : self._offset]
