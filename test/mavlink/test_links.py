# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Every kind of link, and links that fail."""

from collections.abc import Iterator
from contextlib import closing
import os
from pathlib import Path
import socket
import tty

from pymavlink.dialects.v20 import common
import pytest

from mavlink.ground_station import GroundStation
from sam2_tracker_ros.mavlink.camera_messages import heartbeat
from sam2_tracker_ros.mavlink.links import ConnectionStringError, link_opener
from sam2_tracker_ros.mavlink.wire import Wire

CAMERA = (1, 100)


class Clock:
    """Stands still unless it is set."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ground() -> Iterator[GroundStation]:
    with closing(GroundStation()) as made:
        yield made


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(('127.0.0.1', 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    'text',
    [
        '',
        'udp:127.0.0.1:14550',
        'udpout:127.0.0.1',
        'udpout:127.0.0.1:0',
        'udpout:127.0.0.1:99999',
        'udpin::14550',
        'flight.bin',
        '/dev/ttyACM0,12345',
        f'/dev/ttyACM0,{"9" * 5000}',
    ],
)
def test_refuses_what_is_no_connection(text: str) -> None:
    with pytest.raises(ConnectionStringError, match='expected udpout:HOST:PORT'):
        link_opener(text)


def test_client_hears_nobody_but_whom_it_sends_to(ground: GroundStation) -> None:
    with closing(Wire(f'udpout:127.0.0.1:{ground.port}', CAMERA)) as wire:
        wire.send(heartbeat())
        ground.listen()
        ground.command(common.MAV_CMD_CAMERA_STOP_TRACKING)
        assert [message.get_type() for message in wire.receive(1.0)] == ['COMMAND_LONG']
        (port,) = ground.heard_ports
        with closing(GroundStation(f'udpout:127.0.0.1:{port}')) as stranger:
            stranger.command(common.MAV_CMD_CAMERA_STOP_TRACKING)
        assert wire.receive(0.05) == []


def test_server_answers_those_who_came() -> None:
    port = free_port()
    with closing(Wire(f'udpin:127.0.0.1:{port}', CAMERA)) as wire:
        wire.send(heartbeat())  # there is nobody yet
        grounds = [GroundStation(f'udpout:127.0.0.1:{port}') for _ in range(12)]
        for ground in grounds:
            ground.command(common.MAV_CMD_CAMERA_STOP_TRACKING)
            assert len(wire.receive(1.0)) == 1
        wire.send(heartbeat())
        heard = [len(ground.of('HEARTBEAT')) for ground in grounds]
        assert heard == [0] * 4 + [1] * 8, 'the eight that were heard last'
        for ground in grounds:
            ground.close()


def test_nobody_there_yet_is_no_reason_to_stop(clock: Clock) -> None:
    port = free_port()
    with closing(Wire(f'udpout:127.0.0.1:{port}', CAMERA, clock)) as wire:
        for _ in range(4):
            wire.send(heartbeat())
            assert wire.receive(0.0) == []
        with closing(GroundStation(f'udpin:127.0.0.1:{port}')) as late:
            wire.send(heartbeat())
            wire.send(heartbeat())
            assert late.of('HEARTBEAT')


def test_tcp_comes_back(clock: Clock) -> None:
    with socket.create_server(('127.0.0.1', 0)) as server:
        wire = Wire(f'tcp:127.0.0.1:{server.getsockname()[1]}', CAMERA, clock)
        wire.send(heartbeat())
        first, _ = server.accept()
        with first:
            packet = first.recv(1000)
            first.sendall(packet[:5])
            assert wire.receive(1.0) == []
            first.sendall(packet[5:] + packet)
            # A packet may continue in the next read of a stream.
            assert [message.get_type() for message in wire.receive(1.0)] == ['HEARTBEAT'] * 2
            first.sendall(packet[:5])
            assert wire.receive(1.0) == []
        assert wire.receive(1.0) == []
        assert wire.accounts.failures == 1
        assert 'closed' in wire.accounts.problem
        wire.send(heartbeat())
        assert wire.accounts.packets_sent == 1, 'not at once'
        clock.now_s += 1.5
        wire.send(heartbeat())
        again, _ = server.accept()
        with again:
            assert again.recv(1000)
            # What was begun on the connection before is not continued on this one.
            again.sendall(packet)
            assert [message.get_type() for message in wire.receive(1.0)] == ['HEARTBEAT']
        assert wire.accounts.problem == ''
        wire.close()


def test_serial_line() -> None:
    ours, theirs = os.openpty()
    tty.setraw(ours)
    name = Path(os.ttyname(theirs))
    with closing(Wire(f'{name},115200', CAMERA)) as wire:
        wire.send(heartbeat())
        packet = os.read(ours, 1000)
        assert packet[0] == common.PROTOCOL_MARKER_V2
        os.write(ours, b'\n' + packet)
        assert [message.get_type() for message in wire.receive(1.0)] == ['HEARTBEAT']
        assert wire.accounts.packets_bad == 1
    os.close(ours)
    os.close(theirs)


def test_slow_line_loses_packets_but_not_the_link() -> None:
    ours, theirs = os.openpty()
    tty.setraw(ours)
    with closing(Wire(os.ttyname(theirs), CAMERA)) as wire:
        for _ in range(5000):
            wire.send(heartbeat())
        assert wire.accounts.failures > 0
        while os.read(ours, 100_000) and wire.accounts.problem:
            wire.send(heartbeat())
        assert wire.accounts.problem == ''
    os.close(ours)
    os.close(theirs)


def test_line_that_is_not_there_is_tried_again(clock: Clock) -> None:
    wire = Wire('/dev/no-such-line', CAMERA, clock)
    wire.send(heartbeat())
    assert wire.receive(0.0) == []
    assert (wire.accounts.failures, wire.accounts.packets_sent) == (1, 0)
    assert 'no-such-line' in wire.accounts.problem
    clock.now_s += 1.5
    wire.send(heartbeat())
    assert wire.accounts.failures == 2


def test_file_is_no_serial_line(clock: Clock) -> None:
    wire = Wire('/dev/null', CAMERA, clock)
    wire.send(heartbeat())
    assert '/dev/null is no serial line' in wire.accounts.problem
