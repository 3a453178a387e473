# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Write a model as a bundle: graphs, constants, manifest; all of it or nothing."""

from collections.abc import Callable, Iterable
import hashlib
import json
from pathlib import Path
import tempfile
from typing import Any
import warnings

import onnx
from onnx import TensorProto
import onnxruntime
import torch

from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.export.emulation import emulated
from sam2_tracker_ros.export.graph import Graph, ModelExport
from sam2_tracker_ros.export.verification import TensorError, Verification, compare_graph
from sam2_tracker_ros.inference.bundle import CONSTANTS, FORMAT, MANIFEST
from sam2_tracker_ros.inference.contract import FLOAT, INT32, Tensor, check_graph
from sam2_tracker_ros.inference.digest import sha256_of
from sam2_tracker_ros.inference.mixed_precision import to_mixed_precision

PRECISIONS = ('fp32', 'fp16', 'bf16')
OPSETS = (17, 18, 19, 20)  # of the tracing exporter


def write_bundle(
    export: ModelExport,
    folder: Path,
    *,
    precision: str = 'fp32',
    opset: int = OPSETS[0],
    on_graph: Callable[[str], None] = lambda stage: None,
) -> Verification:
    """
    Export, verify and write; the files of an older bundle are replaced only when all is well.

    :param on_graph: told the stage that comes next.
    :return: what verification found.
    :raises ModelError: a graph differs from PyTorch by more than its tolerance, or breaks the
        contract.
    """
    if precision not in PRECISIONS or opset not in OPSETS:
        message = (
            f'precision {precision!r}, opset {opset}; expected {", ".join(PRECISIONS)} and '
            f'{OPSETS[0]} to {OPSETS[-1]}'
        )
        raise ModelError(message)
    _check_target(folder, is_published=export.is_published)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f'.{folder.name}-') as name:
        scratch = Path(name)
        graphs = scratch / 'onnx' if export.is_published else scratch
        graphs.mkdir(exist_ok=True)
        errors: list[TensorError] = []
        for graph in export.graphs:
            on_graph(graph.stage)
            path = graphs / graph.file_name
            trace(graph, path, opset)
            errors += _lowered(graph, path, precision)
        verification = Verification(tuple(errors))
        verification.check()
        constants = scratch / CONSTANTS
        constants.write_text(json.dumps(export.constants, indent=1) + '\n')
        manifest = {
            'format': FORMAT,
            'name': export.name,
            'family': export.family,
            'precision': precision,
            'opset': opset,
            **_contents(export, graphs, constants),
            'verification': verification.as_json(),
        }
        if not export.is_published:
            (scratch / MANIFEST).write_text(json.dumps(manifest, indent=1) + '\n')
        _move_files(scratch, folder)
    return verification


def _check_target(folder: Path, *, is_published: bool) -> None:
    """
    Refuse to mix a bundle with something else: only one of ours may be replaced by ours.

    :raises ModelError: the folder holds other files.
    """
    is_empty = not folder.exists() or not any(folder.iterdir())
    is_ours = (folder / MANIFEST).is_file()
    if not is_empty and (is_published or not is_ours):
        message = (
            f'{folder} holds other files; expected a new folder'
            f'{"" if is_published else ", or one with a bundle that export wrote"}: '
            'choose another --out, or remove the folder'
        )
        raise ModelError(message)


def trace(graph: Graph, path: Path, opset: int = OPSETS[0]) -> None:
    """
    Write a graph, float32 throughout.

    The tracing exporter is used: its graphs are as exact as the newer one's, and faster, since
    ONNX Runtime fuses more of them.
    """
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter('ignore')  # sizes become constants on purpose; verification decides
        torch.onnx.export(
            graph.module.eval(),
            tuple(graph.inputs.values()),
            str(path),
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            dynamic_axes={name: dict(axes) for name, axes in graph.free_axes.items()},
            opset_version=opset,
            dynamo=False,
        )
    model = onnx.load(path)
    _share_equal_constants(model)
    _declare_outputs(model, graph)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _move_files(source: Path, target: Path) -> None:
    """
    Replace the files of an older bundle; what else is in its folder stays.

    The old manifest goes first and the new one, which names the others, comes last, so that no
    mixture is ever taken for a bundle.
    """
    target.mkdir(exist_ok=True)
    (target / MANIFEST).unlink(missing_ok=True)
    for graph in target.glob('*.onnx'):
        graph.unlink()
    files = [path.relative_to(source) for path in source.rglob('*') if path.is_file()]
    for file in sorted(files, key=lambda file: (file.name == MANIFEST, file)):
        (target / file).parent.mkdir(exist_ok=True)
        (source / file).replace(target / file)


def _lowered(graph: Graph, path: Path, precision: str) -> tuple[TensorError, ...]:
    """Bring a written graph to its precision, and compare the result with PyTorch."""
    if precision == 'fp32':
        return compare_graph(graph, path, precision)
    model = to_mixed_precision(onnx.load(path), precision)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    # The CPU provider rounds less than the file says, or not at all: the rounding is written out.
    runnable = path.with_suffix('.emulated')
    onnx.save(emulated(model), runnable)
    errors = compare_graph(graph, runnable, precision)
    runnable.unlink()
    return errors


def _share_equal_constants(model: onnx.ModelProto) -> None:
    """Keep one of every set of equal weights: tracing stores a table once for each use."""
    kept: dict[bytes, str] = {}
    renamed: dict[str, str] = {}
    unique = []
    for weight in model.graph.initializer:
        name, weight.name = weight.name, ''
        digest = hashlib.sha256(weight.SerializeToString()).digest()
        weight.name = name
        if digest in kept:
            renamed[name] = kept[digest]
        else:
            kept[digest] = name
            unique.append(weight)
    _rename_inputs(model.graph, renamed)
    del model.graph.initializer[:]
    model.graph.initializer.extend(unique)


def _rename_inputs(graph: onnx.GraphProto, renamed: dict[str, str]) -> None:
    """Rename what nodes take, in branches too."""
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        for attribute in node.attribute:
            if attribute.HasField('g'):
                _rename_inputs(attribute.g, renamed)


def _declare_outputs(model: onnx.ModelProto, graph: Graph) -> None:
    """State the sizes of the outputs, which tracing leaves open behind a free axis."""
    with torch.no_grad():
        values = graph.module(*graph.inputs.values())
    values = values if isinstance(values, tuple) else (values,)
    for name, item, value in zip(graph.outputs, model.graph.output, values, strict=True):
        free = graph.free_axes.get(name, {})
        for axis, (dim, size) in enumerate(
            zip(item.type.tensor_type.shape.dim, value.shape, strict=True)
        ):
            if axis not in free:
                dim.dim_value = size


def _contents(export: ModelExport, graphs: Path, constants: Path) -> dict[str, Any]:
    """Return what the manifest says about files and where they came from."""
    return {
        'graphs': _described(export, graphs),
        'constants': constants.name,
        'constants_sha256': sha256_of(constants),
        'source': export.source,
        'parameters': export.parameters,
        'versions': {'torch': torch.__version__, 'onnxruntime': onnxruntime.__version__},
    }


def _described(export: ModelExport, folder: Path) -> dict[str, Any]:
    """
    Return the manifest's entries for the graphs.

    :raises ModelError: a graph is not what inference expects of its stage.
    """
    sizes: dict[str, int] = {}
    entries = {}
    for graph in export.graphs:
        path = folder / graph.file_name
        model = onnx.load(path)
        inputs, outputs = _tensors(model.graph.input), _tensors(model.graph.output)
        check_graph(graph.stage, path, inputs, outputs, sizes)
        entries[graph.stage] = {
            'file': path.name,
            'sha256': sha256_of(path),
            'inputs': {name: _dims(tensor.shape) for name, tensor in inputs.items()},
            'outputs': {name: _dims(tensor.shape) for name, tensor in outputs.items()},
        }
    return entries


def _tensors(declared: Iterable[onnx.ValueInfoProto]) -> dict[str, Tensor]:
    """Return what a file declares, as inference sees it."""
    types: dict[int, str] = {TensorProto.FLOAT: FLOAT, TensorProto.INT32: INT32}
    found = {}
    for item in declared:
        declared_type = item.type.tensor_type
        shape = tuple(
            dim.dim_value if dim.HasField('dim_value') else None for dim in declared_type.shape.dim
        )
        elem_type = declared_type.elem_type
        found[item.name] = Tensor(types.get(elem_type, f'ONNX type {elem_type}'), shape)
    return found


def _dims(shape: tuple[int | str | None, ...]) -> list[int]:
    return [size if isinstance(size, int) else -1 for size in shape]
