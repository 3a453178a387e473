# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whether usable images come, and for how long none did."""

from collections.abc import Callable, Sequence

from sam2_tracker_ros.core.types import (
    NANOSECONDS_PER_SECOND,
    Event,
    EventType,
    Frame,
    Reason,
)
from sam2_tracker_ros.errors import ImageError
from sam2_tracker_ros.ros.accounts import Accounts

_END_OF_TIME_NS = 2**31 * NANOSECONDS_PER_SECOND
_NO_IMAGE = (
    'no image has arrived yet; check the image topic and, for large images, the shared memory of '
    'DDS (README), and prompt when images come'
)
_STALLED = 'images have stopped; check the image topic, and prompt when images come again'


class InputWatch:
    """
    Tells when images stop, and when they come again.

    :param publish_events: takes the events.
    :param now_ns: the node's clock.
    """

    def __init__(
        self,
        accounts: Accounts,
        publish_events: Callable[[Sequence[Event]], None],
        now_ns: Callable[[], int],
    ) -> None:
        self._accounts = accounts
        self._publish_events = publish_events
        self._now_ns = now_ns
        self._has_seen_frame = False
        self._is_stalled = False
        self._stamp_ns = 0
        self._frame_ns = now_ns()

    @property
    def stamp_ns(self) -> int:
        """Of the last frame."""
        return self._stamp_ns

    def check(self, frame: Frame) -> None:
        """
        Refuse an image whose stamp tells no time: nothing would ever coast or be lost.

        :raises ImageError: says what to do.
        """
        if frame.stamp_ns == 0:
            message = 'the image has no stamp; set header.stamp in the camera driver'
            raise ImageError(message)
        if abs(frame.stamp_ns) >= _END_OF_TIME_NS:
            message = (
                f'the image has the stamp {frame.stamp_ns} ns; expected less than 2^31 s, which '
                'is what a header can hold: set header.stamp in the camera driver'
            )
            raise ImageError(message)
        if frame.stamp_ns == self._stamp_ns:
            message = (
                f'the image repeats the stamp {frame.stamp_ns} ns of the one before; '
                'set header.stamp to the time of capture in the camera driver'
            )
            raise ImageError(message)

    def seen(self, frame: Frame) -> None:
        """Note that the tracker has been through a frame."""
        self._has_seen_frame = True
        self._stamp_ns = frame.stamp_ns
        self._frame_ns = self._now_ns()

    def silence_s(self) -> float:
        """Return the time since then; a clock that jumped back starts it anew."""
        now_ns = self._now_ns()
        self._frame_ns = min(self._frame_ns, now_ns)
        return (now_ns - self._frame_ns) / NANOSECONDS_PER_SECOND

    def why_no_image(self) -> str:
        """Return what to tell somebody who needs an image; empty while they come."""
        if not self._has_seen_frame:
            return _NO_IMAGE
        return _STALLED if self._is_stalled else ''

    def note(self, *, is_stalled: bool) -> None:
        """Tell when images stop, and when they come again."""
        if is_stalled == self._is_stalled:
            return
        self._is_stalled = is_stalled
        self._accounts.input_stalled(is_stalled=is_stalled)
        if is_stalled:
            event = Event(
                EventType.INPUT_STALLED,
                self._now_ns(),
                reason=Reason.INPUT_STALLED,
                detail=self.why_no_image(),
            )
        else:
            event = Event(EventType.INPUT_RESUMED, self._now_ns())
        self._publish_events([event])
