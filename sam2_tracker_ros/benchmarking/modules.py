# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The graphs of a bundle and nothing else: what a frame must cost at least, run module by module.

Every graph runs once a frame on the same inputs, which are where the provider wants them before
the clock starts, with a full bank of memories. End to end divided by this is what the loop adds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
import time
from typing import Any

from numpy.typing import NDArray

from sam2_tracker_ros.benchmarking.contenders import Found, Running
from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.core.types import Box, Float32Array, Frame
from sam2_tracker_ros.inference.bundle import bundle_folder, read_bundle
from sam2_tracker_ros.inference.graphs import Graphs, open_graphs
from sam2_tracker_ros.inference.onnx_model import OnnxSam2Model
from sam2_tracker_ros.inference.sessions import GraphSession, runtime_from_config

_CPU = 'CPUExecutionProvider'


@dataclass(frozen=True)
class ModulesContender:
    """Takes part as a tracker that finds nothing: its steps are the sum of the modules."""

    name: str
    config: Config

    def open(self) -> Running:
        """Load the bundle."""
        return _RunningModules(self.config)


class _RunningModules:
    def __init__(self, config: Config) -> None:
        runtime = runtime_from_config(config.model)
        bundle = read_bundle(bundle_folder(config.model.model))
        graphs = _RecordingGraphs(open_graphs(bundle, runtime))
        model = OnnxSam2Model(bundle, graphs)  # runs every graph once, with a full bank
        self._modules = {
            stage: _Module(graphs.session(stage), feeds) for stage, feeds in graphs.feeds.items()
        }
        self.facts: Mapping[str, object] = {
            'model': bundle.name,
            'precision': config.model.precision,
            'providers': ', '.join(model.spec.providers),
            'threads': runtime.threads,
        }

    def step(self, frame: Frame, start: Box | None = None) -> Found:
        """Run every module; frame and target do not matter."""
        return Found(None, None, {stage: each.run_s() for stage, each in self._modules.items()})


class _Module:
    """One graph with inputs that stay where they are."""

    def __init__(self, session: GraphSession, feeds: Mapping[str, NDArray[Any]]) -> None:
        self._session = session
        self._feeds = feeds  # what is bound must outlive the binding
        self._binding = session.binding()
        # What is on another device than the graph is copied there now.
        for name, values in feeds.items():
            self._binding.bind_cpu_input(name, values)
        device = 'cpu' if session.providers[0] == _CPU else 'cuda'
        for name in session.outputs:
            self._binding.bind_output(name, device)

    def run_s(self) -> float:
        start_s = time.perf_counter()
        self._session.run_bound(self._binding)
        self._binding.synchronize_outputs()
        return time.perf_counter() - start_s


class _RecordingGraphs(Graphs):
    """Graphs that keep what they are fed."""

    def __init__(self, graphs: Graphs) -> None:
        self.__dict__.update(vars(graphs))
        self.feeds: dict[str, dict[str, NDArray[Any]]] = {}

    def session(self, stage: str) -> GraphSession:
        return self._sessions[stage]

    def run(self, stage: str, feeds: Mapping[str, NDArray[Any]]) -> dict[str, Float32Array]:
        self.feeds[stage] = {name: values.copy() for name, values in feeds.items()}
        return super().run(stage, feeds)
