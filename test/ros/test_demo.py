# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The demo as `make demo` starts it: processes, DDS, the real model."""

import json
import os
from pathlib import Path
import re
import signal
import subprocess
import time

from ament_index_python.packages import get_package_prefix
import cv2
import pytest

from sam2_tracker_ros.core.types import Box
from sam2_tracker_ros.testing.drone_scene import DroneScene

DEMO = Path(get_package_prefix('sam2_tracker_ros')) / 'lib' / 'sam2_tracker_ros' / 'demo'


def demo(*words: object) -> subprocess.CompletedProcess[str]:
    command = [str(DEMO), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def table(text: str) -> dict[str, str]:
    """Return the rows of the demo's table by their names."""
    pairs = (line.strip().split('  ', 1) for line in text.splitlines())
    return {pair[0]: pair[1].strip() for pair in pairs if len(pair) == 2}


def still_running(folder: Path) -> list[str]:
    """Return the command lines of the demo's children that outlived it, by what they write."""
    found = []
    for process in Path('/proc').glob('[0-9]*'):
        if int(process.name) == os.getpid():
            continue
        try:
            outputs = [link.resolve() for link in (process / 'fd').iterdir()]
        except OSError:
            continue
        if any(folder in output.parents for output in outputs):
            found.append((process / 'cmdline').read_text())
    return found


def number(text: str, before: str = '') -> float:
    """Return the first number after a word."""
    match = re.search(re.escape(before) + r'\s*(-?[\d.]+)', text)
    assert match is not None, text
    return float(match[1])


def test_the_picture_stays_on_the_car_past_the_house(tmp_path: Path) -> None:
    done = demo('--duration', 8, '--out', tmp_path)
    assert done.returncode == 0, done.stderr
    row = table(done.stdout)
    assert row['published'].startswith('240 frames, 1280 x 720 at 30 Hz')
    assert row['with a Target'].startswith('240,'), 'simulated time leaves none out'
    assert number(row['in place']) > 80.0
    assert number(row['box'], 'IoU') > 0.6
    assert row['box'].endswith('on something else in 0')
    assert number(row['while hidden']) <= 2
    # Whoever gets a LOST gets a stop with it.
    assert number(row['LOST'], 'ms,') <= 1
    lines = (tmp_path / 'events.jsonl').read_text().splitlines()
    events = [json.loads(line)['event'] for line in lines]
    on_the_way = events[events.index('ACQUIRED') :]
    assert on_the_way[:4] == ['ACQUIRED', 'COASTING', 'LOST', 'REACQUIRED']
    video = cv2.VideoCapture(str(tmp_path / 'overlay.mp4'))
    assert int(video.get(cv2.CAP_PROP_FRAME_COUNT)) == 240
    assert cv2.imread(str(tmp_path / 'timeline.png')) is not None
    assert still_running(tmp_path) == []


def test_a_camera_that_stalls_does_not_keep_the_gimbal_turning(tmp_path: Path) -> None:
    """The faults that need real time are flown by `make loop`."""
    words = ('--fault', 'camera_stalled', '--fault-at', 4.5, '--duration', 6)
    done = demo(*words, '--out', tmp_path)
    assert done.returncode == 0, done.stderr
    row = table(done.stdout)
    # It is told to stop when the newest image is older than stale_timeout_s, 0.3 s of the clock.
    assert 0.0 < number(row['blind'], 'turning for') < 0.5
    lines = (tmp_path / 'events.jsonl').read_text().splitlines()
    assert 'INPUT_STALLED' in [json.loads(line)['event'] for line in lines]


def test_a_video_is_tracked_from_the_box_in_its_first_frame(tmp_path: Path) -> None:
    scene = DroneScene(duration_s=4.0)
    code = cv2.VideoWriter.fourcc(*'mp4v')
    writer = cv2.VideoWriter(str(tmp_path / 'clip.mp4'), code, scene.rate_hz, scene.size_px)
    for index in range(30):
        writer.write(scene.frame(index).image)
    writer.release()
    box = scene.frame(0).box
    assert isinstance(box, Box)
    text = f'{box.left},{box.top},{box.width},{box.height}'
    done = demo('--video', tmp_path / 'clip.mp4', '--box', text, '--out', tmp_path / 'out')
    assert done.returncode == 0, done.stderr
    assert 'ACQUIRED' in done.stdout


def test_a_failing_tracker_is_one_line_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = demo('--model', 'giant', '--duration', 4, '--out', tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert 'giant' in done.stderr
    assert done.stderr.startswith('demo: ')
    assert still_running(tmp_path) == []


def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    process = subprocess.Popen([str(DEMO), '--out', str(tmp_path)], stderr=subprocess.PIPE)
    while not (tmp_path / 'camera.log').exists() and process.poll() is None:
        time.sleep(0.05)
    assert still_running(tmp_path), 'tracker and camera run'
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 130
    assert complaint == b'demo: interrupted\n'
    assert still_running(tmp_path) == []


@pytest.mark.parametrize(
    ('words', 'status'),
    [
        (('--video', 'absent.mp4'), 2),
        (('--box', '1,2,3,4'), 2),
        (('--box', 'a', '--video', 'absent.mp4'), 2),
        (('--duration', '1'), 2),
        (('--video', 'absent.mp4', '--box', '1,2,3,4'), 1),
    ],
)
def test_bad_arguments_start_nothing(words: tuple[str, ...], status: int, tmp_path: Path) -> None:
    done = demo(*words, '--out', tmp_path / 'out')
    assert done.returncode == status
    assert 'demo: ' in done.stderr
    assert 'Traceback' not in done.stderr
