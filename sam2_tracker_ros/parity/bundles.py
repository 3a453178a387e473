# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Two bundles over the same clips: how much their masks and boxes have in common."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sam2_tracker_ros.core.geometry import box_iou, camera_mask
from sam2_tracker_ros.core.model import AnyModel
from sam2_tracker_ros.core.types import Box, Frame, Prompt, TargetMask
from sam2_tracker_ros.parity.clip import Scenario
from sam2_tracker_ros.parity.comparison import mask_iou
from sam2_tracker_ros.parity.runs import FRAME_PERIOD_NS, Chosen, PlainTracker


@dataclass(frozen=True)
class ClipAgreement:
    """
    What two models make of one clip; means are over frames.

    :param mask_miou: of the two masks; 1 in frames where both are empty.
    :param box_miou: of the boxes around them, likewise.
    :param worst_mask_iou: in any frame.
    :param score_error: largest difference of object score logits.
    :param truth_box_miou: of each model's box and the true one, where there is one; None without
        truth.
    """

    clip: str
    frames: int
    mask_miou: float
    box_miou: float
    worst_mask_iou: float
    worst_frame: int
    score_error: float
    truth_box_miou: tuple[float, float] | None

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON has them."""
        return asdict(self)


def agree_on(
    models: tuple[AnyModel, AnyModel],
    name: str,
    frames: Iterable[Frame],
    start: Box,
    truth: Sequence[Box | None] = (),
) -> ClipAgreement:
    """
    Track with both models, as plain SAM 2, from the same box.

    :param start: around the target in the first frame.
    :param truth: for each frame; None where the target is absent; empty when nothing is known.
    :raises PromptError: a model finds nothing at the box.
    """
    trackers = [PlainTracker(model) for model in models]
    overlaps: list[tuple[float, float]] = []
    true_overlaps: list[tuple[float, float]] = []
    score_errors: list[float] = []
    for index, frame in enumerate(frames):
        prompts = [Prompt(box=start)] if index == 0 else []
        chosen = [tracker.step(frame, prompts)[0] for tracker in trackers]
        masks = [choice.mask for choice in chosen]
        overlaps.append(_overlaps(masks, frame.size_px))
        score_errors.append(_difference(chosen))
        box = truth[index] if truth else None
        if box is not None:
            first, second = (0.0 if mask is None else box_iou(mask.box, box) for mask in masks)
            true_overlaps.append((first, second))
    of_masks, of_boxes = np.array(overlaps).T
    true_means = np.mean(true_overlaps, axis=0).tolist() if true_overlaps else None
    return ClipAgreement(
        clip=name,
        frames=len(overlaps),
        mask_miou=float(of_masks.mean()),
        box_miou=float(of_boxes.mean()),
        worst_mask_iou=float(of_masks.min()),
        worst_frame=int(of_masks.argmin()),
        score_error=max(score_errors),
        truth_box_miou=None if true_means is None else (true_means[0], true_means[1]),
    )


def agree_on_scenario(models: tuple[AnyModel, AnyModel], scenario: Scenario) -> ClipAgreement:
    """Track the seeded clip with both models, from the box that the scenario starts with."""
    start = scenario.prompts[0].box
    assert start is not None
    frames = (
        Frame(pixels, index * FRAME_PERIOD_NS) for index, pixels in enumerate(scenario.frames)
    )
    return agree_on(models, 'seeded', frames, start)


def agreement_table(rows: Sequence[ClipAgreement]) -> str:
    """Return a line for each clip, the heading first."""
    lines = [
        f'{"clip":28} {"frames":>6} {"mask mIoU":>10} {"box mIoU":>9} {"worst":>8} {"frame":>5} '
        f'{"score":>9}  box mIoU with truth'
    ]
    for row in rows:
        truth = '-' if row.truth_box_miou is None else '{:.4f} {:.4f}'.format(*row.truth_box_miou)
        lines.append(
            f'{row.clip:28} {row.frames:6} {row.mask_miou:10.6f} {row.box_miou:9.6f} '
            f'{row.worst_mask_iou:8.6f} {row.worst_frame:5} {row.score_error:9.2e}  {truth}'
        )
    return '\n'.join(lines)


def _overlaps(masks: list[TargetMask | None], size_px: tuple[int, int]) -> tuple[float, float]:
    """Return IoU of masks and of their boxes; 1 when both are empty."""
    first, second = masks
    if first is None or second is None:
        both_empty = float(first is second)
        return both_empty, both_empty
    pixels = [camera_mask(mask, size_px)[None] for mask in (first, second)]
    return float(mask_iou(*pixels)[0]), box_iou(first.box, second.box)


def _difference(chosen: list[Chosen]) -> float:
    return abs(chosen[0].score - chosen[1].score)
