# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Several targets looked for at the same time."""

from dataclasses import replace
import threading
from typing import Any

from core.film import BLUE, BLUE_BOX, GREEN, RED, RED_BOX, Film, add, box_at, settings
import pytest

from sam2_tracker_ros.core.model import ModelSpec, Sam2Model, Sighting
from sam2_tracker_ros.core.staged_model import StagedModel
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.testing.fake_model import FakeModel

GREEN_BOX = box_at(20, 75)
SHAPES = ((RED_BOX, RED), (BLUE_BOX, BLUE), (GREEN_BOX, GREEN))
PROMPTS = [add(box) for box, _ in SHAPES]


class Parallel(StagedModel):
    """
    A model that may be asked for several targets at once.

    :param meeting: every look that follows a target waits there for the others.
    :param fails: looks raise.
    """

    def __init__(self, looks: int, meeting: threading.Barrier | None = None) -> None:
        super().__init__(FakeModel())
        self._looks = looks
        self._meeting = meeting
        self.fails = False

    @property
    def spec(self) -> ModelSpec:
        return replace(super().spec, parallel_looks=self._looks)

    def look(self, features: Any, memories: Any, *others: Any, **named: Any) -> Sighting:
        if memories and self._meeting is not None:
            self._meeting.wait(timeout=20.0)
        if memories and self.fails:
            message = 'a look failed as the test asked for; try again'
            raise ModelError(message)
        return super().look(features, memories, *others, **named)


def film(model: Sam2Model) -> Film:
    """Return a film of three targets."""
    show = Film(Tracker(model, settings()))
    assert all(answer.accepted for answer in show.show(*SHAPES, prompts=PROMPTS).answers)
    return show


def test_targets_are_looked_for_at_the_same_time() -> None:
    """Each waits until all three are under way; alone, it would wait in vain."""
    show = film(Parallel(3, threading.Barrier(3)))
    targets = show.show(*SHAPES).targets
    assert [target.box for target in targets] == [RED_BOX, BLUE_BOX, GREEN_BOX]
    assert all(target.measured for target in targets)


@pytest.mark.parametrize('looks', [2, 3, 8])
def test_results_are_those_of_one_after_the_other(looks: int) -> None:
    many, one = film(Parallel(looks)), film(Parallel(1))
    for step in range(5):
        moved = [
            (box_at(box.center[0] + step, box.center[1] + step), color) for box, color in SHAPES
        ]
        ours, theirs = many.show(*moved), one.show(*moved)
        assert [target.target_id[-1] for target in ours.targets] == ['1', '2', '3']
        for mine, other in zip(ours.targets, theirs.targets, strict=True):
            assert (mine.box, mine.state, mine.scores) == (other.box, other.state, other.scores)


def test_time_is_told_for_every_target() -> None:
    timings = film(Parallel(3)).show(*SHAPES).timings
    assert min(timings.encode_s, timings.attend_s, timings.decode_s, timings.decide_s) > 0.0


def test_a_look_that_fails_leaves_every_target_as_it_was() -> None:
    model = Parallel(3)
    show = film(model)
    model.fails = True
    with pytest.raises(ModelError, match='a look failed'):
        show.show(*SHAPES)
    model.fails = False
    assert all(target.measured for target in show.show(*SHAPES).targets)
