# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The graphs of a bundle: opened, checked against each other, run by stage."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnx

from sam2_tracker_ros.core.types import Float32Array
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference.bundle import Bundle, GraphFile, Shapes
from sam2_tracker_ros.inference.contract import Tensor, check_graph
from sam2_tracker_ros.inference.key_bias import add_key_bias
from sam2_tracker_ros.inference.memory_input import BIAS_INPUT
from sam2_tracker_ros.inference.sessions import GraphSession, Runtime

_MEMORY_MASKS = ('low_res_mask', 'high_res_mask')


class Graphs:
    """
    Graphs that belong together.

    :param sessions: by stage.
    :param files: where they come from, by stage.
    :param sizes: what the names of contract.py mean in them.
    :param memory_mask_name: the decoder's output that the memory encoder takes.
    :param max_object_pointers: attended at most.
    """

    def __init__(
        self,
        sessions: Mapping[str, GraphSession],
        files: Mapping[str, Path],
        sizes: Mapping[str, int],
        memory_mask_name: str,
        max_object_pointers: int,
    ) -> None:
        self._sessions = sessions
        self._files = files
        self.sizes = sizes
        self.memory_mask_name = memory_mask_name
        self.max_object_pointers = max_object_pointers

    @property
    def providers(self) -> tuple[str, ...]:
        """What runs any of the graphs, as the runtime reports it."""
        every = [name for session in self._sessions.values() for name in session.providers]
        return tuple(dict.fromkeys(every))

    @property
    def memory_mask_size_px(self) -> int:
        """Side of the mask that the memory encoder takes."""
        return self.sizes['h' if self.memory_mask_name == 'low_res_mask' else 'H']

    def inputs(self, stage: str) -> Collection[str]:
        """Return the names of what a graph takes; empty when the model has no such graph."""
        return self._sessions[stage].inputs if stage in self._sessions else ()

    def run(self, stage: str, feeds: Mapping[str, NDArray[Any]]) -> dict[str, Float32Array]:
        """
        Compute a graph's outputs by name.

        :raises ModelError: inference failed.
        """
        return self._sessions[stage].run(feeds)

    def run_finite(self, stage: str, feeds: Mapping[str, NDArray[Any]]) -> dict[str, Float32Array]:
        """
        Compute a graph's outputs for a picture in which nothing can go wrong.

        :raises ModelError: inference failed, or gave numbers that are not finite.
        """
        found = self.run(stage, feeds)
        spoiled = [name for name, values in found.items() if not np.isfinite(values).all()]
        if spoiled:
            message = (
                f'{self._files[stage]}: {", ".join(spoiled)} of a black image is not finite; '
                'expected finite numbers: the weights are damaged or overflow in this precision: '
                'copy, fetch or export the bundle again, or use one of higher precision'
            )
            raise ModelError(message)
        return found


def open_graphs(bundle: Bundle, runtime: Runtime, *, exact_memory: bool = True) -> Graphs:
    """
    Open the graphs of a bundle.

    :param exact_memory: empty places of a fixed memory are to be taken out; a graph that cannot do
        so yet is adapted.
    :raises ModelError: one is damaged, not what its stage needs, or does not fit the others.
    """
    sessions: dict[str, GraphSession] = {}
    sizes: dict[str, int] = {}
    for stage, file in bundle.graphs.items():
        session = GraphSession(stage, file.path, runtime)
        check_graph(stage, file.path, session.inputs, session.outputs, sizes)
        _check_declared(file, 'inputs', file.inputs, session.inputs)
        _check_declared(file, 'outputs', file.outputs, session.outputs)
        sessions[stage] = session
    memory_mask_name = _memory_mask_name(sessions)
    _check_sizes(bundle, sizes, memory_mask_name)
    max_object_pointers = _max_object_pointers(bundle, sizes)
    takes_bias = BIAS_INPUT in sessions['memory_attention'].inputs
    if 'M' in sizes and exact_memory and not takes_bias:
        content = _exact(bundle.graphs['memory_attention'].path, sizes['M'])
        sessions['memory_attention'] = GraphSession('memory_attention', content, runtime)
    files = {stage: file.path for stage, file in bundle.graphs.items()}
    return Graphs(sessions, files, sizes, memory_mask_name, max_object_pointers)


def _exact(path: Path, length: int) -> bytes:
    """Adapt a graph of fixed memory length."""
    model = onnx.load(path)
    add_key_bias(model, path, length)
    return bytes(model.SerializeToString())


def _check_declared(
    file: GraphFile, kind: str, declared: Shapes | None, tensors: Mapping[str, Tensor]
) -> None:
    """Refuse a file whose inputs or outputs are not those of the manifest."""
    if declared is None:
        return
    found = {
        name: tuple(size if isinstance(size, int) else -1 for size in tensor.shape)
        for name, tensor in tensors.items()
    }
    if found != dict(declared):
        message = (
            f'{file.path}: the {kind} are {found}; expected those of the manifest, '
            f'{dict(declared)}: export the bundle again'
        )
        raise ModelError(message)


def _memory_mask_name(sessions: Mapping[str, GraphSession]) -> str:
    taken = [name for name in _MEMORY_MASKS if name in sessions['memory_encoder'].inputs]
    if len(taken) != 1 or taken[0] not in sessions['mask_decoder'].outputs:
        offered = [name for name in _MEMORY_MASKS if name in sessions['mask_decoder'].outputs]
        message = (
            f'memory_encoder takes {" and ".join(taken) or "no mask"}, mask_decoder gives '
            f'{" and ".join(offered)}; expected one mask that one takes and the other gives: '
            'use a bundle whose graphs belong together'
        )
        raise ModelError(message)
    return taken[0]


def _check_sizes(bundle: Bundle, sizes: Mapping[str, int], memory_mask_name: str) -> None:
    mask_side = 'h' if memory_mask_name == 'low_res_mask' else 'H'
    free = [name for name in ('S', 's', 'T', 'C', 'Cm', mask_side) if name not in sizes]
    if free:
        message = (
            f'{bundle.name}: the graphs leave {", ".join(free)} open (see inference/contract.py); '
            'expected fixed sizes: export the bundle with fixed image and feature sizes'
        )
        raise ModelError(message)
    for name, stated in bundle.constants.stated_sizes.items():
        if sizes[name] != stated:
            message = (
                f'{bundle.constants.path} is of another model: it says {name}={stated} (see '
                f'inference/contract.py), the graphs have {sizes[name]}: '
                'use graphs and constants of one export'
            )
            raise ModelError(message)
    columns = bundle.constants.temporal_table.shape[1]
    pointer_channels = sizes.get('Cp', sizes['Cm'])
    if (
        sizes['T'] != sizes['s'] ** 2
        or columns != sizes['Cm']
        or pointer_channels % sizes['Cm'] != 0
    ):
        message = (
            f'{bundle.name}: feature map of side {sizes["s"]}, {sizes["T"]} tokens, '
            f'{sizes["Cm"]} memory channels, temporal table of {columns} columns and object '
            f'pointers of {pointer_channels} channels do not fit each other: '
            'use graphs and constants of one export'
        )
        raise ModelError(message)


def _max_object_pointers(bundle: Bundle, sizes: Mapping[str, int]) -> int:
    """Take the number from the constants, bounded by a fixed memory axis."""
    stated = bundle.constants.max_object_pointers
    if 'M' not in sizes:
        if stated is None:
            message = f'{bundle.name}: constants.json lacks max_object_pointers; export it again'
            raise ModelError(message)
        return stated
    slots = len(bundle.constants.temporal_table)
    tokens_per_pointer = sizes.get('Cp', sizes['C']) // sizes['Cm']
    room = (sizes['M'] - slots * sizes['T']) // tokens_per_pointer
    if room < (stated or 1):
        message = (
            f'{bundle.name}: a memory axis of {sizes["M"]} has no room for {slots} memories of '
            f'{sizes["T"]} tokens and {stated or 1} pointers of {tokens_per_pointer}: '
            'use graphs and constants of one export'
        )
        raise ModelError(message)
    return stated or room
