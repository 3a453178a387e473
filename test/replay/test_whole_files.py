# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Files and videos that are there whole, or not at all."""

from pathlib import Path
import shutil

import cv2
import numpy as np
import pytest

from sam2_tracker_ros.replay.video_sink import OverlayVideoSink
from sam2_tracker_ros.replay.whole_file import whole_file

IMAGE = np.full((48, 64, 3), 90, np.uint8)


@pytest.fixture(params=['the best encoder', "OpenCV's"])
def encoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "OpenCV's":
        monkeypatch.setattr(shutil, 'which', lambda _: None)


def test_a_file_has_its_name_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / 'figures.json'
    path.write_text('before')
    with whole_file(path) as partial:
        partial.write_text('after')
        assert partial.suffix == '.json'
        assert path.read_text() == 'before'
    assert path.read_text() == 'after'
    assert [*tmp_path.iterdir()] == [path]


def test_an_error_leaves_the_file_before_it(tmp_path: Path) -> None:
    path = tmp_path / 'figures.json'
    path.write_text('before')

    def write() -> None:
        with whole_file(path) as partial:
            partial.write_text('af')
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert path.read_text() == 'before'
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.usefixtures('encoder')
def test_a_video_has_its_name_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / 'overlay.mp4'
    with OverlayVideoSink(path, 30.0) as video:
        for _ in range(5):
            video.append(IMAGE)
            assert not path.exists()
    assert [*tmp_path.iterdir()] == [path]
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT) == 5


def interrupted_video(path: Path, frames: int) -> None:
    with OverlayVideoSink(path, 30.0) as video:
        for _ in range(frames):
            video.append(IMAGE)
        raise KeyboardInterrupt


@pytest.mark.usefixtures('encoder')
@pytest.mark.parametrize('frames', [0, 5])
def test_an_error_leaves_no_video(frames: int, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted_video(tmp_path / 'overlay.mp4', frames)
    assert not [*tmp_path.iterdir()]


def test_a_video_without_images_is_no_file(tmp_path: Path) -> None:
    with OverlayVideoSink(tmp_path / 'overlay.mp4', 30.0):
        pass
    assert not [*tmp_path.iterdir()]
