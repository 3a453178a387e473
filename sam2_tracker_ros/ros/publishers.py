# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Results of the tracker on their topics."""

from collections.abc import Callable, Sequence
from typing import Any

from rclpy.node import Node
from rclpy.publisher import Publisher

from sam2_tracker_ros.core.bearing import CameraCalibration
from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND, Event, Frame, StepResult
from sam2_tracker_ros.messages import (
    bgr_image,
    detections_message,
    event_message,
    image_message,
    jpeg_message,
    mask_pixels,
    png_message,
    target_array_message,
    target_messages,
)
from sam2_tracker_ros.messages.classes import MessageClasses
from sam2_tracker_ros.overlay import draw_overlay
from sam2_tracker_ros.ros import qos
from sam2_tracker_ros.ros.outbox import Publication


class Publishers:
    """
    Publishes results; masks, detections and overlays are made only for subscribers.

    :param calibration: returns the newest calibration, or None.
    """

    def __init__(
        self,
        node: Node,
        classes: MessageClasses,
        calibration: Callable[[], CameraCalibration | None],
    ) -> None:
        self._node = node
        self._classes = classes
        self._calibration = calibration
        self._target = node.create_publisher(classes.target, '~/target', qos.TARGET)
        self._targets = node.create_publisher(classes.target_array, '~/targets', qos.TARGET)
        self._events = node.create_publisher(classes.target_event, '~/events', qos.EVENT)
        self._mask = node.create_publisher(classes.image, '~/mask', qos.IMAGE)
        self._overlay = node.create_publisher(classes.image, '~/overlay', qos.IMAGE)
        self._mask_png = node.create_publisher(
            classes.compressed_image, '~/mask/compressed', qos.IMAGE
        )
        self._overlay_jpeg = node.create_publisher(
            classes.compressed_image, '~/overlay/compressed', qos.IMAGE
        )
        self._detections: Publisher[Any] | None = None
        if classes.detection is not None:
            self._detections = node.create_publisher(
                classes.detection.array, '~/detections', qos.TARGET
            )

    def publish(self, publication: Publication) -> None:
        """Publish what control needs: targets, events, detections."""
        result, classes = publication.result, self._classes
        header = classes.header_of(result.stamp_ns, result.frame_id)
        now_ns = self._node.get_clock().now().nanoseconds
        targets = target_messages(
            classes,
            result,
            header,
            calibration=self._calibration(),
            latency_s=(now_ns - result.stamp_ns) / NANOSECONDS_PER_SECOND,
        )
        for target in targets:
            self._target.publish(target)
        self._targets.publish(
            target_array_message(
                classes,
                targets,
                header,
                frames_processed=publication.frames_processed,
                frames_dropped=publication.frames_dropped,
            )
        )
        for event in result.events:
            self._events.publish(event_message(classes, event, result.frame_id))
        if (
            publication.is_of_image
            and self._detections is not None
            and classes.detection is not None
            and _is_wanted(self._detections)
        ):
            self._detections.publish(detections_message(classes.detection, result, header))

    def publish_events(self, events: Sequence[Event]) -> None:
        """Publish events that do not come with a result."""
        for event in events:
            self._events.publish(event_message(self._classes, event, frame_id=''))

    def wants_pictures(self) -> bool:
        """Return whether anybody looks at masks or overlays."""
        return _is_wanted(self._mask, self._mask_png, self._overlay, self._overlay_jpeg)

    def publish_pictures(self, result: StepResult, frame: Frame) -> None:
        """Make and publish the masks and overlays that somebody looks at."""
        classes = self._classes
        header = classes.header_of(result.stamp_ns, result.frame_id)
        if _is_wanted(self._mask, self._mask_png):
            pixels = mask_pixels(result)
            if _is_wanted(self._mask):
                self._mask.publish(image_message(classes, pixels, 'mono8', header))
            if _is_wanted(self._mask_png):
                self._mask_png.publish(png_message(classes, pixels, header))
        if _is_wanted(self._overlay, self._overlay_jpeg):
            pixels = draw_overlay(bgr_image(frame), result)
            if _is_wanted(self._overlay):
                self._overlay.publish(image_message(classes, pixels, 'bgr8', header))
            if _is_wanted(self._overlay_jpeg):
                self._overlay_jpeg.publish(jpeg_message(classes, pixels, header))


def _is_wanted(*publishers: 'Publisher[Any]') -> bool:
    return any(publisher.get_subscription_count() > 0 for publisher in publishers)
