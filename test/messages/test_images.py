# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Images and compressed images to frames and back."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from messages.library import STAMP_NS, Library
from sam2_tracker_ros.core.types import PixelFormat, UInt8Array
from sam2_tracker_ros.errors import ImageError
from sam2_tracker_ros.messages import (
    bgr_image,
    frame_from_compressed_image,
    frame_from_image,
    jpeg_message,
)


def picture(width: int = 8, height: int = 6, channels: int = 3) -> UInt8Array:
    random = np.random.default_rng(7)
    pixels: UInt8Array = random.integers(0, 256, (height, width, channels), dtype=np.uint8)
    return pixels if channels > 1 else pixels[..., 0]


@pytest.mark.parametrize(
    ('encoding', 'channels', 'pixel_format'),
    [
        ('rgb8', 3, PixelFormat.RGB),
        ('bgr8', 3, PixelFormat.BGR),
        ('rgba8', 4, PixelFormat.RGBA),
        ('bgra8', 4, PixelFormat.BGRA),
        ('mono8', 1, PixelFormat.GRAY),
    ],
)
def test_an_image_is_looked_at_without_a_copy(
    library: Library, encoding: str, channels: int, pixel_format: PixelFormat
) -> None:
    pixels = picture(channels=channels)
    message = library.image_of(pixels, encoding)
    frame = frame_from_image(message)
    np.testing.assert_array_equal(frame.pixels, pixels)
    assert np.shares_memory(frame.pixels, np.frombuffer(message.data, np.uint8))
    assert (frame.stamp_ns, frame.frame_id) == (STAMP_NS, 'camera_optical')
    assert frame.pixel_format is pixel_format
    assert frame.size_px == (8, 6)


def test_row_padding_is_skipped(library: Library) -> None:
    pixels = picture()
    padded = np.full((6, 8 * 3 + 5), 255, np.uint8)
    padded[:, :24] = pixels.reshape(6, 24)
    frame = frame_from_image(library.image(padded.ravel(), 'rgb8', 8, 6, 29))
    np.testing.assert_array_equal(frame.pixels, pixels)


# One colour in the bytes of each encoding, computed by hand: BT.601 of (255, 0, 0) is about
# Y 81, U 90, V 240 in the studio range.
@pytest.mark.parametrize(
    ('encoding', 'row_bytes'),
    [
        ('yuv422', [[90, 81, 240, 81]]),
        ('uyvy', [[90, 81, 240, 81]]),
        ('yuv422_yuy2', [[81, 90, 81, 240]]),
        ('yuyv', [[81, 90, 81, 240]]),
        ('bayer_rggb8', [[255, 0], [0, 0]]),
        ('bayer_bggr8', [[0, 0], [0, 255]]),
        ('bayer_gbrg8', [[0, 0], [255, 0]]),
        ('bayer_grbg8', [[0, 255], [0, 0]]),
    ],
)
def test_chroma_and_mosaic_encodings_give_red(
    library: Library, encoding: str, row_bytes: list[list[int]]
) -> None:
    cell = np.array(row_bytes, np.uint8)
    data = np.tile(cell, (6 // cell.shape[0], 4))
    height, step = data.shape
    width = step if encoding.startswith('bayer') else step // 2
    frame = frame_from_image(library.image(data.ravel(), encoding, width, height, step))
    assert frame.pixel_format is PixelFormat.RGB
    assert frame.size_px == (width, height)
    np.testing.assert_allclose(frame.pixels[2:-2, 2:-2].reshape(-1, 3)[0], [255, 0, 0], atol=4)


@pytest.mark.parametrize(
    ('encoding', 'size_px', 'step', 'data_size', 'complaint'),
    [
        ('rgb16', (8, 6), 48, 288, 'unknown image encoding'),
        ('', (8, 6), 24, 144, 'unknown image encoding'),
        ('rgb8', (0, 6), 24, 144, '0 x 6'),
        ('rgb8', (8, 0), 24, 144, '8 x 0'),
        ('rgb8', (8, 6), 23, 144, 'step is 23'),
        ('rgb8', (8, 6), 0, 144, 'step is 0'),
        ('rgb8', (8, 6), 24, 143, 'truncated: 143 bytes; expected 144'),
        ('rgb8', (8, 6), 24, 0, 'truncated: 0 bytes'),
        ('yuv422', (7, 6), 14, 84, 'even width'),
        ('bayer_rggb8', (8, 5), 8, 40, 'even height'),
    ],
)
def test_a_broken_image_is_refused(
    library: Library,
    encoding: str,
    size_px: tuple[int, int],
    step: int,
    data_size: int,
    complaint: str,
) -> None:
    message = library.image(np.zeros(data_size, np.uint8), encoding, *size_px, step)
    with pytest.raises(ImageError, match=complaint):
        frame_from_image(message)


def test_an_encoding_of_any_length_makes_a_short_message(library: Library) -> None:
    with pytest.raises(ImageError, match='unknown image encoding') as caught:
        frame_from_image(library.image(np.zeros(3, np.uint8), 'x' * 100_000, 1, 1, 3))
    assert len(str(caught.value)) < 1000
    with pytest.raises(ImageError, match='neither JPEG nor PNG') as caught:
        frame_from_compressed_image(library.compressed(np.zeros(3, np.uint8), 'x' * 100_000))
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_a_compressed_image_is_decoded(library: Library, suffix: str) -> None:
    pixels = np.full((6, 8, 3), (200, 100, 50), np.uint8)
    data = cv2.imencode(suffix, pixels)[1].ravel()
    frame = frame_from_compressed_image(library.compressed(np.asarray(data, np.uint8)))
    assert frame.pixel_format is PixelFormat.BGR
    assert (frame.stamp_ns, frame.frame_id) == (STAMP_NS, 'camera_optical')
    np.testing.assert_allclose(frame.pixels, pixels, atol=3)


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
@pytest.mark.parametrize(
    ('damage', 'complaint'),
    [
        (lambda data: data[: data.size // 2], 'truncated'),
        (lambda data: np.concatenate([data[:16], data[-16:]]), 'damaged'),
        (lambda data: data[:0], 'neither JPEG nor PNG'),
        (lambda data: data[::-1].copy(), 'neither JPEG nor PNG'),
    ],
)
def test_a_damaged_compressed_image_is_refused(
    library: Library, suffix: str, damage: Callable[[UInt8Array], UInt8Array], complaint: str
) -> None:
    data = np.asarray(cv2.imencode(suffix, picture(64, 48))[1].ravel(), np.uint8)
    with pytest.raises(ImageError, match=complaint):
        frame_from_compressed_image(library.compressed(damage(data)))


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_a_compressed_image_may_be_padded(library: Library, suffix: str) -> None:
    data = np.asarray(cv2.imencode(suffix, picture(64, 48))[1].ravel(), np.uint8)
    padded = np.concatenate([data, np.zeros(4096, np.uint8)])
    found, expected = (
        frame_from_compressed_image(library.compressed(item)) for item in (padded, data)
    )
    np.testing.assert_array_equal(found.pixels, expected.pixels)


# The most that JPEG has, and what OpenCV would set three gigabytes aside for.
@pytest.mark.parametrize('side', [b'\xff\xdc', b'\x7d\0'], ids=['65500', '32000'])
def test_a_compressed_image_that_claims_a_huge_size_is_refused(
    library: Library, side: bytes
) -> None:
    data = cv2.imencode('.jpg', picture(64, 48))[1].tobytes()
    size_at = data.index(b'\xff\xc0') + 5
    data = data[:size_at] + side + side + data[size_at + 4 :]
    with pytest.raises(ImageError, match=r'claims \d+ x \d+ pixels: its header is damaged'):
        frame_from_compressed_image(library.compressed(np.frombuffer(data, np.uint8).copy()))


@pytest.mark.parametrize('encoding', ['rgb8', 'bgr8', 'rgba8', 'bgra8', 'mono8'])
def test_any_frame_becomes_bgr(library: Library, encoding: str) -> None:
    colour = {'r': 10, 'g': 20, 'b': 30, 'a': 255}
    values = [10] if encoding == 'mono8' else [colour[letter] for letter in encoding[:-1]]
    pixels = np.tile(np.array(values, np.uint8), (4, 4, 1))
    frame = frame_from_image(library.image_of(pixels, encoding))
    image = bgr_image(frame)
    expected = (10, 10, 10) if encoding == 'mono8' else (30, 20, 10)
    np.testing.assert_array_equal(image, np.full((4, 4, 3), expected, np.uint8))


def test_the_overlay_travels_as_jpeg(library: Library) -> None:
    pixels = np.full((24, 32, 3), (200, 100, 50), np.uint8)
    message = jpeg_message(library.classes, pixels, library.header())
    decoded = cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    np.testing.assert_allclose(decoded, pixels, atol=4)
