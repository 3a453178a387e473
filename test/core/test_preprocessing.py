# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The square model image against averages that are computed pixel by pixel."""

import numpy as np
import pytest

from sam2_tracker_ros.core.preprocessing import model_image, shows_nothing
from sam2_tracker_ros.core.types import Box, Frame, PixelFormat, UInt8Array


def noise(height: int, width: int, channels: int = 3) -> UInt8Array:
    """Return an image in which no two regions are alike."""
    return np.random.default_rng(1).integers(0, 256, (height, width, channels), np.uint8)


@pytest.mark.parametrize(
    ('pixel_format', 'order'),
    [
        (PixelFormat.RGB, [0, 1, 2]),
        (PixelFormat.BGR, [2, 1, 0]),
        (PixelFormat.RGBA, [0, 1, 2]),
        (PixelFormat.BGRA, [2, 1, 0]),
    ],
)
def test_channels_become_rgb(pixel_format: PixelFormat, order: list[int]) -> None:
    pixels = noise(8, 8, 4 if 'A' in pixel_format.name else 3)
    image = model_image(Frame(pixels, 0, pixel_format), Box(0, 0, 8, 8), 8)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, pixels[:, :, order])


def test_gray_becomes_three_equal_channels() -> None:
    pixels = noise(8, 8, 1)[:, :, 0]
    image = model_image(Frame(pixels, 0, PixelFormat.GRAY), Box(0, 0, 8, 8), 8)
    np.testing.assert_array_equal(image, np.repeat(pixels[:, :, None], 3, axis=2))


@pytest.mark.parametrize(('height', 'width'), [(24, 40), (8, 40), (24, 8), (16, 16)])
def test_shrinking_averages(height: int, width: int) -> None:
    pixels = noise(height, width)
    image = model_image(Frame(pixels, 0), Box(0, 0, width, height), 8)
    blocks = pixels.reshape(8, height // 8, 8, width // 8, 3).astype(np.float64)
    np.testing.assert_allclose(image, blocks.mean(axis=(1, 3)), atol=0.51)


def test_enlarging_is_linear_between_pixel_centres() -> None:
    ramp = np.repeat(np.array([[0, 100]], np.uint8), 2, axis=0)
    image = model_image(Frame(ramp, 0, PixelFormat.GRAY), Box(0, 0, 2, 2), 8)
    # Centres of the 8 pixels, in pixels of the ramp from centre to centre.
    position = np.clip((np.arange(8) + 0.5) / 4.0 - 0.5, 0.0, 1.0)
    np.testing.assert_allclose(image[:, :, 0], np.tile(100.0 * position, (8, 1)), atol=0.51)


def test_only_the_window_is_seen() -> None:
    pixels = noise(40, 60)
    image = model_image(Frame(pixels, 0), Box(16, 8, 32, 24), 16)
    np.testing.assert_array_equal(image, pixels[8:24, 16:32])


def test_pixels_may_be_a_view_with_gaps() -> None:
    pixels = noise(32, 64)
    view = pixels[::2, ::4]
    image = model_image(Frame(view, 0), Box(0, 0, 16, 16), 16)
    np.testing.assert_array_equal(image, view)


def test_the_frame_is_left_as_it_was() -> None:
    pixels = noise(8, 8)
    before = pixels.copy()
    image = model_image(Frame(pixels, 0, PixelFormat.BGR), Box(0, 0, 8, 8), 8)
    image[:] = 0
    np.testing.assert_array_equal(pixels, before)


@pytest.mark.parametrize('size_px', [(1280, 720), (640, 480), (320, 240)])
@pytest.mark.parametrize(('level', 'sigma'), [(0, 0.0), (0, 3.0), (0, 8.0), (10, 8.0), (255, 0.0)])
def test_a_blank_image_shows_nothing_whatever_its_noise(
    size_px: tuple[int, int], level: int, sigma: float
) -> None:
    noise_in = np.random.default_rng(1).normal(level, sigma, (size_px[1], size_px[0], 3))
    assert shows_nothing(Frame(np.clip(noise_in, 0, 255).astype(np.uint8), 0))


def test_alpha_is_no_detail() -> None:
    pixels = np.zeros((240, 320, 4), np.uint8)
    pixels[..., 3] = 255
    assert shows_nothing(Frame(pixels, 0, PixelFormat.RGBA))


@pytest.mark.parametrize('contrast', [12, 100])
def test_a_small_object_in_the_dark_is_something(contrast: int) -> None:
    pixels = np.zeros((240, 320), np.uint8)
    pixels[100:130, 100:160] = contrast
    assert not shows_nothing(Frame(pixels, 0, PixelFormat.GRAY))
