# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The part of a Hugging Face hub that a download uses, on a port of this machine."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
import hashlib
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import json
from pathlib import Path
import threading
from typing import Any
from urllib.parse import unquote, urlsplit

REPOSITORY = 'square-zero-labs/sam2.1-tiny-video-onnx'
_BLOCK_BYTES = 4096

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Request:
    """
    One request as it arrived.

    :param start: of the range that is asked for; 0 without one.
    """

    path: str
    start: int

    @property
    def file(self) -> str:
        return self.path.rpartition('/')[2]


@dataclass
class Hub:
    """
    What the hub knows, and what is wrong with it.

    :param commits: files by commit.
    :param revisions: commits by branch or tag.
    :param refusals: status and error code for paths that contain a text.
    :param sent_instead: contents that are sent for others, by file name.
    :param described_instead: entries of the description that are changed, by file name.
    :param ignores_ranges: every transfer starts at the first byte.
    :param cuts: how often a transfer of a file stops in its middle, by file name.
    :param stalled: set when a transfer waits in its middle, in `stalls`, for `is_closing`.
    """

    commits: dict[str, Files] = field(default_factory=dict)
    revisions: dict[str, str] = field(default_factory=dict)
    refusals: dict[str, tuple[int, str]] = field(default_factory=dict)
    sent_instead: dict[str, bytes] = field(default_factory=dict)
    described_instead: dict[str, dict[str, Any]] = field(default_factory=dict)
    ignores_ranges: bool = False
    cuts: dict[str, int] = field(default_factory=dict)
    stalls: set[str] = field(default_factory=set)
    requests: list[Request] = field(default_factory=list)
    stalled: threading.Event = field(default_factory=threading.Event)
    is_closing: threading.Event = field(default_factory=threading.Event)
    url: str = ''

    def publish(self, folder: Path, *revisions: str) -> str:
        """Make a commit of a folder; return its hash."""
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob('*'))
            if path.is_file()
        }
        commit = hashlib.sha1(repr(files).encode(), usedforsecurity=False).hexdigest()
        self.commits[commit] = files
        self.revisions.update(dict.fromkeys(revisions, commit))
        return commit

    def transfers(self) -> list[Request]:
        """Return the requests for contents, those that were redirected once."""
        return [
            request
            for request in self.requests
            if request.path.startswith('/large/' if is_large(request.path) else f'/{REPOSITORY}/')
        ]


def is_large(name: str) -> bool:
    """Whether the hub keeps a file as LFS, under its SHA-256."""
    return name.endswith('.onnx')


class _Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    hub: Hub

    def do_GET(self) -> None:
        """Answer as the hub does: description, small file, or redirect to a large one."""
        path = unquote(urlsplit(self.path).path)
        start = int(self.headers.get('Range', 'bytes=0-').removeprefix('bytes=').split('-')[0])
        self.hub.requests.append(Request(path, start))
        for text, (status, code) in self.hub.refusals.items():
            if text in path:
                self.answer(status, headers={'X-Error-Code': code} if code else {})
                return
        api = f'/api/models/{REPOSITORY}/revision/'
        if path.startswith(api):
            self.describe(path.removeprefix(api))
            return
        parts = path.removeprefix(f'/{REPOSITORY}/resolve/').removeprefix('/large/')
        commit, _, name = parts.partition('/')
        if name not in self.hub.commits.get(commit, {}):
            self.answer(HTTPStatus.NOT_FOUND)
        elif is_large(path) and not path.startswith('/large/'):
            self.answer(HTTPStatus.FOUND, headers={'Location': f'/large/{parts}'})
        else:
            self.send_file(name, self.hub.commits[commit][name], start)

    def describe(self, revision: str) -> None:
        commit = self.hub.revisions.get(revision, revision)
        if commit not in self.hub.commits:
            self.answer(HTTPStatus.NOT_FOUND, headers={'X-Error-Code': 'RevisionNotFound'})
            return
        siblings = []
        for name, content in self.hub.commits[commit].items():
            header = b'blob %d\0' % len(content)
            blob = hashlib.sha1(header + content, usedforsecurity=False).hexdigest()
            entry: dict[str, Any] = {'rfilename': name, 'size': len(content), 'blobId': blob}
            if is_large(name):
                digest = hashlib.sha256(content).hexdigest()
                entry['lfs'] = {'sha256': digest, 'size': len(content), 'pointerSize': 130}
            siblings.append(entry | self.hub.described_instead.get(name, {}))
        about = {'id': REPOSITORY, 'sha': commit, 'siblings': siblings}
        self.answer(HTTPStatus.OK, json.dumps(about).encode())

    def send_file(self, name: str, content: bytes, start: int) -> None:
        content = self.hub.sent_instead.get(name, content)
        start = 0 if self.hub.ignores_ranges else start
        status = HTTPStatus.PARTIAL_CONTENT if start else HTTPStatus.OK
        headers = {'Content-Range': f'bytes {start}-{len(content) - 1}/{len(content)}'}
        middle = (len(content) - start) // 2
        if self.hub.cuts.get(name, 0):
            self.hub.cuts[name] -= 1
            self.answer(status, content[start:], headers if start else {}, end=middle)
            self.close_connection = True
        elif name in self.hub.stalls:
            self.answer(status, content[start:], headers if start else {}, end=middle)
            self.hub.stalled.set()
            self.hub.is_closing.wait(30.0)
            self.close_connection = True
        else:
            self.answer(status, content[start:], headers if start else {})

    def answer(
        self,
        status: int,
        body: bytes = b'',
        headers: Mapping[str, str] | None = None,
        end: int | None = None,
    ) -> None:
        """Send a body, only up to `end` if there is one; announce all of it."""
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body[:end])
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def serve() -> Iterator[Hub]:
    """Run a hub; its port is closed afterwards."""
    hub = Hub()
    handler = type('Handler', (_Handler,), {'hub': hub})
    server = ThreadingHTTPServer(('127.0.0.1', 0), handler)
    hub.url = f'http://127.0.0.1:{server.server_port}'
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield hub
    finally:
        hub.is_closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
