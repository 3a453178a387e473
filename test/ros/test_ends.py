# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""SIGINT and SIGTERM in every state of every program: in order, and whole files or none."""

from pathlib import Path
import re
import signal
import socket

import pytest

from ros.ends import Running, listener, node

SIGNALS = [signal.SIGINT, signal.SIGTERM]
# What a node says when it runs.
NODES = {
    'gimbal_follower': 'stale: ',
    'mavlink_bridge': 'camera 1/100 at',
    'operator_page': 'the page is at',
}
CAMERAS = ('simulated_camera', 'video_publisher')
TOOLS = ('demo', 'node_benchmark', 'sam2-tracker', 'soak')


@pytest.fixture
def namespace_words(namespace: str) -> tuple[str, str]:
    return '-r', f'__ns:={namespace}'


@pytest.mark.parametrize('number', SIGNALS)
@pytest.mark.parametrize('executable', [*NODES, *CAMERAS])
def test_a_node_that_is_importing_ends_quietly(
    executable: str, number: signal.Signals, tmp_path: Path
) -> None:
    with node(executable, tmp_path / 'log') as running:
        running.wait_for_library('numpy')
        assert running.end(number)[0] == 0
        assert running.said == ''


@pytest.mark.parametrize('number', SIGNALS)
@pytest.mark.parametrize('executable', TOOLS)
def test_a_tool_that_is_importing_ends_quietly(
    executable: str, number: signal.Signals, tmp_path: Path
) -> None:
    words = ['replay', 'film.mp4', '--point', '1,1'] if executable == 'sam2-tracker' else []
    with Running([executable, *words], tmp_path / 'log', tmp_path) as running:
        running.wait_for_library('numpy')
        assert running.end(number)[0] == 128 + number
        assert 'Traceback' not in running.said
    assert [path.name for path in tmp_path.iterdir()] == ['log']


@pytest.mark.parametrize('number', SIGNALS)
@pytest.mark.parametrize('executable', NODES)
def test_a_node_that_runs_ends(
    executable: str, number: signal.Signals, tmp_path: Path, namespace_words: tuple[str, str]
) -> None:
    parameters = {'port': 0} if executable == 'operator_page' else {}
    with node(executable, tmp_path / 'log', *namespace_words, **parameters) as running:
        running.wait_for_text(NODES[executable])
        assert running.end(number)[0] == 0
        assert 'Traceback' not in running.said


@pytest.mark.parametrize('number', SIGNALS)
@pytest.mark.parametrize('executable', CAMERAS)
def test_a_camera_that_waits_for_somebody_ends(
    executable: str, number: signal.Signals, tmp_path: Path, namespace_words: tuple[str, str]
) -> None:
    log = tmp_path / 'log'
    with node(executable, log, *namespace_words, wait_for_subscribers=2) as running:
        running.wait_for_library('librmw_fastrtps')
        assert running.end(number)[0] == 0
        assert 'Traceback' not in running.said


# Node, its parameters, and what somebody subscribes to who then stops to read.
STOPPED: list[tuple[str, dict[str, object], str, str]] = [
    ('gimbal_follower', {}, 'geometry_msgs/Vector3Stamped', 'gimbal/rate_command'),
    ('gimbal_follower', {}, 'sam2_tracker_ros/GimbalFollowerStatus', 'gimbal_follower/status'),
    ('mavlink_bridge', {}, 'diagnostic_msgs/DiagnosticArray', '/diagnostics'),
    ('simulated_camera', {}, 'sensor_msgs/Image', 'image'),
    ('simulated_camera', {}, 'sensor_msgs/CameraInfo', 'camera_info'),
    ('video_publisher', {}, 'sensor_msgs/Image', 'image'),
    ('video_publisher', {}, 'sensor_msgs/CameraInfo', 'camera_info'),
]


@pytest.mark.parametrize(('executable', 'parameters', 'message', 'topic'), STOPPED)
def test_a_subscriber_that_stopped_keeps_no_node(
    executable: str,
    parameters: dict[str, object],
    message: str,
    topic: str,
    tmp_path: Path,
    namespace: str,
) -> None:
    words = ('-r', f'__ns:={namespace}')
    name = topic if topic.startswith('/') else f'{namespace}/{topic}'
    with (
        listener(message, name, tmp_path / 'listener') as other,
        node(executable, tmp_path / 'log', *words, **parameters) as running,
    ):
        other.wait_for_text('heard')
        other.process.send_signal(signal.SIGSTOP)
        assert running.end(signal.SIGINT)[0] == 0
        assert 'Traceback' not in running.said
        other.process.send_signal(signal.SIGCONT)


def test_a_ground_station_that_stopped_to_read_keeps_no_bridge(
    tmp_path: Path, namespace_words: tuple[str, str]
) -> None:
    with socket.create_server(('127.0.0.1', 0)) as station:
        connection = f'tcp:127.0.0.1:{station.getsockname()[1]}'
        words = (*namespace_words, '-p', f'connection:={connection}')
        with node('mavlink_bridge', tmp_path / 'log', *words) as running:
            peer, _ = station.accept()
            with peer:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
                assert peer.recv(1)  # a heartbeat; nothing is read after it
                assert running.end(signal.SIGTERM)[0] == 0
                assert 'Traceback' not in running.said


def test_a_ground_station_out_of_reach_keeps_no_bridge(
    tmp_path: Path, namespace_words: tuple[str, str]
) -> None:
    # A listener whose queue is full: connecting to it waits.
    with socket.socket() as full, socket.socket() as first:
        full.bind(('127.0.0.1', 0))
        full.listen(0)
        first.connect(full.getsockname())
        words = (*namespace_words, '-p', f'connection:=tcp:127.0.0.1:{full.getsockname()[1]}')
        with node('mavlink_bridge', tmp_path / 'log', *words) as running:
            running.wait_for_text(NODES['mavlink_bridge'])
            assert running.end(signal.SIGINT)[0] == 0
            assert 'Traceback' not in running.said


def test_pages_that_are_open_and_silent_keep_no_server(
    tmp_path: Path, namespace_words: tuple[str, str]
) -> None:
    with node('operator_page', tmp_path / 'log', *namespace_words, port=0) as running:
        running.wait_for_text(NODES['operator_page'])
        found = re.search(r'127\.0\.0\.1:(\d+)', running.said)
        assert found is not None
        with open_page(int(found[1])), half_a_request(int(found[1])):
            assert running.end(signal.SIGINT)[0] == 0
            assert 'Traceback' not in running.said


def open_page(port: int) -> socket.socket:
    """Return a websocket that is open, and on which nobody will ever read or answer."""
    made = socket.create_connection(('127.0.0.1', port))
    host = f'127.0.0.1:{port}'
    made.sendall(
        f'GET /socket HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n'
        'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
        'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n'.encode()
    )
    assert made.recv(12) == b'HTTP/1.1 101'
    return made


def half_a_request(port: int) -> socket.socket:
    """Return a connection that has begun to ask."""
    made = socket.create_connection(('127.0.0.1', port))
    made.sendall(b'GET / HTTP/1.1\r\nHost: ')
    return made


@pytest.mark.parametrize('number', SIGNALS)
def test_an_interrupted_demo_leaves_no_process(number: signal.Signals, tmp_path: Path) -> None:
    out = tmp_path / 'out'
    with Running(['demo', '--out', str(out)], tmp_path / 'log') as running:
        running.wait_until((out / 'camera.log').exists, 'the flight')
        assert running.end(number)[0] == 128 + number
        assert running.left_behind() == []
        assert running.said == 'demo: interrupted\n'
    logs = {'tracker.log', 'follower.log', 'camera.log'}
    assert {path.name for path in out.iterdir()} == logs


def test_an_interrupted_soak_leaves_no_process(tmp_path: Path) -> None:
    with Running(['soak', '--out', str(tmp_path / 'out')], tmp_path / 'log') as running:
        log = tmp_path / 'out' / 'tracker.log'
        running.wait_until(lambda: log.exists() and 'target started' in log.read_text(), 'a cycle')
        assert running.end(signal.SIGTERM)[0] == 128 + signal.SIGTERM
        assert running.left_behind() == []
        assert running.said == 'soak: interrupted\n'
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['tracker.log']
