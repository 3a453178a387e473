# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Clips in the formats of benchmarks, from small files; and the synthetic ones."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from sam2_tracker_ros.core.types import Box
from sam2_tracker_ros.errors import SourceError
from sam2_tracker_ros.evaluation.scenes import SceneClip
from sam2_tracker_ros.replay.clip_formats import recorded_clips

COUNT = 4


def write_images(folder: Path, suffix: str = 'jpg', count: int = COUNT) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        image = np.full((24, 32, 3), 10 * index, np.uint8)
        assert cv2.imwrite(str(folder / f'{index:05d}.{suffix}'), image)


def test_own_format_starts_at_the_frame_with_the_prompt(tmp_path: Path) -> None:
    clip = tmp_path / 'ours'
    write_images(clip / 'frames')
    (clip / 'groundtruth.txt').write_text('1,2,3,4\n2,2,3,4\nnan,nan,nan,nan\n4,2,3,4\n')
    meta = {'fps': 10, 'init_frame': 1, 'init_box_xywh': [5, 6, 7, 8], 'ignore_frames': [3]}
    (clip / 'meta.json').write_text(json.dumps(meta))
    (read,) = recorded_clips(tmp_path)
    assert read.name == 'ours'
    assert read.start == Box(5, 6, 12, 14)
    assert read.truth == (Box(2, 2, 5, 6), None, Box(4, 2, 7, 6))
    assert read.ignored == {2}
    frames = list(read.frames())
    assert [frame.stamp_ns for frame in frames] == [100_000_000, 200_000_000, 300_000_000]
    assert [round(frame.pixels.mean() / 10) for frame in frames] == [1, 2, 3]


def test_a_clip_without_truth_has_its_prompt(tmp_path: Path) -> None:
    write_images(tmp_path / 'frames')
    (tmp_path / 'meta.json').write_text('{"init_frame": 2, "init_box_xywh": [1, 1, 4, 4]}')
    (read,) = recorded_clips(tmp_path)
    assert (read.truth, read.frame_count, len(list(read.frames()))) == ((), 2, 2)
    assert read.true_mask(0) is None


@pytest.mark.parametrize('separator', [',', '\t', ' ', ', '])
@pytest.mark.parametrize('media', ['img', '.'])
def test_otb_boxes_in_every_separation(tmp_path: Path, separator: str, media: str) -> None:
    write_images(tmp_path / 'Car' / media)
    lines = [separator.join(map(str, (1.5, 2, 3, 4))), separator.join('0000')]
    (tmp_path / 'Car' / 'groundtruth_rect.txt').write_text('\r\n'.join(lines))
    (read,) = recorded_clips(tmp_path)
    assert read.truth == (Box(1.5, 2, 4.5, 6), None)
    assert len(list(read.frames())) == 2


def test_lasot_says_absence_in_files_of_its_own(tmp_path: Path) -> None:
    clip = tmp_path / 'bird-1'
    write_images(clip / 'img')
    (clip / 'groundtruth.txt').write_text('1,2,3,4\n' * COUNT)
    (clip / 'full_occlusion.txt').write_text('0,1,0,0')
    (clip / 'out_of_view.txt').write_text('0,0,0,1')
    box = Box(1, 2, 4, 6)
    assert recorded_clips(tmp_path)[0].truth == (box, None, box, None)
    (clip / 'out_of_view.txt').write_text('0,0')
    with pytest.raises(SourceError, match='2 flags for 4 frames'):
        recorded_clips(tmp_path)


def test_davis_has_boxes_around_the_first_object(tmp_path: Path) -> None:
    write_images(tmp_path / 'JPEGImages' / '480p' / 'bear', count=2)
    masks = tmp_path / 'Annotations' / '480p' / 'bear'
    masks.mkdir(parents=True)
    # Colours of the first and of the second object in DAVIS's palette, as BGR.
    first = np.zeros((24, 32, 3), np.uint8)
    first[2:5, 20:30] = (0, 128, 0)
    first[10:14, 6:9] = (0, 0, 128)
    for name, image in (('00000.png', first), ('00001.png', np.zeros_like(first))):
        assert cv2.imwrite(str(masks / name), image)
    (read,) = recorded_clips(tmp_path)
    assert read.name == 'bear'
    assert read.truth == (Box(6, 10, 9, 14), None)
    mask = read.true_mask(0)
    assert mask is not None
    assert (mask.shape, int(mask.sum())) == ((24, 32), 12)


@pytest.mark.parametrize(
    ('name', 'content', 'expected'),
    [
        ('groundtruth.txt', '1,2,3,4,5,6,7,8\n', 'damaged'),
        ('groundtruth.txt', 'one,2,3,4\n', 'damaged'),
        ('groundtruth.txt', '0,0,0,0\n', 'first frame'),
        ('meta.json', '{', 'damaged'),
        ('meta.json', '[]', 'damaged'),
        ('meta.json', '{}', 'first frame'),
        ('meta.json', '[' * 5000, 'damaged'),
        ('meta.json', '{"init_frame": null}', 'damaged'),
        ('meta.json', '{"init_frame": 1e999}', 'damaged'),
        ('meta.json', '{"fps": "fast"}', 'damaged'),
        ('meta.json', '{"fps": 0, "init_box_xywh": [1, 1, 4, 4]}', 'expected a rate of up to'),
        ('meta.json', '{"fps": NaN, "init_box_xywh": [1, 1, 4, 4]}', 'expected a rate of up to'),
        ('meta.json', '{"init_frame": -1, "init_box_xywh": [1, 1, 4, 4]}', 'a frame from 0'),
        ('meta.json', '{"init_box_xywh": [1, 2, 3]}', 'damaged'),
        ('meta.json', '{"init_box_xywh": 7}', 'damaged'),
        ('meta.json', '{"init_box_xywh": [1, 1, 4, 4], "ignore_frames": 3}', 'damaged'),
    ],
)
def test_a_damaged_clip_is_refused(tmp_path: Path, name: str, content: str, expected: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(SourceError, match=expected):
        recorded_clips(tmp_path)


def test_texts_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / 'groundtruth.txt').write_bytes(b'1,2,3,4\n\xff')
    with pytest.raises(SourceError, match=r'groundtruth.txt is damaged'):
        recorded_clips(tmp_path)
    (tmp_path / 'groundtruth.txt').write_text('1,2,3,4\n')
    for content in (b'\xff', b'yes'):
        (tmp_path / 'out_of_view.txt').write_bytes(content)
        with pytest.raises(SourceError, match=r'out_of_view.txt is damaged .* expected 0 or 1'):
            recorded_clips(tmp_path)


@pytest.mark.parametrize(('seed', 'expected'), [(0, (28, 46)), (1, (60, 85))])
def test_a_scene_hides_its_target_and_shows_it_again(seed: int, expected: tuple[int, int]) -> None:
    # So short that the car goes under the bridge while the view is turned away.
    clip = SceneClip(seed, duration_s=4.2)
    is_absent = [box is None for box in clip.truth]
    assert len(is_absent) == clip.frame_count
    assert not is_absent[0]
    assert expected[0] < sum(is_absent) < expected[1]
    assert not is_absent[-1]
    assert clip.ignored
    assert not any(is_absent[index] for index in clip.ignored)
    mask = clip.true_mask(0)
    assert mask is not None
    frame = next(clip.frames())
    assert mask.shape == frame.pixels.shape[:2]
