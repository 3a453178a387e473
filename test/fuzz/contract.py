# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What holds for every target: a result or a documented error, and no more memory than is due."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
import struct
import warnings

from sam2_tracker_ros.errors import Sam2TrackerError

# What an input of less than a megabyte may make a process take, beside what it holds already.
MAX_GROWTH_KIB = 200 * 1024
# An error is for a person or a log.
_MAX_MESSAGE = 20_000
_STATUS = Path('/proc/self/status')
# Writing 5 there sets the peak of the resident memory back to what it is now (Linux).
_CLEAR = Path('/proc/self/clear_refs')


class FindingError(AssertionError):
    """A target did what its contract does not allow."""


@contextmanager
def only(*allowed: type[Sam2TrackerError]) -> Iterator[None]:
    """Let documented errors end the block, if a person can read them; others are findings."""
    try:
        yield
    except allowed as error:
        text = str(error)
        if not 0 < len(text) <= _MAX_MESSAGE:
            message = f'an error of {len(text)} characters: {text[:80]!r}'
            raise FindingError(message) from error
        text.encode()  # what cannot be written down cannot be logged either


@contextmanager
def bounded_memory() -> Iterator[None]:
    """Refuse what takes more memory than is due, even for a moment."""
    _CLEAR.write_text('5')
    before = _peak_kib()
    yield
    growth = _peak_kib() - before
    if growth > MAX_GROWTH_KIB:
        message = f'took {growth // 1024} MiB at once; expected at most {MAX_GROWTH_KIB // 1024}'
        raise FindingError(message)


@contextmanager
def quiet_numbers() -> Iterator[None]:
    """Silence numpy, which warns of overflow where the result, infinity, is checked anyway."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', RuntimeWarning)
        yield


def _peak_kib() -> int:
    for line in _STATUS.read_text(encoding='ascii', errors='replace').splitlines():
        if line.startswith('VmHWM:'):
            return int(line.split()[1])
    message = f'{_STATUS} has no VmHWM'
    raise FindingError(message)


def edited(base: bytes, edits: bytes) -> bytes:
    """
    Return a file with some bytes changed.

    :param edits: six bytes each: a place (two bytes, times the third), what happens there, with
        which two bytes.
    """
    content = bytearray(base)
    for start in range(0, len(edits) - 5, 6):
        place, factor, action, value = struct.unpack_from('<HBBH', edits, start)
        place = place * (factor or 1) % max(len(content), 1)
        _edit(content, place, action % 6, value)
    return bytes(content)


def _edit(content: bytearray, place: int, action: int, value: int) -> None:
    if action == 0:
        content[place : place + 1] = bytes([value % 256])
    elif action == 1:
        content[place : place + 4] = struct.pack('<i', -value)
    elif action == 2:
        content[place : place + 8] = struct.pack('<Q', value << 48)
    elif action == 3:
        del content[place : place + value % 64]
    elif action == 4:
        content[place:place] = content[:value]
    else:
        del content[place:]
