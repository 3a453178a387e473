# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""MAVLink packets on a link that may fail and come back."""

from collections.abc import Callable
from dataclasses import dataclass
import time
from typing import Any

from pymavlink.dialects.v20 import common

from sam2_tracker_ros.mavlink.links import Link, Parts, link_opener
from sam2_tracker_ros.mavlink.signing import Signing

_REOPEN_PERIOD_S = 1.0
# The first bytes of a packet tell how long it is; the parser waits for that many.
_SHORTEST_PACKET_BYTES = common.HEADER_LEN_V1 + 2


@dataclass
class WireAccounts:
    """
    What went over the link.

    :param packets_bad: damaged, cut off, or not MAVLink at all.
    :param packets_refused: not signed with the key, where there is one.
    :param packets_dropped: not looked at, because their sender sends too many.
    :param heard_s: when the last good packet came, by the wire's clock; None before the first.
    :param failures: of opening, reading and writing.
    :param problem: the last failure, empty since something was sent.
    """

    bytes_received: int = 0
    bytes_sent: int = 0
    packets_received: int = 0
    packets_bad: int = 0
    packets_refused: int = 0
    packets_dropped: int = 0
    packets_sent: int = 0
    heard_s: float | None = None
    failures: int = 0
    problem: str = ''


class Wire:
    """
    Reads and writes messages; a link that fails is opened again.

    :param connection: as of `link_opener`.
    :param sender: system and component that packets are from.
    :param signing: signs packets, and checks those of others; None to believe everybody.
    :raises ConnectionStringError: nothing can be opened like that.
    """

    def __init__(
        self,
        connection: str,
        sender: tuple[int, int],
        clock: Callable[[], float] = time.monotonic,
        signing: Signing | None = None,
    ) -> None:
        self.accounts = WireAccounts()
        self._open = link_opener(connection)
        self._clock = clock
        self._signing = signing
        self._link: Link | None = None
        self._reopen_s = -float('inf')
        self._packer = common.MAVLink(None, *sender)
        self._parser = common.MAVLink(None)
        self._parser.robust_parsing = True

    def receive(self, wait_s: float) -> list[Any]:
        """
        Return the messages that have come.

        :param wait_s: how long to wait for something at most.
        """
        link = self._opened()
        if link is None:
            time.sleep(wait_s)
            return []
        try:
            parts = link.read(wait_s)
        except OSError as error:
            self._fail(error)
            return []
        self.accounts.packets_dropped += link.dropped
        link.dropped = 0
        return self._good(link, parts)

    def send(self, message: Any) -> None:
        """Send a message, or count that it could not be sent."""
        link = self._opened()
        if link is None:
            return
        if self._signing is not None:
            self._signing.prepare(self._packer)
        data = message.pack(self._packer)
        try:
            link.write(data)
        except (ConnectionRefusedError, BlockingIOError) as error:
            # Nobody listens there yet, or the line is slower than we are: both may pass.
            self._count(error)
        except OSError as error:
            self._fail(error)
        else:
            self._packer.seq = (self._packer.seq + 1) % 256
            self.accounts.packets_sent += 1
            self.accounts.bytes_sent += len(data)
            self.accounts.problem = ''

    def close(self) -> None:
        """Close the link."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def _good(self, link: Link, parts: Parts) -> list[Any]:
        """Return the messages that may be believed; who sent one is answered from now on."""
        good: list[Any] = []
        for data, peer in parts:
            found = [message for message in self._parse(data, link) if self._is_believed(message)]
            if found and peer is not None:
                link.welcome(peer)
            good += found
        if good:
            self.accounts.packets_received += len(good)
            self.accounts.heard_s = self._clock()
        return good

    def _is_believed(self, message: Any) -> bool:
        if self._signing is None or self._signing.accepts(bytes(message.get_msgbuf())):
            return True
        self.accounts.packets_refused += 1
        return False

    def _parse(self, data: bytes, link: Link) -> list[Any]:
        self.accounts.bytes_received += len(data)
        found = self._parser.parse_buffer(data) or []
        bad = [message for message in found if message.get_type() == 'BAD_DATA']
        self.accounts.packets_bad += len(bad)
        if link.is_datagram and self._parser.buf_len() > 0:
            # The start of a packet in a datagram must not swallow the next one.
            self.accounts.packets_bad += 1
            self._forget_rest()
        # pymavlink checks nothing of a message that it does not know.
        return [
            message
            for message in found
            if not message.get_type().startswith(('BAD_DATA', 'UNKNOWN_'))
        ]

    def _forget_rest(self) -> None:
        """Drop the start of a packet whose end will not come."""
        self._parser.buf = bytearray()
        self._parser.buf_index = 0
        self._parser.expected_length = _SHORTEST_PACKET_BYTES

    def _opened(self) -> Link | None:
        if self._link is None and self._clock() >= self._reopen_s:
            self._reopen_s = self._clock() + _REOPEN_PERIOD_S
            try:
                self._link = self._open()
            except OSError as error:
                self._count(error)
        return self._link

    def _fail(self, error: OSError) -> None:
        self._count(error)
        self._forget_rest()
        self.close()

    def _count(self, error: OSError) -> None:
        self.accounts.failures += 1
        self.accounts.problem = str(error)
