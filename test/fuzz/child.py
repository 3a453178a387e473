# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
A process that reads inputs, so that one that crashes it or hangs takes nobody else along.

`python -m fuzz.child` takes, for each input, a line with the target's name and the size, then the
bytes, and answers with a line of JSON: an empty text, or how the target broke its contract.
"""

import json
import os
from pathlib import Path
import select
import subprocess
import sys
import traceback

_FOLDER = Path(__file__).resolve().parents[1]
# Nothing takes a hundredth of this; it is for what would never end.
HANG_S = 60.0


class Child:
    """The process, started when it is needed, and again when an input ended it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def finding(self, target: str, data: bytes) -> str:
        """Return how a target broke its contract with this input; an empty text if it did not."""
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f'{target} {len(data)}\n'.encode() + data)
        process.stdin.flush()
        if not select.select([process.stdout], [], [], HANG_S)[0]:
            self.close()
            return f'no answer within {HANG_S:g} s'
        answer = process.stdout.readline()
        if not answer:
            status = process.wait()
            self.close()
            return f'the process ended with status {status}'
        text: str = json.loads(answer)
        return text

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _started(self) -> 'subprocess.Popen[bytes]':
        if self._process is None:
            path = os.pathsep.join([str(_FOLDER), os.environ.get('PYTHONPATH', '')])
            self._process = subprocess.Popen(
                [sys.executable, '-m', 'fuzz.child'],
                cwd=_FOLDER.parent,
                env={**os.environ, 'PYTHONPATH': path},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._process


def _serve() -> None:
    from fuzz.targets import TARGETS  # noqa: PLC0415 - the parent needs nothing of it

    # What libraries print does not get among the answers.
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    while line := sys.stdin.buffer.readline():
        name, size = line.decode().split()
        data = sys.stdin.buffer.read(int(size))
        finding = ''
        try:
            TARGETS[name].run(data)
        except BaseException:  # any of them is a finding
            finding = traceback.format_exc()
        answers.write(json.dumps(finding) + '\n')
        answers.flush()


if __name__ == '__main__':
    _serve()
