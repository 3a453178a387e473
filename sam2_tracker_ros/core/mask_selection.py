# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which of the decoder's candidate masks is the target."""

from typing import Protocol

import numpy as np

from sam2_tracker_ros.core.model import MaskCandidates
from sam2_tracker_ros.core.types import Box


class MaskSelector(Protocol):
    """Picks one candidate."""

    def select(self, candidates: MaskCandidates, predicted: Box | None) -> int:
        """
        Return the index of the chosen candidate.

        :param predicted: where the motion filter expects the target, in pixels of the camera
            image; None when nothing is known yet.
        """


class BestIouSelector:
    """Plain SAM 2: the candidate whose predicted IoU is highest."""

    def select(self, candidates: MaskCandidates, predicted: Box | None) -> int:
        """Ignore the prediction."""
        return int(np.argmax(candidates.predicted_iou))
