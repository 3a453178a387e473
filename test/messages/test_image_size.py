# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Sizes that encoded images claim, as OpenCV writes them and with headers made by hand."""

import struct

import cv2
import numpy as np
import pytest

from sam2_tracker_ros.messages.image_size import (
    MAX_PIXELS,
    MAX_PIXELS_PER_BYTE,
    encoded_size_px,
    is_plausible,
)

WIDTH, HEIGHT = 37, 11


@pytest.mark.parametrize(
    ('suffix', 'option'),
    [
        ('.png', ()),
        ('.bmp', ()),
        ('.tiff', ()),
        ('.jpg', (cv2.IMWRITE_JPEG_PROGRESSIVE, 0)),
        ('.jpg', (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)),
        ('.jpg', (cv2.IMWRITE_JPEG_RST_INTERVAL, 1)),
        ('.webp', (cv2.IMWRITE_WEBP_QUALITY, 50)),
        ('.webp', (cv2.IMWRITE_WEBP_QUALITY, 101)),  # without loss
    ],
)
def test_every_format_says_its_size(suffix: str, option: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    data = cv2.imencode(suffix, pixels, option)[1].tobytes()
    assert encoded_size_px(data) == (WIDTH, HEIGHT)
    for length in range(min(len(data), 40)):
        assert encoded_size_px(data[:length]) in (None, (WIDTH, HEIGHT))


@pytest.mark.parametrize(
    'data',
    [
        # Filled and stray bytes between markers, and a restart marker, which has no length.
        b'\xff\xd8\xff\xff\xe0\0\4ab stray \xff\0\xff\xd0\xff\xc2\0\x11\x08\0\x0b\0\x25',
        b'MM\0*' + struct.pack('>IHHHIHHHHII', 8, 2, 257, 3, 1, 11, 0, 256, 4, 1, WIDTH),
        b'RIFF\0\0\0\0WEBPVP8X' + b'\0' * 8 + b'\x24\0\0\x0a\0\0',
        b'BM' + b'\0' * 12 + struct.pack('<IHH', 12, WIDTH, HEIGHT),
        b'BM' + b'\0' * 12 + struct.pack('<Iii', 40, WIDTH, -HEIGHT),
    ],
    ids=['jpeg', 'tiff', 'webp', 'old bmp', 'bmp from the top'],
)
def test_headers_that_opencv_does_not_write(data: bytes) -> None:
    assert encoded_size_px(data) == (WIDTH, HEIGHT)


@pytest.mark.parametrize(
    'data', [b'', b'GIF89a', b'\xff\xd8\xff', b'\xff\xd8\xff\xda\0\2', b'RIFF\0\0\0\0WAVEfmt ']
)
def test_what_says_no_size(data: bytes) -> None:
    assert encoded_size_px(data) is None


def test_a_png_whose_parts_go_beyond_its_end_says_no_size() -> None:
    data = cv2.imencode('.png', np.zeros((HEIGHT, WIDTH, 3), np.uint8))[1].tobytes()
    length_at = data.index(b'IDAT') - 4
    for length in (b'\0\1\0\0', b'\xff\xff\xff\xf0'):
        assert encoded_size_px(data[:length_at] + length + data[length_at + 4 :]) is None
    assert encoded_size_px(data + b'\0' * 7) == (WIDTH, HEIGHT)


def test_a_file_of_nothing_but_markers_is_given_up() -> None:
    assert encoded_size_px(b'\xff\xd8' + b'\xff\x01' * 200_000) is None
    header = cv2.imencode('.png', np.zeros((4, 4), np.uint8))[1].tobytes()[:33]
    assert encoded_size_px(header) == (4, 4)
    assert encoded_size_px(header + (b'\0' * 4 + b'tEXt' + b'\0' * 4) * 200_000) is None


def test_few_bytes_may_not_claim_many_pixels() -> None:
    assert is_plausible((4096, 4096), 300)
    assert not is_plausible((4097, 4096), 300)
    assert not is_plausible((0, 4096), 300)
    assert is_plausible((7680, 4320), 7680 * 4320 // MAX_PIXELS_PER_BYTE)
    assert MAX_PIXELS == 4096 * 4096
