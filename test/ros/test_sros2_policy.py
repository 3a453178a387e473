# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The SROS 2 policy allows what the executables really open, and nothing else."""

from collections.abc import Callable, Iterator
import os
from pathlib import Path
import re
import socket
import subprocess
from typing import TypeAlias
from xml.etree import ElementTree

import pytest
from rclpy.node import NodeNameNonExistentError

from ros import gimbal_packages
from ros.harness import Operator
from sam2_tracker_ros.ros.message_classes import installed_message_classes

POLICY = Path(__file__).resolve().parent.parent.parent / 'config' / 'sros2' / 'policy.xml'
# How each executable is started to make it open everything that its profile allows.
STARTS: dict[str, list[dict[str, object]]] = {
    'tracker': [{'use_sim_time': 'true'}, {'image_transport': 'compressed'}],
    'gimbal_follower': [{'use_sim_time': 'true'}],
    'mavlink_bridge': [{'use_sim_time': 'true'}],
    'operator_page': [{'use_sim_time': 'true', 'port': 0}],
    'simulated_camera': [{'use_sim_time': 'true', 'simulated_time': 'true'}],
}
AUTOPILOTS = {
    'mavros': 'mavros/gimbal_control/manager/set_pitchyaw',
    'px4': 'fmu/in/vehicle_command',
}
# How something is used, and its name; `~/` is left in front of what belongs to the node.
Permissions: TypeAlias = set[tuple[str, str]]


class NodeProcess:
    """An executable that runs in a namespace, and what it has opened."""

    def __init__(
        self, operator: Operator, folder: Path, name: str, *words: str, **variables: str
    ) -> None:
        self._operator = operator
        self._name = name
        self._namespace = operator.get_namespace()
        self._log = folder / 'log.txt'
        arguments = ['--ros-args', '-r', f'__ns:={self._namespace}', *words]
        with self._log.open('wb') as log:
            self._process = subprocess.Popen(
                [name, *arguments], env={**os.environ, **variables}, stdout=log, stderr=log
            )

    def end(self) -> None:
        self._process.kill()
        self._process.wait()

    def opened(self) -> Permissions:
        """Return what the graph says that the node has opened by now."""
        assert self._process.poll() is None, self._log.read_text()
        node = self._operator
        graph = {
            'publish': node.get_publisher_names_and_types_by_node,
            'subscribe': node.get_subscriber_names_and_types_by_node,
            'reply': node.get_service_names_and_types_by_node,
            'request': node.get_client_names_and_types_by_node,
        }
        try:
            return {
                (use, self._relative(topic))
                for use, ask in graph.items()
                for topic, _ in ask(self._name, self._namespace)
            }
        except NodeNameNonExistentError:
            return set()

    def open_page(self) -> socket.socket:
        """Open the page's websocket, as a browser does."""

        def port() -> int:
            found = re.search(r'http://127\.0\.0\.1:(\d+)/', self._log.read_text())
            return int(found[1]) if found else 0

        self._operator.wait_until(port, 'the page')
        host = f'127.0.0.1:{port()}'
        made = socket.create_connection(('127.0.0.1', port()), timeout=10.0)
        made.sendall(
            f'GET /socket HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n'
            'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
            'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'.encode()
        )
        assert made.recv(1000).startswith(b'HTTP/1.1 101')
        return made

    def _relative(self, name: str) -> str:
        own = f'{self._namespace}/{self._name}/'
        if name.startswith(own):
            return f'~/{name.removeprefix(own)}'
        return name.removeprefix(f'{self._namespace}/')


StartNode: TypeAlias = Callable[..., NodeProcess]


@pytest.fixture
def start_node(operator: Operator, tmp_path: Path) -> Iterator[StartNode]:
    """Run executables in the operator's namespace until the test ends."""
    made: list[NodeProcess] = []

    def start(name: str, *words: str, **variables: str) -> NodeProcess:
        made.append(NodeProcess(operator, tmp_path, name, *words, **variables))
        return made[-1]

    yield start
    for process in made:
        process.end()


def allowed(text: str, node: str) -> Permissions:
    """Return what a policy lets a node do."""
    root = ElementTree.fromstring(text)  # noqa: S314 - it is ours
    (profile,) = [found for found in root.iter('profile') if found.get('node') == node]
    return {
        (use, expression.text or '')
        for group in profile
        for use, rule in group.attrib.items()
        for expression in group
        if rule == 'ALLOW'
    }


def wait_for(operator: Operator, process: NodeProcess, expected: Permissions) -> None:
    operator.wait_until(lambda: process.opened() >= expected, f'{sorted(expected)}')


def words_of(parameters: dict[str, object]) -> list[str]:
    pairs = [('-p', f'{name}:={value}') for name, value in parameters.items()]
    return [word for pair in pairs for word in pair]


def test_each_node_has_an_enclave_of_its_own_without_wildcards() -> None:
    root = ElementTree.parse(POLICY).getroot()  # noqa: S314 - it is ours
    found = {
        enclave.get('path'): [
            (profile.get('ns'), profile.get('node')) for profile in enclave.iter('profile')
        ]
        for enclave in root.iter('enclave')
    }
    assert found == {f'/sam2_tracker_ros/{node}': [('/', node)] for node in STARTS}
    # The sros2 tool would take a comment there for an enclave without a name.
    assert not re.search(r'(<enclaves>|</enclave>)\s*<!--', POLICY.read_text())
    names = [element.text or '' for element in root.iter() if element.tag in ('topic', 'service')]
    assert not [name for name in names if not re.fullmatch(r'(/|~/)?[a-z0-9_/]+', name)]


@pytest.mark.parametrize('name', STARTS)
def test_a_node_opens_what_it_is_allowed_and_nothing_else(
    operator: Operator, start_node: StartNode, name: str
) -> None:
    expected = allowed(POLICY.read_text(), name)
    if installed_message_classes().detection is None:
        expected -= {('publish', '~/detections')}
    found: Permissions = set()
    for number, parameters in enumerate(STARTS[name], start=1):
        process = start_node(name, *words_of(parameters))
        page = process.open_page() if name == 'operator_page' else None
        is_last = number == len(STARTS[name])
        # What one start cannot show is left for the other ones.
        enough = expected - found if is_last else expected - {('subscribe', 'image/compressed')}
        wait_for(operator, process, enough)
        found |= process.opened()
        process.end()
        if page is not None:
            page.close()
    assert found == expected


def test_nobody_but_the_tracker_says_where_the_target_is() -> None:
    text = POLICY.read_text()
    publishers = [node for node in STARTS if ('publish', '~/target') in allowed(text, node)]
    assert publishers == ['tracker']
    for node in STARTS:
        names = {topic for use, topic in allowed(text, node) if use == 'publish'}
        assert not {topic for topic in names if topic.startswith('tracker/')}
        may_command = 'gimbal/rate_command' in names
        assert may_command == (node == 'gimbal_follower')
    commanders = {
        node for node in STARTS if ('request', 'tracker/set_target') in allowed(text, node)
    }
    assert commanders == {'mavlink_bridge', 'operator_page'}


def test_an_autopilot_is_commanded_only_where_its_line_is_taken_out_of_the_comment(
    operator: Operator, start_node: StartNode, tmp_path: Path
) -> None:
    install = gimbal_packages.build(tmp_path)
    (folder,) = install.glob('lib/python3*/site-packages')
    variables = {
        'PYTHONPATH': f'{os.environ["PYTHONPATH"]}:{folder}',
        'LD_LIBRARY_PATH': f'{os.environ["LD_LIBRARY_PATH"]}:{install}/lib',
    }
    closed = POLICY.read_text()
    for name, topic in AUTOPILOTS.items():
        text, count = re.subn(rf'<!-- {name}: (<topic>.*?</topic>) -->', r'\1', closed)
        assert count == 1
        added = allowed(text, 'gimbal_follower') - allowed(closed, 'gimbal_follower')
        assert added == {('publish', topic)}
        process = start_node('gimbal_follower', '-p', f'{name}:=true', **variables)
        expected = allowed(text, 'gimbal_follower') - {('subscribe', '/clock')}
        wait_for(operator, process, expected)
        assert process.opened() == expected
        process.end()
