# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Faults of images and of their calibration."""

from collections.abc import Callable, Sequence
import math
from random import Random
from typing import Any, TypeAlias

import cv2
import numpy as np
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo

from sam2_tracker_ros.core.types import Box, UInt8Array
from sam2_tracker_ros.messages import stamp_ns_of
from sam2_tracker_ros.ros.fault_camera import Camera, Shot
from sam2_tracker_ros.ros.fault_kind import Kind
from sam2_tracker_ros.ros.fault_rig import Rig
from sam2_tracker_ros.ros.fault_scene import SIZE_PX

_Damage: TypeAlias = Callable[[Shot, Camera, Random], Shot]
_WIDTH, _HEIGHT = SIZE_PX
# Some that nobody knows, and some that exist and have other bytes for a pixel.
_WRONG_ENCODINGS = ('', 'nonsense', 'rgb16', '8UC3', 'mono16', 'nv12', 'RGB8', 'ä' * 9)
_FROM_BGR = {
    'rgb8': cv2.COLOR_BGR2RGB,
    'rgba8': cv2.COLOR_BGR2RGBA,
    'bgra8': cv2.COLOR_BGR2BGRA,
    'mono8': cv2.COLOR_BGR2GRAY,
}


def quiet(rig: Rig, rng: Random) -> None:
    """Let nothing happen."""
    rig.pause(rng.uniform(1.0, 2.0))


def hidden(rig: Rig, rng: Random) -> None:
    """Hide the car for a while."""
    rig.camera.is_hidden = True
    rig.pause(rng.uniform(0.2, 2.0))


def _damaging(name: str, damage: _Damage) -> Kind:
    """Return the kind that damages some images, or all of them for a time."""

    def run(rig: Rig, rng: Random) -> None:
        probability = rng.choice((0.2, 0.7, 1.0))

        def transform(shot: Shot) -> Sequence[Shot]:
            if rng.random() >= probability:
                return [shot]
            return [damage(shot, rig.camera, rng)]

        rig.camera.transform = transform
        rig.pause(rng.uniform(0.5, 2.0))

    return Kind(name, run)


def _truncated(shot: Shot, _: Camera, rng: Random) -> Shot:
    data = shot.message.data
    length = rng.choice((0, 1, rng.randrange(len(data)), len(data) - 1))
    return shot.broken(data=data[:length])


def _bytes(shot: Shot, camera: Camera, rng: Random) -> Shot:
    """Return what DDS may deliver, but is no image."""
    data = bytearray(serialize_message(shot.message))
    choice = rng.randrange(3)
    if choice == 0:
        data = data[: rng.randrange(4, 120)]
    elif choice == 1:
        for _ in range(20):
            # Behind the stamp: an image with another stamp would be a sound one.
            data[rng.randrange(12, 80)] = rng.randrange(256)
    else:
        data = data[:4] + bytearray(rng.randbytes(rng.randrange(400)))
    return Shot(bytes(data), {})


def _geometry(shot: Shot, _: Camera, rng: Random) -> Shot:
    """Return an image whose step, width or height is not that of its bytes."""
    fields: dict[str, Any] = {
        'step': rng.choice((0, 1, _WIDTH * 3 - 1, _WIDTH * 3 + 1, 2**32 - 1)),
        'width': rng.choice((0, _WIDTH + 1, 2**31, 2**32 - 1)),
        'height': rng.choice((0, _HEIGHT + 1, 2**31, 2**32 - 1)),
    }
    name = rng.choice(sorted(fields))
    return shot.broken(**{name: fields[name]})


def _misfitting(shot: Shot, camera: Camera, rng: Random) -> Shot:
    return rng.choice((_truncated, _geometry))(shot, camera, rng)


def _wrong_encoding(shot: Shot, _: Camera, rng: Random) -> Shot:
    return shot.broken(encoding=rng.choice(_WRONG_ENCODINGS))


def _encoded(shot: Shot, camera: Camera, rng: Random) -> Shot:
    """Return the image in another encoding."""
    pixels = _pixels(shot)
    encoding = rng.choice(sorted(_FROM_BGR))
    converted = np.asarray(cv2.cvtColor(pixels, _FROM_BGR[encoding]), np.uint8)
    return camera.shot_of(converted, shot.boxes, stamp_ns_of(shot.message.header), encoding)


def _content(shot: Shot, camera: Camera, rng: Random) -> Shot:
    """Return an image in which nothing is to be seen."""
    noise = np.random.default_rng(rng.randrange(2**32))
    pixels: UInt8Array = np.full((_HEIGHT, _WIDTH, 3), rng.choice((0, 90, 255)), np.uint8)
    if rng.random() < 0.5:
        pixels = noise.integers(0, 256, pixels.shape, np.uint8)
    return camera.shot_of(pixels, {}, stamp_ns_of(shot.message.header))


def _resized(rig: Rig, rng: Random) -> None:
    """Change the resolution of the camera, now and then to an absurd one."""

    def transform(shot: Shot) -> Sequence[Shot]:
        scale_x, scale_y = size[0] / _WIDTH, size[1] / _HEIGHT
        pixels = np.asarray(cv2.resize(_pixels(shot), size, interpolation=cv2.INTER_AREA))
        boxes = {
            name: Box(
                box.left * scale_x, box.top * scale_y, box.right * scale_x, box.bottom * scale_y
            )
            for name, box in shot.boxes.items()
        }
        is_tiny = min(size) < 64
        stamp_ns = stamp_ns_of(shot.message.header)
        return [rig.camera.shot_of(pixels.astype(np.uint8), {} if is_tiny else boxes, stamp_ns)]

    sizes = ((640, 480), (160, 120), (1, 1), (2, 500), (1280, 960), (321, 241))
    size = rng.choice(sizes)
    rig.camera.transform = transform
    for _ in range(rng.randrange(1, 4)):
        size = rng.choice(sizes)
        rig.pause(rng.uniform(0.1, 0.6))


def _absurd(rig: Rig, rng: Random) -> None:
    """Send calibrations that say nothing, or nonsense."""
    numbers = (math.nan, math.inf, -math.inf, 0.0, -1.0, 1e300, 1e-300)

    def nonsense(info: CameraInfo) -> CameraInfo | None:
        choice = rng.randrange(6)
        if choice == 0:
            return None
        if choice == 1:
            info.k = [rng.choice(numbers) for _ in range(9)]
        elif choice == 2:
            info.width, info.height = rng.choice(((0, 0), (2**32 - 1, 1), (_WIDTH * 2, 1)))
        elif choice == 3:
            info.d = [rng.choice(numbers) for _ in range(rng.randrange(20))]
        elif choice == 4:
            info.distortion_model = rng.choice(('', 'equidistant', 'nonsense', 'x' * 5000))
        else:
            info.binning_x, info.roi.width, info.roi.x_offset = 2**32 - 1, 2**31, 2**32 - 1
        return info

    rig.camera.info_transform = nonsense
    rig.pause(rng.uniform(0.5, 2.0))


def _pixels(shot: Shot) -> UInt8Array:
    flat = np.frombuffer(shot.message.data, np.uint8)
    return flat.reshape(shot.message.height, shot.message.width, 3)


KINDS = (
    Kind('quiet', quiet),
    Kind('target hidden', hidden),
    _damaging('image truncated or misshapen', _misfitting),
    _damaging('image bytes corrupt', _bytes),
    _damaging('image encoding unknown', _wrong_encoding),
    _damaging('image encoding changes', _encoded),
    _damaging('image content lost', _content),
    Kind('image resized', _resized),
    Kind('camera info absurd', _absurd),
)
