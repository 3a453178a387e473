# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Every target with its stored inputs, past findings among them, and with inputs made up here.

`make fuzz` looks further, guided by coverage. Here all is the same in each run.
"""

from collections.abc import Iterator
import json
import math
import struct
from typing import Any

from fuzz.child import Child
from fuzz.contract import edited
from fuzz.targets import CORPUS, TARGETS
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
import pytest
import yaml

# Those of which one input takes a hundredth of a second or more.
_SLOW = frozenset(('onnx_graph', 'bundle_constants'))
_EXAMPLES, _SLOW_EXAMPLES = 30, 10
_MAX_INPUT_BYTES, _MAX_CORPUS_BYTES = 2048, 100_000

# A finding is kept as it is: making it smaller takes minutes where a child crashes.
once = settings(
    derandomize=True,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
numbers = st.one_of(
    st.floats(width=32),
    st.sampled_from([0.0, -0.0, 0.5, 1.0, -1.0, 1e-30, 3e38, math.inf, -math.inf, math.nan]),
)
words = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ['', '.', '..', '../x', '/etc/passwd', '\0', '\ud800', 'a' * 300, 'g.onnx', '$G']
    ),
)
scalars = st.one_of(
    *(st.none(), st.booleans(), words, numbers),
    st.integers(),
    st.sampled_from([2**31, 2**63, 2**64, -(2**63), 10**30, 10**400, -1, 0]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(words, inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.fixture(scope='module')
def child() -> Iterator[Child]:
    made = Child()
    yield made
    made.close()


def check(child: Child, target: str, data: bytes) -> None:
    finding = child.finding(target, data)
    assert not finding, f'{target} of {data[:300]!r}: {finding}'


@pytest.mark.parametrize('name', TARGETS)
def test_stored_inputs(child: Child, name: str) -> None:
    assert TARGETS[name].corpus, 'there is something to start from'
    for path in TARGETS[name].corpus:
        check(child, name, path.read_bytes())


@pytest.mark.parametrize('name', TARGETS)
def test_damaged_inputs(child: Child, name: str) -> None:
    good = [path.read_bytes() for path in TARGETS[name].corpus]
    edits = st.lists(st.binary(min_size=6, max_size=6), min_size=1, max_size=4)

    @settings(once, max_examples=_SLOW_EXAMPLES if name in _SLOW else _EXAMPLES)
    @given(st.sampled_from(good), edits)
    def damage(base: bytes, changes: list[bytes]) -> None:
        check(child, name, edited(base, b''.join(changes)))

    damage()


def json_inputs(target: str) -> st.SearchStrategy[bytes]:
    """Return good records in which some value became another."""
    good = [json.loads(path.read_bytes()) for path in sorted((CORPUS / target).glob('good_*'))]
    change = st.tuples(st.lists(st.integers(0, 8), min_size=1, max_size=6), values)

    def changed(record: Any, path: list[int], value: Any) -> Any:
        if not path or not record or not isinstance(record, dict | list):
            return value
        keys = list(record) if isinstance(record, dict) else range(len(record))
        key = keys[path[0] % len(keys)]
        copy = record.copy()
        copy[key] = changed(record[key], path[1:], value)
        return copy

    return st.builds(
        lambda record, step: json.dumps(changed(record, *step)).encode(),
        st.sampled_from(good),
        change,
    )


@pytest.mark.parametrize(
    'name', ['bundle_manifest', 'bundle_constants', 'fetched_record', 'page_request']
)
def test_records_with_another_value(child: Child, name: str) -> None:
    @settings(once, max_examples=_SLOW_EXAMPLES if name in _SLOW else 2 * _EXAMPLES)
    @given(json_inputs(name))
    def read(data: bytes) -> None:
        check(child, name, data)

    read()


@settings(once, max_examples=_EXAMPLES)
@given(st.dictionaries(st.sampled_from(['fps', 'init_frame', 'init_box_xywh', 'ignore_frames']),
                       values), st.lists(st.lists(numbers, max_size=5), max_size=3))  # fmt: skip
def test_clips(child: Child, meta: dict[str, Any], truth: list[list[float]]) -> None:
    lines = '\n'.join(','.join(map(str, row)) for row in truth)
    check(child, 'clip_folder', b'\0'.join([json.dumps(meta).encode(), lines.encode(), b'0']))


@pytest.mark.parametrize('name', ['precision_yaml', 'bag_metadata'])
def test_yaml_with_another_value(child: Child, name: str) -> None:
    good = [yaml.safe_load(path.read_text()) for path in sorted((CORPUS / name).glob('good_*'))]
    plain = values.filter(lambda value: '\\ud' not in json.dumps(value))

    @settings(once, max_examples=_EXAMPLES)
    @given(st.sampled_from(good), st.integers(0, 20), plain)
    def read(record: dict[str, Any], place: int, value: Any) -> None:
        (top,) = record if len(record) == 1 else (None,)
        inner = record[top] if top else record
        keys = list(inner)
        inner = {**inner, keys[place % len(keys)]: value}
        text = yaml.safe_dump({top: inner} if top else inner, allow_unicode=True)
        check(child, name, text.encode())

    read()


@settings(once, max_examples=2 * _EXAMPLES)
@given(st.lists(st.tuples(st.integers(0, 255), *(numbers,) * 7), min_size=1, max_size=5))
def test_commands_of_a_ground_station(child: Child, commands: list[tuple[float, ...]]) -> None:
    data = b''.join(struct.pack('<B7f', *command) for command in commands)
    check(child, 'mavlink_commands', data)


@settings(once, max_examples=2 * _EXAMPLES)
@given(
    st.sampled_from(['rgb8', 'mono8', 'yuv422', 'yuyv', 'bayer_rggb8', 'bayer_grbg8', 'rgb16']),
    st.tuples(*(st.sampled_from([0, 1, 2, 3, 4, 7, 2**16, 2**31, 2**32 - 1]),) * 3),
    st.integers(0, 200),
    st.sampled_from('<>'),
)
def test_images_of_any_size(
    child: Child, encoding: str, sizes: tuple[int, int, int], length: int, order: str
) -> None:
    height, width, step = sizes
    text = encoding.encode() + b'\0'
    head = struct.pack(f'{order}iII1s3xIII', 1, 2, 1, b'\0', height, width, len(text)) + text
    head += b'\0'  # is_bigendian
    head += b'\0' * (-len(head) % 4)
    kind = b'\0\1\0\0' if order == '<' else b'\0\0\0\0'
    data = kind + head + struct.pack(f'{order}II', step, length) + b'\7' * length
    check(child, 'serialized_image', data)


@settings(once, max_examples=2 * _EXAMPLES)
@given(
    st.sampled_from(['udpout', 'udpin', 'tcp', '/dev/ttyS0', '']), words, st.integers(-1, 10**6)
)
def test_connection_strings(child: Child, kind: str, host: str, port: int) -> None:
    for text in (f'{kind}:{host}:{port}', f'{kind},{port}', f'{kind}{host}'):
        check(child, 'connection_string', text.encode('utf-8', 'replace'))


def test_the_corpus_is_small_and_of_targets_that_exist() -> None:
    files = [path for path in CORPUS.rglob('*') if path.is_file()]
    assert {path.parent.name for path in files} == set(TARGETS)
    assert max(path.stat().st_size for path in files) <= _MAX_INPUT_BYTES
    assert sum(path.stat().st_size for path in files) < _MAX_CORPUS_BYTES
