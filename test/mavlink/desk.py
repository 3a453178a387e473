# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A camera with a tracker that does as it is told, and its ground station; time is a number."""

from collections.abc import Callable
from typing import Any

from mavlink.ground_station import GroundStation
from sam2_tracker_ros.core.types import TargetState
from sam2_tracker_ros.mavlink.tracker import (
    Answer,
    Optics,
    Outcome,
    Selection,
    TrackedTarget,
    Verdict,
)
from sam2_tracker_ros.mavlink.tracking_camera import CameraSettings, TrackingCamera


class ObedientTracker:
    """Answers what it was told to, at once, or keeps the question when that is None."""

    def __init__(self) -> None:
        self.verdict: Verdict | None = Verdict(Outcome.ACCEPTED)
        self.seen: TrackedTarget | None = TrackedTarget(TargetState.IDLE)
        self.picture: Optics | None = Optics((1280, 720), (60.0, 40.0))
        self.selections: list[Selection] = []
        self.stops = 0
        self.questions: list[Answer] = []

    def start(self, selection: Selection, answer: Answer) -> None:
        self.selections.append(selection)
        self._answer(answer)

    def stop(self, answer: Answer) -> None:
        self.stops += 1
        self._answer(answer)

    def target(self) -> TrackedTarget | None:
        return self.seen

    def optics(self) -> Optics | None:
        return self.picture

    def _answer(self, answer: Answer) -> None:
        if self.verdict is None:
            self.questions.append(answer)
        else:
            answer(self.verdict)


class Desk:
    """A camera and its ground station, which take turns."""

    def __init__(self, ground: GroundStation, **settings: Any) -> None:
        self.ground = ground
        self.tracker = ObedientTracker()
        self.now_s = 1000.0
        self.camera = TrackingCamera(
            f'udpout:127.0.0.1:{ground.port}',
            self.tracker,
            CameraSettings(**settings),
            clock=lambda: self.now_s,
        )
        # The ground station answers who it has heard.
        self.turn()

    def turn(self) -> None:
        """Let the camera take what was sent, and the ground station what it answered."""
        self.camera.turn()
        self.ground.listen()

    def wait(self, duration_s: float, step_s: float = 0.01) -> None:
        """Let time go by."""
        for _ in range(round(duration_s / step_s)):
            self.now_s += step_s
            self.turn()

    def command(self, number: int, *parameters: float, **options: Any) -> list[int]:
        """Send a command, and return the results of its acknowledgements so far."""
        self.ground.command(number, *parameters, **options)
        self.turn()
        return self.ground.results(number)


OpenDesk = Callable[..., Desk]
