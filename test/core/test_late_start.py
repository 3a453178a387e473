# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A target that starts in a frame that has passed."""

from collections.abc import Sequence
import math

from core.film import BLUE, RED, RecordingModel, box_at, drawn, settings
import cv2
import numpy as np
import pytest

from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.core.frame_history import FrameHistory
from sam2_tracker_ros.core.geometry import box_iou
from sam2_tracker_ros.core.late_start import LateStart
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import (
    Box,
    EventType,
    Frame,
    PixelFormat,
    Prompt,
    PromptAction,
    TargetState,
)
from sam2_tracker_ros.errors import ModelError, PromptError
from sam2_tracker_ros.inference import load_model
from sam2_tracker_ros.testing.ground import make_ground, road_y
from sam2_tracker_ros.testing.vehicle import Pose, Vehicle

PERIOD_NS = 33_000_000
FIRST_NS = 10**18


def red_at(index: int) -> Box:
    return box_at(12 + 4 * index, 30)


def film(count: int) -> list[Frame]:
    """Return a red box that moves past a blue one which stays."""
    return [
        Frame(drawn((red_at(index), RED), (box_at(70, 70), BLUE)), FIRST_NS + index * PERIOD_NS)
        for index in range(count)
    ]


def history_of(frames: Sequence[Frame]) -> FrameHistory:
    history = FrameHistory(10.0, 10**10)
    for frame in frames:
        history.append(frame)
    return history


def caught_up(
    late: LateStart, frames: Sequence[Frame], elapsed_s: float = 0.0, config: Config | None = None
) -> int:
    """Let the target catch up with the last frame; return the number of steps."""
    history = history_of(frames)
    steps = 1
    while not late.catch_up(history, frames[-1].stamp_ns, elapsed_s, config or settings()):
        steps += 1
    return steps


def test_it_is_the_target_that_it_would_be_had_it_started_in_time() -> None:
    frames = film(14)
    in_time = Tracker(RecordingModel(), settings())
    late_tracker = Tracker(RecordingModel(), settings())
    prompt = Prompt(box=red_at(3), target_id='red')
    for index, frame in enumerate(frames[:-1]):
        in_time.step(frame, [prompt] if index == 3 else [])
        late_tracker.step(frame)
    late = LateStart(late_tracker, prompt, frames[3])
    assert caught_up(late, frames[:-1]) == 9
    answer, events = late.finish()
    assert answer.accepted
    assert [event.type for event in events] == [EventType.ACQUIRED]
    assert events[0].stamp_ns == frames[3].stamp_ns
    (expected,) = in_time.step(frames[-1]).targets
    (found,) = late_tracker.step(frames[-1]).targets
    assert found.box == expected.box
    assert found.epoch == expected.epoch == answer.epoch
    assert repr(found.motion) == repr(expected.motion)


def test_what_happens_on_the_way_is_told() -> None:
    gone = [Frame(drawn(), FIRST_NS + index * PERIOD_NS) for index in range(5, 10)]
    frames = film(5) + gone
    tracker = Tracker(RecordingModel(), settings())
    for frame in frames:
        tracker.step(frame)
    late = LateStart(tracker, Prompt(box=red_at(0)), frames[0])
    caught_up(late, frames)
    _, events = late.finish()
    assert [event.type for event in events] == [EventType.ACQUIRED, EventType.COASTING]
    (target,) = tracker.step(Frame(drawn(), FIRST_NS + 10 * PERIOD_NS)).targets
    assert target.state is TargetState.COASTING


def test_without_a_frame_since_it_has_arrived() -> None:
    """The prompt meant the newest frame, or those after it were not kept."""
    (frame,) = film(1)
    late = LateStart(Tracker(RecordingModel(), settings()), Prompt(box=red_at(0)), frame)
    assert late.catch_up(history_of([frame]), frame.stamp_ns, 0.0, settings())
    assert late.stamp_ns == frame.stamp_ns


def test_a_target_that_started_anew_meanwhile_keeps_its_epoch() -> None:
    """Epochs of a name never fall, also where stamps go back to after the late frame."""
    frames = film(9)
    tracker = Tracker(RecordingModel(), settings())
    tracker.step(frames[0], [Prompt(box=red_at(0), target_id='red')])
    for frame in frames[1:8]:
        tracker.step(frame)
    late = LateStart(tracker, Prompt(box=red_at(3), target_id='red'), frames[3])
    jumped = tracker.step(frames[5])
    assert [event.type for event in jumped.events] == [EventType.TIME_JUMP]
    caught_up(late, frames[:6])
    with pytest.raises(PromptError, match='went back'):
        late.finish()
    late.give_up()
    (target,) = tracker.step(frames[6]).targets
    assert target.epoch == jumped.events[0].epoch > late.epoch


def test_a_slow_model_leaves_frames_out_and_arrives() -> None:
    frames = film(14)
    late = LateStart(Tracker(RecordingModel(), settings()), Prompt(box=red_at(0)), frames[0])
    assert caught_up(late, frames, elapsed_s=2 * PERIOD_NS / 1e9) == 4


def test_prompts_that_start_nothing_leave_no_trace() -> None:
    frames = film(3)
    model = RecordingModel()
    tracker = Tracker(model, settings(max_targets=1))
    with pytest.raises(PromptError, match='outside'):
        LateStart(tracker, Prompt(box=box_at(500, 500), target_id='red'), frames[0])
    model.fails_in = 'encode_image'
    with pytest.raises(ModelError):
        LateStart(tracker, Prompt(box=red_at(0), target_id='red'), frames[0])
    model.fails_in = ''
    late = LateStart(tracker, Prompt(box=red_at(0), target_id='red'), frames[0])
    with pytest.raises(PromptError, match='max_targets'):
        LateStart(tracker, Prompt(box=red_at(0), target_id='other'), frames[0])
    late.give_up()
    answers = tracker.step(frames[1], [Prompt(box=box_at(70, 70), target_id='other')]).answers
    assert answers[0].accepted


def test_its_name_and_epoch_are_its_own() -> None:
    frames = film(3)
    tracker = Tracker(RecordingModel(), settings())
    late = LateStart(tracker, Prompt(box=red_at(0)), frames[0])
    prompt = Prompt(PromptAction.ADD, box=box_at(70, 70))
    (answer,) = tracker.step(frames[1], [prompt]).answers
    assert answer.target_id != late.target_id
    assert answer.epoch > late.epoch


@pytest.mark.parametrize('trouble', ['stamps', 'size'])
def test_a_camera_that_starts_anew_ends_it(trouble: str) -> None:
    frames = film(3)
    late = LateStart(Tracker(RecordingModel(), settings()), Prompt(box=red_at(0)), frames[1])
    other = (
        frames[0]
        if trouble == 'stamps'
        else Frame(drawn(size_px=(64, 64)), FIRST_NS + 2 * PERIOD_NS)
    )
    with pytest.raises(PromptError, match='prompt again'):
        late.catch_up(history_of([other]), other.stamp_ns, 0.0, settings())


def test_nano_takes_the_car_that_was_clicked_half_a_second_ago() -> None:
    """At 400 px/s it is two lengths further; what came to its place is another car."""
    speed_px_s, late_frames = 400.0, 15
    ground = make_ground(3, 2000, bridge_x=1700.0)
    red, white = Vehicle((44, 40, 176)), Vehicle((196, 200, 202))
    world = np.array([(1.0, 0.0, -60.0), (0.0, 1.0, -330.0), (0.0, 0.0, 1.0)])

    def pose(x: float, offset: float) -> Pose:
        y = float(road_y(x))
        slope = float(road_y(x + 5.0) - road_y(x - 5.0)) / 10.0
        return Pose(x, y + offset, math.atan(slope))

    def shown(index: int) -> tuple[Frame, Box]:
        image = np.asarray(
            cv2.warpAffine(ground.image, world[:2], (1280, 720), flags=cv2.INTER_LINEAR), np.uint8
        )
        x = 220.0 + speed_px_s * index / 30.0
        white.draw(image, world, pose(x - speed_px_s * late_frames / 30.0, 38.0), ground.cover)
        seen = red.draw(image, world, pose(x, 38.0), ground.cover)
        assert seen.mask is not None
        frame = Frame(image, FIRST_NS + index * PERIOD_NS, PixelFormat.BGR)
        return frame, seen.mask.box

    film = [shown(index) for index in range(late_frames + 2)]
    frames = [frame for frame, _ in film]
    prompt = Prompt(box=film[0][1])
    config = Config()
    model = load_model(config.model)

    with_history = Tracker(model, config)
    for frame in frames[:-1]:
        with_history.step(frame)
    late = LateStart(with_history, prompt, frames[0])
    caught_up(late, frames[:-1], config=config)
    late.finish()
    (target,) = with_history.step(frames[-1]).targets
    assert target.measured
    assert target.box is not None
    assert box_iou(target.box, film[-1][1]) > 0.6

    without = Tracker(model, config).step(frames[-2], [prompt])
    found = [target.box for target in without.targets if target.box is not None]
    assert all(box_iou(box, film[-2][1]) < 0.1 for box in found)
