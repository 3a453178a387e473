# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The camera of the fault campaign: sends what a scenario wants, and notes what was true of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
import threading
import time
from typing import Any, TypeAlias

import numpy as np
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image

from sam2_tracker_ros.core.types import Box, UInt8Array
from sam2_tracker_ros.messages import image_message, stamp_ns_of
from sam2_tracker_ros.ros.fault_invariants import Ledger
from sam2_tracker_ros.ros.fault_scene import RATE_HZ, SIZE_PX, FaultScene, View
from sam2_tracker_ros.ros.message_classes import installed_message_classes


@dataclass(frozen=True)
class Shot:
    """
    An image on its way to the tracker.

    :param message: an Image, or bytes that should be one.
    :param boxes: of what is visible in it; empty when nothing may be measured in it.
    """

    message: Any
    boxes: Mapping[str, Box]

    def broken(self, **fields: Any) -> 'Shot':
        """Return the shot with other fields, for a tracker to refuse."""
        for name, value in fields.items():
            setattr(self.message, name, value)
        return replace(self, boxes={})


# What becomes of a shot: none, it or others.
Transform: TypeAlias = Callable[[Shot], Sequence[Shot]]
InfoTransform: TypeAlias = Callable[[CameraInfo], CameraInfo | None]


def _unchanged(shot: Shot) -> Sequence[Shot]:
    return [shot]


def _same_info(info: CameraInfo) -> CameraInfo | None:
    return info


class Camera:
    """
    Publishes `image` and `camera_info` in a thread of its own, from `start` to `end`.

    Its settings may be changed at any time; `be_sane` takes all of them back.

    :param now_ns: the clock that stamps are of.
    """

    def __init__(self, node: Node, ledger: Ledger, now_ns: Callable[[], int]) -> None:
        self._node = node
        self._ledger = ledger
        self._now_ns = now_ns
        self._scene = FaultScene()
        self._classes = installed_message_classes()
        self._started_s = time.monotonic()
        self._is_ending = False
        # Held while something is published, or the publishers are exchanged.
        self._turn = threading.Lock()
        # How much later than due an image was sent at worst, since somebody set it to zero.
        self.late_s = 0.0
        self._connect()
        self.be_sane()
        self._newest: tuple[int, Mapping[str, Box]] = (0, {})
        self._thread = threading.Thread(target=self._run, name='camera', daemon=True)

    def be_sane(self) -> None:
        """Send every image as it should be."""
        with self._turn:
            self.rate_hz = RATE_HZ
            self.is_stopped = self.is_hidden = False
            self.offset_ns = 0
            self.transform: Transform = _unchanged
            self.info_transform: InfoTransform = _same_info

    def start(self) -> None:
        """Begin to publish."""
        self._thread.start()

    def end(self) -> None:
        """Stop for good."""
        self._is_ending = True
        self._thread.join()

    def is_connected(self) -> bool:
        """Return whether a tracker listens."""
        with self._turn:
            return self._images.get_subscription_count() > 0

    def reconnect(self, away_s: float) -> None:
        """Go away as a camera driver that ends, and come back."""
        with self._turn:
            was_stopped, self.is_stopped = self.is_stopped, True
            self._node.destroy_publisher(self._images)
            self._node.destroy_publisher(self._infos)
        time.sleep(away_s)
        with self._turn:
            self._connect()
            self.is_stopped = was_stopped

    def newest(self) -> tuple[int, Mapping[str, Box]]:
        """Return stamp and truth of the newest image that was sound."""
        return self._newest

    def view(self, ago: int = 0) -> View:
        """Return what is to be seen now, or was so many images ago."""
        index = int((time.monotonic() - self._started_s) * RATE_HZ) - ago
        return self._scene.view(max(index, 0), is_hidden=self.is_hidden)

    def shot(self, view: View, stamp_ns: int) -> Shot:
        """Return a sound image."""
        return self.shot_of(view.image, view.boxes, stamp_ns)

    def shot_of(
        self,
        pixels: UInt8Array,
        boxes: Mapping[str, Box],
        stamp_ns: int,
        encoding: str = 'bgr8',
    ) -> Shot:
        """
        Return an image of other pixels.

        :param pixels: as the encoding says.
        """
        header = self._classes.header_of(stamp_ns, 'camera_optical_frame')
        return Shot(image_message(self._classes, pixels, encoding, header), boxes)

    def _connect(self) -> None:
        self._images = self._node.create_publisher(Image, 'image', qos_profile_sensor_data)
        self._infos = self._node.create_publisher(
            CameraInfo, 'camera_info', qos_profile_sensor_data
        )

    def _run(self) -> None:
        next_s = time.monotonic()
        while not self._is_ending:
            time.sleep(max(next_s - time.monotonic(), 0.0))
            self.late_s = max(self.late_s, time.monotonic() - next_s)
            # Late images are left out, as a camera's would be.
            next_s = max(next_s + 1.0 / self.rate_hz, time.monotonic() - 1.0 / self.rate_hz)
            with self._turn:
                if not self.is_stopped:
                    self._publish(self._now_ns() + self.offset_ns)

    def _publish(self, stamp_ns: int) -> None:
        info = self.info_transform(self._info(stamp_ns))
        if info is not None:
            self._infos.publish(info)
        for shot in self.transform(self.shot(self.view(), stamp_ns)):
            if not isinstance(shot.message, bytes):
                shot_ns = stamp_ns_of(shot.message.header)
                self._ledger.add(shot_ns, shot.boxes)
                if shot.boxes:
                    self._newest = shot_ns, shot.boxes
            self._images.publish(shot.message)

    def _info(self, stamp_ns: int) -> CameraInfo:
        calibration = self._scene.calibration
        return CameraInfo(
            header=self._classes.header_of(stamp_ns, 'camera_optical_frame'),
            width=SIZE_PX[0],
            height=SIZE_PX[1],
            distortion_model=calibration.distortion_model,
            d=calibration.distortion.tolist(),
            k=calibration.matrix.ravel(),
            r=np.eye(3).ravel(),
            p=np.column_stack([calibration.matrix, np.zeros(3)]).ravel(),
        )
