# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How much of the server a stranger may take: connections, time and requests."""

import asyncio
from collections import Counter
from collections.abc import Mapping
import logging
from time import monotonic
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from sam2_tracker_ros.operator_page.connection import RateLimit

# A page has one websocket, and some more connections while it is loaded.
MAX_CONNECTIONS = 64
MAX_CONNECTIONS_OF_ONE = 32
# From one address; a page that is loaded asks for nine files.
REQUESTS_PER_SECOND = 40.0
# For a whole request to arrive, and between two of them.
REQUEST_TIMEOUT_S = 5.0
_MAX_LINE_BYTES = 2048
_MAX_FIELD_BYTES = 4096
_MAX_KNOWN_PEERS = 256


class _OwnMistakes(logging.Filter):
    """What somebody else sent is no error of this server, and must not fill its log."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, HttpProcessingError)


LOGGER = logging.getLogger('sam2_tracker_ros.operator_page')
LOGGER.addFilter(_OwnMistakes())


class Guard:
    """
    Counts what each address takes.

    :param headers: of answers to what is no request at all.
    """

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers = headers
        self._connections: Counter[str] = Counter()
        self._limits: dict[str, RateLimit] = {}

    def protocol(self, server: web.Server) -> asyncio.Protocol:
        """Return what serves a new connection."""
        return _GuardedHandler(
            server,
            self,
            loop=asyncio.get_running_loop(),
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=REQUEST_TIMEOUT_S,
            lingering_time=0.0,
            logger=LOGGER,
            max_line_size=_MAX_LINE_BYTES,
            max_field_size=_MAX_FIELD_BYTES,
        )

    def admits(self, peer: str) -> bool:
        """Return whether there is room for one more connection of an address, and count it."""
        is_full = self._connections.total() >= MAX_CONNECTIONS
        if is_full or self._connections[peer] >= MAX_CONNECTIONS_OF_ONE:
            return False
        self._connections[peer] += 1
        return True

    def forget(self, peer: str) -> None:
        """Take a connection of an address off."""
        self._connections[peer] -= 1
        if not self._connections[peer]:
            del self._connections[peer]

    def allows_request(self, request: web.BaseRequest) -> bool:
        """Return whether its address may ask for something now, and count it."""
        protocol = request.protocol
        if isinstance(protocol, _GuardedHandler):
            protocol.has_asked()
        peer = request.remote or ''
        limit = self._limits.pop(peer, None) or RateLimit(REQUESTS_PER_SECOND, monotonic)
        # At the end: the one that was seen last is forgotten last.
        self._limits[peer] = limit
        while len(self._limits) > _MAX_KNOWN_PEERS:
            del self._limits[next(iter(self._limits))]
        return limit.allows()


class _GuardedHandler(web.RequestHandler):
    """One connection, which is closed when nothing is asked for in time."""

    __slots__ = ('_guard', '_patience', '_peer')

    def __init__(self, server: web.Server, guard: Guard, **options: Any) -> None:
        super().__init__(server, **options)
        self._guard = guard
        self._peer: str | None = None
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        address = transport.get_extra_info('peername')
        peer = str(address[0]) if address else ''
        if not self._guard.admits(peer):
            self.force_close()
            return
        self._peer = peer
        loop = asyncio.get_running_loop()
        self._patience = loop.call_later(REQUEST_TIMEOUT_S, self.force_close)

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self.has_asked()
        if self._peer is not None:
            self._guard.forget(self._peer)
            self._peer = None

    def has_asked(self) -> None:
        """Note that the first request is there; the keep-alive timeout is for the next ones."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def handle_error(self, *arguments: Any, **options: Any) -> web.StreamResponse:
        response = super().handle_error(*arguments, **options)
        response.headers.update(self._guard.headers)
        return response
