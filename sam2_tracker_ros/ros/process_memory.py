# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How the process that runs the tracker keeps memory."""

from collections.abc import Callable
import ctypes

# glibc's names of what is set, and the most that it takes for the second.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_MMAP_THRESHOLD_BYTES = 32 << 20
_TRIM_THRESHOLD_BYTES = 256 << 20
_ARENAS = 2
_LIBC = ctypes.CDLL(None)


def keep_freed_memory() -> None:
    """
    Let glibc keep the memory of one image for the next.

    By default it gives every freed image back to the kernel, and each new page of the next one
    costs more than copying what belongs there: 1.5 ms for 720p. Threads share few arenas, because
    each arena keeps the most that its threads ever held at one time.
    """
    mallopt = _of_libc('mallopt')
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES)
        mallopt(_TRIM_THRESHOLD, _TRIM_THRESHOLD_BYTES)
        mallopt(_ARENA_MAX, _ARENAS)


def give_back_freed_memory() -> None:
    """Return what is kept for the next image to the kernel: there is none for a while."""
    malloc_trim = _of_libc('malloc_trim')
    if malloc_trim is not None:
        malloc_trim(0)


def _of_libc(name: str) -> Callable[..., int] | None:
    """Return a function of the C library; None where it is not glibc."""
    return getattr(_LIBC, name, None)
