# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Seeded synthetic clips with exact truth, for many cases of absence.

Even numbers are the drone scene: past a look-alike and under a bridge. Odd ones are a part of it
whose view also turns away from the car and back, so that the car leaves the image and returns.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np

from sam2_tracker_ros.core.geometry import target_mask_of
from sam2_tracker_ros.core.types import (
    NANOSECONDS_PER_SECOND,
    BoolArray,
    Box,
    Frame,
    PixelFormat,
    UInt8Array,
)
from sam2_tracker_ros.errors import SourceError
from sam2_tracker_ros.testing.drone_scene import DroneScene
from sam2_tracker_ros.testing.scenes import SceneFrame

# A target of which less can be seen is neither present nor absent.
_JUDGED_FRACTION = 0.25
_DURATION_S = 12.0
# When the view begins to turn away, is away, begins to return, and is back.
_TURN_S = (1.5, 2.2, 3.4, 4.1)
_VIEW_PX = (480, 360)


class Clip(Protocol):
    """Frames with a prompt, and what is true of them; indices count from the prompt on."""

    @property
    def name(self) -> str:
        """Unique among the clips of a run."""

    @property
    def rate_hz(self) -> float:
        """Frames in a second."""

    @property
    def frame_count(self) -> int:
        """Frames from the prompt on."""

    @property
    def start_frame(self) -> int:
        """Of the prompt, counted from the beginning of the recording."""

    @property
    def start(self) -> Box:
        """The box of the prompt."""

    @property
    def truth(self) -> tuple[Box | None, ...]:
        """True boxes; None where the target is absent; empty when nothing is known."""

    @property
    def ignored(self) -> frozenset[int]:
        """Frames that nobody can judge."""

    def frames(self) -> Iterator[Frame]:
        """Read the images, BGR."""

    def true_mask(self, index: int) -> BoolArray | None:
        """Return the mask of a frame; None where there is none."""


@dataclass(frozen=True)
class _Shot:
    """
    One frame of a scene.

    :param visible: fraction 0..1 of the target that can be seen.
    """

    image: UInt8Array
    mask: BoolArray
    visible: float


@dataclass(frozen=True)
class SceneClip:
    """
    One synthetic clip of 12 s.

    :param seed: of the landscape and everything else.
    """

    seed: int
    duration_s: float = _DURATION_S
    start_frame: int = 0

    @property
    def name(self) -> str:
        """What happens, and the seed."""
        return f'scene_{"turn" if self._turns else "bridge"}_{self.seed}'

    @property
    def rate_hz(self) -> float:
        """Frames in a second."""
        return self._scene.rate_hz

    @property
    def frame_count(self) -> int:
        """Frames of the whole clip."""
        return self._scene.frame_count

    @property
    def truth(self) -> tuple[Box | None, ...]:
        """Boxes around the visible pixels."""
        return self._known[0]

    @property
    def ignored(self) -> frozenset[int]:
        """Frames in which a quarter of the target or less can be seen."""
        return self._known[1]

    @property
    def start(self) -> Box:
        """Tight around the car."""
        box = self.truth[0]
        if box is None:
            message = f'{self.name} begins without its target; take another number of scenes'
            raise SourceError(message)
        return box

    def frames(self) -> Iterator[Frame]:
        """Render the images, BGR."""
        for index in range(self.frame_count):
            stamp_ns = round(index * NANOSECONDS_PER_SECOND / self.rate_hz)
            yield Frame(self._shot(index).image, stamp_ns, PixelFormat.BGR)

    def true_mask(self, index: int) -> BoolArray | None:
        """Return the visible pixels."""
        return self._shot(index).mask

    @property
    def _turns(self) -> bool:
        return self.seed % 2 == 1

    @cached_property
    def _scene(self) -> DroneScene:
        return DroneScene(seed=self.seed, duration_s=self.duration_s)

    @cached_property
    def _away_x(self) -> int:
        """Left end of the view that has turned away, to the side where the car is not."""
        middle_s = (_TURN_S[1] + _TURN_S[2]) / 2.0
        box = self._scene.frame(round(middle_s * self.rate_hz)).box
        is_right = box is None or box.center[0] > self._scene.size_px[0] / 2.0
        return 0 if is_right else self._scene.size_px[0] - _VIEW_PX[0]

    @cached_property
    def _known(self) -> tuple[tuple[Box | None, ...], frozenset[int]]:
        boxes: list[Box | None] = []
        ignored = []
        for index in range(self.frame_count):
            shot = self._shot(index)
            target = target_mask_of(shot.mask)
            boxes.append(target.box if target else None)
            if target and shot.visible <= _JUDGED_FRACTION:
                ignored.append(index)
        return tuple(boxes), frozenset(ignored)

    def _shot(self, index: int) -> _Shot:
        frame = _rendered(self._scene, index)
        if not self._turns:
            return _Shot(frame.image, frame.mask, frame.visible_fraction)
        left, top = self._corner(index / self.rate_hz)
        part = slice(top, top + _VIEW_PX[1]), slice(left, left + _VIEW_PX[0])
        mask = frame.mask[part]
        inside = np.count_nonzero(mask) / max(np.count_nonzero(frame.mask), 1)
        image = np.ascontiguousarray(frame.image[part])
        return _Shot(image, mask, frame.visible_fraction * inside)

    def _corner(self, time_s: float) -> tuple[int, int]:
        """Return the left top corner of the view in the scene, in pixels."""
        room_x = self._scene.size_px[0] - _VIEW_PX[0]
        left = np.interp(time_s, _TURN_S, (room_x / 2, self._away_x, self._away_x, room_x / 2))
        return round(float(left)), (self._scene.size_px[1] - _VIEW_PX[1]) // 2


@lru_cache(maxsize=1)
def _rendered(scene: DroneScene, index: int) -> SceneFrame:
    """Render a frame; its image and its mask are asked for one after the other."""
    return scene.frame(index)
