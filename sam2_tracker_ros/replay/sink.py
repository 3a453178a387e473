# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What takes the results of a replay."""

from collections.abc import Sequence
from typing import Protocol

from sam2_tracker_ros.core.types import Event, StepResult
from sam2_tracker_ros.replay.source import SourceFrame


class ResultSink(Protocol):
    """Writes results, frame by frame."""

    def write(self, source_frame: SourceFrame, result: StepResult) -> None:
        """Take the result of one frame; its events are in it."""

    def write_events(self, source_frame: SourceFrame, events: Sequence[Event]) -> None:
        """Take events of an image that could not be used."""

    def close(self) -> None:
        """Finish what is written; called once, after a failure too."""
