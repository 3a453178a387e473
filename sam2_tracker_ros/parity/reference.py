# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The original of a bundle, opened again from what its manifest says it was exported from."""

from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.export.bundle_export import describe
from sam2_tracker_ros.export.graph import Graph
from sam2_tracker_ros.export.published import published_form
from sam2_tracker_ros.export.sources import Source, open_source
from sam2_tracker_ros.inference.bundle import MANIFEST, bundle_folder, read_bundle
from sam2_tracker_ros.inference.memory_input import BIAS_INPUT
from sam2_tracker_ros.parity.clip import Scenario
from sam2_tracker_ros.parity.efficienttam_reference import efficienttam_reference
from sam2_tracker_ros.parity.runs import Run
from sam2_tracker_ros.parity.sam2_reference import sam2_reference
from sam2_tracker_ros.parity.stages import (
    StageReport,
    camera_picture,
    check_stages,
    preprocessing_difference,
)


@dataclass(frozen=True)
class Reference:
    """
    A model in PyTorch.

    :param source: where it was opened from.
    :param model: transformers' Sam2VideoModel, or EfficientTAM's video predictor.
    """

    source: Source
    model: Any

    @property
    def corrects(self) -> bool:
        """Whether it corrects a later frame as our tracker does; see efficienttam_reference."""
        return self.source.family == 'sam2'

    def run(self, scenario: Scenario) -> Run:
        """Track a clip; its frames have the size of the model image."""
        if self.source.family == 'sam2':
            return sam2_reference(self.model, scenario)
        return efficienttam_reference(self.model, scenario)

    def check_stages(self, config: ModelConfig, scenario: Scenario) -> StageReport:
        """Compare every graph of a bundle that was exported from it, in our form or published."""
        declared = read_bundle(bundle_folder(config.model)).graphs['memory_attention'].inputs
        if declared is None:
            graphs = self._published()
        else:
            graphs = self._ours('static' if BIAS_INPUT in declared else 'dynamic')
        return check_stages(config, graphs, scenario)

    def preprocessing_difference(self, scenario: Scenario) -> tuple[float, float]:
        """Return the largest and the mean difference of our model image, in grey levels."""
        picture = camera_picture(scenario.frames[0])
        return preprocessing_difference(picture, scenario.frames.shape[1])

    def _ours(self, memory: str) -> tuple[Graph, ...]:
        return describe(self.model, self.source, 'reference', memory=memory).graphs

    def _published(self) -> tuple[Graph, ...]:
        """Return those of the published form, but attention takes what memory there is."""
        static = describe(self.model, self.source, 'reference', memory='static')
        published = published_form(static, self.model.config.image_size).graphs
        (attention,) = (g for g in self._ours('dynamic') if g.stage == 'memory_attention')
        others = (graph for graph in published if graph.stage != 'memory_attention')
        return (*others, attention)


def open_reference(bundle: str, text: str | None) -> Reference:
    """
    Open the original of a bundle.

    :param text: CHECKPOINT, or CHECKPOINT,ARCHITECTURE,SIZE as in export.sources.Source; None for
        what the manifest says.
    :raises ModelError: nothing says what the original is, or it cannot be opened.
    """
    if text is not None:
        source = _parsed(text)
        return Reference(source, open_source(source))
    source = _stated(bundle_folder(bundle))
    return Reference(source, open_source(source, may_download=False))


def _stated(folder: Path) -> Source:
    path = folder / MANIFEST
    stated = None
    if path.exists():
        stated = json.loads(path.read_text(encoding='utf-8')).get('source')
    if not isinstance(stated, dict) or not isinstance(stated.get('checkpoint'), str):
        message = (
            f'{folder} was not written by `sam2-tracker export` and does not say what it was '
            'exported from; name that with --reference, as CHECKPOINT or '
            'CHECKPOINT,ARCHITECTURE,SIZE, or compare with another bundle, --against'
        )
        raise ModelError(message)
    try:
        return Source(**stated)
    except TypeError as error:
        message = f'{path}: the source is {stated}; name it with --reference'
        raise ModelError(message) from error


def _parsed(text: str) -> Source:
    checkpoint, *rest = text.split(',')
    architecture = rest[0] if rest else ''
    size = rest[1] if len(rest) > 1 else ''
    if len(rest) > 2 or (size and not size.isdecimal()):
        message = f'--reference is {text!r}; expected CHECKPOINT or CHECKPOINT,ARCHITECTURE,SIZE'
        raise ModelError(message)
    return Source(checkpoint, architecture, int(size) if size else None)
