# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is exported: the graphs of a model, with inputs to trace and to verify them with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

Inputs = Mapping[str, Tensor]


@dataclass(frozen=True)
class Graph:
    """
    One stage of a model.

    :param stage: key of inference.contract.CONTRACT.
    :param module: takes the inputs in their order, gives the outputs in theirs.
    :param inputs: by name; the module is traced with them. What a stage before it gives, so that
        their statistics are those of real frames.
    :param outputs: their names.
    :param free_axes: axes of any size and what they are called, by name of the tensor.
    :param more_inputs: to verify with too: other lengths of free axes, other cases of the rules.
    :param file: its name in the bundle, without suffix; the stage when empty.
    :param original: what the graph is compared with where the module is a rewritten form of it;
        None for the module itself.
    """

    stage: str
    module: nn.Module
    inputs: Inputs
    outputs: tuple[str, ...]
    free_axes: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    more_inputs: tuple[Inputs, ...] = ()
    file: str = ''
    original: nn.Module | None = None

    @property
    def file_name(self) -> str:
        """Name of its file in the bundle."""
        return f'{self.file or self.stage}.onnx'


def parameter_count(module: nn.Module) -> int:
    """Count the numbers that were trained."""
    return sum(parameter.numel() for parameter in module.parameters())


@dataclass(frozen=True)
class ModelExport:
    """
    A model, ready to be written as a bundle.

    :param family: of inference.contract.FAMILIES.
    :param constants: content of constants.json.
    :param source: where the weights came from; enough for sources.open_source to open them again.
    :param parameters: how many each module has.
    :param is_published: in the form of the published bundle, without a manifest.
    """

    name: str
    family: str
    graphs: tuple[Graph, ...]
    constants: dict[str, Any]
    source: dict[str, Any]
    parameters: dict[str, int]
    is_published: bool = False
