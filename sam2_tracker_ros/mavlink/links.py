# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Bytes to and from a ground station or an autopilot, over UDP, TCP or a serial line."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
import ipaddress
import os
from pathlib import Path
import re
import select
import socket
import termios
import time
import tty
from typing import Protocol

from sam2_tracker_ros.errors import Sam2TrackerError

# Larger than any MAVLink packet; several may come in one read of a stream.
_READ_BYTES = 4096
# In one turn: a flood is left in the kernel's buffer, which drops what does not fit.
_MAX_READS = 64
# From one address: a router that passes on a whole vehicle's telemetry sends less.
_MAX_DATAGRAMS_PER_S = 1000
# Ground stations that a listening camera answers, and how long after they were last heard.
_MAX_PEERS = 8
_PEER_TIMEOUT_S = 10.0
_CONNECT_TIMEOUT_S = 1.0
_DEFAULT_BAUD = 57600

Address = tuple[str, int]
# What came in one read, and from whom; None where nobody else can have sent it.
Parts = list[tuple[bytes, Address | None]]


class ConnectionStringError(Sam2TrackerError):
    """A connection string does not say where to go."""


class Link(Protocol):
    """An open link; every method raises OSError when it fails, and none waits otherwise."""

    # Whether packets never continue in the next read.
    is_datagram: bool
    # Datagrams that were not looked at, because their sender sends too many.
    dropped: int

    def read(self, wait_s: float) -> Parts:
        """Return what has come, after waiting for something so long at most."""

    def welcome(self, peer: Address) -> None:
        """Answer this peer too, as what it sent was good."""

    def write(self, data: bytes) -> None:
        """Send one packet."""

    def close(self) -> None:
        """Give the port free."""


class _UdpLink:
    """What both kinds have in common: a socket, and a limit to what one address may send."""

    is_datagram = True

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self.dropped = 0
        self._second = 0
        self._counts: Counter[Address] = Counter()

    def read(self, wait_s: float) -> Parts:
        """Return the datagrams that have come."""
        _wait(self._socket.fileno(), wait_s)
        found: Parts = []
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._counts = second, Counter()
        with suppress(BlockingIOError):
            for _ in range(_MAX_READS):
                # Refused is what an earlier packet found nobody for; the next is worth reading.
                with suppress(ConnectionRefusedError):
                    data, peer = self._socket.recvfrom(_READ_BYTES)
                    self._counts[peer] += 1
                    if self._counts[peer] > _MAX_DATAGRAMS_PER_S:
                        self.dropped += 1
                    else:
                        found.append((data, peer))
        return found

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class UdpClientLink(_UdpLink):
    """Sends to one address, and hears nobody else: the kernel drops what others send."""

    def __init__(self, address: Address) -> None:
        super().__init__()
        self._socket.connect(address)

    def welcome(self, peer: Address) -> None:
        """Do nothing: there is one peer."""

    def write(self, data: bytes) -> None:
        """Send a datagram."""
        self._socket.send(data)


class UdpServerLink(_UdpLink):
    """Listens at one address, and sends to those whose packets were good lately."""

    def __init__(self, address: Address) -> None:
        super().__init__()
        self._socket.bind(address)
        self._heard_s: dict[Address, float] = {}

    def welcome(self, peer: Address) -> None:
        """Send to this peer too, for a while."""
        self._heard_s[peer] = time.monotonic()
        while len(self._heard_s) > _MAX_PEERS:
            del self._heard_s[min(self._heard_s, key=lambda other: self._heard_s[other])]

    def write(self, data: bytes) -> None:
        """Send a datagram to each of them."""
        oldest_s = time.monotonic() - _PEER_TIMEOUT_S
        self._heard_s = {peer: at_s for peer, at_s in self._heard_s.items() if at_s > oldest_s}
        for peer in self._heard_s:
            self._socket.sendto(data, peer)


class StreamLink:
    """
    A TCP connection or a serial line.

    :param file: descriptor, non-blocking.
    :param owner: closes it.
    """

    is_datagram = False
    dropped = 0

    def __init__(self, file: int, close: Callable[[], None]) -> None:
        self._file = file
        self._close = close

    def read(self, wait_s: float) -> Parts:
        """Return the bytes that have come."""
        if not _wait(self._file, wait_s):
            return []
        data = os.read(self._file, _READ_BYTES)
        if not data:
            message = 'the other side closed the connection'
            raise ConnectionResetError(message)
        return [(data, None)]

    def welcome(self, peer: Address) -> None:
        """Do nothing: there is one peer."""

    def write(self, data: bytes) -> None:
        """Send a packet; one that does not fit is cut, and found damaged by its receiver."""
        os.write(self._file, data)

    def close(self) -> None:
        """Close the connection or the line."""
        self._close()


def link_opener(connection: str) -> Callable[[], Link]:
    """
    Return what opens a link, raising OSError when that fails.

    :param connection: `udpout:HOST:PORT`, `udpin:HOST:PORT`, `tcp:HOST:PORT` or
        `/dev/DEVICE[,BAUD]`.
    :raises ConnectionStringError: it is something else.
    """
    network = re.fullmatch(r'(udpout|udpin|tcp):([^:\s]+):(\d{1,5})', connection)
    if network and 0 < int(network[3]) <= 65535:
        address = (network[2], int(network[3]))
        if network[1] == 'tcp':
            return lambda: _tcp_link(address)
        kind = UdpClientLink if network[1] == 'udpout' else UdpServerLink
        return lambda: kind(address)
    serial = re.fullmatch(r'(/dev/[^,\s]+)(?:,(\d{1,7}))?', connection)
    baud = int(serial[2] or _DEFAULT_BAUD) if serial else 0
    if serial and hasattr(termios, f'B{baud}'):
        path = Path(serial[1])
        return lambda: _serial_link(path, baud)
    message = (
        f'{connection!r} is no connection; expected udpout:HOST:PORT, udpin:HOST:PORT, '
        'tcp:HOST:PORT or /dev/DEVICE,BAUD with a usual rate, for example udpout:127.0.0.1:14550'
    )
    raise ConnectionStringError(message)


def is_open_to_strangers(connection: str) -> bool:
    """Return whether other machines may send to a connection without being named in it."""
    listening = re.fullmatch(r'udpin:([^:\s]+):\d+', connection)
    if listening is None or listening[1] == 'localhost':
        return False
    try:
        return not ipaddress.ip_address(listening[1]).is_loopback
    except ValueError:
        return True


def _tcp_link(address: Address) -> Link:
    made = socket.create_connection(address, _CONNECT_TIMEOUT_S)
    made.setblocking(False)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return StreamLink(made.fileno(), made.close)


def _serial_link(path: Path, baud: int) -> Link:
    file = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        tty.setraw(file)
        modes = termios.tcgetattr(file)
        modes[4] = modes[5] = getattr(termios, f'B{baud}')
        termios.tcsetattr(file, termios.TCSANOW, modes)
    except termios.error as error:
        os.close(file)
        message = f'{path} is no serial line: {error}'
        raise OSError(message) from error
    return StreamLink(file, lambda: os.close(file))


def _wait(file: int, wait_s: float) -> bool:
    """Return whether there is something to read, after waiting for it so long at most."""
    ready, _, _ = select.select([file], [], [], wait_s)
    return bool(ready)
