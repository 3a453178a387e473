# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A small EfficientTAM with seeded weights, and bundles of it; imported where torch is there."""

from pathlib import Path
from typing import Any

from export.small_export import GRID
from references.small_efficienttam import small_efficienttam

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.export.efficienttam import efficienttam_export
from sam2_tracker_ros.export.seeded import randomise
from sam2_tracker_ros.export.writer import write_bundle
from sam2_tracker_ros.inference import OnnxSam2Model, load_stages

PLAIN, POOLED = 'efficienttam_ti', 'efficienttam_ti_2'
TOKENS = GRID * GRID


def seeded_model(configuration: str = PLAIN) -> Any:
    model = small_efficienttam(configuration)
    randomise(model, seed=1)
    return model


def exported(model: Any, folder: Path, memory: str = 'dynamic') -> OnnxSam2Model:
    write_bundle(efficienttam_export(model, 'small', {}, memory=memory), folder)
    return load_stages(ModelConfig(model=str(folder), inference_threads=1))
