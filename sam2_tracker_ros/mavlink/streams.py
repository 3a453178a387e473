# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""When a message that is sent again and again is due."""

_MICROSECONDS_PER_SECOND = 1e6
# Faster than any camera: more would only fill the link; and what MESSAGE_INTERVAL can give.
_MIN_INTERVAL_US, _MAX_INTERVAL_US = 20_000, 2**31 - 1
_OFF_US = -1


class Stream:
    """
    One message's interval, as SET_MESSAGE_INTERVAL sets it.

    :param default_s: interval at first and when the default is asked for; None for off.
    """

    def __init__(self, default_s: float | None) -> None:
        self._default_s = default_s
        self._interval_s = default_s
        # Whether somebody asked for just this interval.
        self.is_asked_for = False
        self._next_s = -float('inf')

    @property
    def is_on(self) -> bool:
        """Whether the message is sent at all."""
        return self._interval_s is not None

    @property
    def interval_us(self) -> int:
        """The interval as MESSAGE_INTERVAL gives it."""
        if self._interval_s is None:
            return _OFF_US
        return round(self._interval_s * _MICROSECONDS_PER_SECOND)

    def ask(self, interval_us: float) -> None:
        """
        Set the interval, not below a fiftieth of a second.

        :param interval_us: 0 for the default, -1 for off.
        """
        self.is_asked_for = interval_us > 0.0
        if interval_us == 0.0:
            self._interval_s = self._default_s
        elif interval_us < 0.0:
            self._interval_s = None
        else:
            kept_us = min(max(interval_us, _MIN_INTERVAL_US), _MAX_INTERVAL_US)
            self._interval_s = kept_us / _MICROSECONDS_PER_SECOND
        self._next_s = -float('inf')

    def is_due(self, now_s: float) -> bool:
        """Return whether the message should be sent now."""
        return self.is_on and now_s >= self._next_s

    def sent(self, now_s: float, slowest_s: float = 0.0) -> None:
        """
        Note that the message was sent.

        :param slowest_s: the next one may wait this long, unless somebody asked for an interval.
        """
        if self._interval_s is None:
            return
        period_s = self._interval_s
        if not self.is_asked_for:
            period_s = max(period_s, slowest_s)
        # From when it was due, so that a late turn does not make the stream slower.
        is_in_step = 0.0 <= now_s - self._next_s < period_s
        self._next_s = (self._next_s if is_in_step else now_s) + period_s
