# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Freed memory stays for the next image, and goes when there is none for a while."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
from pathlib import Path
from sam2_tracker_ros.ros.process_memory import give_back_freed_memory, keep_freed_memory

def resident_kib():
    lines = Path('/proc/self/status').read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith('VmRSS'))

keep_freed_memory()
images = [b'x' * 100_000 for _ in range(1000)]
held = resident_kib()
del images
kept = resident_kib()
give_back_freed_memory()
print(held, kept, resident_kib())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='only glibc can be told')
def test_freed_memory_is_kept_until_it_is_given_back() -> None:
    done = subprocess.run(
        [sys.executable, '-c', PROGRAM], capture_output=True, text=True, check=True
    )
    held_kib, kept_kib, left_kib = map(int, done.stdout.split())
    assert kept_kib > 0.9 * held_kib
    assert left_kib < 0.5 * held_kib
