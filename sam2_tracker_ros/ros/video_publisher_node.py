# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node `video_publisher`: a video file or the drone scene as a camera in real time."""

from dataclasses import dataclass
from pathlib import Path
import threading
import time
from typing import Any, Protocol

import rclpy
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from sam2_tracker_ros.core.bearing import CameraCalibration
from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND, UInt8Array
from sam2_tracker_ros.errors import Sam2TrackerError
from sam2_tracker_ros.messages import bgr_image
from sam2_tracker_ros.replay.video_source import VideoSource
from sam2_tracker_ros.ros.camera_output import CameraOutput
from sam2_tracker_ros.ros.message_classes import installed_message_classes
from sam2_tracker_ros.ros.node_main import exit_on_signals, set_by_signals
from sam2_tracker_ros.ros.read_only import read_only_parameter
from sam2_tracker_ros.testing.drone_scene import DroneScene

_LOOK_FOR_SIGNALS_S = 0.1


class _Film(Protocol):
    """What the camera sees, frame by frame."""

    @property
    def rate_hz(self) -> float:
        """Frames in a second."""

    @property
    def calibration(self) -> CameraCalibration | None:
        """Intrinsics; None when they are unknown."""

    def image(self, index: int) -> UInt8Array | None:
        """Return one BGR image, never one before the last; None after the end."""


class _SceneFilm:
    """The drone scene."""

    def __init__(self, scene: DroneScene) -> None:
        self._scene = scene
        self.rate_hz = scene.rate_hz
        self.calibration = scene.calibration

    def image(self, index: int) -> UInt8Array | None:
        """Return one image."""
        if index >= self._scene.frame_count:
            return None
        return self._scene.frame(index).image


class _VideoFilm:
    """A video file; its camera is unknown."""

    calibration = None

    def __init__(self, path: Path) -> None:
        source = VideoSource(path, None)
        self.rate_hz = source.rate_hz
        self._frames = source.frames()
        self._index = -1
        self._image: UInt8Array | None = None

    def image(self, index: int) -> UInt8Array | None:
        """Return one image; those between it and the last one are left out."""
        while self._index < index:
            source_frame = next(self._frames, None)
            if source_frame is None or source_frame.frame is None:
                return None
            self._index = source_frame.index
            self._image = bgr_image(source_frame.frame)
        return self._image


@dataclass(frozen=True)
class _Schedule:
    """
    When which frame is due.

    :param start_s: time.monotonic() of the first frame.
    :param start_ns: its stamp.
    :param held: how often the first frame is repeated.
    """

    start_s: float
    start_ns: int
    rate_hz: float
    held: int

    def newest(self) -> int:
        """Return the number of the newest frame that is due, held ones included."""
        return int((time.monotonic() - self.start_s) * self.rate_hz)

    def until_s(self, number: int) -> float:
        """Return the time until a frame is due."""
        return self.start_s + number / self.rate_hz - time.monotonic()

    def stamp_ns(self, number: int) -> int:
        """Return the stamp of a frame."""
        return self.start_ns + round(number * NANOSECONDS_PER_SECOND / self.rate_hz)


class VideoPublisherNode(Node):
    """
    Publishes `image` (bgr8) and `camera_info`; frames that are late are left out.

    :param node_arguments: of rclpy's Node.
    :raises SourceError: the video cannot be read.
    """

    def __init__(self, **node_arguments: Any) -> None:
        super().__init__('video_publisher', **node_arguments)
        self._classes = installed_message_classes()
        video = read_only_parameter(
            self, 'video', '', 'Video file to show; empty: the drone scene.'
        )
        seed = read_only_parameter(
            self, 'seed', 0, 'Which drone scene is rendered.', (0, 2**31 - 1)
        )
        duration_s = read_only_parameter(
            self, 'duration_s', 20.0, 'Length of the drone scene [s].', (4.0, 600.0)
        )
        hold_s = read_only_parameter(
            self,
            'hold_first_frame_s',
            0.0,
            'How long the first frame is repeated, so that a box drawn in it fits [s].',
            (0.0, 60.0),
        )
        self._frame_id = read_only_parameter(
            self, 'frame_id', 'camera_optical_frame', 'Optical frame of the camera.'
        )
        self._subscribers = read_only_parameter(
            self,
            'wait_for_subscribers',
            0,
            'Subscribers of camera_info, and if not 0 one of the image, to wait for at first.',
            (0, 100),
        )
        self._film: _Film = (
            _VideoFilm(Path(video)) if video else _SceneFilm(DroneScene(seed, duration_s))
        )
        self._held = round(hold_s * self._film.rate_hz)
        self._output = CameraOutput(self, self._classes)

    def run(self, stop: threading.Event) -> None:
        """Publish until the film ends or `stop` is set."""
        while not stop.is_set() and not self._output.is_watched_by(self._subscribers):
            rclpy.spin_once(self, timeout_sec=0.02)
        schedule = _Schedule(
            start_s=time.monotonic(),
            start_ns=self.get_clock().now().nanoseconds,
            rate_hz=self._film.rate_hz,
            held=self._held,
        )
        number = skipped = 0
        while not stop.is_set():
            image = self._film.image(max(number - schedule.held, 0))
            if image is None:
                break
            self._wait(schedule, number, stop)
            self._publish(image, schedule.stamp_ns(number))
            due = max(schedule.newest(), number + 1)
            skipped += due - number - 1
            number = due
        self.get_logger().info(f'{number - skipped} frames published, {skipped} left out')

    def _wait(self, schedule: _Schedule, number: int, stop: threading.Event) -> None:
        """Serve parameters until a frame is due."""
        while not stop.is_set() and (rest_s := schedule.until_s(number)) > 0.0:
            rclpy.spin_once(self, timeout_sec=min(rest_s, _LOOK_FOR_SIGNALS_S))

    def _publish(self, image: UInt8Array, stamp_ns: int) -> None:
        header = self._classes.header_of(stamp_ns, self._frame_id)
        size_px = image.shape[1], image.shape[0]
        self._output.publish_info(header, size_px, self._film.calibration)
        self._output.publish_image(header, image)


def main() -> int:
    """Run the camera until its film ends, or SIGINT or SIGTERM."""
    stop = threading.Event()
    exit_on_signals()
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = VideoPublisherNode()
        set_by_signals(stop)
        node.run(stop)
        node.destroy_node()
    except Sam2TrackerError as error:
        rclpy.logging.get_logger('video_publisher').fatal(str(error))
        return 2
    finally:
        rclpy.shutdown()
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
