# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What strangers of the network can do to the camera, over real sockets."""

from collections.abc import Iterator
from contextlib import closing
import hashlib
from pathlib import Path
import socket
from typing import Any

from pymavlink.dialects.v20 import common
import pytest

from mavlink.desk import Desk, OpenDesk
from mavlink.ground_station import CAMERA, COMPONENT, SYSTEM
from sam2_tracker_ros.errors import ConfigError
from sam2_tracker_ros.mavlink import links
from sam2_tracker_ros.mavlink.camera_messages import heartbeat
from sam2_tracker_ros.mavlink.links import is_open_to_strangers
from sam2_tracker_ros.mavlink.signing import Signing, read_signing_key
from sam2_tracker_ros.mavlink.wire import Wire

POINT = common.MAV_CMD_CAMERA_TRACK_POINT
PASSPHRASE = 'a passphrase of some length'  # noqa: S105 - of the test
KEY = hashlib.sha256(PASSPHRASE.encode()).digest()
NOW_S = 1_800_000_000.0
EPOCH_S = 1_420_070_400


class Sender:
    """Packs messages as pymavlink does, with a key and a clock of its own."""

    def __init__(self, key: bytes = KEY, late_s: float = 0.0, system: int = SYSTEM) -> None:
        self.packer = common.MAVLink(None, system, COMPONENT)
        self.packer.signing.secret_key = key
        self.packer.signing.sign_outgoing = True
        self.packer.signing.timestamp = round((NOW_S - late_s - EPOCH_S) * 100_000)

    def packet(self) -> bytes:
        packed: bytes = heartbeat().pack(self.packer)
        return packed


@pytest.fixture
def signing() -> Signing:
    return Signing(KEY, lambda: NOW_S)


@pytest.fixture
def signed_desk(open_desk: OpenDesk) -> Desk:
    return open_desk(signing_key=KEY)


class Listening:
    """A wire that listens on a free port, and sockets that send there."""

    def __init__(self, signing: Signing | None = None) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(('127.0.0.1', 0))
            self.port = probe.getsockname()[1]
        self.wire = Wire(f'udpin:127.0.0.1:{self.port}', (1, 100), signing=signing)
        self.wire.receive(0.0)
        self._sockets: list[socket.socket] = []

    def peer(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setblocking(False)
        made.connect(('127.0.0.1', self.port))
        self._sockets.append(made)
        return made

    def receive(self) -> list[Any]:
        return self.wire.receive(0.05)

    def close(self) -> None:
        self.wire.close()
        for each in self._sockets:
            each.close()


@pytest.fixture
def listening() -> Iterator[Listening]:
    with closing(Listening()) as made:
        yield made


def is_answered(peer: socket.socket) -> bool:
    try:
        return bool(peer.recv(1000))
    except BlockingIOError:
        return False


@pytest.mark.parametrize(
    ('connection', 'is_open'),
    [
        ('udpin:127.0.0.1:14550', False),
        ('udpin:localhost:14550', False),
        ('udpin:0.0.0.0:14550', True),
        ('udpin:192.168.1.5:14550', True),
        ('udpin:camera.local:14550', True),
        ('udpout:192.168.1.5:14550', False),
        ('tcp:192.168.1.5:5760', False),
        ('/dev/ttyACM0,57600', False),
    ],
)
def test_only_a_port_that_listens_in_the_network_is_open_to_strangers(
    connection: str, is_open: bool
) -> None:
    assert is_open_to_strangers(connection) == is_open


def test_what_is_signed_with_the_key_is_obeyed_and_answered_signed(signed_desk: Desk) -> None:
    ground = signed_desk.ground
    ground.sign_with(KEY)
    assert signed_desk.command(POINT, 0.5, 0.5)[-1:] == [common.MAV_RESULT_ACCEPTED]
    assert len(signed_desk.tracker.selections) == 1
    assert all(message.get_signed() for message in ground.of('COMMAND_ACK'))


@pytest.mark.parametrize('key', [None, b'x' * 32])
def test_what_is_not_signed_with_the_key_is_not_heard(
    signed_desk: Desk, key: bytes | None
) -> None:
    if key is not None:
        signed_desk.ground.sign_with(key)
    signed_desk.command(POINT, 0.5, 0.5)
    assert not signed_desk.tracker.selections
    wire = signed_desk.camera.accounts.wire
    assert (wire.packets_received, wire.packets_refused) == (0, 1)
    assert signed_desk.camera.accounts.commands_accepted == 0


def test_a_packet_cannot_be_sent_again(signing: Signing) -> None:
    sender = Sender()
    first, second = sender.packet(), sender.packet()
    assert signing.accepts(first)
    assert not signing.accepts(first)
    assert signing.accepts(second)
    assert not signing.accepts(first)


def test_a_packet_of_another_day_is_refused(signing: Signing) -> None:
    assert not signing.accepts(Sender(late_s=61.0).packet())
    assert signing.accepts(Sender(late_s=59.0).packet())


def test_a_clock_that_is_ahead_is_followed_and_locks_nobody_out(signing: Signing) -> None:
    """QGroundControl counts from midnight at its own place."""
    ahead = Sender(late_s=-7200.0)
    assert signing.accepts(ahead.packet())
    assert signing.accepts(Sender(system=1).packet())
    packer = common.MAVLink(None, *CAMERA)
    signing.prepare(packer)
    assert packer.signing.timestamp >= ahead.packer.signing.timestamp - 1
    assert Signing(KEY, lambda: NOW_S + 7200.0).accepts(heartbeat().pack(packer))


def test_a_forged_time_locks_nobody_out(signing: Signing) -> None:
    """In pymavlink it does: the time is believed before the signature is checked."""
    sender = Sender()
    assert signing.accepts(sender.packet())
    forger = Sender(key=b'?' * 32, late_s=-1e6)
    assert not signing.accepts(forger.packet())
    assert signing.accepts(sender.packet())


def test_every_changed_byte_is_noticed(signing: Signing) -> None:
    packet = Sender().packet()
    for index in range(len(packet)):
        changed = bytearray(packet)
        changed[index] ^= 0x04
        assert not signing.accepts(bytes(changed)), index
        assert not signing.accepts(packet[:index])
    assert signing.accepts(packet)


def test_many_forged_senders_leave_nothing_behind(signing: Signing) -> None:
    for system in range(1, 256):
        assert not signing.accepts(Sender(key=b'?' * 32, system=system).packet())
    assert not signing._newest_of


def test_the_key_is_the_hash_that_ground_stations_make(tmp_path: Path) -> None:
    file = tmp_path / 'key'
    file.write_text(f'{PASSPHRASE}\n')
    file.chmod(0o600)
    assert read_signing_key(file) == KEY


@pytest.mark.parametrize(
    ('text', 'mode', 'why'),
    [
        (PASSPHRASE, 0o640, 'others than its owner'),
        (PASSPHRASE, 0o604, 'others than its owner'),
        ('short', 0o600, 'has 5 bytes, at least 16'),
        ('', 0o600, 'has 0 bytes'),
    ],
)
def test_a_key_file_that_protects_nothing_is_refused(
    tmp_path: Path, text: str, mode: int, why: str
) -> None:
    file = tmp_path / 'key'
    file.write_text(text)
    file.chmod(mode)
    with pytest.raises(ConfigError, match=why):
        read_signing_key(file)


def test_a_missing_key_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='signing_key_file cannot be read'):
        read_signing_key(tmp_path / 'nothing')


def test_who_sends_rubbish_is_sent_nothing(listening: Listening) -> None:
    """Else one forged datagram would make the camera send to anybody, for ten seconds."""
    stranger, ground = listening.peer(), listening.peer()
    unknown = bytes([0xFD, 1, 0, 0, 0, 255, 190, 0xFF, 0xFF, 0xFF, 0, 0, 0])
    for data in (b'', b'rubbish', unknown):
        stranger.send(data)
        assert not listening.receive()
    ground.send(heartbeat().pack(common.MAVLink(None, SYSTEM, COMPONENT)))
    assert len(listening.receive()) == 1
    listening.wire.send(heartbeat())
    assert is_answered(ground)
    assert not is_answered(stranger)


def test_who_does_not_sign_is_sent_nothing() -> None:
    with closing(Listening(Signing(KEY, lambda: NOW_S))) as listening:
        stranger, ground = listening.peer(), listening.peer()
        stranger.send(heartbeat().pack(common.MAVLink(None, SYSTEM, COMPONENT)))
        assert not listening.receive()
        ground.send(Sender().packet())
        assert len(listening.receive()) == 1
        listening.wire.send(heartbeat())
        assert is_answered(ground)
        assert not is_answered(stranger)


def test_a_flood_of_one_address_leaves_room_for_another(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, '_MAX_DATAGRAMS_PER_S', 20)
    monkeypatch.setattr('time.monotonic', lambda: 1000.0)
    flooder, ground = listening.peer(), listening.peer()
    packer = common.MAVLink(None, SYSTEM, COMPONENT)
    for _ in range(50):
        flooder.send(heartbeat().pack(packer))
    ground.send(heartbeat().pack(packer))
    assert len(listening.receive()) == 21
    assert listening.wire.accounts.packets_dropped == 30
    monkeypatch.setattr('time.monotonic', lambda: 1001.0)
    flooder.send(heartbeat().pack(packer))
    assert len(listening.receive()) == 1
