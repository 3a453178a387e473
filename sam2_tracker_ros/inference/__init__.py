# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Runs models: bundles of ONNX graphs on ONNX Runtime, which nothing else here imports."""

from sam2_tracker_ros.inference.model_loading import load_model, load_stages
from sam2_tracker_ros.inference.onnx_model import OnnxSam2Model

__all__ = ['OnnxSam2Model', 'load_model', 'load_stages']
