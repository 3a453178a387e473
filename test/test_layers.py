# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Who may import whom, as ARCHITECTURE.md draws it; and that half of the package needs no ROS."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
import sys

from isolated import ROS_PACKAGES, run_isolated
import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / 'sam2_tracker_ros'


@dataclass(frozen=True)
class Layer:
    """
    What a layer may import besides itself, `errors` and the standard library.

    :param inside: other layers of the package.
    :param outside: other packages.
    """

    inside: frozenset[str]
    outside: frozenset[str]


def layer(inside: str = '', outside: str = '') -> Layer:
    return Layer(frozenset(inside.split()), frozenset(outside.split()))


# What only the optional layers import: they make bundles and compare them with the original.
TORCH_PACKAGES = ('torch', 'transformers', 'efficient_track_anything', 'hydra')
OPTIONAL_LAYERS = ('export', 'parity')

LAYERS = {
    'errors': layer(),
    'core': layer(outside='numpy filterpy cv2'),
    'inference': layer('core', 'numpy onnxruntime onnx yaml'),
    'gimbal': layer('core', 'numpy'),
    'mavlink': layer('core', 'numpy pymavlink'),
    'operator_page': layer('core', 'aiohttp'),
    'messages': layer('core gimbal', 'numpy cv2'),
    'overlay': layer('core', 'numpy cv2'),
    'testing': layer('core', 'numpy cv2'),
    'replay': layer('core messages overlay', 'numpy cv2 rosbags matplotlib'),
    'ros': layer(
        'core gimbal mavlink messages overlay msg srv',
        f'numpy cv2 matplotlib {" ".join(ROS_PACKAGES)}',
    ),
    'export': layer('core inference', f'numpy onnx onnxruntime {" ".join(TORCH_PACKAGES)}'),
    'parity': layer(
        'core inference replay export', f'numpy cv2 matplotlib {" ".join(TORCH_PACKAGES)}'
    ),
    'evaluation': layer('core replay testing', 'numpy cv2 matplotlib'),
    'benchmarking': layer(
        'core inference replay testing evaluation parity', 'numpy cv2 matplotlib'
    ),
    'tools': layer(
        'core inference replay testing parity evaluation benchmarking',
        'numpy tqdm huggingface_hub',
    ),
}
# In `ros`, only the nodes build a model; only demonstrations show scenes and recordings.
NODES = '*_node.py'
DEMONSTRATION = (
    *('demo*.py', 'fault_*.py', 'faulty_tracker_node.py', 'node_benchmark.py'),
    *('simulated_camera*.py', 'soak*.py', 'video_publisher*.py'),
)


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix('.py')


def imports_of(source: str) -> Iterator[str]:
    """Return the full name of everything that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, 'imports are absolute here'
            yield from (f'{node.module}.{alias.name}' for alias in node.names)


def offences(path: Path, source: str) -> list[str]:
    """Return the imports that the module's layer does not allow."""
    name = layer_of(path)
    inside = LAYERS[name].inside | {name, 'errors'}
    if name == 'ros' and path.match(NODES):
        inside |= {'inference', 'operator_page'}
    if name == 'ros' and any(path.match(pattern) for pattern in DEMONSTRATION):
        inside |= {'testing', 'replay'}
    allowed = {f'{PACKAGE.name}.{other}' for other in inside}
    allowed |= LAYERS[name].outside | sys.stdlib_module_names
    if path.name == 'fault_campaign.py':
        allowed |= {'tqdm'}
    return [
        imported
        for imported in imports_of(source)
        if not any(f'{imported}.'.startswith(f'{prefix}.') for prefix in allowed)
    ]


MODULES = sorted(path for path in PACKAGE.rglob('*.py') if path.parent != PACKAGE) + [
    path for path in sorted(PACKAGE.glob('*.py')) if path.name != '__init__.py'
]


@pytest.mark.parametrize('path', MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_imports_only_what_its_layer_allows(path: Path) -> None:
    assert offences(path, path.read_text()) == []


@pytest.mark.parametrize(
    ('module', 'line'),
    [
        ('core/tracker.py', 'import rclpy'),
        ('core/tracker.py', 'from onnxruntime import InferenceSession'),
        ('core/tracker.py', 'def late():\n    from sam2_tracker_ros.inference import load_model'),
        ('core/tracker.py', 'from sam2_tracker_ros import messages'),
        ('messages/images.py', 'import rclpy.node'),
        ('messages/images.py', 'from sensor_msgs.msg import Image'),
        ('inference/sessions.py', 'from sam2_tracker_ros.ros import qos'),
        ('replay/runner.py', 'from sam2_tracker_ros.inference import load_model'),
        ('replay/runner.py', 'from sam2_tracker_ros.tools import main'),
        ('evaluation/contenders.py', 'from sam2_tracker_ros.inference import load_model'),
        ('replay/recorded_clips.py', 'from sam2_tracker_ros.evaluation.metrics import precision'),
        ('tools/benchmark.py', 'import onnxruntime'),
        ('benchmarking/contenders.py', 'import torch'),
        ('benchmarking/modules.py', 'import onnxruntime'),
        ('evaluation/contenders.py', 'from sam2_tracker_ros.benchmarking import figures'),
        ('tools/replay.py', 'from sam2_tracker_ros.ros import point_at'),
        ('inference/bundle.py', 'import huggingface_hub'),
        ('inference/bundle.py', 'from sam2_tracker_ros.tools.model_fetch import fetch'),
        ('ros/worker.py', 'from sam2_tracker_ros.inference import load_model'),
        ('ros/worker.py', 'import onnxruntime'),
        ('ros/worker.py', 'from sam2_tracker_ros.testing import scenes'),
        ('ros/worker.py', 'import aiohttp'),
        ('mavlink/wire.py', 'import rclpy'),
        ('operator_page/server.py', 'import rclpy'),
        ('gimbal/follower.py', 'import rclpy'),
        ('core/tracker.py', 'from sam2_tracker_ros.gimbal import follower'),
        ('testing/scenes.py', 'import torch'),
        ('inference/graphs.py', 'import torch'),
        ('inference/graphs.py', 'from sam2_tracker_ros.parity.stages import check_stages'),
        ('tools/parity.py', 'import torch'),
        ('tools/export.py', 'from sam2_tracker_ros.export.sources import open_source'),
        ('export/writer.py', 'from sam2_tracker_ros.parity.runs import track'),
        ('inference/graphs.py', 'from sam2_tracker_ros.export.graph import Graph'),
        ('core/tracker.py', 'from sam2_tracker_ros.parity.runs import track'),
    ],
)
def test_forbidden_import_would_be_found(module: str, line: str) -> None:
    assert offences(PACKAGE / module, line)


def test_every_layer_is_known() -> None:
    assert {layer_of(path) for path in MODULES} <= set(LAYERS)


def test_tracker_runs_where_neither_ros_nor_onnxruntime_is() -> None:
    program = """
        import numpy
        from sam2_tracker_ros.core.config import Config
        from sam2_tracker_ros.core.tracker import Tracker
        from sam2_tracker_ros.core.types import Box, Frame, Prompt, PromptAction
        from sam2_tracker_ros.testing.fake_model import FakeModel

        image = numpy.full((120, 160, 3), 90, numpy.uint8)
        image[40:80, 60:100] = (220, 30, 30)
        tracker = Tracker(FakeModel(), Config())
        prompt = Prompt(PromptAction.ADD, box=Box(60, 40, 100, 80))
        result = tracker.step(Frame(image, 1), [prompt])
        print(result.answers[0].accepted, len(result.targets))
    """
    absent = (*ROS_PACKAGES, 'onnxruntime', 'onnx', 'rosbags', 'tqdm', 'matplotlib')
    assert run_isolated(ROOT, program, absent=absent) == 'True 1\n'


def test_everything_imports_without_ros_and_torch_but_the_layers_that_need_them() -> None:
    program = """
        import importlib, pkgutil, sys
        import sam2_tracker_ros

        def names(package):
            for module in pkgutil.iter_modules(package.__path__, package.__name__ + '.'):
                if {'ros', 'msg', 'srv', '__main__'} & set(module.name.split('.')):
                    continue
                try:
                    imported = importlib.import_module(module.name)
                except ModuleNotFoundError as error:
                    if error.name.split('.')[0] not in sys.argv[1:]:
                        raise
                    continue
                yield module.name
                if module.ispkg:
                    yield from names(imported)

        print(*names(sam2_tracker_ros))
    """
    absent = (*ROS_PACKAGES, *TORCH_PACKAGES)
    imported = set(run_isolated(ROOT, program, *TORCH_PACKAGES, absent=absent).split())
    expected = {
        '.'.join(path.relative_to(ROOT).with_suffix('').parts).removesuffix('.__init__'): path
        for path in MODULES
        if layer_of(path) != 'ros' and path.name != '__main__.py'
    }
    needs_torch = set(expected) - imported
    assert imported <= set(expected)
    assert {layer_of(expected[name]) for name in needs_torch} <= set(OPTIONAL_LAYERS)
    assert 'sam2_tracker_ros.tools.parity' in imported


def test_ros_layer_needs_ros() -> None:
    program = """
        try:
            import sam2_tracker_ros.ros.tracker_node
        except ModuleNotFoundError as error:
            print(error.name.split('.')[0])
    """
    assert run_isolated(ROOT, program, absent=ROS_PACKAGES).strip() in ROS_PACKAGES
