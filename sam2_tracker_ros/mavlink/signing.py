# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Signatures of MAVLink 2: who has the key may command, who does not is not heard.

Packets are checked here and not by pymavlink, which believes the time of a packet before it has
checked the signature, so that one forged packet would lock the real sender out, and which does not
check packets whose message it does not know.
"""

from collections.abc import Callable
import hashlib
import hmac
from pathlib import Path
import time
from typing import Any

from sam2_tracker_ros.errors import ConfigError

MIN_PASSPHRASE_LENGTH = 16
_MAX_FILE_BYTES = 4096
# What others than the owner may do with a file.
_OF_OTHERS = 0o077
_MAGIC = 0xFD
_IS_SIGNED = 0x01
_HEADER_BYTES, _CHECKSUM_BYTES, _SIGNATURE_BYTES = 10, 2, 13
# The signature ends a packet: the number of a link, a time, and the start of a hash.
_TIME = slice(-12, -6)
_HASH_BYTES = 6
# Times are counted from the start of 2015, in units of 10 us.
_EPOCH_S = 1_420_070_400
_UNITS_PER_SECOND = 100_000
# How far a sender's clock that was not heard before may be behind.
_LATE_UNITS = 60 * _UNITS_PER_SECOND


def read_signing_key(path: Path) -> bytes:
    """
    Read a passphrase, and return its key as ground stations make it: the SHA-256 of its UTF-8.

    :raises ConfigError: the file cannot be read, others may read it, or the text is too short.
    """
    try:
        mode = path.stat().st_mode
        with path.open('rb') as file:
            text = file.read(_MAX_FILE_BYTES).strip()
    except OSError as error:
        message = f'signing_key_file cannot be read ({error}); name a file with a passphrase'
        raise ConfigError(message) from error
    if mode & _OF_OTHERS:
        message = (
            f'others than its owner may use {path}, which holds the MAVLink key; expected mode '
            f'0600: run `chmod 600 {path}`'
        )
        raise ConfigError(message)
    if len(text) < MIN_PASSPHRASE_LENGTH:
        message = (
            f'the passphrase in {path} has {len(text)} bytes, at least {MIN_PASSPHRASE_LENGTH} '
            'are needed; python3 -c "import secrets; print(secrets.token_urlsafe())" makes one'
        )
        raise ConfigError(message)
    return hashlib.sha256(text).digest()


class Signing:
    """
    Signs what is sent, and tells whether what came was signed with the same key.

    :param key: 32 bytes.
    :param wall_clock: seconds since 1970; a packet of yesterday is refused by it.
    """

    def __init__(self, key: bytes, wall_clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._wall_clock = wall_clock
        self._newest = 0
        # Of each sender that had the key, so that nobody can send its packets again.
        self._newest_of: dict[tuple[int, int, int], int] = {}

    def prepare(self, packer: Any) -> None:
        """Let a pymavlink packer sign the next packet."""
        signing = packer.signing
        signing.secret_key, signing.sign_outgoing = self._key, True
        # Whose clock is ahead would take ours for packets of the past.
        signing.timestamp = max(signing.timestamp, self._now(), self._newest)

    def accepts(self, packet: bytes) -> bool:
        """
        Return whether a packet is signed, and newer than all before it.

        :param packet: whole, with an intact checksum.
        """
        shortest = _HEADER_BYTES + _CHECKSUM_BYTES + _SIGNATURE_BYTES
        if len(packet) < shortest or packet[0] != _MAGIC or not packet[2] & _IS_SIGNED:
            return False
        digest = hashlib.sha256(self._key + packet[:-_HASH_BYTES]).digest()[:_HASH_BYTES]
        if not hmac.compare_digest(digest, packet[-_HASH_BYTES:]):
            return False
        sent_at = int.from_bytes(packet[_TIME], 'little')
        # System, component and link.
        sender = (packet[5], packet[6], packet[-_SIGNATURE_BYTES])
        newest = self._newest_of.get(sender)
        if sent_at <= newest if newest is not None else sent_at < self._now() - _LATE_UNITS:
            return False
        self._newest_of[sender] = sent_at
        self._newest = max(self._newest, sent_at)
        return True

    def _now(self) -> int:
        return round((self._wall_clock() - _EPOCH_S) * _UNITS_PER_SECOND)
