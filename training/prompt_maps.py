# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Prompts drawn as images, inside the decoder graph."""

import torch
from torch import Tensor

PROMPT_CHANNELS = 9
CLICK_RADII_PX = (5.0, 16.0)


def prompt_maps(points: Tensor, labels: Tensor, side_cells: int, cell_px: int) -> Tensor:
    """
    Draw boxes as exact coverage and clicks as two bells each.

    :param points: [B, N, 2], x and y in pixels.
    :param labels: [B, N]; -1 padding, 0 background, 1 foreground, 2 and 3 box corners.
    :param side_cells: side of the drawn maps.
    :param cell_px: pixels a cell.
    :return: [B, PROMPT_CHANNELS, side_cells, side_cells]: coverage, closeness to the box
        centre in x and y, presence of a box and of any prompt, foreground and background bells.
    """
    edges_px = torch.arange(side_cells, dtype=points.dtype) * cell_px
    first, second = _corner(points, labels, 2), _corner(points, labels, 3)
    low, high = torch.minimum(first, second), torch.maximum(first, second)
    cover_x, close_x = _axis_profile(edges_px, cell_px, low[:, :1], high[:, :1])
    cover_y, close_y = _axis_profile(edges_px, cell_px, low[:, 1:], high[:, 1:])
    coverage = cover_y.unsqueeze(2) * cover_x.unsqueeze(1)
    near_x = coverage * close_x.unsqueeze(1)
    near_y = coverage * close_y.unsqueeze(2)
    has_box = _any_label(labels, 2, 3)
    has_prompt = _any_label(labels, 0, 3)
    flat = torch.ones_like(coverage)
    maps = [
        coverage * has_box,
        near_x * has_box,
        near_y * has_box,
        flat * has_box,
        flat * has_prompt,
    ]
    for label in (1, 0):
        squared_px = _squared_distances(points, edges_px + cell_px / 2)
        chosen = (labels == label).to(points.dtype)[:, :, None, None]
        for radius_px in CLICK_RADII_PX:
            bells = torch.exp(squared_px / (-2.0 * radius_px**2)) * chosen
            maps.append(bells.amax(dim=1))
    return torch.stack(maps, dim=1)


def _corner(points: Tensor, labels: Tensor, label: int) -> Tensor:
    """
    Pick the point that carries a corner label.

    :param points: [B, N, 2] in pixels.
    :param labels: [B, N].
    :param label: the corner's label.
    :return: [B, 2], zero where absent.
    """
    return (points * (labels == label).to(points.dtype).unsqueeze(-1)).sum(1)


def _any_label(labels: Tensor, lowest: int, highest: int) -> Tensor:
    """
    Tell whether a prompt holds a label of a range.

    :param labels: [B, N].
    :param lowest: first label of the range.
    :param highest: last label of the range.
    :return: [B, 1, 1], one or zero.
    """
    inside = ((labels >= lowest) & (labels <= highest)).float()
    return inside.amax(dim=1)[:, None, None]


def _axis_profile(
    edges_px: Tensor, cell_px: int, low_px: Tensor, high_px: Tensor
) -> tuple[Tensor, Tensor]:
    """
    Coverage of each cell by an interval, and closeness to the interval's middle.

    :param edges_px: [n], where cells start.
    :param cell_px: pixels a cell.
    :param low_px: [B, 1].
    :param high_px: [B, 1].
    :return: two [B, n] tensors in 0..1.
    """
    overlap_px = torch.minimum(high_px, edges_px + cell_px) - torch.maximum(low_px, edges_px)
    middle_px, half_px = (low_px + high_px) / 2, (high_px - low_px) / 2 + 1.0
    closeness = 1.0 - (edges_px + cell_px / 2 - middle_px).abs() / half_px
    return overlap_px.clamp(0.0, cell_px) / cell_px, closeness.clamp(0.0, 1.0)


def _squared_distances(points: Tensor, centres_px: Tensor) -> Tensor:
    """
    Squared distances of every cell from every point.

    :param points: [B, N, 2] in pixels.
    :param centres_px: [n].
    :return: [B, N, n, n] in square pixels, rows first.
    """
    across = (points[..., 0:1] - centres_px).square()
    down = (points[..., 1:2] - centres_px).square()
    return down.unsqueeze(-1) + across.unsqueeze(-2)
