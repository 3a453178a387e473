# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The server alone, as aiohttp's own client sees it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
import json
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, CookieJar, WSMsgType
from aiohttp import WSServerHandshakeError as HandshakeError
import pytest

from sam2_tracker_ros.core.types import Prompt, PromptAnswer, TargetState
from sam2_tracker_ros.operator_page import connection
from sam2_tracker_ros.operator_page.config import PageConfig
from sam2_tracker_ros.operator_page.connection import RateLimit
from sam2_tracker_ros.operator_page.feed import Feed, TargetView
from sam2_tracker_ros.operator_page.server import PAGES, TRY_AGAIN_LATER, PageError, PageServer

DEADLINE_S = 20.0
TOKEN = 'a-token-of-some-length'  # noqa: S105 - of the test
SELECT = {'type': 'select', 'point': [0.5, 0.25], 'stamp': '17'}


class Tracker:
    """Answers prompts at once, or when it is let go."""

    def __init__(self) -> None:
        self.prompts: list[Prompt] = []
        self.stops = 0
        self.is_busy = False

    async def prompt(self, prompt: Prompt) -> PromptAnswer:
        self.prompts.append(prompt)
        while self.is_busy:
            await asyncio.sleep(0.01)
        return PromptAnswer(False, 'there is nothing', 'car')

    async def stop(self) -> PromptAnswer:
        self.stops += 1
        return PromptAnswer(True, 'released')


class Browser:
    """A client with the server's address, and the headers that a browser would send."""

    def __init__(self, session: ClientSession, port: int) -> None:
        self.session = session
        self.origin = f'http://127.0.0.1:{port}'

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self.session.get(f'{self.origin}{path}', headers=headers) as response:
            return response.status, await response.text()

    async def open(self, **headers: str) -> 'ClientWebSocketResponse[bool]':
        return await self.session.ws_connect(
            f'{self.origin}/socket', headers={'Origin': self.origin, **headers}
        )

    async def refused(self, **headers: str) -> int:
        with pytest.raises(HandshakeError) as caught:
            await self.open(**headers)
        return caught.value.status


class Running:
    """A server, and what is behind it."""

    def __init__(self, config: PageConfig) -> None:
        self.feed = Feed()
        self.tracker = Tracker()
        self.server = PageServer(config, self.feed, self.tracker)
        self.port = self.server.start()

    def show(self, stamp_ns: int, jpeg: bytes = b'picture') -> None:
        self.feed.put_target(stamp_ns, TargetView('car', TargetState.TRACKING))
        self.feed.put_picture(stamp_ns, jpeg)
        self.server.notify()

    def browse(self, visit: Callable[[Browser], Awaitable[None]]) -> None:
        async def run() -> None:
            async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
                await asyncio.wait_for(visit(Browser(session, self.port)), DEADLINE_S)

        asyncio.run(run())


StartServer = Callable[..., Running]


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    made: list[Running] = []

    def start(**settings: Any) -> Running:
        made.append(Running(PageConfig(**{'port': 0, 'max_rate_hz': 120.0, **settings})))
        return made[-1]

    yield start
    for running in made:
        running.server.stop()


async def packet_of(socket: 'ClientWebSocketResponse[bool]') -> tuple[dict[str, Any], bytes]:
    """Return the next packet; what is said between packets is left out."""
    while (message := await socket.receive()).type is WSMsgType.TEXT:
        pass
    assert message.type is WSMsgType.BINARY, message
    end = 4 + int.from_bytes(message.data[:4], 'big')
    return json.loads(message.data[4:end]), message.data[end:]


async def answer_of(socket: 'ClientWebSocketResponse[bool]') -> dict[str, Any]:
    """Return the next answer; packets are not acknowledged."""
    while (message := await socket.receive()).type is WSMsgType.BINARY:
        pass
    assert message.type is WSMsgType.TEXT, message
    found: dict[str, Any] = json.loads(message.data)
    return found


async def acknowledge(socket: 'ClientWebSocketResponse[bool]', header: dict[str, Any]) -> None:
    await socket.send_json({'type': 'ack', 'packet': header['packet']})


def test_every_file_of_the_page_is_served_with_strict_headers(start_server: StartServer) -> None:
    async def visit(browser: Browser) -> None:
        for path in (*PAGES, '/nothing'):
            async with browser.session.get(browser.origin + path) as response:
                assert response.status == (404 if path == '/nothing' else 200)
                policy = response.headers['Content-Security-Policy']
                assert policy.startswith("default-src 'self'; ")
                assert "frame-ancestors 'none'" in policy
                assert response.headers['X-Content-Type-Options'] == 'nosniff'
                assert response.headers['Referrer-Policy'] == 'no-referrer'
                assert response.headers['Cache-Control'] == 'no-store'
                assert 'aiohttp' not in response.headers['Server'].lower()
                assert not response.cookies

    start_server().browse(visit)


def test_the_page_asks_for_nothing_that_is_not_served(start_server: StartServer) -> None:
    async def visit(browser: Browser) -> None:
        texts = [(await browser.get(path))[1] for path in PAGES]
        for word in ('http://', 'https://', '//cdn', 'style='):
            found = [text for text in texts if word in text.replace('http://www.w3.org/', '')]
            assert not found, f'{word} in {found}'

    start_server().browse(visit)


@pytest.mark.parametrize(
    'path', ['/../server.py', '/%2e%2e/server.py', '/static/page.css', '//etc/passwd', '/main.js/']
)
def test_there_is_nothing_besides_the_page(start_server: StartServer, path: str) -> None:
    running = start_server()

    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection('127.0.0.1', running.port)
        writer.write(
            f'GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'.encode()
        )
        text = await asyncio.wait_for(reader.read(), DEADLINE_S)
        writer.close()
        return text

    assert asyncio.run(ask()).startswith(b'HTTP/1.1 404')


def test_a_page_of_another_site_gets_nothing(start_server: StartServer) -> None:
    async def visit(browser: Browser) -> None:
        assert (await browser.get('/', Host='evil.example'))[0] == 403
        assert await browser.refused(Host='evil.example', Origin='http://evil.example') == 403
        assert await browser.refused(Origin='http://evil.example') == 403
        assert await browser.refused(Origin='null') == 403
        assert await browser.refused(Origin='') == 403
        assert (await browser.get('/socket', Origin=browser.origin))[0] == 400

    start_server().browse(visit)


def test_the_token_is_shown_once(start_server: StartServer) -> None:
    async def visit(browser: Browser) -> None:
        for path in ('/', '/?token=', '/?token=wrong', '/main.js', f'/main.js?token={TOKEN}'):
            status, text = await browser.get(path)
            assert (status, TOKEN in text) == (403, False)
        assert await browser.refused() == 403
        async with browser.session.get(f'{browser.origin}/?token={TOKEN}') as response:
            assert response.status == 200
            cookie = response.headers['Set-Cookie']
        assert 'HttpOnly' in cookie
        assert 'SameSite=Strict' in cookie
        assert TOKEN not in cookie
        assert (await browser.get('/main.js'))[0] == 200
        socket = await browser.open()
        await packet_of(socket)
        assert await browser.refused(Origin='http://evil.example') == 403

    start_server(token=TOKEN).browse(visit)


def test_the_next_packet_waits_for_the_last_and_is_the_newest(start_server: StartServer) -> None:
    running = start_server()

    async def visit(browser: Browser) -> None:
        running.show(1)
        socket = await browser.open()
        header, jpeg = await packet_of(socket)
        assert (header['stamp'], jpeg, header['target']['state']) == ('1', b'picture', 'TRACKING')
        for stamp_ns in range(2, 50):
            running.show(stamp_ns, b'%d' % stamp_ns)
        # A wrong number acknowledges nothing; the answers show that the server has read it.
        await socket.send_json({'type': 'ack', 'packet': header['packet'] + 1})
        await socket.send_json({'type': 'stop', 'request': 1})
        message = await socket.receive()
        assert message.type is WSMsgType.TEXT, 'a packet came before the last was acknowledged'
        await acknowledge(socket, header)
        header, jpeg = await packet_of(socket)
        assert (header['stamp'], jpeg) == ('49', b'49')
        assert header['link_s'] >= 0.0
        await acknowledge(socket, header)
        header, jpeg = await packet_of(socket)  # so that the page knows of the silence
        assert (header['stamp'], jpeg) == (None, b'')
        assert header['picture_age_s'] > 0.0

    running.browse(visit)


def test_a_silent_page_makes_room(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, 'ACKNOWLEDGEMENT_TIMEOUT_S', 0.1)
    running = start_server(max_pages=2)

    async def visit(browser: Browser) -> None:
        silent, other = await browser.open(), await browser.open()
        late = await browser.open()
        message = await late.receive()
        assert (message.type, message.data) == (WSMsgType.CLOSE, TRY_AGAIN_LATER)
        assert message.extra == '2 pages are open already; close one'
        for socket in (silent, other):
            await packet_of(socket)
            assert (await socket.receive()).type is WSMsgType.CLOSE
        await packet_of(await browser.open())

    running.browse(visit)


def test_prompts_reach_the_tracker_and_its_answer_the_page(start_server: StartServer) -> None:
    running = start_server()

    async def visit(browser: Browser) -> None:
        socket = await browser.open()
        await socket.send_json({**SELECT, 'request': 11})
        assert await answer_of(socket) == {
            'type': 'answer',
            'request': 11,
            'accepted': False,
            'message': 'there is nothing',
            'target': 'car',
        }
        await socket.send_json({'type': 'stop', 'request': 12})
        answer = await answer_of(socket)
        assert (answer['request'], answer['accepted']) == (12, True)

    running.browse(visit)
    (prompt,) = running.tracker.prompts
    assert (prompt.points[0].x, prompt.points[0].y) == (0.5, 0.25)
    assert (prompt.normalized, prompt.stamp_ns) == (True, 17)
    assert running.tracker.stops == 1


def test_wrong_messages_are_answered_and_the_page_lives(start_server: StartServer) -> None:
    running = start_server()

    async def visit(browser: Browser) -> None:
        socket = await browser.open()
        for text in ('{', 'null', '{"type": "fly"}', '{"type": "ack"}'):
            await socket.send_str(text)
            answer = await answer_of(socket)
            assert (answer['type'], answer['request']) == ('error', None)
            assert answer['message']
        await socket.send_str('{"type": "select", "request": 3, "stamp": "1", "point": [NaN, 1]}')
        assert 'NaN is not a number' in (await answer_of(socket))['message']
        await socket.send_json({**SELECT, 'request': 4, 'point': [2, 0]})
        answer = await answer_of(socket)
        assert (answer['request'], 'from 0 to 1' in answer['message']) == (4, True)
        await socket.send_bytes(b'x')
        assert (await answer_of(socket))['message'] == 'messages are text'
        await socket.send_json({'type': 'stop', 'request': 5})
        assert (await answer_of(socket))['accepted'] is True
        await socket.send_str('x' * 5000)
        while (message := await socket.receive()).type is WSMsgType.BINARY:
            pass
        assert (message.type, message.data) == (WSMsgType.CLOSE, 1009)  # message too big
        assert not running.tracker.prompts

    running.browse(visit)


def test_too_many_requests_are_refused(start_server: StartServer) -> None:
    running = start_server()
    running.tracker.is_busy = True

    async def visit(browser: Browser) -> None:
        socket = await browser.open()
        for number in range(30):
            await socket.send_json({**SELECT, 'request': number})
        answers = [await answer_of(socket) for _ in range(26)]
        assert {answer['type'] for answer in answers} == {'error'}
        reasons = [answer['message'] for answer in answers]
        assert any('busy' in reason for reason in reasons)
        assert any('more than 10 requests in a second' in reason for reason in reasons)
        running.tracker.is_busy = False
        assert {(await answer_of(socket))['type'] for _ in range(4)} == {'answer'}

    running.browse(visit)
    assert len(running.tracker.prompts) == 4


def test_the_rate_limit_recovers() -> None:
    now_s = 0.0
    limit = RateLimit(10.0, lambda: now_s)
    assert [limit.allows() for _ in range(12)] == [True] * 10 + [False] * 2
    now_s = 0.25
    assert [limit.allows() for _ in range(3)] == [True, True, False]
    now_s = 100.0
    assert [limit.allows() for _ in range(12)] == [True] * 10 + [False] * 2


def test_a_taken_port_is_one_clear_error(start_server: StartServer) -> None:
    port = start_server().port
    with pytest.raises(PageError, match=f'cannot serve on 127.0.0.1:{port}: .*host and port'):
        start_server(port=port)


def test_an_address_that_is_none_is_one_clear_error() -> None:
    config = PageConfig('a' * 100, token=TOKEN)
    with pytest.raises(PageError, match='cannot serve on aaa'):
        PageServer(config, Feed(), Tracker()).start()


def test_stopping_closes_every_page(start_server: StartServer) -> None:
    running = start_server()

    async def visit(browser: Browser) -> None:
        socket = await browser.open()
        await packet_of(socket)
        assert running.server.page_count == 1
        await asyncio.to_thread(running.server.stop)
        assert (await socket.receive()).type is WSMsgType.CLOSE
        assert running.server.page_count == 0

    running.browse(visit)
    running.show(1)  # nobody is told
