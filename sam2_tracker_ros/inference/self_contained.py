# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Whether an ONNX file is whole in itself, seen before a runtime opens it.

A tensor may name a file that holds its numbers, and a node one that holds a compiled graph. No
digest covers such a file, older runtimes read it from anywhere, and a compiled graph is a program.
So neither is opened. Only the file's outline is read here, at what it costs to skip the weights;
the package onnx is not needed.
"""

from collections.abc import Iterator
import mmap
from pathlib import Path

from sam2_tracker_ros.errors import ModelError

SUFFIX = '.onnx'
# What lies where in onnx.proto, as far as files are named in it: message, field number, message.
_FIELDS: dict[str, dict[int, str]] = {
    'model': {7: 'graph', 20: 'training', 25: 'function'},
    'training': {1: 'graph', 2: 'graph'},
    'graph': {1: 'node', 5: 'tensor', 15: 'sparse tensor'},
    'function': {7: 'node', 11: 'attribute'},
    'node': {5: 'attribute'},
    'attribute': {
        5: 'tensor',
        6: 'graph',
        10: 'tensor',
        11: 'graph',
        22: 'sparse tensor',
        23: 'sparse tensor',
    },
    'sparse tensor': {1: 'tensor', 2: 'tensor'},
    'tensor': {},
}
_OPERATOR = 4
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
# An operator that holds, or names, what an execution provider has compiled.
_COMPILED = b'EPContext'
# Far more than a model has; a file that has more would keep a start busy.
_MAX_FIELDS = 5_000_000
_MAX_DEPTH = 32
_NUMBER, _EIGHT_BYTES, _TEXT, _FOUR_BYTES = 0, 1, 2, 5

# A field: its number, and where its content begins and ends.
_Field = tuple[int, int, int]


class _NoGraphError(Exception):
    """The file is no ONNX graph."""


def check_graph_file(path: Path) -> None:
    """
    Refuse a graph that needs another file, or holds a compiled program.

    :raises ModelError: it does, or is no ONNX file.
    """
    if path.suffix != SUFFIX:
        # A runtime would take another format by the name.
        message = f'{path} is named like no graph; expected a file that ends in {SUFFIX}'
        raise ModelError(message)
    try:
        with path.open('rb') as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            problem = _Outline(data).problem()
    except (OSError, ValueError, _NoGraphError) as error:
        message = (
            f'{path} cannot be opened as a graph ({error}); it is damaged: copy, fetch or export '
            'the bundle again'
        )
        raise ModelError(message) from error
    if problem:
        message = (
            f'{path} {problem}; expected a graph that is whole in itself: save it without '
            'external data and uncompiled, and use bundles only of people whom you trust'
        )
        raise ModelError(message)


class _Outline:
    """The messages of a file, without the numbers in them."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._left = _MAX_FIELDS

    def problem(self) -> str:
        """Return what is wrong with the file; empty when it is whole in itself."""
        # What is to be read: its kind, its bounds and how deep it lies.
        waiting = [('model', 0, len(self._data), 0)]
        has_graph = False
        while waiting:
            kind, start, end, depth = waiting.pop()
            has_graph |= kind == 'graph'
            if depth > _MAX_DEPTH:
                message = f'messages lie more than {_MAX_DEPTH} deep in each other'
                raise _NoGraphError(message)
            for number, first, last in self._fields(start, end):
                if kind == 'tensor' and number == _EXTERNAL_DATA:
                    return 'has weights in another file'
                if (
                    kind == 'tensor'
                    and number == _DATA_LOCATION
                    and self._data[first:last] != b'\0'
                ):
                    return 'has weights in another file'
                if kind == 'node' and number == _OPERATOR and self._data[first:last] == _COMPILED:
                    return 'holds a compiled program'
                inner = _FIELDS[kind].get(number)
                if inner is not None:
                    waiting.append((inner, first, last, depth + 1))
        if not has_graph:
            message = 'there is no graph in it'
            raise _NoGraphError(message)
        return ''

    def _fields(self, start: int, end: int) -> Iterator[_Field]:
        at = start
        while at < end:
            self._left -= 1
            if self._left < 0:
                message = f'it has more than {_MAX_FIELDS} fields'
                raise _NoGraphError(message)
            key, at = self._varint(at, end)
            kind = key & 7
            if kind == _NUMBER:
                first = at
                _, at = self._varint(at, end)
            elif kind == _TEXT:
                length, first = self._varint(at, end)
                at = first + length
            elif kind in (_FOUR_BYTES, _EIGHT_BYTES):
                first, at = at, at + (4 if kind == _FOUR_BYTES else 8)
            else:
                message = f'there is no field of kind {kind}'
                raise _NoGraphError(message)
            if at > end:
                message = 'a field goes beyond the end'
                raise _NoGraphError(message)
            yield key >> 3, first, at

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        """Return a number of variable length, and where it ends."""
        value = 0
        for shift in range(0, 70, 7):
            if at >= end:
                break
            byte = self._data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, at
        message = 'a number has no end'
        raise _NoGraphError(message)
