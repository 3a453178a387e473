# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Serialized images are read without a copy, and nothing that is sent ends in another error."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from rosbags.typesys import Stores, get_typestore

from messages.library import STAMP_NS, Library
from sam2_tracker_ros.core.types import Frame, UInt8Array
from sam2_tracker_ros.errors import ImageError
from sam2_tracker_ros.messages import (
    frame_from_serialized_compressed_image,
    frame_from_serialized_image,
)
from sam2_tracker_ros.messages.serialized import read_compressed_image, read_image

IMAGE, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
PIXELS: UInt8Array = np.random.default_rng(7).integers(0, 256, (6, 8, 3), dtype=np.uint8)


def png() -> UInt8Array:
    return np.asarray(cv2.imencode('.png', PIXELS)[1].ravel(), np.uint8)


def test_an_image_is_a_view_of_the_serialized_message(library: Library) -> None:
    message = library.to_cdr(library.image_of(PIXELS, 'rgb8'), IMAGE)
    frame = frame_from_serialized_image(message)
    np.testing.assert_array_equal(frame.pixels, PIXELS)
    assert np.shares_memory(frame.pixels, np.frombuffer(message, np.uint8))
    assert (frame.stamp_ns, frame.frame_id) == (STAMP_NS, 'camera_optical')


@pytest.mark.parametrize('frame_id', ['', 'a', 'ab', 'abc', 'abcd', 'Kamera-Übersicht'])
@pytest.mark.parametrize('encoding', ['mono8', 'bayer_rggb8', 'yuv422_yuy2'])
def test_fields_are_found_wherever_the_texts_before_them_end(
    library: Library, frame_id: str, encoding: str
) -> None:
    message = library.image(PIXELS.ravel(), encoding, 8, 6, 24)
    message.header.frame_id = frame_id
    image = read_image(library.to_cdr(message, IMAGE))
    assert (image.header.frame_id, image.encoding) == (frame_id, encoding)
    assert (image.height, image.width, image.step) == (6, 8, 24)
    assert bytes(image.data) == PIXELS.tobytes()


def test_the_other_byte_order_is_read() -> None:
    store = get_typestore(Stores.ROS2_JAZZY)
    types = store.types
    header = types['std_msgs/msg/Header'](
        stamp=types['builtin_interfaces/msg/Time'](sec=-1, nanosec=7), frame_id='camera'
    )
    message = types[IMAGE](header, 6, 8, 'rgb8', 0, 24, PIXELS.ravel())
    image = read_image(bytes(store.serialize_cdr(message, IMAGE, little_endian=False)))
    assert (image.header.stamp.sec, image.header.stamp.nanosec) == (-1, 7)
    assert (image.height, image.width, image.encoding, image.step) == (6, 8, 'rgb8', 24)


def test_a_compressed_image_is_read(library: Library) -> None:
    message = library.to_cdr(library.compressed(png(), 'png'), COMPRESSED)
    image = read_compressed_image(message)
    assert image.format == 'png'
    assert np.shares_memory(np.frombuffer(image.data, np.uint8), np.frombuffer(message, np.uint8))
    np.testing.assert_array_equal(frame_from_serialized_compressed_image(message).pixels, PIXELS)


@pytest.mark.parametrize(
    'decode', [frame_from_serialized_image, frame_from_serialized_compressed_image]
)
@pytest.mark.parametrize('message', [b'', b'\0', b'\0\1', b'\1\2\3\4', b'\0\3\0\0' + bytes(99)])
def test_what_is_no_cdr_is_refused(decode: Callable[[bytes], Frame], message: bytes) -> None:
    with pytest.raises(ImageError, match='expected plain CDR'):
        decode(message)


def test_every_truncation_is_refused(library: Library) -> None:
    for message, decode in (
        (library.to_cdr(library.image_of(PIXELS, 'rgb8'), IMAGE), frame_from_serialized_image),
        (
            library.to_cdr(library.compressed(png()), COMPRESSED),
            frame_from_serialized_compressed_image,
        ),
    ):
        content = (
            message.rstrip(b'\0') if decode is frame_from_serialized_compressed_image else message
        )
        for size in range(4, len(content) - 4):
            with pytest.raises(ImageError, match='truncated'):
                decode(content[:size])


def test_hostile_bytes_are_an_image_or_an_image_error(library: Library) -> None:
    random = np.random.default_rng(11)
    for message, decode in (
        (library.to_cdr(library.image_of(PIXELS, 'rgb8'), IMAGE), frame_from_serialized_image),
        (
            library.to_cdr(library.image_of(PIXELS, 'bayer_rggb8'), IMAGE),
            frame_from_serialized_image,
        ),
        (
            library.to_cdr(library.compressed(png()), COMPRESSED),
            frame_from_serialized_compressed_image,
        ),
    ):
        for _ in range(400):
            damaged = bytearray(message)
            for position in random.integers(4, 96, 3):
                damaged[position] = random.integers(256)
            try:
                frame = decode(bytes(damaged))
            except ImageError:
                continue
            assert frame.pixels.size > 0
