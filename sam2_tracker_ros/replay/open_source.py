# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Tells bags, image folders and videos apart."""

from pathlib import Path

from sam2_tracker_ros.errors import SourceError
from sam2_tracker_ros.replay.bag_source import BagSource
from sam2_tracker_ros.replay.folder_source import FolderSource
from sam2_tracker_ros.replay.source import FrameSource
from sam2_tracker_ros.replay.video_source import VideoSource

DEFAULT_FOLDER_RATE_HZ = 30.0
BAG_SUFFIXES = ('.db3', '.mcap')


def open_source(path: Path, topic: str = '', rate_hz: float | None = None) -> FrameSource:
    """
    Open a recording.

    :param topic: of the images in a bag; empty takes the only one.
    :param rate_hz: of a video or an image folder; None takes the video's own, or 30 for a folder.
    :raises SourceError: there is no such recording, it is damaged, or an option does not fit it.
    """
    if not path.exists():
        message = f'{path} does not exist; give a ROS 2 bag, a video file or a folder of images'
        raise SourceError(message)
    is_bag = path.suffix in BAG_SUFFIXES or (path / 'metadata.yaml').exists()
    if is_bag and rate_hz is not None:
        message = f'{path} is a bag, whose images have stamps of their own; leave --fps out'
        raise SourceError(message)
    if not is_bag and topic:
        message = f'{path} is no bag; leave --topic out'
        raise SourceError(message)
    if is_bag:
        return BagSource(path, topic)
    if path.is_dir():
        return FolderSource(path, DEFAULT_FOLDER_RATE_HZ if rate_hz is None else rate_hz)
    return VideoSource(path, rate_hz)
