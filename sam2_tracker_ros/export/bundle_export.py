# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From a source to a bundle: the whole export."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.export.graph import ModelExport
from sam2_tracker_ros.export.published import published_form
from sam2_tracker_ros.export.sam2 import sam2_export
from sam2_tracker_ros.export.sources import Source, open_source, pinned
from sam2_tracker_ros.export.verification import Verification
from sam2_tracker_ros.export.writer import OPSETS, write_bundle

__all__ = ['Source', 'describe', 'export_bundle']


def export_bundle(
    source: Source,
    name: str,
    folder: Path,
    *,
    precision: str = 'fp32',
    opset: int = OPSETS[0],
    memory: str = 'dynamic',
    is_published: bool = False,
    on_graph: Callable[[str], None] = lambda stage: None,
) -> Verification:
    """
    Open a checkpoint and write it as a bundle; see write_bundle and sam2_export.

    :param is_published: in the published form of SAM 2.1.
    :raises ModelError: the checkpoint cannot be opened, has no such form, or the graphs differ
        from it.
    """
    if is_published and (source.family != 'sam2' or precision != 'fp32'):
        message = 'the published form is one of SAM 2.1 in fp32; choose the form ours'
        raise ModelError(message)
    model = open_source(source)
    export = describe(
        model, pinned(source, model), name, memory='static' if is_published else memory
    )
    if is_published:
        export = published_form(export, model.config.image_size)
    return write_bundle(export, folder, precision=precision, opset=opset, on_graph=on_graph)


def describe(model: Any, source: Source, name: str, *, memory: str = 'dynamic') -> ModelExport:
    """
    Describe the graphs of a model of either family.

    :param model: what open_source made of the source.
    """
    if source.family == 'sam2':
        return sam2_export(model, name, source.as_json(), memory=memory)
    # EfficientTAM's package is needed by those who export it only.
    from sam2_tracker_ros.export.efficienttam import efficienttam_export  # noqa: PLC0415

    return efficienttam_export(model, name, source.as_json(), memory=memory)
