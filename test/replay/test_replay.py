# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A recording through the tracker: what is written, and that it is written twice the same."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from replay.recordings import (
    RAW,
    flat_scene,
    image_message,
    json_lines,
    new_tracker,
    prompt,
    write_bag,
    write_folder,
    write_scene_bag,
)
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin

from sam2_tracker_ros.core.geometry import box_iou
from sam2_tracker_ros.core.types import Box, EventType, Prompt, TargetState
from sam2_tracker_ros.errors import PromptError, SourceError
from sam2_tracker_ros.replay.bag_sink import BagSink
from sam2_tracker_ros.replay.json_sink import JsonLinesSink
from sam2_tracker_ros.replay.open_source import open_source
from sam2_tracker_ros.replay.runner import Summary, replay
from sam2_tracker_ros.replay.sink import ResultSink
from sam2_tracker_ros.replay.timeline import Timeline
from sam2_tracker_ros.replay.video_sink import OverlayVideoSink

STORAGES = list(StoragePlugin)


def replay_to_json(source: Path, lines: Path) -> Summary:
    sink = JsonLinesSink(lines)
    summary = replay(open_source(source), new_tracker(), prompt(flat_scene()), [sink])
    sink.close()
    return summary


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp('recording') / 'images', flat_scene())


@pytest.fixture(params=STORAGES, ids=lambda plugin: str(plugin.name))
def bag(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    storage: StoragePlugin = request.param
    return write_scene_bag(tmp_path / 'input', flat_scene(), storage, is_compressed=True)


def test_every_frame_is_tracked_as_the_scene_says(folder: Path, tmp_path: Path) -> None:
    scene = flat_scene()
    summary = replay_to_json(folder, tmp_path / 'results.jsonl')
    targets = [line for line in json_lines(tmp_path / 'results.jsonl') if line['type'] == 'target']
    assert [line['frame'] for line in targets] == list(range(scene.frame_count))
    assert summary.frames == scene.frame_count
    for line in targets:
        truth = scene.frame(line['frame'])
        assert line['stamp_ns'] == round(line['frame'] * 1e9 / 30.0)
        assert line['measured'] == (line['state'] == 'TRACKING')
        if line['measured'] and truth.visible_fraction > 0.99:
            assert truth.box is not None
            assert box_iou(Box(*line['box']), truth.box) > 0.6
    events = [event.type for event in summary.events]
    assert events[0] is EventType.ACQUIRED
    assert {EventType.COASTING, EventType.REACQUIRED} <= set(events)
    assert summary.states[TargetState.TRACKING] > 40


def test_two_runs_write_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    for name in ('first', 'second'):
        replay_to_json(folder, tmp_path / name)
    first = (tmp_path / 'first').read_bytes()
    assert first == (tmp_path / 'second').read_bytes()
    assert len(first.splitlines()) > 120


def test_json_has_the_bearing_of_a_calibrated_camera(bag: Path, tmp_path: Path) -> None:
    replay_to_json(bag, tmp_path / 'results.jsonl')
    first = next(
        line for line in json_lines(tmp_path / 'results.jsonl') if line['type'] == 'target'
    )
    left, top, right, bottom = first['box']
    focal = 192.0
    expected = [
        np.arctan(((left + right) / 2 - 96.0) / focal),
        np.arctan(((top + bottom) / 2 - 72.0) / focal),
    ]
    assert first['angles_rad'] == pytest.approx(expected, abs=1e-6)


def test_the_output_bag_says_the_same_as_the_json_lines(bag: Path, tmp_path: Path) -> None:
    source = open_source(bag)
    is_mcap = any(bag.glob('*.mcap'))
    sinks: list[ResultSink] = [
        BagSink(tmp_path / 'bag', is_mcap=is_mcap),
        JsonLinesSink(tmp_path / 'lines'),
    ]
    replay(source, new_tracker(), prompt(flat_scene()), sinks)
    for sink in sinks:
        sink.close()
    assert any((tmp_path / 'bag').glob('*.mcap' if is_mcap else '*.db3'))
    messages = read_bag(tmp_path / 'bag')
    lines = json_lines(tmp_path / 'lines')
    targets = [line for line in lines if line['type'] == 'target']
    assert len(messages['/tracker/target']) == len(targets) == flat_scene().frame_count
    for (recorded_ns, message), line in zip(messages['/tracker/target'], targets, strict=True):
        stamp = message.header.stamp
        assert recorded_ns == stamp.sec * 10**9 + stamp.nanosec == line['stamp_ns']
        assert message.header.frame_id == 'camera_optical'
        assert message.target_id == line['target_id']
        assert TargetState(message.state).name == line['state']
        assert message.measured == line['measured']
        assert message.mask_area_px == line['mask_area_px']
        box = message.box_left, message.box_top, message.box_right, message.box_bottom
        assert box == pytest.approx(line['box'], abs=1e-5)
        assert (message.angle_x, message.angle_y) == pytest.approx(line['angles_rad'], abs=1e-5)
    events = [line for line in lines if line['type'] == 'event']
    assert [EventType(message.type).name for _, message in messages['/tracker/events']] == [
        line['event'] for line in events
    ]
    arrays = [message for _, message in messages['/tracker/targets']]
    assert [array.frames_processed for array in arrays] == list(range(1, len(arrays) + 1))
    assert arrays[-1].targets[0].target_id == targets[-1]['target_id']


def test_the_masks_in_the_output_bag_are_the_scenes(bag: Path, tmp_path: Path) -> None:
    scene = flat_scene()
    sink = BagSink(tmp_path / 'bag', is_mcap=False)
    replay(open_source(bag), new_tracker(), prompt(scene), [sink], max_frames=20)
    sink.close()
    masks = read_bag(tmp_path / 'bag')['/tracker/mask/compressed']
    assert len(masks) == 20
    for index, (_, message) in enumerate(masks):
        found = cv2.imdecode(np.asarray(message.data), cv2.IMREAD_UNCHANGED)
        assert found is not None
        assert set(np.unique(found)) <= {0, 255}
        frame = scene.frame(index)
        if frame.visible_fraction < 0.99:
            continue
        truth = frame.mask
        overlap = np.count_nonzero((found > 0) & truth) / np.count_nonzero((found > 0) | truth)
        assert overlap > 0.6


def read_bag(path: Path) -> dict[str, list[tuple[int, Any]]]:
    """Read a bag as somebody who knows our messages only from the bag itself."""
    messages: dict[str, list[tuple[int, Any]]] = {}
    with AnyReader([path]) as reader:
        for connection, recorded_ns, data in reader.messages():
            message = reader.deserialize(data, connection.msgtype)
            messages.setdefault(connection.topic, []).append((recorded_ns, message))
    return messages


def test_an_output_bag_is_replaced_but_nothing_else(bag: Path, tmp_path: Path) -> None:
    out = tmp_path / 'bag'
    for _ in range(2):
        sink = BagSink(out, is_mcap=True)
        replay(open_source(bag), new_tracker(), prompt(flat_scene()), [sink], max_frames=3)
        sink.close()
    assert len(read_bag(out)['/tracker/target']) == 3
    (out / 'thesis.txt').write_text('precious')
    with pytest.raises(SourceError, match='in the way'):
        BagSink(out, is_mcap=True)
    assert (out / 'thesis.txt').read_text() == 'precious'


def test_the_video_has_every_frame_and_the_box(folder: Path, tmp_path: Path) -> None:
    scene = flat_scene()
    sink = OverlayVideoSink(tmp_path / 'overlay.mp4', 30.0)
    replay(open_source(folder), new_tracker(), prompt(scene), [sink], max_frames=40)
    sink.close()
    shots = list(open_source(tmp_path / 'overlay.mp4').frames())
    assert len(shots) == 40
    drawn = shots[0].frame
    assert drawn is not None
    box = scene.frame(0).box
    assert box is not None
    x, y = int(box.left), round(box.center[1])
    blue, green, red = (int(part) for part in drawn.pixels[y, x])
    assert green > red
    assert green > blue


def test_the_plot_is_an_image(folder: Path, tmp_path: Path) -> None:
    timeline = Timeline(tmp_path / 'timeline.png')
    replay(open_source(folder), new_tracker(), prompt(flat_scene()), [timeline])
    timeline.close()
    plot = cv2.imread(str(tmp_path / 'timeline.png'))
    assert plot is not None
    assert plot.shape[0] > 500
    assert plot.std() > 20.0


def test_a_bad_image_in_between_is_reported_and_left_out(tmp_path: Path) -> None:
    scene = flat_scene()
    messages = []
    for index in range(6):
        frame = scene.frame(index)
        message = image_message(frame.image, frame.stamp_ns)
        if index == 3:
            message.step = 1
        messages.append(('/image', RAW, message))
    path = write_bag(tmp_path / 'bag', StoragePlugin.MCAP, messages)
    summary = replay_to_json(path, tmp_path / 'lines')
    lines = json_lines(tmp_path / 'lines')
    assert (summary.frames, summary.rejected_frames) == (5, 1)
    assert [line['frame'] for line in lines if line['type'] == 'target'] == [0, 1, 2, 4, 5]
    (rejection,) = [line for line in lines if line.get('event') == 'FRAME_REJECTED']
    assert rejection['frame'] == 3
    assert 'step' in rejection['detail']


def test_a_rejected_prompt_ends_the_replay(folder: Path) -> None:
    prompts = {0: [Prompt(box=Box(500, 500, 600, 600))]}
    with pytest.raises(PromptError, match='rejected in frame 0'):
        replay(open_source(folder), new_tracker(), prompts, [])


def test_a_prompt_after_the_end_is_an_error(folder: Path) -> None:
    prompts = {500: [Prompt(box=flat_scene().frame(0).box)]}
    with pytest.raises(PromptError, match='frame 500, but only 120 frames'):
        replay(open_source(folder), new_tracker(), prompts, [])


def test_a_prompt_may_be_for_a_later_frame(folder: Path) -> None:
    prompts = {10: [Prompt(box=flat_scene().frame(10).box)]}
    summary = replay(open_source(folder), new_tracker(), prompts, [], max_frames=30)
    assert summary.frames == 30
    assert sum(summary.states.values()) == 20
