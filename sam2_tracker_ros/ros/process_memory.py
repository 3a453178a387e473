# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How the process that runs the tracker keeps memory."""

import ctypes

# glibc's names of what is set, and the most that it takes for the second.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_MMAP_THRESHOLD_BYTES = 32 << 20
_TRIM_THRESHOLD_BYTES = 256 << 20
_ARENAS = 2


def keep_freed_memory() -> None:
    """
    Let glibc keep the memory of one image for the next.

    By default it gives every freed image back to the kernel, and each new page of the next one
    costs more than copying what belongs there: 1.5 ms for 720p. Threads share few arenas, because
    each arena keeps the most that its threads ever held at one time.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is not None:  # other C libraries have none
        mallopt(_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES)
        mallopt(_TRIM_THRESHOLD, _TRIM_THRESHOLD_BYTES)
        mallopt(_ARENA_MAX, _ARENAS)
