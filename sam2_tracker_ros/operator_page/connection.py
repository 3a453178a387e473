# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One open page: packets out, one at a time, and requests in."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
import math
from typing import Protocol

from aiohttp import WSCloseCode, WSMsgType, web

from sam2_tracker_ros.core.types import Prompt, PromptAnswer
from sam2_tracker_ros.operator_page.feed import Cursor, Feed
from sam2_tracker_ros.operator_page.requests import (
    Acknowledgement,
    PromptRequest,
    RequestError,
    StopRequest,
    parse_request,
    request_number,
)

# A page hears something at least this often, so that it can tell silence from a lost connection.
HEARTBEAT_S = 0.5
# A page that acknowledges nothing for longer is gone, and makes room for another.
ACKNOWLEDGEMENT_TIMEOUT_S = 10.0
REQUESTS_PER_SECOND = 10.0
# Whatever they are; acknowledgements come as often as pictures.
MESSAGES_PER_SECOND = 250.0
# Requests that wait for the tracker's answer.
_MAX_WAITING = 4
_LOOK_AGAIN_S = 0.1


class Commands(Protocol):
    """The tracker, as pages command it."""

    async def prompt(self, prompt: Prompt) -> PromptAnswer:
        """Select or refine."""

    async def stop(self) -> PromptAnswer:
        """Release every target."""


class RateLimit:
    """
    Allows so many requests in a second, and as many at once.

    :param clock_s: never goes back.
    """

    def __init__(self, per_second: float, clock_s: Callable[[], float]) -> None:
        self._per_second = per_second
        self._clock_s = clock_s
        self._allowance = per_second
        self._at_s = clock_s()

    def allows(self) -> bool:
        """Return whether one more is allowed now, and count it."""
        now_s = self._clock_s()
        self._allowance += (now_s - self._at_s) * self._per_second
        self._allowance = min(self._allowance, self._per_second)
        self._at_s = now_s
        if self._allowance < 1.0:
            return False
        self._allowance -= 1.0
        return True


class Connection:
    """
    Serves one page until it goes.

    The next packet is made only when the page has drawn the last one: a slow phone gets fewer
    pictures, never old ones.

    :param max_rate_hz: packets in a second at most.
    """

    def __init__(
        self, socket: web.WebSocketResponse, feed: Feed, commands: Commands, max_rate_hz: float
    ) -> None:
        self._socket = socket
        self._feed = feed
        self._commands = commands
        self._period_s = 1.0 / max_rate_hz
        self._loop = asyncio.get_running_loop()
        self._limit = RateLimit(REQUESTS_PER_SECOND, self._loop.time)
        self._message_limit = RateLimit(MESSAGES_PER_SECOND, self._loop.time)
        self._news = asyncio.Event()
        self._acknowledged = asyncio.Event()
        self._packet = 0
        self._waiting: set[asyncio.Task[None]] = set()

    def notify(self) -> None:
        """Look at the feed again."""
        self._news.set()

    async def run(self) -> None:
        """Send and receive until the page closes or is silent for too long."""
        sending = asyncio.ensure_future(self._send_packets())
        # A page that is gone leaves the loop below waiting.
        sending.add_done_callback(lambda _: self._loop.create_task(self.close()))
        try:
            async for message in self._socket:
                if not self._message_limit.allows():
                    await self._socket.close(
                        code=WSCloseCode.POLICY_VIOLATION, message=b'too many messages'
                    )
                elif message.type is WSMsgType.TEXT:
                    await self._on_text(message.data)
                elif message.type is WSMsgType.BINARY:
                    await self._refuse(None, 'messages are text')
        finally:
            for task in (sending, *self._waiting):
                task.cancel()
            ended = await asyncio.gather(sending, *self._waiting, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def close(self) -> None:
        """End it; the page will try again."""
        with suppress(ConnectionError):
            await self._socket.close()

    async def _send_packets(self) -> None:
        cursor, link_s, sent_s = Cursor(), math.nan, -math.inf
        while not self._socket.closed:
            is_due = self._loop.time() - sent_s >= HEARTBEAT_S
            self._news.clear()
            made = self._feed.packet(self._packet + 1, cursor, link_s, is_due=is_due)
            if made is None:
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._news.wait(), _LOOK_AGAIN_S)
                continue
            self._packet += 1
            self._acknowledged.clear()
            sent_s = self._loop.time()
            packet, cursor = made
            try:
                await asyncio.wait_for(self._deliver(packet), ACKNOWLEDGEMENT_TIMEOUT_S)
            except (asyncio.TimeoutError, ConnectionError):
                return
            link_s = self._loop.time() - sent_s
            await asyncio.sleep(max(0.0, self._period_s - link_s))

    async def _deliver(self, packet: bytes) -> None:
        await self._socket.send_bytes(packet)
        await self._acknowledged.wait()

    async def _on_text(self, text: str) -> None:
        try:
            request = parse_request(text)
        except RequestError as error:
            await self._refuse(request_number(text), str(error))
            return
        if isinstance(request, Acknowledgement):
            if request.packet == self._packet:
                self._acknowledged.set()
            return
        if not self._limit.allows():
            why = f'more than {REQUESTS_PER_SECOND:g} requests in a second; wait a moment'
            await self._refuse(request.number, why)
        elif len(self._waiting) >= _MAX_WAITING and not isinstance(request, StopRequest):
            await self._refuse(request.number, 'the tracker is still busy with the last prompts')
        else:
            task = asyncio.create_task(self._answer(request))
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)

    async def _answer(self, request: PromptRequest | StopRequest) -> None:
        if isinstance(request, StopRequest):
            answer = await self._commands.stop()
        else:
            answer = await self._commands.prompt(request.prompt)
        await self._say(
            type='answer',
            request=request.number,
            accepted=answer.accepted,
            message=answer.message,
            target=answer.target_id,
        )

    async def _refuse(self, number: int | None, why: str) -> None:
        await self._say(type='error', request=number, message=why)

    async def _say(self, **fields: object) -> None:
        with suppress(ConnectionError):
            await self._socket.send_json(fields)
