# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""SAM 2 as transformers runs it: what our tracker is compared with."""

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from transformers.models.sam2_video.modeling_sam2_video import (
    Sam2VideoInferenceSession,
    Sam2VideoModel,
)

from sam2_tracker_ros.parity.clip import ClipPrompt, Scenario
from sam2_tracker_ros.parity.runs import Run, TargetRun
from sam2_tracker_ros.parity.torch_clip import normalised, prompt_points, target_run

# In shorter videos the original measures the age of pointers against the length of the video. A
# camera's video has no end, so shorter clips are given frames that are never reached.
_ENDLESS_FRAMES = 16


def sam2_reference(model: Sam2VideoModel, scenario: Scenario) -> Run:
    """
    Track with `Sam2VideoInferenceSession` and `propagate_in_video_iterator`.

    A correction is a prompt on a frame that has been tracked: the frame is computed again with
    it, then tracking goes on. Prompts are in pixels of the square image, so that no processor is
    needed.

    :param model: in evaluation mode; its image size is that of the clip.
    """
    count, size_px = scenario.frames.shape[:2]
    unreached = np.repeat(scenario.frames[-1:], max(_ENDLESS_FRAMES - count, 0), axis=0)
    session = Sam2VideoInferenceSession(
        video=normalised(np.concatenate([scenario.frames, unreached])),
        video_height=size_px,
        video_width=size_px,
        dtype=torch.float32,
    )
    interruptions = sorted({prompt.frame for prompt in scenario.prompts})
    with torch.inference_mode():
        for start, end in pairwise([*interruptions, count - 1]):
            for prompt in scenario.prompts_in(start):
                _add(session, prompt)
            model(session, frame_idx=start)
            if start < end:
                _propagate(model, session, start + 1, end)
    return tuple(
        _run_of(session.output_dict_per_obj[target], count, size_px)
        for target in range(scenario.target_count)
    )


def _add(session: Sam2VideoInferenceSession, prompt: ClipPrompt) -> None:
    target = session.obj_id_to_idx(prompt.target)
    points, labels = prompt_points(prompt)
    inputs = {
        'point_coords': torch.from_numpy(points)[None, None],
        'point_labels': torch.tensor([[labels]], dtype=torch.int32),
    }
    session.add_point_inputs(target, prompt.frame, inputs)
    session.obj_with_new_inputs.append(prompt.target)


def _propagate(
    model: Sam2VideoModel, session: Sam2VideoInferenceSession, first: int, last: int
) -> None:
    """Track from one frame to another, the last included."""
    steps = model.propagate_in_video_iterator(
        session, start_frame_idx=first, max_frame_num_to_track=last - first
    )
    for _ in steps:
        pass


def _run_of(outputs: dict[str, dict[int, Any]], count: int, size_px: int) -> TargetRun:
    """Return a target's run from what the session keeps of it."""
    by_frame = {**outputs['non_cond_frame_outputs'], **outputs['cond_frame_outputs']}
    frames = [by_frame[index] for index in range(count)]
    return target_run(
        [frame['pred_masks'] for frame in frames],
        [frame['object_score_logits'] for frame in frames],
        [frame['object_pointer'] for frame in frames],
        size_px,
    )
