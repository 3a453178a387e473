# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Bags, videos and folders give the frames that were put into them; bad ones are refused."""

from contextlib import closing
from itertools import islice
from pathlib import Path
import re
import sqlite3

import cv2
import numpy as np
import pytest
from replay.recordings import (
    RAW,
    flat_scene,
    image_message,
    scene_messages,
    write_bag,
    write_folder,
    write_scene_bag,
    write_video,
)
from rosbags.rosbag2 import StoragePlugin

from sam2_tracker_ros.core.types import Frame
from sam2_tracker_ros.errors import SourceError
from sam2_tracker_ros.messages import bgr_image
from sam2_tracker_ros.replay.open_source import open_source
from sam2_tracker_ros.testing.scenes import Scene

STORAGES = list(StoragePlugin)


def read(path: Path, topic: str = '') -> list[Frame]:
    shots = list(open_source(path, topic).frames())
    assert [shot.index for shot in shots] == list(range(len(shots)))
    return [shot.frame for shot in shots if shot.frame is not None]


def assert_same(frames: list[Frame], scene: Scene) -> None:
    assert len(frames) == scene.frame_count
    for index, frame in enumerate(frames):
        truth = scene.frame(index)
        assert np.array_equal(bgr_image(frame), truth.image)


@pytest.mark.parametrize('storage', STORAGES, ids=lambda plugin: str(plugin.name))
@pytest.mark.parametrize('is_compressed', [False, True], ids=['raw', 'compressed'])
def test_a_bag_gives_its_images_stamps_and_calibration(
    tmp_path: Path, storage: StoragePlugin, is_compressed: bool
) -> None:
    scene = flat_scene()
    path = write_scene_bag(tmp_path / 'bag', scene, storage, is_compressed=is_compressed)
    source = open_source(path)
    shots = list(source.frames())
    frames = [shot.frame for shot in shots if shot.frame is not None]
    assert_same(frames, scene)
    assert source.frame_count == scene.frame_count
    assert source.rate_hz == pytest.approx(30.0, rel=0.01)
    assert frames[7].stamp_ns == scene.frame(7).stamp_ns
    assert frames[7].frame_id == 'camera_optical'
    calibration = shots[0].calibration
    assert calibration is not None
    assert np.array_equal(calibration.matrix, scene.calibration.matrix)


@pytest.mark.parametrize('pattern', ['*.db3', '*.mcap'])
def test_one_file_of_a_bag_is_enough(tmp_path: Path, pattern: str) -> None:
    scene = flat_scene()
    storage = StoragePlugin.MCAP if pattern == '*.mcap' else StoragePlugin.SQLITE3
    path = write_scene_bag(tmp_path / 'bag', scene, storage, is_compressed=True)
    assert_same(read(next(path.glob(pattern))), scene)


def test_frames_come_one_at_a_time(tmp_path: Path) -> None:
    """A source that is not read to its end lets go of the file, too."""
    path = write_folder(tmp_path / 'images', flat_scene())
    frames = open_source(path).frames()
    assert [shot.index for shot in islice(frames, 2)] == [0, 1]
    for file in path.iterdir():
        file.unlink()
    with pytest.raises(FileNotFoundError):
        next(frames)


def test_a_folder_is_read_in_natural_order(tmp_path: Path) -> None:
    scene = flat_scene()
    path = write_folder(tmp_path / 'images', scene)
    (path / 'notes.txt').write_text('not an image')
    assert_same(read(path), scene)
    shots = list(open_source(path, rate_hz=10.0).frames())
    assert [shot.stamp_ns for shot in shots[:3]] == [0, 100_000_000, 200_000_000]


def test_a_video_gives_every_frame_with_stamps_from_its_rate(tmp_path: Path) -> None:
    scene = flat_scene()
    frames = read(write_video(tmp_path / 'clip.mp4', scene))
    assert len(frames) == scene.frame_count
    assert frames[30].stamp_ns == pytest.approx(1e9, abs=1e6)
    for index in (0, 60, 119):
        difference = bgr_image(frames[index]).astype(int) - scene.frame(index).image
        assert np.abs(difference).mean() < 6.0


def test_an_image_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    good = flat_scene().frame(0)
    bad = image_message(good.image, good.stamp_ns)
    bad.encoding = '8UC7'
    messages = [('/image', RAW, image_message(good.image, 5)), ('/image', RAW, bad)]
    path = write_bag(tmp_path / 'bag', StoragePlugin.MCAP, messages)
    first, second = open_source(path).frames()
    assert first.frame is not None
    assert second.frame is None
    assert '8UC7' in second.problem


def test_an_unreadable_image_file_says_so(tmp_path: Path) -> None:
    path = write_folder(tmp_path / 'images', flat_scene())
    (path / 'frame_1.png').write_bytes(b'\x89PNG broken')
    (path / 'frame_2.png').write_bytes(b'')
    (path / 'frame_3.png').unlink()
    huge = cv2.imencode('.jpg', flat_scene().frame(3).image)[1].ravel()
    size_at = huge.tobytes().index(b'\xff\xc0') + 5
    huge[size_at : size_at + 4] = (0xFF, 0xDC, 0xFF, 0xDC)  # 65500 x 65500
    (path / 'frame_3.jpg').write_bytes(huge.tobytes())
    size = huge.tobytes()[size_at : size_at + 4]
    (path / 'frame_4.png').unlink()
    # 32000 x 32000: OpenCV would set three gigabytes aside.
    (path / 'frame_4.jpg').write_bytes(huge.tobytes().replace(size, b'\x7d\0\x7d\0'))
    (path / 'frame_5.jpg').mkdir()
    shots = list(open_source(path).frames())
    assert [shot.index for shot in shots if shot.frame is None] == [1, 2, 3, 4]
    assert 'frame_1.png' in shots[1].problem


def test_several_image_topics_need_a_choice(tmp_path: Path) -> None:
    scene = flat_scene()
    messages = [
        *scene_messages(scene, is_compressed=False, topic='/front/image'),
        *scene_messages(scene, is_compressed=True, topic='/rear/image'),
    ]
    path = write_bag(tmp_path / 'bag', StoragePlugin.SQLITE3, messages)
    with pytest.raises(SourceError, match=r'/front/image, /rear/image/compressed.*--topic'):
        open_source(path)
    assert_same(read(path, '/rear/image/compressed'), scene)
    with pytest.raises(SourceError, match=r'no images on /up; its image topics are: /front'):
        open_source(path, '/up')


def test_a_bag_without_images_is_refused(tmp_path: Path) -> None:
    infos = [
        item for item in scene_messages(flat_scene(), is_compressed=False) if 'info' in item[0]
    ]
    path = write_bag(tmp_path / 'bag', StoragePlugin.SQLITE3, infos)
    with pytest.raises(SourceError, match=r'no images; its topics are: /camera/camera_info'):
        open_source(path)


@pytest.mark.parametrize('storage', STORAGES, ids=lambda plugin: str(plugin.name))
@pytest.mark.parametrize('kept', [0.0, 0.5], ids=['emptied', 'cut'])
def test_a_damaged_bag_is_a_clear_error(
    tmp_path: Path, storage: StoragePlugin, kept: float
) -> None:
    path = write_scene_bag(tmp_path / 'bag', flat_scene(), storage, is_compressed=True)
    file = next(item for item in path.iterdir() if item.suffix in ('.db3', '.mcap'))
    data = file.read_bytes()
    file.write_bytes(data[: round(kept * len(data))])
    with pytest.raises(SourceError, match='damaged'):
        list(open_source(path).frames())


def test_damaged_metadata_is_a_clear_error(tmp_path: Path) -> None:
    path = write_scene_bag(
        tmp_path / 'bag', flat_scene(), StoragePlugin.SQLITE3, is_compressed=True
    )
    (path / 'metadata.yaml').write_text('rosbag2_bagfile_information: 3\n')
    with pytest.raises(SourceError, match='damaged'):
        open_source(path)


def test_metadata_that_refers_to_itself_is_refused(tmp_path: Path) -> None:
    """Shown in an error, these lines are gigabytes."""
    path = write_scene_bag(
        tmp_path / 'bag', flat_scene(), StoragePlugin.SQLITE3, is_compressed=True
    )
    levels = ''.join(
        f', &{name} [{", ".join([f"*{before}"] * 9)}]'
        for name, before in zip('bcdefghi', 'abcdefgh', strict=True)
    )
    good = (path / 'metadata.yaml').read_text()
    bomb = re.sub('compression_format: .*', f'compression_format: [&a [x]{levels}]', good)
    bomb = re.sub('compression_mode: .*', 'compression_mode: file', bomb)
    assert bomb != good
    (path / 'metadata.yaml').write_text(bomb)
    with pytest.raises(SourceError, match='it refers to itself'):
        open_source(path)


@pytest.mark.parametrize(
    'change',
    [
        'UPDATE messages SET data = 7',
        'UPDATE messages SET timestamp = "later"',
        'UPDATE topics SET offered_qos_profiles = "- history: [[["',
        'DROP TABLE message_definitions',
    ],
)
def test_tables_with_something_else_in_them_are_refused(tmp_path: Path, change: str) -> None:
    path = write_scene_bag(
        tmp_path / 'bag', flat_scene(), StoragePlugin.SQLITE3, is_compressed=True
    )
    with closing(sqlite3.connect(next(path.glob('*.db3')))) as connection:
        connection.execute(change)
        connection.commit()
    with pytest.raises(SourceError, match='damaged'):
        list(open_source(path).frames())


def test_a_bag_does_not_say_what_an_image_is(tmp_path: Path) -> None:
    """Definitions in a bag would be made code of and run: they are not looked at."""
    scene = flat_scene()
    path = write_scene_bag(tmp_path / 'bag', scene, StoragePlugin.SQLITE3, is_compressed=False)
    with closing(sqlite3.connect(next(path.glob('*.db3')))) as connection:
        connection.execute('UPDATE message_definitions SET encoded_message_definition = "?"')
        connection.commit()
    assert_same(read(path), scene)


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match='does not exist'):
        open_source(tmp_path / 'absent.mp4')
    with pytest.raises(SourceError, match='nor holds images'):
        open_source(tmp_path)
    text = tmp_path / 'text.mp4'
    text.write_text('no video')
    with pytest.raises(SourceError, match='cannot be read as a video'):
        open_source(text)


def test_options_that_do_not_fit_the_recording_are_refused(tmp_path: Path) -> None:
    scene = flat_scene()
    bag = write_scene_bag(tmp_path / 'bag', scene, StoragePlugin.MCAP, is_compressed=True)
    with pytest.raises(SourceError, match='--fps'):
        open_source(bag, rate_hz=30.0)
    with pytest.raises(SourceError, match='--topic'):
        open_source(write_folder(tmp_path / 'images', scene), '/image')
