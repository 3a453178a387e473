# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The executable `point_at` against a running tracker."""

import subprocess

import pytest

from ros.harness import DEADLINE_S, Operator, StartTracker, scene


def point_at(*arguments: str, namespace: str = '/') -> 'subprocess.Popen[str]':
    command = ['point_at', *arguments, '--ros-args', '-r', f'__ns:={namespace}']
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ('arguments', 'is_accepted'),
    [
        (['--box=20,40,30,30', '--target-id=car'], True),
        (['--point=35,55', '--target-id=car'], True),
        (['--point=0.22,0.46', '--normalized', '--target-id=car'], True),
        (['--box=900,900,30,30', '--target-id=car'], False),
    ],
)
def test_starts_the_target_or_says_why_not(
    operator: Operator,
    start_tracker: StartTracker,
    namespace: str,
    arguments: list[str],
    is_accepted: bool,
) -> None:
    start_tracker()
    process = point_at(*arguments, namespace=namespace)
    operator.wait_until(
        lambda: operator.show(scene(20)) and process.poll() is not None, 'the end of point_at'
    )
    _, output = process.communicate()
    assert process.returncode == (0 if is_accepted else 1), output
    assert ('target started' in output) == is_accepted
    targets = operator.show(scene(20)).targets
    assert [target.target_id for target in targets] == (['car'] if is_accepted else [])


def test_says_that_there_is_no_tracker(namespace: str) -> None:
    process = point_at('--point=1,1', '--timeout-s=0.5', namespace=namespace)
    _, output = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 1
    assert f'no processed frame on {namespace}/tracker/targets' in output


@pytest.mark.parametrize('arguments', ['--box=1,2,3', '--box=1,2,x,4', '--point=nan,1', ''])
def test_refuses_bad_arguments(arguments: str) -> None:
    process = point_at(*arguments.split())
    process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 2
