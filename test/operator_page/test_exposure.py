# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a stranger who reaches the port can do, over raw sockets."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
import logging
import socket
import struct
import time
from typing import Any

import pytest

from sam2_tracker_ros.core.types import Prompt, PromptAnswer
from sam2_tracker_ros.operator_page import guard
from sam2_tracker_ros.operator_page.access import SECURITY_HEADERS
from sam2_tracker_ros.operator_page.config import PageConfig
from sam2_tracker_ros.operator_page.connection import MESSAGES_PER_SECOND
from sam2_tracker_ros.operator_page.feed import Feed
from sam2_tracker_ros.operator_page.server import PAGES, PageServer

DEADLINE_S = 20.0
TOKEN = 'a-token-of-some-length'  # noqa: S105 - of the test
POLICY_VIOLATION = 1008
SHORT_S = 0.3


class NoTracker:
    """Nothing here asks it for anything."""

    async def prompt(self, prompt: Prompt) -> PromptAnswer:
        raise AssertionError

    async def stop(self) -> PromptAnswer:
        raise AssertionError


class Stranger:
    """Speaks to a server without any of a browser's manners."""

    def __init__(self, config: PageConfig) -> None:
        self._server = PageServer(config, Feed(), NoTracker())
        self.port = self._server.start()
        self._sockets = ExitStack()

    def end(self) -> None:
        self._sockets.close()
        self._server.stop()

    def connect(self) -> socket.socket:
        made = socket.create_connection(('127.0.0.1', self.port), timeout=DEADLINE_S)
        return self._sockets.enter_context(made)

    def ask(self, text: str) -> tuple[int, dict[str, str]]:
        """Send a request with the usual headers; return status and headers of the answer."""
        lines = [text, f'Host: 127.0.0.1:{self.port}', 'Connection: close', '', '']
        return self.send('\r\n'.join(lines).encode())

    def send(self, data: bytes) -> tuple[int, dict[str, str]]:
        with self.connect() as connection:
            connection.sendall(data)
            return answer_of(connection)

    def upgrade(self) -> tuple[socket.socket, dict[str, str]]:
        connection = self.connect()
        host = f'127.0.0.1:{self.port}'
        connection.sendall(
            f'GET /socket HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n'
            'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
            'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'.encode()
        )
        status, headers = answer_of(connection)
        assert status == 101
        return connection, headers


def answer_of(connection: socket.socket) -> tuple[int, dict[str, str]]:
    """Return status and headers of an answer; (0, {}) when the connection is just closed."""
    data = b''
    with suppress(ConnectionResetError):
        while b'\r\n\r\n' not in data and (part := connection.recv(4096)):
            data += part
    if not data:
        return 0, {}
    first, *lines = data.split(b'\r\n\r\n')[0].decode().split('\r\n')
    headers = dict(line.split(': ', 1) for line in lines)
    return int(first.split()[1]), headers


def is_closed(connection: socket.socket) -> bool:
    """Wait for the other side to close, without sending anything more."""
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


def drip(connection: socket.socket) -> None:
    """Send a header now and then, for longer than a server should bear it."""
    for _ in range(round(DEADLINE_S / 0.05)):
        connection.sendall(b'X: x\r\n')
        time.sleep(0.05)


StartServer = Callable[..., Stranger]


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    made: list[Stranger] = []

    def start(**settings: Any) -> Stranger:
        made.append(Stranger(PageConfig(**{'port': 0, **settings})))
        return made[-1]

    yield start
    for each in made:
        each.end()


def test_every_answer_has_the_headers_and_none_names_the_software(
    start_server: StartServer,
) -> None:
    stranger, guarded = start_server(), start_server(token=TOKEN)
    answers = {
        200: stranger.ask('GET / HTTP/1.1'),
        404: stranger.ask('GET /nothing HTTP/1.1'),
        405: stranger.ask('DELETE / HTTP/1.1'),
        403: guarded.ask('GET / HTTP/1.1'),
        400: stranger.send(b'no request at all\r\n\r\n'),
        101: stranger.upgrade()[1],
    }
    for status, answer in answers.items():
        found, headers = answer if isinstance(answer, tuple) else (status, answer)
        assert found == status
        missing = {
            name for name in SECURITY_HEADERS if headers.get(name) != SECURITY_HEADERS[name]
        }
        assert not missing, status
        assert 'aiohttp' not in str(headers).lower()


@pytest.mark.parametrize(
    'data',
    [
        b'GET /' + b'x' * 5000 + b' HTTP/1.1\r\n\r\n',
        b'GET / HTTP/1.1\r\nX: ' + b'x' * 9000 + b'\r\n\r\n',
        b'GET / HTTP/1.1\r\n' + b'X: x\r\n' * 60_000,
        b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + b'\0' * 600,
        b'GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n',
        b'GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello',
        b'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: localhost\r\n\r\n',
    ],
)
def test_what_is_no_request_is_refused_and_not_logged(
    start_server: StartServer, caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    stranger = start_server()
    with caplog.at_level(logging.WARNING), suppress(ConnectionResetError, BrokenPipeError):
        assert stranger.send(data)[0] in (0, 400, 403)
    assert not caplog.records
    assert stranger.ask('GET / HTTP/1.1')[0] == 200


def test_the_token_is_not_logged(
    start_server: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = start_server(token=TOKEN)
    with caplog.at_level(logging.DEBUG):
        assert stranger.ask(f'GET /?token={TOKEN} HTTP/1.1')[0] == 200
        stranger.send(f'GET /?token={TOKEN} HTTP/7.7\r\n\r\n'.encode())
    assert TOKEN not in caplog.text


def test_the_cookie_is_for_tls_alone_behind_a_proxy_with_tls(start_server: StartServer) -> None:
    stranger = start_server(token=TOKEN)
    _, plain = stranger.ask(f'GET /?token={TOKEN} HTTP/1.1')
    _, secure = stranger.ask(f'GET /?token={TOKEN} HTTP/1.1\r\nX-Forwarded-Proto: https')
    assert 'Secure' not in plain['Set-Cookie']
    assert 'Secure' in secure['Set-Cookie']


def test_who_asks_for_nothing_is_put_out(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, 'REQUEST_TIMEOUT_S', SHORT_S)
    stranger = start_server()
    silent, slow, again = (stranger.connect() for _ in range(3))
    host = f'Host: 127.0.0.1:{stranger.port}\r\n'
    slow.sendall(f'GET / HTTP/1.1\r\n{host}'.encode())
    again.sendall(f'GET /icon.svg HTTP/1.1\r\n{host}\r\nGET / HTTP/1.1\r\n'.encode())
    assert is_closed(silent)
    assert is_closed(slow)
    assert is_closed(again)
    page, _ = stranger.upgrade()
    page.settimeout(5.0 * SHORT_S)
    assert not is_closed(page)


def test_a_slow_drip_is_no_request(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, 'REQUEST_TIMEOUT_S', SHORT_S)
    connection = start_server().connect()
    connection.sendall(b'GET / HTTP/1.1\r\n')
    with pytest.raises(ConnectionError):
        drip(connection)


def test_one_address_cannot_take_every_connection(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, 'MAX_CONNECTIONS_OF_ONE', 3)
    stranger = start_server()
    kept = [stranger.connect() for _ in range(3)]
    assert is_closed(stranger.connect())
    kept.pop().close()
    deadline = time.monotonic() + DEADLINE_S
    # The server takes a moment to see that there is room again.
    while stranger.ask('GET / HTTP/1.1')[0] != 200:
        assert time.monotonic() < deadline


def test_there_is_an_end_to_connections(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, 'MAX_CONNECTIONS', 2)
    stranger = start_server()
    kept = [stranger.connect() for _ in range(2)]
    assert is_closed(stranger.connect())
    assert len(kept) == 2


def test_too_many_requests_wait_a_moment(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, 'REQUESTS_PER_SECOND', 5.0)
    monkeypatch.setattr(guard, 'monotonic', lambda: 1000.0)  # nothing is forgiven
    stranger = start_server(token=TOKEN)
    path = 'GET /?token=wrong HTTP/1.1'
    answers = [stranger.ask(path) for _ in range(7)]
    assert [status for status, _ in answers] == [403] * 5 + [429] * 2
    assert answers[-1][1]['Retry-After'] == '1'
    assert stranger.ask(f'GET /?token={TOKEN} HTTP/1.1')[0] == 429


def test_too_many_messages_close_the_page(start_server: StartServer) -> None:
    page, _ = start_server().upgrade()
    # A text of two bytes, with a mask of zeros.
    frame = b'\x81\x82\0\0\0\0{}'
    with suppress(ConnectionError):
        page.sendall(frame * round(4 * MESSAGES_PER_SECOND))
    heard = b''
    with suppress(ConnectionResetError):
        while part := page.recv(65536):
            heard += part
    assert struct.pack('>BBH', 0x88, 2 + len('too many messages'), POLICY_VIOLATION) in heard


def test_a_message_that_never_ends_closes_the_page(start_server: StartServer) -> None:
    page, _ = start_server().upgrade()
    page.sendall(struct.pack('>BBQ', 0x01, 0xFF, 1 << 40) + b'\0\0\0\0')
    assert is_closed(page)


@pytest.mark.parametrize('path', PAGES)
def test_a_body_is_not_waited_for(start_server: StartServer, path: str) -> None:
    stranger = start_server()
    text = f'GET {path} HTTP/1.1\r\nContent-Length: 1000000000\r\nContent-Encoding: gzip'
    assert stranger.ask(text)[0] in (200, 400)
