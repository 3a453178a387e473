# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Both model families in the node, over DDS, against what PyTorch made of the same pictures."""

from dataclasses import asdict

import numpy as np
import pytest
from references.stored import FOLDER, FRAMES, SIZE_PX, load_runs

from ros.harness import Operator, StartTracker, prompt
from sam2_tracker_ros.core.plain_sam2 import PLAIN_SAM2
from sam2_tracker_ros.core.track import probability
from sam2_tracker_ros.inference import load_model
from sam2_tracker_ros.parity.clip import scenarios, seeded_clip

SHOWN = 16  # the target vanishes meanwhile


@pytest.mark.parametrize('family', ['sam2', 'efficienttam'])
def test_the_node_follows_as_the_original_does(
    operator: Operator, start_tracker: StartTracker, family: str
) -> None:
    """The model is one parameter; what the node publishes is what the original's masks are."""
    start_tracker(
        model_loader=load_model,
        model=str(FOLDER / family),
        **asdict(PLAIN_SAM2.tracker),
        **asdict(PLAIN_SAM2.status),
    )
    frames = seeded_clip(SIZE_PX, FRAMES)[:SHOWN]
    box = scenarios(frames)['box'].prompts[0].box
    assert box is not None
    operator.show(frames[0])  # by then each side knows all topics of the other
    operator.prompts.publish(prompt(box=[box.left, box.top, box.right, box.bottom]))
    operator.wait_until(lambda: operator.show(frames[0]).targets, 'a target')
    (original,) = load_runs(FOLDER / f'{family}.npz.xz')['box']
    areas = np.count_nonzero(original.masks[:SHOWN], axis=(1, 2))
    assert (areas == 0).any()
    for index, area in enumerate(areas.tolist()):
        if index > 0:
            operator.show(frames[index])
        (target,) = operator.arrays[-1].targets
        assert target.measured == (area > 0), index
        assert target.mask_area_px == pytest.approx(area, rel=1e-3), index
        assert target.object_score == pytest.approx(probability(original.scores[index]), abs=1e-3)
