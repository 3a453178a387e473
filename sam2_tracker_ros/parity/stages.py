# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Every graph of a bundle against its PyTorch module, on what the tracker really feeds it.

While the tracker runs over a clip, each call of a graph is repeated in PyTorch: frames of the clip
through the encoder, 1 to 7 memories and 1 to 16 pointers through attention, prompts and no prompt
through the decoder, prompted and tracked masks through the memory encoder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
import torch
from torch.nn import functional

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.core.preprocessing import model_image
from sam2_tracker_ros.core.search_window import whole_image
from sam2_tracker_ros.core.types import Float32Array, Frame, UInt8Array
from sam2_tracker_ros.export.graph import Graph
from sam2_tracker_ros.inference.bundle import bundle_folder, read_bundle
from sam2_tracker_ros.inference.graphs import Graphs, open_graphs
from sam2_tracker_ros.inference.memory_input import BIAS_INPUT
from sam2_tracker_ros.inference.onnx_model import OnnxSam2Model
from sam2_tracker_ros.inference.sessions import runtime_from_config
from sam2_tracker_ros.parity.clip import Scenario
from sam2_tracker_ros.parity.runs import track

Feeds = Mapping[str, NDArray[Any]]


@dataclass
class CallError:
    """
    One output of one graph.

    :param max_abs: largest difference in any call.
    :param largest: magnitude of the reference, to judge it by.
    """

    stage: str
    tensor: str
    calls: int = 0
    max_abs: float = 0.0
    largest: float = 0.0

    def add(self, found: Float32Array, expected: Float32Array) -> None:
        """Take one more call into account; numbers that are not finite count as infinitely far."""
        error = np.abs(found.astype(np.float64) - expected).max()
        self.calls += 1
        self.max_abs = max(self.max_abs, float(error) if np.isfinite(error) else np.inf)
        self.largest = max(self.largest, float(np.abs(expected).max()))

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON has them."""
        return asdict(self)


@dataclass
class StageReport:
    """
    Errors by output, and what kinds of calls they were found in.

    :param cases: by stage.
    """

    errors: list[CallError] = field(default_factory=list)
    cases: dict[str, set[str]] = field(default_factory=dict)

    @property
    def worst(self) -> float:
        """The largest difference of any tensor."""
        return max(error.max_abs for error in self.errors)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON has it."""
        return {
            'tensors': [error.as_dict() for error in self.errors],
            'cases': {stage: sorted(cases) for stage, cases in self.cases.items()},
        }

    def table(self) -> str:
        """Return a line for each output, the heading first."""
        lines = [f'{"stage":17} {"output":20} {"calls":>5} {"cases":>5} {"max_abs":>9} {"of":>9}']
        lines += [
            f'{error.stage:17} {error.tensor:20} {error.calls:5} '
            f'{len(self.cases[error.stage]):5} {error.max_abs:9.2e} {error.largest:9.2e}'
            for error in self.errors
        ]
        return '\n'.join(lines)


class _CheckedGraphs(Graphs):
    """
    Graphs whose every call is repeated in PyTorch.

    :param graphs: of the bundle; their state is shared.
    :param modules: what they were exported from.
    """

    def __init__(self, graphs: Graphs, modules: Sequence[Graph]) -> None:
        vars(self).update(vars(graphs))
        self._modules = {graph.stage: graph for graph in modules}
        self.report = StageReport()
        self.is_checking = False

    def run(self, stage: str, feeds: Feeds) -> dict[str, Float32Array]:
        """Compute, and compare every output."""
        found = super().run(stage, feeds)
        if self.is_checking:
            self._check(self._modules[stage], feeds, found)
        return found

    def _check(self, graph: Graph, feeds: Feeds, found: Mapping[str, Float32Array]) -> None:
        kept = _without_empty_places(feeds, graph)
        inputs = [torch.from_numpy(np.array(kept[name])) for name in graph.inputs]
        with torch.inference_mode():
            given = (graph.original or graph.module)(*inputs)
        expected = given if isinstance(given, tuple) else (given,)
        for name, tensor in zip(graph.outputs, expected, strict=True):
            self._error(graph.stage, name).add(found[name], tensor.numpy())
        self.report.cases.setdefault(graph.stage, set()).add(_case(graph.stage, kept))

    def _error(self, stage: str, tensor: str) -> CallError:
        for error in self.report.errors:
            if (error.stage, error.tensor) == (stage, tensor):
                return error
        self.report.errors.append(CallError(stage, tensor))
        return self.report.errors[-1]


def check_stages(config: ModelConfig, modules: Sequence[Graph], scenario: Scenario) -> StageReport:
    """
    Track a clip with a bundle, and compare every call of every graph.

    :param modules: what the graphs were exported from, one for each graph of the bundle.
    """
    bundle = read_bundle(bundle_folder(config.model))
    padding = None if config.memory_padding == 'exact' else config.memory_padding
    opened = open_graphs(bundle, runtime_from_config(config), exact_memory=padding is None)
    graphs = _CheckedGraphs(opened, modules)
    model = OnnxSam2Model(bundle, graphs, padding)
    graphs.is_checking = True
    track(model, scenario)
    return graphs.report


def preprocessing_difference(frame: UInt8Array, size_px: int) -> tuple[float, float]:
    """
    Compare our model image with the resizing of transformers: bilinear with antialiasing.

    :param frame: uint8 RGB [height, width, 3].
    :return: largest and mean absolute difference in grey levels.
    """
    ours = model_image(Frame(frame, 0), whole_image((frame.shape[1], frame.shape[0])), size_px)
    pixels = torch.from_numpy(frame).permute(2, 0, 1)[None].float()
    theirs = functional.interpolate(
        pixels, size=(size_px, size_px), mode='bilinear', align_corners=False, antialias=True
    )
    rounded = theirs.round().clamp(0, 255)[0].permute(1, 2, 0).numpy()
    difference = np.abs(rounded - ours)
    return float(difference.max()), float(difference.mean())


def camera_picture(frame: UInt8Array) -> UInt8Array:
    """Return a frame of the clip as a camera of 1280 x 720 would show it, with soft edges."""
    large = cv2.resize(frame, (1280, 720), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.GaussianBlur(large, (0, 0), 1.0), np.uint8)


def _without_empty_places(feeds: Feeds, graph: Graph) -> Feeds:
    """Return feeds for a module that takes no bias: only the memory that exists."""
    if BIAS_INPUT not in feeds or BIAS_INPUT in graph.inputs:
        return feeds
    is_kept = feeds[BIAS_INPUT] == 0.0
    memory = {name: feeds[name][is_kept] for name in ('memory', 'memory_pos')}
    return {**feeds, **memory}


def _case(stage: str, feeds: Feeds) -> str:
    """Return what kind of call this is."""
    if stage == 'memory_attention':
        tokens = len(feeds['current_vision_features'])
        bias = feeds.get(BIAS_INPUT, np.zeros(len(feeds['memory'])))
        length = int(np.count_nonzero(bias == 0.0))
        return f'{length // tokens} memories, {length % tokens} pointer tokens'
    if stage == 'mask_decoder':
        return f'labels {feeds["input_labels"].ravel().tolist()}'
    if stage == 'memory_encoder':
        score = feeds.get('object_score_logits', np.ones(1))
        kind = 'prompted' if feeds['binarize'] else 'tracked'
        return f'{kind}, {"present" if score.item() > 0.0 else "absent"}'
    return 'frame' if stage == 'vision_encoder' else f'{feeds["normalized_diffs"].size} pointers'
