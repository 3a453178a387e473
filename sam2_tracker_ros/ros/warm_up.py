# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Run every graph of a model once, so that the first frame in flight is not the slow one."""

import numpy as np

from sam2_tracker_ros.core.model import AttendedMemory, AttendedPointer, Sam2Model
from sam2_tracker_ros.core.prompts import NO_PROMPT


def warm_up(model: Sam2Model) -> None:
    """
    Encode, decode, remember and attend a black image.

    :raises ModelError: inference fails.
    """
    spec = model.spec
    image = np.zeros((spec.image_size_px, spec.image_size_px, 3), np.uint8)
    features = model.encode_image(image)
    found = model.decode_masks(features, None, NO_PROMPT)
    memory = model.encode_memory(
        features, found.memory_masks[0], found.object_score_logit, is_prompted=True
    )
    conditioned = model.attend_memory(
        features,
        [AttendedMemory(memory, temporal_row=spec.memory_slots - 1)],
        [AttendedPointer(found.pointers[0], age_frames=1)],
    )
    model.decode_masks(features, conditioned, NO_PROMPT)
