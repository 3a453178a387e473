# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What tracking works with, whichever thread and model are at it."""

from collections.abc import Callable
from dataclasses import dataclass

from sam2_tracker_ros.core.frame_history import FrameHistory
from sam2_tracker_ros.core.types import Frame
from sam2_tracker_ros.errors import ImageError
from sam2_tracker_ros.ros.accounts import Accounts
from sam2_tracker_ros.ros.complaints import Complaints
from sam2_tracker_ros.ros.input_watch import InputWatch
from sam2_tracker_ros.ros.latest_frame import LatestFrame
from sam2_tracker_ros.ros.outbox import Outbox
from sam2_tracker_ros.ros.prompt_queue import PromptQueue


@dataclass(frozen=True)
class PreparedImage:
    """
    An image that waits for the tracker, or why it cannot be used.

    :param arrived_s: time.perf_counter() when its message could be looked at.
    :param skipped: images since activation that came before one of them could be prepared.
    """

    frame: Frame | ImageError
    arrived_s: float
    skipped: int


@dataclass(frozen=True)
class Desk:
    """What a loop works with, and leaves to the next one when its model has to be given up."""

    images: LatestFrame[PreparedImage]
    prompts: PromptQueue
    history: FrameHistory
    input: InputWatch
    outbox: Outbox
    accounts: Accounts
    complaints: Complaints
    now_ns: Callable[[], int]
