# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Processes that die, and files that cannot be written or read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
import resource
import shutil
import signal
import subprocess
import tempfile
import time

from lifecycle_msgs.msg import Transition
from rclpy.parameter import Parameter

from sam2_tracker_ros.msg import GimbalFollowerStatus
from sam2_tracker_ros.ros.fault_kind import Kind, any_of
from sam2_tracker_ros.ros.fault_lifecycle import CONFIGURE, bring_up, take_down
from sam2_tracker_ros.ros.fault_process import FaultProcess
from sam2_tracker_ros.ros.fault_rig import Rig

_END_TIMEOUT_S = 2.0
# To be killed after, so that it is known how long it took.
_KILL_TIMEOUT_S = 10.0
_FOLLOWER_TIMEOUT_S = 15.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_FULL_BYTES = 16384


def _camera_restarted(rig: Rig, rng: Random) -> None:
    """End the camera driver and start it again."""
    for _ in range(rng.randrange(1, 4)):
        rig.camera.reconnect(rng.uniform(0.0, 0.8))
        rig.pause(rng.uniform(0.2, 0.6))


def _tracker_killed(rig: Rig, rng: Random) -> None:
    """Kill the tracker and start it again."""
    rig.pause(rng.uniform(0.0, 0.3))
    rig.process.kill()
    rig.restart()


def _tracker_ended(rig: Rig, rng: Random) -> None:
    """End the tracker with a signal in any state, and start it again."""
    choice = rng.randrange(4)
    if choice == 1:
        take_down(rig)
    elif choice == 2:
        rig.operator.transition(Transition.TRANSITION_DEACTIVATE)
    elif choice == 3:
        rig.operator.transition(Transition.TRANSITION_ACTIVE_SHUTDOWN)
    end_with(rig, rng.choice(_SIGNALS))
    rig.restart()


def end_with(rig: Rig, number: signal.Signals) -> None:
    """Send a signal, and complain if the tracker does not end in time with status 0."""
    took_s = rig.process.end(_KILL_TIMEOUT_S, number)
    if took_s > _END_TIMEOUT_S or rig.process.status != 0:
        text = f'{number.name}: ended after {took_s:.1f} s with status {rig.process.status}'
        rig.complain('ends in time', text)


def _follower_killed(rig: Rig, rng: Random) -> None:
    """Kill the gimbal's follower and start it again: it follows, and the tracker never minds."""
    modes: list[int] = []
    subscription = rig.node.create_subscription(
        GimbalFollowerStatus,
        'gimbal_follower/status',
        lambda message: modes.append(message.mode),
        10,
    )
    rig.recover()
    try:
        for _ in range(2):
            modes.clear()
            follower = FaultProcess('gimbal_follower', rig.out / 'gimbal_follower.log', [])
            try:
                rig.wait(
                    'the follower to follow',
                    lambda: GimbalFollowerStatus.MODE_FOLLOWING in modes,
                    _FOLLOWER_TIMEOUT_S,
                )
                rig.pause(rng.uniform(0.0, 0.5))
            finally:
                follower.kill()
    finally:
        rig.node.destroy_subscription(subscription)


def _cache(rig: Rig, folder: Path) -> None:
    """Load the model with that cache, then with the usual one."""
    take_down(rig)
    for cache_folder in (str(folder), ''):
        rig.operator.set_parameters([Parameter('cache_folder', value=cache_folder)])
        if not rig.operator.transition(CONFIGURE):
            rig.complain('answers', f'not configured with the cache folder {cache_folder!r}')
        bring_up(rig)
        rig.pause(0.3)
        if cache_folder:
            take_down(rig)


def _disk_full(rig: Rig, _: Random) -> None:
    """Keep built graphs where there is no room."""
    with tempfile.TemporaryDirectory(prefix='fault_full_') as name, _without_room(rig, name):
        _cache(rig, Path(name))


@contextmanager
def _without_room(rig: Rig, folder: str) -> Iterator[None]:
    """Mount a file system that is full at once; who may not, limits the size of the files."""
    options = ['-t', 'tmpfs', '-o', f'size={_FULL_BYTES}', 'tmpfs', folder]
    mount, unmount = shutil.which('mount'), shutil.which('umount')
    if mount and unmount and not _run([mount, *options]):
        try:
            yield
        finally:
            _run([unmount, '--lazy', folder])
        return
    limits = resource.prlimit(rig.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(rig.process.pid, resource.RLIMIT_FSIZE, (_FULL_BYTES, limits[1]))
    try:
        yield
    finally:
        resource.prlimit(rig.process.pid, resource.RLIMIT_FSIZE, limits)


def _run(command: list[str]) -> int:
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own command


def _cache_read_only(rig: Rig, rng: Random) -> None:
    """Keep built graphs where nobody may write, not even root, or where no folder can be."""
    _cache(rig, Path(rng.choice(('/proc', '/proc/sys/cache', '/dev/null', '/dev/null/cache'))))


def _cache_damaged(rig: Rig, rng: Random) -> None:
    """Damage what was kept."""
    with tempfile.TemporaryDirectory(prefix='fault_cache_') as name:
        take_down(rig)
        rig.operator.set_parameters([Parameter('cache_folder', value=name)])
        rig.operator.transition(CONFIGURE)
        bring_up(rig)
        for path in sorted(Path(name).rglob('*')):
            if path.is_file() and rng.random() < 0.5:
                content = bytearray(path.read_bytes())
                if rng.random() < 0.5:
                    content = content[: rng.randrange(len(content) + 1)]
                elif content:
                    content[rng.randrange(len(content))] ^= 1 + rng.randrange(255)
                path.write_bytes(content)
        _cache(rig, Path(name))


def _ended_early(rig: Rig, rng: Random) -> None:
    """End the tracker while it starts."""
    rig.process.kill()
    rig.start_process()
    time.sleep(rng.uniform(0.0, 2.0))
    took_s = rig.process.end(_KILL_TIMEOUT_S, rng.choice(_SIGNALS))
    # Before its main function runs, Python ends as it likes.
    if took_s > _END_TIMEOUT_S:
        rig.complain('ends in time', f'ended after {took_s:.1f} s while it started')
    rig.restart()


# While it meets a new participant or loses one, Fast DDS 3.2 keeps who publishes waiting, now and
# then for 0.35 s and rarely for 1.0 s, with and without shared memory; rclpy keeps the
# interpreter's lock meanwhile.
_DISCOVERY_S = 1.0

KINDS = (
    Kind('camera restarted', _camera_restarted),
    Kind('tracker killed', _tracker_killed, must_speak=False, ends_process=True),
    Kind(
        'tracker ended',
        any_of(_tracker_ended, _ended_early),
        must_speak=False,
        ends_process=True,
    ),
    Kind('follower killed', _follower_killed, excused_s=_DISCOVERY_S),
    Kind('disk full or read-only', any_of(_disk_full, _cache_read_only), must_speak=False),
    Kind('cache damaged', _cache_damaged, must_speak=False),
)
