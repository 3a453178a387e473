# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
What the graphs take and give: one table, checked against what the files declare.

Sizes are named, and a name means one size in all graphs: S side of the image, s side of the
feature map, T = s * s tokens, C channels of a feature, Cm of a memory token, Cp of an object
pointer (a multiple of Cm), M length of the memory axis, h side of the low-resolution masks, H of
the others, K candidates, N points, P pointers. Axes that a file leaves free fit any size.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sam2_tracker_ros.errors import ModelError

FLOAT = 'tensor(float)'
INT32 = 'tensor(int32)'


@dataclass(frozen=True)
class Tensor:
    """
    An input or output as the file declares it.

    :param shape: a number, or a name or None for a free axis.
    """

    dtype: str
    shape: tuple[int | str | None, ...]

    def __str__(self) -> str:
        """Show type and shape, free axes as -1."""
        sizes = ', '.join(str(size if isinstance(size, int) else -1) for size in self.shape)
        return f'{self.dtype} [{sizes}]'


@dataclass(frozen=True)
class Stage:
    """
    What a graph must look like, shapes by name.

    :param inputs: it takes all of these.
    :param optional_inputs: it may take these too; it takes no others.
    :param outputs: it gives at least these.
    :param optional_outputs: it may give these and any others.
    """

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    optional_inputs: Mapping[str, str] = field(default_factory=dict)
    optional_outputs: Mapping[str, str] = field(default_factory=dict)


_FINE = {'feats0': '1 C0 f0 f0', 'feats1': '1 C1 f1 f1'}
_COARSE = dict.fromkeys(('feats2', 'feats2_no_mem', 'vision_pos_embed'), '1 C s s')

CONTRACT: Mapping[str, Stage] = {
    'vision_encoder': Stage(
        inputs={'pixel_values': '1 3 S S'}, outputs=_COARSE, optional_outputs=_FINE
    ),
    'mask_decoder': Stage(
        inputs={'feats2_cond': '1 C s s', 'input_points': '1 1 N 2', 'input_labels': '1 1 N'},
        optional_inputs={**_FINE, **_COARSE},
        outputs={
            'low_res_mask': '1 K h h',
            'iou': '1 K',
            'object_score_logits': '1 1 1',
            'object_pointer': '1 K Cp',
        },
        optional_outputs={'high_res_mask': '1 K H H'},
    ),
    'memory_encoder': Stage(
        inputs={'feats2': '1 C s s', 'binarize': ''},
        optional_inputs={
            'object_score_logits': '1 1',
            'low_res_mask': '1 1 h h',
            'high_res_mask': '1 1 H H',
        },
        outputs={'memory_tokens': 'T 1 Cm', 'memory_pos': 'T 1 Cm'},
    ),
    'memory_attention': Stage(
        inputs={
            'current_vision_features': 'T 1 C',
            'current_vision_position_embeddings': 'T 1 C',
            'memory': 'M 1 Cm',
            'memory_pos': 'M 1 Cm',
        },
        optional_inputs={'memory_bias': 'M'},
        outputs={'conditioned_feats': '1 C s s'},
    ),
    'pointer_tpos': Stage(inputs={'normalized_diffs': 'P'}, outputs={'pointer_pos': 'P Cm'}),
}

# The graphs of a family; EfficientTAM's pointers have no position in time.
FAMILIES: Mapping[str, tuple[str, ...]] = {
    'sam2': tuple(CONTRACT),
    'efficienttam': tuple(stage for stage in CONTRACT if stage != 'pointer_tpos'),
}


def check_graph(
    stage: str,
    file: Path,
    inputs: Mapping[str, Tensor],
    outputs: Mapping[str, Tensor],
    sizes: dict[str, int],
) -> None:
    """
    Refuse a graph that is not what its stage needs.

    :param sizes: what the names mean in the graphs seen so far; grows.
    :raises ModelError: names the file, the tensor, what was expected and what was found.
    """
    expected = CONTRACT[stage]
    takes = {**expected.inputs, **expected.optional_inputs}
    missing = [name for name in expected.inputs if name not in inputs]
    unknown = [name for name in inputs if name not in takes]
    if missing or unknown:
        raise ModelError(_wrong_names(file, 'inputs', inputs, expected.inputs))
    if any(name not in outputs for name in expected.outputs):
        raise ModelError(_wrong_names(file, 'outputs', outputs, expected.outputs))
    gives = {**expected.outputs, **expected.optional_outputs}
    for kind, tensors, patterns in (('input', inputs, takes), ('output', outputs, gives)):
        for name, pattern in patterns.items():
            if name in tensors:
                dtype = INT32 if name == 'input_labels' else FLOAT
                _check_tensor(f'{file}: {kind} {name}', tensors[name], dtype, pattern, sizes)


def _check_tensor(
    what: str, tensor: Tensor, dtype: str, pattern: str, sizes: dict[str, int]
) -> None:
    symbols = pattern.split()
    fits = tensor.dtype == dtype and len(symbols) == len(tensor.shape)
    for symbol, size in zip(symbols, tensor.shape, strict=False):
        if isinstance(size, int):
            known = int(symbol) if symbol.isdigit() else sizes.setdefault(symbol, size)
            fits = fits and known == size
    if not fits:
        wanted = ', '.join(f'{name}={sizes[name]}' if name in sizes else name for name in symbols)
        message = (
            f'{what} is {tensor}; expected {dtype} [{wanted}]: '
            'the file is of another model or export; use a bundle whose graphs belong together'
        )
        raise ModelError(message)


def _wrong_names(
    file: Path, kind: str, found: Mapping[str, Tensor], expected: Mapping[str, str]
) -> str:
    declared = ', '.join(f'{name} {tensor}' for name, tensor in found.items()) or 'none'
    wanted = ', '.join(f'{name} [{", ".join(dims.split())}]' for name, dims in expected.items())
    return (
        f'{file}: the {kind} are {declared}; expected {wanted}: '
        'the file is of another model or export; use a bundle whose graphs follow the contract'
    )
