# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`sam2-tracker` that is told to end: results that are whole as far as they go, or none."""

import json
import os
from pathlib import Path
import signal
import sys
from typing import Any

import cv2
import pytest
from replay.recordings import write_scene_bag, write_video
from rosbags.rosbag2 import Reader, StoragePlugin

from ros.ends import Running
from sam2_tracker_ros.testing.scenes import FlatScene

SIGNALS = [signal.SIGINT, signal.SIGTERM]
STORAGES = {'sqlite3': StoragePlugin.SQLITE3, 'mcap': StoragePlugin.MCAP}
# Long enough to be interrupted.
SCENE = FlatScene((192, 144), frame_count=1500, leaves=False)
FIRST = SCENE.frame(0).box
# Native code that never comes back, whatever signal comes: it waits for itself.
HANG = """
import ctypes
import sys

def hang(*_):
    print('hanging', file=sys.stderr, flush=True)
    mutex = ctypes.create_string_buffer(128)
    ctypes.CDLL(None).pthread_mutex_lock(mutex)
    ctypes.CDLL(None).pthread_mutex_lock(mutex)
"""
HANGING = f"""{HANG}
from sam2_tracker_ros.core import tracker
from sam2_tracker_ros.tools import main, replay

if sys.argv[1] == 'load':
    replay.load_model = hang
else:
    step, count = tracker.Tracker.step, iter(range(10))
    tracker.Tracker.step = lambda *words: step(*words) if next(count, None) is not None else hang()
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture(scope='module', params=STORAGES)
def bag(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('recording')
    storage = STORAGES[request.param]
    return write_scene_bag(folder / request.param, SCENE, storage, is_compressed=True)


def words_for(recording: Path, out: Path) -> list[str]:
    assert FIRST is not None
    box = f'{FIRST.left},{FIRST.top},{FIRST.width},{FIRST.height}'
    return ['replay', str(recording), '--box', box, '--out', str(out)]


def wait_for_results(running: Running, out: Path) -> None:
    """Wait until a replay has written frames."""
    lines = out.with_name(f'{out.name}.partial') / 'results.jsonl'
    running.wait_until(lambda: lines.exists() and lines.stat().st_size > 0, 'results')


def frames_of(path: Path) -> list[int]:
    """Return the frames with a target in the lines of JSON, every one of which is whole."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in path.read_text().splitlines()]
    return [line['frame'] for line in lines if line['type'] == 'target']


def frames_of_video(path: Path) -> int:
    video = cv2.VideoCapture(str(path))
    count = 0
    while video.grab():
        count += 1
    return count


@pytest.mark.parametrize('number', SIGNALS)
def test_an_interrupted_replay_leaves_whole_files(
    bag: Path, number: signal.Signals, tmp_path: Path
) -> None:
    out = tmp_path / 'out'
    out.mkdir()
    (out / 'timeline.png').write_text('of a run before')
    with Running(['sam2-tracker', *words_for(bag, out)], tmp_path / 'log') as running:
        wait_for_results(running, out)
        assert running.end(number)[0] == 128 + number
        assert running.left_behind() == []
        assert running.said.splitlines()[-1] == 'sam2-tracker replay: interrupted'
        assert 'Traceback' not in running.said
    frames = frames_of(out / 'results.jsonl')
    assert frames == list(range(len(frames)))
    assert 0 < len(frames) < SCENE.frame_count
    with Reader(out / 'bag') as reader:
        topics = [connection.topic for connection, _, _ in reader.messages()]
    assert topics.count('/tracker/targets') == len(frames)
    assert topics.count('/tracker/mask/compressed') == len(frames)
    assert frames_of_video(out / 'overlay.mp4') == len(frames)
    assert {path.name for path in out.iterdir()} == {
        *('bag', 'config.json', 'results.jsonl', 'overlay.mp4')
    }
    assert {path.name for path in tmp_path.iterdir()} == {'out', 'log'}


def test_a_killed_replay_leaves_earlier_results_and_an_unfinished_folder(
    bag: Path, tmp_path: Path
) -> None:
    out, unfinished = tmp_path / 'out', tmp_path / 'out.partial'
    out.mkdir()
    (out / 'results.jsonl').write_text('of a run before')
    with Running(['sam2-tracker', *words_for(bag, out)], tmp_path / 'log') as running:
        wait_for_results(running, out)
        assert running.end(signal.SIGKILL)[0] == -signal.SIGKILL
        assert running.left_behind() == []  # ffmpeg finishes its file and ends
    assert [path.name for path in out.iterdir()] == ['results.jsonl']
    assert (out / 'results.jsonl').read_text() == 'of a run before'
    # The bag in it says that it is none: it has no metadata.
    assert not (unfinished / 'bag' / 'metadata.yaml').exists()
    again = [*words_for(bag, out), '--max-frames', '3']
    with Running(['sam2-tracker', *again], tmp_path / 'log') as running:
        assert running.process.wait() == 0, running.said
    assert not unfinished.exists()
    assert len(frames_of(out / 'results.jsonl')) == 3


@pytest.mark.parametrize('number', SIGNALS)
@pytest.mark.parametrize('place', ['load', 'step'])
def test_native_code_that_hangs_keeps_nothing(
    place: str, number: signal.Signals, tmp_path: Path
) -> None:
    film, out = write_video(tmp_path / 'film.mp4', FlatScene(frame_count=30)), tmp_path / 'out'
    first = FlatScene(frame_count=30).frame(0).box
    assert first is not None
    box = f'{first.left},{first.top},{first.width},{first.height}'
    words = ['replay', str(film), '--box', box, '--out', str(out)]
    command = [sys.executable, '-c', HANGING, place, *words]
    with Running(command, tmp_path / 'log') as running:
        running.wait_for_text('hanging')
        assert running.end(number)[0] == 128 + number
        assert running.left_behind() == []
        assert running.said.splitlines()[-1] == 'sam2-tracker replay: interrupted'
    if place == 'load':
        assert {path.name for path in tmp_path.iterdir()} == {'film.mp4', 'log'}
    else:
        assert frames_of(out / 'results.jsonl') == list(range(10))
        assert frames_of_video(out / 'overlay.mp4') == 10


def interrupt(running: Running, number: signal.Signals) -> None:
    """Send a signal as it usually comes: Ctrl-C reaches the child processes too."""
    if number == signal.SIGINT:
        os.killpg(running.process.pid, number)
    else:
        running.process.send_signal(number)


def said_when_interrupted(
    words: list[str], processes: int, number: signal.Signals, folder: Path
) -> str:
    """Interrupt a tool with more child processes than that; its report stays as it was."""
    report = folder / 'report.json'
    report.write_text('{}')
    with Running(['sam2-tracker', *words, '--json', str(report)], folder / 'log') as running:
        running.wait_until(lambda: len(running.children()) > processes, 'its processes')
        interrupt(running, number)
        assert running.process.wait() == 128 + number
        assert running.left_behind() == []
        said = running.said
    assert 'Traceback' not in said
    assert report.read_text() == '{}'
    assert {path.name for path in folder.iterdir()} == {'report.json', 'log'}
    return said


@pytest.mark.parametrize('number', SIGNALS)
def test_an_interrupted_evaluation_ends_its_processes_and_keeps_the_file(
    number: signal.Signals, tmp_path: Path
) -> None:
    said = said_when_interrupted(['evaluate', '--scenes', '4', '--jobs', '2'], 2, number, tmp_path)
    assert said.splitlines()[-1] == 'sam2-tracker evaluate: interrupted'


@pytest.mark.parametrize('number', SIGNALS)
def test_an_interrupted_benchmark_ends_its_processes_and_keeps_the_file(
    number: signal.Signals, tmp_path: Path
) -> None:
    words = ['benchmark', '--compare', 'ours,csrt', '--frames', '5000']
    said_when_interrupted(words, 1, number, tmp_path)


STUBBORN = f"""{HANG}
import subprocess
from sam2_tracker_ros.replay.interruption import ended_by_signals, status_of

try:
    with ended_by_signals(with_children=True):
        child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
        hang()
except KeyboardInterrupt as interrupt:  # it came a moment before
    sys.exit(status_of(interrupt))
"""
REFUSING = """
import sys
import time
from sam2_tracker_ros.replay.interruption import ended_by_signals, status_of

try:
    with ended_by_signals():
        print('hanging', flush=True)
        try:
            time.sleep(600)
        except KeyboardInterrupt:
            raise ImportError('of a module that was importing')
except KeyboardInterrupt as interrupt:
    sys.exit(status_of(interrupt))
"""


@pytest.mark.parametrize('number', SIGNALS)
@pytest.mark.parametrize('program', [STUBBORN, REFUSING], ids=['native', 'error'])
def test_whatever_a_program_makes_of_a_signal_it_ends(
    program: str, number: signal.Signals, tmp_path: Path
) -> None:
    with Running([sys.executable, '-c', program], tmp_path / 'log') as running:
        running.wait_for_text('hanging')
        assert running.end(number)[0] == 128 + number
        assert running.left_behind() == []
