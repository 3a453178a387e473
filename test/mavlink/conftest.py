# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Desks that are cleared at the end of a test."""

from collections.abc import Iterator
from typing import Any

import pytest

from mavlink.desk import Desk, OpenDesk
from mavlink.ground_station import GroundStation


@pytest.fixture
def open_desk() -> Iterator[OpenDesk]:
    """Make desks; keywords are CameraSettings."""
    made: list[Desk] = []

    def open_one(**settings: Any) -> Desk:
        made.append(Desk(GroundStation(), **settings))
        return made[-1]

    yield open_one
    for desk in made:
        desk.camera.close()
        desk.ground.close()


@pytest.fixture
def desk(open_desk: OpenDesk) -> Desk:
    return open_desk()
