# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Make the references from PyTorch: bundles, runs and single calls of stages; see README.md.

    PYTHONPATH=.:test python -m references.make [NAME...]
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
import sys
from typing import Any

from references.small_sam2 import small_sam2
from references.stored import FOLDER, FRAMES, SIZE_PX, Arrays, save_calls, save_runs
import torch

from sam2_tracker_ros.export.efficienttam import efficienttam_export
from sam2_tracker_ros.export.graph import Graph, ModelExport
from sam2_tracker_ros.export.published import published_form
from sam2_tracker_ros.export.sam2 import sam2_export
from sam2_tracker_ros.export.seeded import randomise
from sam2_tracker_ros.export.writer import write_bundle
from sam2_tracker_ros.parity.absence import make_target_vanish
from sam2_tracker_ros.parity.clip import Scenario, scenarios, seeded_clip
from sam2_tracker_ros.parity.efficienttam_reference import efficienttam_reference
from sam2_tracker_ros.parity.runs import Run
from sam2_tracker_ros.parity.sam2_reference import sam2_reference

# Of each stage but attention, for which every length of the memory counts.
_KEPT_CALLS = 2


@dataclass(frozen=True)
class Original:
    """
    A small model in PyTorch.

    :param export: describes it, with the given form of memory.
    """

    model: Any
    track: Callable[[Any, Scenario], Run]
    scenario_names: tuple[str, ...]
    export: Callable[..., ModelExport]

    def runs(self) -> dict[str, Run]:
        """Track the clip in every scenario."""
        by_name = clip()
        return {name: self.track(self.model, by_name[name]) for name in self.scenario_names}


def clip() -> Mapping[str, Scenario]:
    """Return what every reference was made on."""
    return scenarios(seeded_clip(SIZE_PX, FRAMES))


def sam2() -> Original:
    """Return SAM 2 in small, whose target vanishes for a few frames."""
    model = small_sam2()
    _prepare(model, sam2_reference, seed=23)
    names = ('point', 'box', 'two', 'correction')
    return Original(model, sam2_reference, names, sam2_export)


def efficienttam() -> Original:
    """Return EfficientTAM in small."""
    return _efficienttam('efficienttam_ti')


def efficienttam_pooled() -> Original:
    """Return EfficientTAM in small, with pooled memory."""
    return _efficienttam('efficienttam_ti_2')


def _efficienttam(configuration: str) -> Original:
    # Its package is installed by those who need it only.
    from references.small_efficienttam import small_efficienttam  # noqa: PLC0415

    model = small_efficienttam(configuration)
    _prepare(model, efficienttam_reference, seed=24)
    return Original(model, efficienttam_reference, ('point', 'box', 'two'), efficienttam_export)


def _prepare(model: Any, track: Callable[[Any, Scenario], Run], seed: int) -> None:
    randomise(model, seed)
    make_target_vanish(model, lambda: track(model, clip()['box']))


ORIGINALS: Mapping[str, Callable[[], Original]] = {
    'sam2': sam2,
    'efficienttam': efficienttam,
    'efficienttam_pooled': efficienttam_pooled,
}


def write(name: str) -> None:
    """Write everything that is made from one original."""
    original = ORIGINALS[name]()
    source = {'small': name}
    export = original.export(original.model, f'small {name}', source)
    write_bundle(export, FOLDER / name)
    if name == 'efficienttam_pooled':
        _keep_what_differs(FOLDER / name, FOLDER / 'efficienttam')
    if export.family == 'sam2':
        static = original.export(original.model, name, source, memory='static')
        write_bundle(published_form(static, SIZE_PX), FOLDER / f'{name}_published')
        _keep_what_differs(FOLDER / f'{name}_published' / 'onnx', FOLDER / name)
    save_runs(FOLDER / f'{name}.npz.xz', original.runs())
    calls = calls_of(export)
    if name == 'efficienttam_pooled':
        calls = {call: sides for call, sides in calls.items() if 'attention' in call}
    save_calls(FOLDER / f'{name}_calls.npz.xz', calls)


def _keep_what_differs(folder: Path, base: Path) -> None:
    """Remove graphs that another bundle has too."""
    for path in folder.glob('*.onnx'):
        if path.read_bytes() == (base / path.name).read_bytes():
            path.unlink()


def calls_of(export: ModelExport) -> dict[str, tuple[Arrays, Arrays]]:
    """Return inputs and outputs of the modules, on some of what their graphs are verified with."""
    calls: dict[str, tuple[Arrays, Arrays]] = {}
    for graph in export.graphs:
        examples = (graph.inputs, *graph.more_inputs)
        kept = len(examples) if graph.stage == 'memory_attention' else _KEPT_CALLS
        for number, inputs in enumerate(examples[:kept]):
            given = {name: tensor.numpy() for name, tensor in inputs.items()}
            calls[f'{graph.stage} {number}'] = (given, _outputs(graph, inputs))
    return calls


def _outputs(graph: Graph, inputs: Mapping[str, torch.Tensor]) -> Arrays:
    with torch.inference_mode():
        found = (graph.original or graph.module)(*inputs.values())
    tensors = found if isinstance(found, tuple) else (found,)
    return {name: value.numpy() for name, value in zip(graph.outputs, tensors, strict=True)}


if __name__ == '__main__':
    for wanted in sys.argv[1:] or ORIGINALS:
        write(wanted)
