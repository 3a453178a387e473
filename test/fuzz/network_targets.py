# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What comes from a network: MAVLink, and the operator page's requests and headers."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
import ipaddress
import itertools
import socket
import struct
from typing import Any

from fuzz.contract import FindingError, only
from pymavlink.dialects.v20 import common

from mavlink.desk import ObedientTracker
from sam2_tracker_ros.core.prompts import check_prompt
from sam2_tracker_ros.core.types import Prompt, PromptAnswer
from sam2_tracker_ros.errors import PromptError
from sam2_tracker_ros.mavlink.links import ConnectionStringError, link_opener
from sam2_tracker_ros.mavlink.tracking_camera import CameraSettings, TrackingCamera
from sam2_tracker_ros.operator_page.access import Access
from sam2_tracker_ros.operator_page.config import PageConfig
from sam2_tracker_ros.operator_page.feed import Feed
from sam2_tracker_ros.operator_page.requests import (
    Acknowledgement,
    RequestError,
    StopRequest,
    parse_request,
    request_number,
)
from sam2_tracker_ros.operator_page.server import PageServer

_GROUND = (255, 190)
_CAMERA = (1, common.MAV_COMP_ID_CAMERA)
_STOP = common.MAV_CMD_CAMERA_STOP_TRACKING
# More bytes than the longest packet that a damaged header may announce.
_PACKETS_BEFORE_AN_ANSWER = 12
_COMMANDS = (
    *(_STOP, common.MAV_CMD_CAMERA_TRACK_POINT, common.MAV_CMD_CAMERA_TRACK_RECTANGLE),
    *(common.MAV_CMD_REQUEST_MESSAGE, common.MAV_CMD_SET_MESSAGE_INTERVAL),
    *(common.MAV_CMD_GET_MESSAGE_INTERVAL, common.MAV_CMD_REQUEST_CAMERA_INFORMATION),
    *(
        common.MAV_CMD_REQUEST_CAMERA_SETTINGS,
        common.MAV_CMD_REQUEST_VIDEO_STREAM_INFORMATION,
        400,
    ),
)
_COMMAND = struct.Struct('<B7f')
_TIMEOUT_S = 10.0
_NEXT_SOURCE = itertools.cycle(range(1 << 20))
_HOSTS = ('localhost', '127.0.0.1', '[::1]:80', 'page.example')


def mavlink_datagrams(data: bytes) -> None:
    """Receive datagrams, each behind a byte with its length; then a command is still answered."""
    with _linked('udp') as (camera, ground):
        while data:
            ground.send(data[1 : data[0] + 1])
            data = data[data[0] + 1 :]
        camera.turn()
        _answers(camera, ground)


def mavlink_stream(data: bytes) -> None:
    """Receive bytes of a stream; then a command is still answered."""
    with _linked('tcp') as (camera, ground):
        ground.sendall(data)
        camera.turn()
        _answers(camera, ground)


def mavlink_commands(data: bytes) -> None:
    """Receive commands with any parameters: a byte and seven floats each."""
    packer = common.MAVLink(None, *_GROUND)
    with _linked('udp') as (camera, ground):
        for start in range(0, len(data) - _COMMAND.size + 1, _COMMAND.size):
            kind, *parameters = _COMMAND.unpack_from(data, start)
            number = _COMMANDS[kind % len(_COMMANDS)]
            target = (0, 0) if kind >= 128 else _CAMERA
            message = common.MAVLink_command_long_message(*target, number, 0, *parameters)
            ground.send(message.pack(packer))
            camera.turn()
        _answers(camera, ground)


def connection_string(data: bytes) -> None:
    """Read a connection string; nothing is opened."""
    with only(ConnectionStringError):
        link_opener(data.decode('utf-8', 'replace'))


def page_request(data: bytes) -> None:
    """Read what a page says; what is accepted means something in a picture."""
    text = data.decode('utf-8', 'replace')
    request_number(text)
    with only(RequestError):
        request = parse_request(text)
        if not isinstance(request, Acknowledgement | StopRequest):
            with only(PromptError):  # such as a box of less than two pixels
                check_prompt(request.prompt, (640, 480))


def page_headers(data: bytes) -> None:
    """Decide about Host, Origin and a token, one a line; strangers stay out."""
    lines = data.decode('utf-8', 'surrogateescape').split('\n')
    host, origin, token = (*lines, '', '', '')[:3]
    access = Access(PageConfig(token='sixteen characters', allowed_hosts=('page.example',)))  # noqa: S106
    access.is_our_page({'Host': host, 'Origin': origin})
    if (access.is_token(token) and token != 'sixteen characters') or access.is_known(token):  # noqa: S105
        message = f'{token!r} was let in'
        raise FindingError(message)
    if access.is_our_host({'Host': host}):
        _expect_ours(host)


def page_http(data: bytes) -> None:
    """
    Send a server these bytes, then ask it for its page.

    With an even first byte they come after the handshake of a websocket, as its frames.
    """
    port = _page_port()
    with _connected(port) as link:
        if data[:1] and data[0] % 2 == 0:
            link.sendall(_HANDSHAKE.replace(b'PORT', b'%d' % port))
            _expect_start(link, b'HTTP/1.1 101')
        link.sendall(data[1:])
    with _connected(port) as link:
        link.sendall(b'GET /page.css HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
        _expect_start(link, b'HTTP/1.1 200')


_HANDSHAKE = (
    b'GET /socket HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nOrigin: http://127.0.0.1:PORT\r\n'
    b'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
    b'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
)


class _Refusing:
    """Commands that answer at once."""

    async def prompt(self, prompt: Prompt) -> PromptAnswer:
        return PromptAnswer(False, 'no', prompt.target_id)

    async def stop(self) -> PromptAnswer:
        return PromptAnswer(True, 'released')


@cache
def _page_port() -> int:
    """Start a server once for the whole process; it ends with it."""
    feed = Feed()
    feed.put_picture(1, b'picture')
    return PageServer(PageConfig(port=0, max_pages=64), feed, _Refusing()).start()


def _connected(port: int) -> socket.socket:
    """Connect from one address of this machine after the other: each may ask for so much only."""
    source = ipaddress.IPv4Address(int(ipaddress.IPv4Address('127.0.0.1')) + next(_NEXT_SOURCE))
    return socket.create_connection(('127.0.0.1', port), _TIMEOUT_S, (str(source), 0))


def _expect_start(link: socket.socket, start: bytes) -> None:
    found = link.recv(len(start))
    if found != start:
        message = f'the server answered {found!r}; expected {start!r}'
        raise FindingError(message)


def _expect_ours(host: str) -> None:
    name = host[1:].partition(']')[0] if host.startswith('[') else host.partition(':')[0]
    own = socket.gethostname().lower()
    if name.lower() in ('localhost', 'page.example', own, f'{own}.local'):
        return
    try:
        ipaddress.ip_address(name)
    except ValueError as error:
        message = f'the host {host!r} is taken for ours'
        raise FindingError(message) from error


class _Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class _Camera:
    """A camera that was connected, and what it was told to follow."""

    def __init__(self, connection: str) -> None:
        self.tracker = ObedientTracker()
        self._clock = _Clock()
        self._camera = TrackingCamera(connection, self.tracker, CameraSettings(), self._clock)

    def turn(self) -> None:
        """Let the camera take what has come; what it starts to follow is in the picture."""
        self._clock.now_s += 1.5
        self._camera.turn()
        for selection in self.tracker.selections:
            box, point = selection.box, selection.point
            numbers: tuple[float, ...] = (point.x, point.y) if point else ()
            if box:
                numbers = (box.left, box.top, box.right, box.bottom)
            if not numbers or not all(0.0 <= number <= 1.0 for number in numbers):
                message = f'the tracker was told to follow {selection}'
                raise FindingError(message)

    def close(self) -> None:
        self._camera.close()


@contextmanager
def _linked(kind: str) -> Iterator[tuple[_Camera, Any]]:
    """Connect a camera and a ground station over a link of this machine."""
    if kind == 'tcp':
        with socket.create_server(('127.0.0.1', 0)) as server:
            camera = _Camera(f'tcp:127.0.0.1:{server.getsockname()[1]}')
            with closing(camera):
                camera.turn()
                ground, _ = server.accept()
                with ground:
                    yield camera, ground
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ground:
        ground.bind(('127.0.0.1', 0))
        ground.settimeout(_TIMEOUT_S)
        with closing(_Camera(f'udpout:127.0.0.1:{ground.getsockname()[1]}')) as camera:
            camera.turn()
            ground.connect(ground.recvfrom(1)[1])
            yield camera, ground


def _answers(camera: _Camera, ground: Any) -> None:
    """Expect that a command is acknowledged, whatever came before."""
    packer = common.MAVLink(None, *_GROUND)
    stops = camera.tracker.stops
    for _ in range(_PACKETS_BEFORE_AN_ANSWER):
        message = common.MAVLink_command_long_message(*_CAMERA, _STOP, 0, *(0.0,) * 7)
        ground.send(message.pack(packer))
        packer.seq += 1
        camera.turn()
    if camera.tracker.stops == stops:
        message = f'none of {_PACKETS_BEFORE_AN_ANSWER} commands was heard'
        raise FindingError(message)
