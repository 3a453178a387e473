# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which operators of the fused graphs a frame's time goes to, as ONNX Runtime measures it."""

from collections import Counter
from collections.abc import Mapping
import json
from pathlib import Path
import tempfile
from typing import Any

from sam2_tracker_ros.benchmarking.clips import Clip
from sam2_tracker_ros.benchmarking.steps import TimedTracker
from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.inference.fused_model import FusedModel
from sam2_tracker_ros.inference.model_loading import load_runtime_graphs

_PER_FRAME = ('encoder', 'track_step')
_MICROSECONDS = 1e-3  # in milliseconds


def profile(config: Config, clip: Clip, warm_up: int, frames: int) -> dict[str, dict[str, float]]:
    """
    Track a target, and return milliseconds per frame by operator, by graph, the costliest first.

    Measuring itself takes time, most where operators are small.

    :param warm_up: frames before those that count.
    :raises ModelError: the model cannot be loaded.
    """
    with tempfile.TemporaryDirectory() as folder:
        bundle, graphs, runtime = load_runtime_graphs(
            config.model, lambda _: None, profiles=Path(folder)
        )
        model = FusedModel(bundle, graphs, threads=runtime.threads)
        tracker = TimedTracker(model, config, clip)
        tracker.advance(warm_up + frames)
        return {
            name: _by_operator(json.loads(graphs[name].end_profiling().read_bytes()), frames)
            for name in _PER_FRAME
        }


def _by_operator(events: list[Mapping[str, Any]], frames: int) -> dict[str, float]:
    """Add up the kernels of the last runs of a session."""
    runs = [event for event in events if event['name'] == 'model_run']
    start = sorted(event['ts'] for event in runs)[-frames]
    spent: Counter[str] = Counter()
    for event in events:
        if event['name'].endswith('_kernel_time') and event['ts'] >= start:
            spent[event['args']['op_name']] += event['dur'] * _MICROSECONDS / frames
    return {name: round(value, 3) for name, value in spent.most_common()}
