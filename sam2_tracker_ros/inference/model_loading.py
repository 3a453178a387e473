# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From the settings to a model that runs."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.core.model import Sam2Model
from sam2_tracker_ros.core.staged_model import StagedModel
from sam2_tracker_ros.core.types import Float32Array
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference.build_cache import open_runtime_graphs
from sam2_tracker_ros.inference.bundle import Bundle, bundle_folder, read_bundle
from sam2_tracker_ros.inference.fused_graphs import (
    RECIPE,
    ModuleFacts,
    fused_graphs,
)
from sam2_tracker_ros.inference.fused_model import FusedModel
from sam2_tracker_ros.inference.graphs import Graphs, open_graphs
from sam2_tracker_ros.inference.iou_gate import worst_mask_iou
from sam2_tracker_ros.inference.onnx_model import OnnxSam2Model
from sam2_tracker_ros.inference.sessions import GraphSession, Runtime, runtime_from_config

Progress = Callable[[str], None]


def load_model(config: ModelConfig, on_progress: Progress = lambda _: None) -> Sam2Model:
    """
    Load, check and warm up the model that the settings name.

    What takes long the first time (fusing, optimising, engines) is kept for the next time.

    :param on_progress: is told in a few words what takes long.
    :raises ModelError: says what is wrong with the bundle or the providers, and what to do.
    """
    if config.execution == 'modular' or config.memory_padding != 'exact':
        return StagedModel(load_stages(config))
    bundle, graphs, runtime = load_runtime_graphs(config, on_progress)
    captures = runtime.policy.captures_graphs(runtime.provider)
    return FusedModel(bundle, graphs, threads=runtime.threads, captures=captures)


def load_runtime_graphs(
    config: ModelConfig, on_progress: Progress, profiles: Path | None = None
) -> tuple[Bundle, Mapping[str, GraphSession], Runtime]:
    """
    Open the fused graphs of a bundle, by name, and say what they run on.

    :param profiles: folder for what each graph's operators cost; None to measure nothing.
    :raises ModelError: as load_model.
    """
    runtime = replace(runtime_from_config(config), profiles=profiles)
    bundle = read_bundle(bundle_folder(config.model))

    def gate(graphs: Mapping[str, GraphSession]) -> float:
        exact = load_stages(replace(config, precision='fp32'))
        return worst_mask_iou(exact, FusedModel(bundle, graphs))

    graphs = open_runtime_graphs(
        bundle,
        runtime,
        RECIPE,
        lambda: _made_graphs(bundle, runtime),
        on_progress=on_progress,
        gate=gate,
    )
    return bundle, graphs, runtime


def load_stages(config: ModelConfig) -> OnnxSam2Model:
    """
    Load the graphs of the bundle as they are, to be run one by one.

    :raises ModelError: as load_model.
    """
    runtime = runtime_from_config(config)
    bundle = read_bundle(bundle_folder(config.model))
    padding = None if config.memory_padding == 'exact' else config.memory_padding
    return OnnxSam2Model(bundle, open_graphs(bundle, runtime, exact_memory=not padding), padding)


def _made_graphs(bundle: Bundle, runtime: Runtime) -> dict[str, bytes]:
    """Check the modules, and return the graphs made of them."""
    modules = open_graphs(bundle, runtime, exact_memory=False)
    facts = _facts(bundle, modules)
    files = {stage: graph.path for stage, graph in bundle.graphs.items()}
    is_fixed = 'M' in modules.sizes
    if runtime.provider == 'cpu' or is_fixed:
        made = fused_graphs(files, facts, fixed=is_fixed)
    else:
        # A device wants fixed sizes; a CPU is faster with no more than there is. Pooled memory
        # (EfficientTAM _2) has no fixed form: its tokens are not those that a bias is given for.
        try:
            made = fused_graphs(files, facts, fixed=True)
        except ModelError:
            made = fused_graphs(files, facts, fixed=False)
    return {name: model.SerializeToString() for name, model in made.items()}


def _facts(bundle: Bundle, modules: Graphs) -> ModuleFacts:
    """Learn from the modules what is the same for every image and every memory."""
    constants, max_pointers = bundle.constants, modules.max_object_pointers
    rng = np.random.default_rng(0)
    seen = []
    for _ in range(2):
        side = modules.sizes['S']
        pixels = rng.standard_normal((1, 3, side, side), np.float32)
        maps = modules.run('vision_encoder', {'pixel_values': pixels})
        mask_side = modules.memory_mask_size_px
        mask = rng.standard_normal((1, 1, mask_side, mask_side), np.float32)
        feeds: dict[str, NDArray[Any]] = {
            'feats2': maps['feats2'],
            modules.memory_mask_name: mask,
            'object_score_logits': np.ones((1, 1), np.float32),
            'binarize': np.array(1.0, np.float32),
        }
        taken = modules.inputs('memory_encoder')
        memory = modules.run('memory_encoder', {k: v for k, v in feeds.items() if k in taken})
        seen.append((maps['vision_pos_embed'], memory['memory_pos'][:, 0]))
    (vision, memory_pos), again = seen
    asked: dict[str, NDArray[Any]] = {
        'feats2_cond': maps['feats2_no_mem'],
        'input_points': np.zeros((1, 1, 1, 2), np.float32),
        'input_labels': np.full((1, 1, 1), -1, np.int32),
    }
    taken = modules.inputs('mask_decoder')
    feeds = {name: value for name, value in {**maps, **asked}.items() if name in taken}
    decoded = modules.run('mask_decoder', feeds)
    if not _same(vision, again[0]) or not _same(memory_pos, again[1]):
        message = (
            f'{bundle.name}: position embeddings change with the image; expected constant ones, '
            'as in SAM 2 and EfficientTAM: set execution to modular'
        )
        raise ModelError(message)
    # A traced decoder may leave the sizes of what it gives open.
    sizes = {
        **modules.sizes,
        'h': decoded['low_res_mask'].shape[-1],
        'Cp': decoded['object_pointer'].shape[-1],
    }
    return ModuleFacts(
        sizes=sizes,
        memory_mask_name=modules.memory_mask_name,
        max_object_pointers=max_pointers,
        mean=constants.mean,
        std=constants.std,
        pointer_horizon_frames=constants.pointer_horizon_frames or max_pointers - 1,
        rounds_memory_to_bfloat16=constants.rounds_memory_to_bfloat16,
        vision_positions=vision,
        memory_positions=memory_pos,
        temporal_table=constants.temporal_table,
    )


def _same(one: Float32Array, other: Float32Array) -> bool:
    return bool(np.array_equal(one, other))
