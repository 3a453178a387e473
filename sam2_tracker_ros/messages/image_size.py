# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The size that an encoded image claims, read before anything is decoded.

A decoder sets memory aside for what a header says: 300 bytes of JPEG may ask for three gigabytes.
"""

import struct

# Decoding takes up to nine bytes a pixel (progressive JPEG). What claims more pixels than this, as
# an 8K camera does, must have the bytes to show for it.
MAX_PIXELS = 1 << 24
MAX_PIXELS_PER_BYTE = 32

_JPEG_START, _PNG_START = b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n'
_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_SHORT = 256, 257, 3
# Far more than a file has; to walk through more would keep a camera's thread busy.
_MAX_PARTS = 100_000
# Markers of JPEG without a length, and those of a frame, which starts with its size.
_JPEG_BARE = frozenset((0x01, *range(0xD0, 0xD9)))
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_SCAN = 0xDA


def encoded_size_px(data: bytes) -> tuple[int, int] | None:
    """
    Return the width and height that a JPEG, PNG, BMP, TIFF or WebP file claims.

    :return: None when it is neither, or its header is damaged.
    """
    readers = (
        (_JPEG_START, _jpeg_size),
        (_PNG_START, _png_size),
        (b'BM', _bmp_size),
        (b'II*\0', _tiff_size),
        (b'MM\0*', _tiff_size),
        (b'RIFF', _webp_size),
    )
    read = next((read for start, read in readers if data.startswith(start)), None)
    try:
        return None if read is None else read(data)
    except (struct.error, IndexError):  # cut short
        return None


def is_plausible(size_px: tuple[int, int], byte_count: int) -> bool:
    """Return whether an image of so many bytes may have that size, which bounds the memory."""
    width, height = size_px
    return 0 < width * height <= max(MAX_PIXELS, MAX_PIXELS_PER_BYTE * byte_count)


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Walk from marker to marker, as decoders do: what is between two of them is skipped."""
    place = 2
    for _ in range(_MAX_PARTS):
        place = data.find(b'\xff', place)
        if place < 0:
            return None
        marker = data[place + 1]
        if marker in (0x00, 0xFF) or marker in _JPEG_BARE:
            place += 2 if marker != 0xFF else 1
        elif marker == _JPEG_SCAN:
            return None
        elif marker in _JPEG_FRAMES:
            height, width = _ints('>HH', data, place + 5)
            return width, height
        else:
            (length,) = struct.unpack_from('>H', data, place + 2)
            place += 2 + length
    return None


def _png_size(data: bytes) -> tuple[int, int] | None:
    """Read the header, if every chunk ends in the file: OpenCV makes room for what one claims."""
    place = len(_PNG_START)
    for _ in range(_MAX_PARTS):
        if place + 8 > len(data):
            break
        length, kind = struct.unpack_from('>I4s', data, place)
        place += length + 12
        if place > len(data):
            return None
        if kind == b'IEND':
            break
    else:
        return None
    return _ints('>II', data, 16)


def _bmp_size(data: bytes) -> tuple[int, int]:
    """Read either of the two headers; a height below zero is of an image from the top."""
    is_old = struct.unpack_from('<I', data, 14) == (12,)
    width, height = _ints('<HH' if is_old else '<ii', data, 18)
    return abs(width), abs(height)


def _tiff_size(data: bytes) -> tuple[int, int] | None:
    order = '<' if data.startswith(b'I') else '>'
    (start,) = struct.unpack_from(f'{order}I', data, 4)
    (count,) = struct.unpack_from(f'{order}H', data, start)
    found = {}
    for place in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(f'{order}HH', data, place)
        if tag in (_TIFF_WIDTH, _TIFF_HEIGHT):
            (found[tag],) = struct.unpack_from(
                order + ('H' if kind == 3 else 'I'), data, place + 8
            )
    if len(found) != 2:
        return None
    return found[_TIFF_WIDTH], found[_TIFF_HEIGHT]


def _webp_size(data: bytes) -> tuple[int, int] | None:
    kind = data[8:16].removeprefix(b'WEBP')
    if kind == b'VP8 ':
        width, height = _ints('<HH', data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b'VP8L':
        (bits,) = struct.unpack_from('<I', data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b'VP8X':
        width, height = (int.from_bytes(data[place : place + 3], 'little') for place in (24, 27))
        return width + 1, height + 1
    return None


def _ints(layout: str, data: bytes, place: int) -> tuple[int, int]:
    first, second = struct.unpack_from(layout, data, place)
    return first, second
