# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Image and CompressedImage to frames, and pixels to image messages."""

from contextlib import suppress
from dataclasses import dataclass

import cv2
import numpy as np

from sam2_tracker_ros.core.types import Frame, PixelFormat, StepResult, UInt8Array
from sam2_tracker_ros.errors import ImageError, shown
from sam2_tracker_ros.messages.classes import Message, MessageClasses, stamp_ns_of
from sam2_tracker_ros.messages.image_size import MAX_PIXELS, encoded_size_px, is_plausible

_JPEG_START, _JPEG_END = b'\xff\xd8\xff', b'\xff\xd9'
_PNG_START, _PNG_END = b'\x89PNG\r\n\x1a\n', b'IEND\xaeB`\x82'
_JPEG_QUALITY = 85


@dataclass(frozen=True)
class _Encoding:
    """
    How the bytes of an image are read.

    :param channels: bytes of one pixel; 1 is an array [height, width].
    :param conversion: OpenCV's code of the conversion to `pixel_format`; None for none.
    :param even: sides that must be even because chroma or mosaic are shared by two pixels.
    """

    channels: int
    pixel_format: PixelFormat
    conversion: int | None = None
    even: tuple[str, ...] = ()


_UYVY = _Encoding(2, PixelFormat.RGB, cv2.COLOR_YUV2RGB_UYVY, ('width',))
_YUYV = _Encoding(2, PixelFormat.RGB, cv2.COLOR_YUV2RGB_YUY2, ('width',))
# The 4:2:2 encodings have two names: until ROS 2 Humble, and since.
# OpenCV names a mosaic after its second row and column: rggb is its BG.
_ENCODINGS = {
    'rgb8': _Encoding(3, PixelFormat.RGB),
    'bgr8': _Encoding(3, PixelFormat.BGR),
    'rgba8': _Encoding(4, PixelFormat.RGBA),
    'bgra8': _Encoding(4, PixelFormat.BGRA),
    'mono8': _Encoding(1, PixelFormat.GRAY),
    'yuv422': _UYVY,
    'uyvy': _UYVY,
    'yuv422_yuy2': _YUYV,
    'yuyv': _YUYV,
    'bayer_rggb8': _Encoding(1, PixelFormat.RGB, cv2.COLOR_BayerBG2RGB, ('width', 'height')),
    'bayer_bggr8': _Encoding(1, PixelFormat.RGB, cv2.COLOR_BayerRG2RGB, ('width', 'height')),
    'bayer_gbrg8': _Encoding(1, PixelFormat.RGB, cv2.COLOR_BayerGR2RGB, ('width', 'height')),
    'bayer_grbg8': _Encoding(1, PixelFormat.RGB, cv2.COLOR_BayerGB2RGB, ('width', 'height')),
}
_TO_BGR = {
    PixelFormat.RGB: cv2.COLOR_RGB2BGR,
    PixelFormat.RGBA: cv2.COLOR_RGBA2BGR,
    PixelFormat.BGRA: cv2.COLOR_BGRA2BGR,
    PixelFormat.GRAY: cv2.COLOR_GRAY2BGR,
}


def frame_from_image(message: Message) -> Frame:
    """
    Look at the pixels of a sensor_msgs/Image; only yuv422 and bayer are copied.

    :raises ImageError: the encoding is unknown, or size, step and data do not fit together.
    """
    encoding = _ENCODINGS.get(message.encoding)
    if encoding is None:
        known = ', '.join(_ENCODINGS)
        text = f'unknown image encoding {shown(message.encoding)}; publish one of {known}'
        raise ImageError(text)
    pixels = image_bytes(message, encoding.channels)
    for side, length in (('width', message.width), ('height', message.height)):
        if side in encoding.even and length % 2:
            text = f'{message.encoding} with {side} {length}; expected an even {side}'
            raise ImageError(text)
    if encoding.conversion is not None:
        pixels = np.asarray(
            cv2.cvtColor(np.ascontiguousarray(pixels), encoding.conversion), np.uint8
        )
    return Frame(pixels, stamp_ns_of(message.header), encoding.pixel_format, _frame_id(message))


def image_bytes(message: Message, channels: int) -> UInt8Array:
    """
    Return a view of an image's bytes, [height, width] or [height, width, channels].

    :raises ImageError: size, step and data do not fit together.
    """
    width, height, step = int(message.width), int(message.height), int(message.step)
    if width <= 0 or height <= 0:
        text = f'the image is {width} x {height} pixels; expected at least 1 x 1'
        raise ImageError(text)
    if step < width * channels:
        text = (
            f'the image step is {step} bytes; expected at least {width * channels} for '
            f'{width} pixels of {message.encoding}; correct step in the publisher'
        )
        raise ImageError(text)
    data = np.frombuffer(message.data, np.uint8)
    if data.size < step * height:
        text = (
            f'the image data is truncated: {data.size} bytes; expected {step * height} for '
            f'{height} rows of {step} bytes; check the publisher and the transport'
        )
        raise ImageError(text)
    shape: tuple[int, ...] = (height, width, channels)
    strides: tuple[int, ...] = (step, channels, 1)
    if channels == 1:
        shape, strides = shape[:2], strides[:2]
    return np.ndarray(shape, np.uint8, data.data, strides=strides)


def frame_from_compressed_image(message: Message) -> Frame:
    """
    Decode a sensor_msgs/CompressedImage with JPEG or PNG data.

    :raises ImageError: the data is neither, it is damaged, or it claims too large an image.
    """
    data = np.frombuffer(message.data, np.uint8)
    content = data.tobytes()
    _check_complete(content, message.format)
    size_px = encoded_size_px(content)
    pixels = None
    if size_px is not None:
        _check_size(size_px, data.size, message.format)
        with suppress(cv2.error):
            pixels = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None:
        text = (
            f'{_called(message.format, data.size)} cannot be decoded: '
            'its data is damaged; check the publisher and the transport'
        )
        raise ImageError(text)
    return Frame(
        np.asarray(pixels, np.uint8),
        stamp_ns_of(message.header),
        PixelFormat.BGR,
        _frame_id(message),
    )


def bgr_image(frame: Frame) -> UInt8Array:
    """Return the frame's pixels as BGR; those of a BGR frame are not copied."""
    conversion = _TO_BGR.get(frame.pixel_format)
    if conversion is None:
        return frame.pixels
    return np.asarray(cv2.cvtColor(frame.pixels, conversion), np.uint8)


def mask_pixels(result: StepResult) -> UInt8Array:
    """Return 255 where any measured target is and 0 elsewhere, [height, width] of the image."""
    width, height = result.size_px
    pixels = np.zeros((height, width), np.uint8)
    for target in result.targets:
        if target.measured and target.mask is not None:
            region, box = target.mask.region, target.mask.box
            left, top = int(box.left), int(box.top)
            window = pixels[top : top + region.shape[0], left : left + region.shape[1]]
            window[region] = 255
    return pixels


def image_message(
    classes: MessageClasses, pixels: UInt8Array, encoding: str, header: Message
) -> Message:
    """
    Return a sensor_msgs/Image.

    :param pixels: [height, width] or [height, width, channels], as `encoding` says.
    """
    height, width = pixels.shape[:2]
    return classes.image(
        header=header,
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=0,
        step=pixels.size // height,
        data=classes.bytes_array(pixels),
    )


def png_message(classes: MessageClasses, pixels: UInt8Array, header: Message) -> Message:
    """Return a mono8 image as a lossless CompressedImage."""
    # OpenCV's own default counts runs, which suits a mask; a level switches that off.
    _, data = cv2.imencode('.png', pixels)
    return _compressed(classes, np.asarray(data), 'mono8; png compressed mono8', header)


def jpeg_message(classes: MessageClasses, pixels: UInt8Array, header: Message) -> Message:
    """Return a BGR image as a CompressedImage for people."""
    _, data = cv2.imencode('.jpg', pixels, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return _compressed(classes, np.asarray(data), 'bgr8; jpeg compressed bgr8', header)


def _compressed(
    classes: MessageClasses, data: UInt8Array, data_format: str, header: Message
) -> Message:
    return classes.compressed_image(
        header=header, format=data_format, data=classes.bytes_array(data.ravel())
    )


def _called(data_format: str, byte_count: int) -> str:
    return f'the compressed image ({shown(data_format)}, {byte_count} bytes)'


def _check_complete(data: bytes, data_format: str) -> None:
    """
    Refuse what is cut short: the JPEG decoder would fill the rest with grey.

    Cameras pad their buffers with zeros.
    """
    content = data.rstrip(b'\x00')
    if content.startswith(_JPEG_START):
        complete = content.endswith(_JPEG_END)
    elif content.startswith(_PNG_START):
        complete = content.endswith(_PNG_END)
    else:
        text = (
            f'{_called(data_format, len(data))} is neither JPEG nor PNG; '
            'publish one of them, or use image_transport raw'
        )
        raise ImageError(text)
    if not complete:
        text = (
            f'{_called(data_format, len(data))} is truncated: its end '
            'marker is missing; check the publisher and the transport'
        )
        raise ImageError(text)


def _check_size(size_px: tuple[int, int], byte_count: int, data_format: str) -> None:
    """Refuse a size that would fill the memory before it is known that nothing is behind it."""
    if not is_plausible(size_px, byte_count):
        text = (
            f'{_called(data_format, byte_count)} claims '
            f'{size_px[0]} x {size_px[1]} pixels: its header is damaged; expected 1 to '
            f'{MAX_PIXELS} pixels in so few bytes; check the publisher and the transport'
        )
        raise ImageError(text)


def _frame_id(message: Message) -> str:
    return str(message.header.frame_id)
