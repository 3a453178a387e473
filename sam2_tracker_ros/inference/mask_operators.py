# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the tracker decides about masks, written as operators of a graph."""

import numpy as np

from sam2_tracker_ros.inference.graph_writer import GraphWriter


def boxes_of(w: GraphWriter, masks: str, side: int) -> tuple[str, str]:
    """
    Return boxes [K, 4] and areas [K] of the positive cells of masks [1, K, h, h].

    Without NonZero, whose size depends on the values: a device would have to wait for it.
    """
    positive = w.operator('Greater', masks, w.constant(np.zeros(1, np.float32)))
    cells = w.operator('Cast', positive, to=1)
    areas = w.shaped(w.reduced('ReduceSum', cells, 2, 3), -1)
    zero = w.constant(np.zeros(1, np.float32))
    index = np.arange(side, dtype=np.float32)
    start, stop = w.constant(index), w.constant(index + 1.0)
    beyond = w.constant(np.array([side], np.float32))
    sides = []
    for axis in (2, 3):  # across rows: which columns; across columns: which rows
        is_hit = w.operator('Greater', w.reduced('ReduceMax', cells, axis), zero)
        first = w.reduced('ReduceMin', w.operator('Where', is_hit, start, beyond), 2)
        last = w.reduced('ReduceMax', w.operator('Where', is_hit, stop, zero), 2)
        sides.append((w.shaped(first, -1, 1), w.shaped(last, -1, 1)))
    (left, right), (top, bottom) = sides
    return w.operator('Concat', left, top, right, bottom, axis=1), areas


def best_candidate(w: GraphWriter, iou: str, boxes: str) -> str:
    """
    Return the index [1] of the candidate to take.

    score = weight * IoU(box, expected box) + (1 - weight) * predicted IoU, as SAMURAI's
    (Yang et al. 2024); a weight of 0 is SAM 2.
    """
    expected = w.input('expected_box', np.float32, [4])
    weight = w.input('motion_weight', np.float32, [1])

    def sides(box: str) -> list[str]:
        return [w.operator('Gather', box, w.integers(side), axis=-1) for side in range(4)]

    def area(left: str, top: str, right: str, bottom: str) -> str:
        zero = w.constant(np.zeros(1, np.float32))
        width = w.operator('Max', w.operator('Sub', right, left), zero)
        height = w.operator('Max', w.operator('Sub', bottom, top), zero)
        return w.operator('Mul', width, height)

    ours, theirs = sides(boxes), sides(expected)
    common = [
        w.operator('Max' if side < 2 else 'Min', ours[side], theirs[side]) for side in range(4)
    ]
    intersection = area(*common)
    both = w.operator('Add', area(*ours), area(*theirs))
    union = w.operator('Sub', both, intersection)
    tiny = w.constant(np.full(1, 1e-6, np.float32))
    overlap = w.shaped(w.operator('Div', intersection, w.operator('Max', union, tiny)), -1)
    one = w.constant(np.ones(1, np.float32))
    scores = w.operator(
        'Add',
        w.operator('Mul', weight, overlap),
        w.operator('Mul', w.operator('Sub', one, weight), iou),
    )
    return w.operator('ArgMax', scores, axis=0, keepdims=1)


def finiteness(w: GraphWriter, *values: str) -> str:
    """Return [1]: 1 when all are finite, else 0; a number times 0 is 0 only when it is finite."""
    zero = w.constant(np.zeros(1, np.float32))
    sums = [w.shaped(w.reduced('ReduceSum', w.operator('Mul', v, zero)), 1) for v in values]
    total = w.reduced('ReduceSum', w.operator('Concat', *sums, axis=0), 0)
    return w.operator('Cast', w.operator('Equal', w.shaped(total, 1), zero), to=1)
