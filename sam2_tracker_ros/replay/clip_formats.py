# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Finds recorded clips in a folder, in the formats that benchmarks come in.

- A folder with `frames/*.jpg` or `video.mp4`, `groundtruth.txt` (for each frame `x,y,width,height`
  in pixels from the top left; `nan,nan,nan,nan` where the target is absent), and where known
  `masks/*.png` and `meta.json` (`fps`, `init_frame`, `init_box_xywh`, `ignore_frames`). Without
  `groundtruth.txt`, the prompt in `meta.json` is all that is known.
- LaSOT, OTB and UAV123: `groundtruth.txt` or `groundtruth_rect.txt`, separated by commas, tabs or
  blanks, images in `img/` or beside it; LaSOT's `full_occlusion.txt` and `out_of_view.txt` mark
  absence, as boxes without size do.
- DAVIS: `JPEGImages/480p/NAME` and `Annotations/480p/NAME`; the first object is the target.
"""

from collections.abc import Iterator
from dataclasses import dataclass
import json
import math
from pathlib import Path
import re

import numpy as np

from sam2_tracker_ros.core.geometry import target_mask_of
from sam2_tracker_ros.core.types import Box
from sam2_tracker_ros.errors import SourceError
from sam2_tracker_ros.replay.recorded_clips import (
    DEFAULT_RATE_HZ,
    MaskFolder,
    RecordedClip,
    color_codes,
)

_TRUTHS = ('groundtruth.txt', 'groundtruth_rect.txt')
_ABSENCES = ('full_occlusion.txt', 'out_of_view.txt')
_MEDIA = ('frames', 'img', 'video.mp4')
_META = 'meta.json'
_DAVIS_RATE_HZ = 24.0
# Beyond these, meta.json was not made by a camera.
_MAX_RATE_HZ, _MAX_FRAMES = 10_000.0, 10_000_000


def recorded_clips(folder: Path) -> tuple[RecordedClip, ...]:
    """
    Find the clips in a folder, or the one that it is.

    :raises SourceError: there are none, or one is damaged.
    """
    clips = tuple(_davis_clips(folder)) or tuple(
        _read(path) for path in _subfolders(folder) if _is_clip(path)
    )
    if not clips:
        message = (
            f'{folder} holds no clips; expected folders with {_TRUTHS[0]} and frames or a video, '
            'or JPEGImages/480p and Annotations/480p'
        )
        raise SourceError(message)
    return clips


def _subfolders(folder: Path) -> list[Path]:
    return [folder, *sorted(path for path in folder.glob('*') if path.is_dir())]


def _is_clip(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (*_TRUTHS, _META))


def _read(folder: Path) -> RecordedClip:
    meta = _meta_of(folder / _META)
    first = meta.init_frame
    path = next((folder / name for name in _TRUTHS if (folder / name).is_file()), None)
    truth = _truth_of(path)[first:] if path else ()
    start = meta.start or next(iter(truth), None)
    if start is None:
        message = f'{path or folder} has no box for the first frame; expected one to start with'
        raise SourceError(message)
    media = next((folder / name for name in _MEDIA if (folder / name).exists()), folder)
    masks = folder / 'masks'
    return RecordedClip(
        name=folder.resolve().name,
        media=media,
        truth=truth,
        start=start,
        rate_hz=meta.rate_hz,
        start_frame=first,
        masks=_masks_in(masks, first) if masks.is_dir() else None,
        ignored=frozenset(index - first for index in meta.ignored),
    )


@dataclass(frozen=True)
class _Meta:
    """What meta.json says."""

    rate_hz: float = DEFAULT_RATE_HZ
    init_frame: int = 0
    start: Box | None = None
    ignored: tuple[int, ...] = ()


def _meta_of(path: Path) -> _Meta:
    if not path.is_file():
        return _Meta()
    try:
        record = json.loads(path.read_text(encoding='utf-8'))
        box = record.get('init_box_xywh')
        meta = _Meta(
            rate_hz=float(record.get('fps', DEFAULT_RATE_HZ)),
            init_frame=int(record.get('init_frame', 0)),
            start=_box([float(number) for number in box]) if box else None,
            ignored=tuple(int(index) for index in record.get('ignore_frames') or ()),
        )
    except (AttributeError, OverflowError, RecursionError, TypeError, ValueError) as error:
        message = (
            f'{path} is damaged ({error}); expected a JSON object with the numbers fps and '
            'init_frame, the lists init_box_xywh and ignore_frames'
        )
        raise SourceError(message) from error
    if not 0.0 < meta.rate_hz <= _MAX_RATE_HZ or not 0 <= meta.init_frame <= _MAX_FRAMES:
        message = (
            f'{path} has fps {meta.rate_hz:g} and init_frame {meta.init_frame}; expected a rate '
            f'of up to {_MAX_RATE_HZ:g} and a frame from 0 to {_MAX_FRAMES}'
        )
        raise SourceError(message)
    return meta


def _truth_of(path: Path) -> tuple[Box | None, ...]:
    """Read a box for each line, and what LaSOT says about absence."""
    try:
        lines = [line for line in path.read_text(encoding='utf-8').splitlines() if line.strip()]
        truth = [_box(_numbers(line)) for line in lines]
    except ValueError as error:
        message = f'{path} is damaged ({error}); expected x,y,width,height on each line'
        raise SourceError(message) from error
    for name in _ABSENCES:
        flags = path.parent / name
        if flags.is_file():
            absent = _flags_of(flags)
            if len(absent) != len(truth):
                message = f'{flags} has {len(absent)} flags for {len(truth)} frames; copy it again'
                raise SourceError(message)
            truth = [None if flag else box for flag, box in zip(absent, truth, strict=True)]
    return tuple(truth)


def _flags_of(path: Path) -> list[float]:
    try:
        return _numbers(path.read_text(encoding='utf-8'))
    except ValueError as error:
        message = f'{path} is damaged ({error}); expected 0 or 1 for each frame'
        raise SourceError(message) from error


def _numbers(text: str) -> list[float]:
    return [float(word) for word in re.split(r'[,\s]+', text.strip())]


def _box(numbers: list[float]) -> Box | None:
    """Return the box of x, y, width and height; None without a size."""
    x, y, width, height = numbers
    if not all(map(math.isfinite, (x, y, width, height))) or width <= 0.0 or height <= 0.0:
        return None
    return Box(x, y, x + width, y + height)


def _davis_clips(root: Path) -> Iterator[RecordedClip]:
    for media in sorted((root / 'JPEGImages' / '480p').glob('*')):
        masks = _masks_in(root / 'Annotations' / '480p' / media.name, 0)
        targets = (target_mask_of(masks.read(index)) for index in range(len(masks.files)))
        truth = tuple(target.box if target else None for target in targets)
        start = truth[0]
        assert start is not None  # the colour is one of that image
        yield RecordedClip(media.name, media, truth, start, _DAVIS_RATE_HZ, masks=masks)


def _masks_in(folder: Path, first: int) -> MaskFolder:
    """Find the masks of a clip; the target is the first object in the frame with the prompt."""
    files = tuple(sorted(folder.glob('*.png')))
    if first >= len(files):
        message = f'{folder} has {len(files)} masks; expected PNG files, one for each frame'
        raise SourceError(message)
    colors = np.unique(color_codes(files[first]))
    colors = colors[colors > 0]
    if not len(colors):
        message = f'{files[first]} is empty; expected a mask of the target to start with'
        raise SourceError(message)
    return MaskFolder(files, int(colors[0]))
