# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Complaints on the log and as events, without a flood."""

from collections.abc import Callable, Sequence

from sam2_tracker_ros.core.types import NANOSECONDS_PER_SECOND, Event, EventType

# The same complaint about broken input is repeated this often at most.
_PERIOD_S = 1.0


class Complaints:
    """
    Says what went wrong, of each kind once a second at most.

    :param publish_events: takes the events.
    :param now_ns: the node's clock.
    """

    def __init__(
        self,
        publish_events: Callable[[Sequence[Event]], None],
        now_ns: Callable[[], int],
        log_error: Callable[[str], None],
    ) -> None:
        self._publish_events = publish_events
        self._now_ns = now_ns
        self._log_error = log_error
        self._last_ns: dict[EventType, int] = {}

    def complain(self, event_type: EventType, why: str) -> None:
        """Say it, unless the same kind was said a moment ago."""
        now_ns = self._now_ns()
        last_ns = self._last_ns.get(event_type)
        if last_ns is not None and 0 <= now_ns - last_ns < _PERIOD_S * NANOSECONDS_PER_SECOND:
            return
        self._last_ns[event_type] = now_ns
        self._log_error(f'{event_type.name}: {why}')
        self._publish_events([Event(event_type, now_ns, detail=why)])
