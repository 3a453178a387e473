# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""EfficientTAM as its own video predictor runs it: what our tracker is compared with."""

from pathlib import Path
import tempfile
from typing import Any

import cv2
import numpy as np

from sam2_tracker_ros.core.types import UInt8Array
from sam2_tracker_ros.errors import PromptError
from sam2_tracker_ros.parity.clip import ClipPrompt, Scenario
from sam2_tracker_ros.parity.runs import Run, TargetRun
from sam2_tracker_ros.parity.torch_clip import normalised, prompt_points, target_run


def efficienttam_reference(predictor: Any, scenario: Scenario) -> Run:
    """
    Track with an `EfficientTAMVideoPredictor`.

    Its filling of holes is switched off: it concerns the masks that are shown, and does nothing
    without a CUDA extension.

    :param predictor: in evaluation mode; its image size is that of the clip.
    :raises PromptError: the scenario corrects a later frame, for which this predictor adds the
        previous mask as a dense prompt; neither bundles nor tracker have that.
    """
    if any(prompt.frame for prompt in scenario.prompts):
        message = (
            f'{scenario.name} corrects a later frame, which EfficientTAM does with a dense prompt '
            'that bundles do not have; compare point, box or two'
        )
        raise PromptError(message)
    predictor.fill_hole_area = 0
    state = _state(predictor, scenario.frames)
    size_px = scenario.frames.shape[1]
    for prompt in scenario.prompts:
        _add(predictor, state, prompt, size_px)
    for _ in predictor.propagate_in_video(state):
        pass
    return tuple(
        _run_of(state['output_dict_per_obj'][target], len(scenario.frames), size_px)
        for target in range(scenario.target_count)
    )


def _state(predictor: Any, frames: UInt8Array) -> dict[str, Any]:
    """
    Return the state of a video with exactly these frames.

    The predictor reads JPEG files, which lose detail, so their pixels are replaced afterwards.
    """
    with tempfile.TemporaryDirectory() as folder:
        for index, frame in enumerate(frames):
            cv2.imwrite(str(Path(folder) / f'{index}.jpg'), frame)
        state: dict[str, Any] = predictor.init_state(video_path=folder)
    state['images'] = normalised(frames)
    state['cached_features'].clear()
    return state


def _add(predictor: Any, state: dict[str, Any], prompt: ClipPrompt, size_px: int) -> None:
    points, labels = prompt_points(prompt)
    predictor.add_new_points_or_box(
        state,
        frame_idx=prompt.frame,
        obj_id=prompt.target,
        points=points / size_px,
        labels=np.array(labels, np.int32),
        normalize_coords=False,
    )


def _run_of(outputs: dict[str, dict[int, Any]], count: int, size_px: int) -> TargetRun:
    """Return a target's run from what the predictor keeps of it."""
    by_frame = {**outputs['non_cond_frame_outputs'], **outputs['cond_frame_outputs']}
    frames = [by_frame[index] for index in range(count)]
    return target_run(
        [frame['pred_masks'] for frame in frames],
        [frame['object_score_logits'] for frame in frames],
        [frame['obj_ptr'] for frame in frames],
        size_px,
    )
