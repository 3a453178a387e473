# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The web server: a handful of files and one websocket, in a thread of its own."""

import asyncio
from concurrent.futures import Future
from importlib.resources import files
import threading

from aiohttp import web
from aiohttp.typedefs import Handler

from sam2_tracker_ros.errors import Sam2TrackerError
from sam2_tracker_ros.operator_page.access import SECURITY_HEADERS, Access
from sam2_tracker_ros.operator_page.config import PageConfig
from sam2_tracker_ros.operator_page.connection import Commands, Connection
from sam2_tracker_ros.operator_page.feed import Feed
from sam2_tracker_ros.operator_page.guard import Guard
from sam2_tracker_ros.operator_page.requests import MAX_MESSAGE_BYTES

# Everything that can be asked for, by its path: there is no folder to wander about in.
PAGES = {
    '/': ('index.html', 'text/html'),
    '/page.css': ('page.css', 'text/css'),
    '/icon.svg': ('icon.svg', 'image/svg+xml'),
} | {
    f'/{name}.js': (f'{name}.js', 'text/javascript')
    for name in ('main', 'connection', 'picture', 'pointing', 'panel')
}
_COOKIE_AGE_S = 30 * 24 * 3600
# At the end, which takes less than 2 s: for pages to agree to be closed, and then for each of the
# two steps in which the server gives up those that did not.
_GOODBYE_S = 0.5
_STOP_TIMEOUT_S = 0.3
# A page out of reach does not agree to be closed.
_CLOSE_TIMEOUT_S = 2.0
# Close code of websockets: try again later.
TRY_AGAIN_LATER = 1013


class PageError(Sam2TrackerError):
    """The page cannot be served."""


class PageServer:
    """
    Serves the page until it is stopped.

    :param commands: are called in the server's thread, and must not block it.
    """

    def __init__(self, config: PageConfig, feed: Feed, commands: Commands) -> None:
        self._config = config
        self._feed = feed
        self._commands = commands
        self._access = Access(config)
        self._guard = Guard(SECURITY_HEADERS)
        self._connections: set[Connection] = set()
        folder = files('sam2_tracker_ros.operator_page') / 'static'
        self._files = {
            path: (folder.joinpath(name).read_bytes(), content_type)
            for path, (name, content_type) in PAGES.items()
        }
        self._loop = asyncio.new_event_loop()
        self._started: Future[int] = Future()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name='operator_page', daemon=True)

    def start(self) -> int:
        """
        Serve from now on; return the port.

        :raises PageError: the address cannot be listened on.
        """
        self._thread.start()
        try:
            return self._started.result()
        except (OSError, UnicodeError) as error:
            config = self._config
            message = (
                f'cannot serve on {config.host}:{config.port}: {error}; '
                'set the parameters host and port to an address of this machine that is free'
            )
            raise PageError(message) from error

    def stop(self) -> None:
        """Close every page, and end the thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    @property
    def page_count(self) -> int:
        """How many pages are open."""
        return len(self._connections)

    def notify(self) -> None:
        """Tell every page that the feed has something new; from any thread."""
        if self._connections and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._notify_all)

    def _notify_all(self) -> None:
        for connection in self._connections:
            connection.notify()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        application = web.Application(middlewares=[self._check], client_max_size=MAX_MESSAGE_BYTES)
        application.on_response_prepare.append(_secure)
        for path in self._files:
            application.router.add_get(path, self._on_file)
        application.router.add_get('/socket', self._on_socket)
        runner = web.AppRunner(application, shutdown_timeout=_STOP_TIMEOUT_S)
        await runner.setup()
        try:
            listening = await self._listen(runner)
        except (OSError, UnicodeError) as error:  # the address is taken, or is none
            await runner.cleanup()
            self._started.set_exception(error)
            return
        self._started.set_result(int(listening.sockets[0].getsockname()[1]))
        await self._stop.wait()
        listening.close()
        goodbyes = [asyncio.ensure_future(each.close()) for each in self._connections]
        if goodbyes:
            await asyncio.wait(goodbyes, timeout=_GOODBYE_S)
        await runner.cleanup()

    async def _listen(self, runner: web.AppRunner) -> asyncio.Server:
        server = runner.server
        assert server is not None  # it is set up
        return await self._loop.create_server(
            lambda: self._guard.protocol(server), self._config.host, self._config.port
        )

    @web.middleware
    async def _check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let nobody in by another name, nor without the token or its cookie."""
        if not self._guard.allows_request(request):
            text = 'Too many requests of one address; wait a moment.\n'
            return web.Response(status=429, text=text, headers={'Retry-After': '1'})
        if not self._access.is_our_host(request.headers):
            text = (
                'This is not a known name of this machine. Open the page by its address, or add '
                'the name to the parameter allowed_hosts.\n'
            )
            return web.Response(status=403, text=text)
        cookie = f'operator_page_{self._config.port}'
        if request.path == '/' and self._access.is_token(request.query.get('token', '')):
            # Not a redirect: after a link from elsewhere it would come without the strict cookie.
            response = await handler(request)
            response.set_cookie(
                cookie,
                self._access.cookie,
                max_age=_COOKIE_AGE_S,
                httponly=True,
                # A proxy that speaks TLS says so.
                secure=request.headers.get('X-Forwarded-Proto') == 'https',
                samesite='Strict',
            )
            return response
        if not self._access.is_known(request.cookies.get(cookie, '')):
            text = 'Open this page with the link that ends in ?token= and the token of the node.\n'
            return web.Response(status=403, text=text)
        return await handler(request)

    async def _on_file(self, request: web.Request) -> web.Response:
        body, content_type = self._files[request.path]
        return web.Response(body=body, content_type=content_type, charset='utf-8')

    async def _on_socket(self, request: web.Request) -> web.StreamResponse:
        if not self._access.is_our_page(request.headers):
            text = 'The websocket is for the page of this server only.\n'
            return web.Response(status=403, text=text)
        socket = web.WebSocketResponse(
            timeout=_CLOSE_TIMEOUT_S, max_msg_size=MAX_MESSAGE_BYTES, compress=False
        )
        await socket.prepare(request)
        if len(self._connections) >= self._config.max_pages:
            why = f'{self._config.max_pages} pages are open already; close one'
            await socket.close(code=TRY_AGAIN_LATER, message=why.encode())
            return socket
        connection = Connection(socket, self._feed, self._commands, self._config.max_rate_hz)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)
        return socket


async def _secure(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(SECURITY_HEADERS)
