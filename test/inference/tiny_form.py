# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The contracts in miniature: sizes and seeded random weights."""

from dataclasses import dataclass

import numpy as np

from sam2_tracker_ros.core.types import Float32Array

Weights = dict[str, Float32Array]

IMAGE, FINE, COARSE = 16, 8, 4  # sides of the image, of the masks and of the feature map
TOKENS = COARSE * COARSE
CHANNELS, MEMORY_CHANNELS, FINE_CHANNELS = 8, 4, 3
SLOTS, POINTERS = 3, 5
# Weights that are looked up or added, not multiplied with.
_TABLES = ('where', 'token_where', 'cell_key', 'table', 'tpos')
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Form:
    """
    One of the contracts.

    :param pointer_channels: of the decoder's object pointer.
    :param horizon_frames: the pointer age that is 1.
    :param family: EfficientTAM's pointers have no position, its memories no sign of absence.
    :param takes_bias: the memory is of fixed length, with the input `memory_bias`.
    """

    name: str
    is_published: bool
    candidates: int
    pointer_channels: int
    horizon_frames: int
    family: str = 'sam2'
    takes_bias: bool = False

    @property
    def is_fixed(self) -> bool:
        return self.is_published or self.takes_bias

    @property
    def is_efficienttam(self) -> bool:
        return self.family == 'efficienttam'

    @property
    def pointer_tokens(self) -> int:
        return self.pointer_channels // MEMORY_CHANNELS

    @property
    def fixed_length(self) -> int:
        return SLOTS * TOKENS + POINTERS * self.pointer_tokens

    @property
    def memory_mask(self) -> str:
        return 'high_res_mask' if self.is_published else 'low_res_mask'

    @property
    def memory_mask_side(self) -> int:
        return IMAGE if self.is_published else FINE


PUBLISHED = Form('published', True, 1, CHANNELS, POINTERS - 1)
OURS = Form('ours', False, 3, MEMORY_CHANNELS, 7)
EFFICIENTTAM = Form('efficienttam', False, 3, CHANNELS, 7, 'efficienttam', takes_bias=True)


def weights_of(form: Form, seed: int = 5) -> Weights:
    """Draw every weight, so that no softmax is near one-hot and nothing is near zero."""
    rng = np.random.default_rng(seed)
    columns = form.candidates * form.pointer_channels
    shapes = {
        'coarse': (CHANNELS, 3, 4, 4),
        'fine': (FINE_CHANNELS, 3, 2, 2),
        'no_memory': (1, CHANNELS, 1, 1),
        'where': (1, CHANNELS, COARSE, COARSE),
        'mask_fine': (form.candidates, FINE_CHANNELS, 1, 1),
        'mask_pooled': (CHANNELS, form.candidates),
        'mask_point': (2, form.candidates),
        'iou': (CHANNELS, form.candidates),
        'score': (CHANNELS, 1),
        'pointer': (CHANNELS, columns),
        'token_feature': (CHANNELS, MEMORY_CHANNELS),
        'token_mask': (1, MEMORY_CHANNELS),
        'token_prompted': (1, MEMORY_CHANNELS),
        'token_absent': (1, MEMORY_CHANNELS),
        'token_where': (TOKENS, 1, MEMORY_CHANNELS),
        'query': (CHANNELS, CHANNELS),
        'key': (MEMORY_CHANNELS, CHANNELS),
        'value': (MEMORY_CHANNELS, CHANNELS),
        'cell_key': (TOKENS, CHANNELS),
        'tpos': (1, MEMORY_CHANNELS),
        'table': (SLOTS, MEMORY_CHANNELS),
    }
    weights = {}
    for name, shape in shapes.items():
        inputs = np.prod(shape[1:]) if len(shape) == 4 else shape[0]
        scale = 1.0 if name in _TABLES else 1.0 / np.sqrt(inputs)
        weights[name] = (rng.normal(size=shape) * scale).astype(np.float32)
    weights['query'] *= np.float32(0.2)
    return weights
