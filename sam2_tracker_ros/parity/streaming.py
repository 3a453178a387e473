# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The originals as a camera would drive them: one frame in, one mask of its size out.

What runs is what their documentation shows for video, with what a careful user adds: the image is
resized as our tracker does it, goes to the device as bytes, and what no later frame attends to is
forgotten, so that memory does not grow.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
import sys
import tempfile
from typing import Any

import cv2
import torch
from torch.nn import functional

from sam2_tracker_ros.core.geometry import target_mask_of
from sam2_tracker_ros.core.preprocessing import model_image
from sam2_tracker_ros.core.types import Box, Frame, TargetMask
from sam2_tracker_ros.errors import ModelError, PromptError
from sam2_tracker_ros.parity.clip import ClipPrompt
from sam2_tracker_ros.parity.reference import open_reference
from sam2_tracker_ros.parity.torch_clip import MEAN, STD, prompt_points

# Pointers are attended this many frames back, the memories of fewer.
_ATTENDED_FRAMES = 16
_ENDLESS_FRAMES = 10**9
_LOWERED = {'fp16': torch.float16, 'bf16': torch.bfloat16}
_COMPILED_PARTS = (
    *('vision_encoder', 'image_encoder', 'memory_attention', 'memory_encoder'),
    *('mask_decoder', 'sam_mask_decoder'),
)


@dataclass(frozen=True)
class Device:
    """
    How PyTorch runs.

    :param name: `cpu` or `cuda`.
    :param precision: `fp32`, `tf32`, or with autocast `fp16` or `bf16`.
    :param threads: 0 for PyTorch's own choice.
    """

    name: str = 'cpu'
    precision: str = 'fp32'
    is_compiled: bool = False
    threads: int = 0


class StreamedOriginal:
    """
    An original that is given one frame after the other, and follows one target.

    :param model: transformers' Sam2VideoModel, or EfficientTAM's video predictor.
    """

    def __init__(self, model: Any, family: str, device: Device) -> None:
        _set_up(device)
        self._model = model.to(device.name)
        if device.is_compiled:
            for part in _COMPILED_PARTS:
                if hasattr(model, part):
                    getattr(model, part).compile()
        self._device = device
        self._stream: _Sam2Stream | _EfficientTamStream | None = None
        self._begin = _Sam2Stream if family == 'sam2' else _EfficientTamStream
        self.facts: Mapping[str, object] = {
            'model': type(model).__name__,
            'providers': f'PyTorch {torch.__version__}',
            **asdict(device),
            'threads': torch.get_num_threads(),
        }

    def step(self, frame: Frame, start: Box | None = None) -> TargetMask | None:
        """
        Find the target.

        :param start: its box in the first frame.
        :raises PromptError: there is no target yet.
        """
        if start is not None:
            self._stream = self._begin(self._model, frame, start)
        if self._stream is None:
            message = 'there is no target; give its box with the first frame'
            raise PromptError(message)
        with torch.inference_mode(), self._autocast():
            logits = self._stream.step(self._pixels(frame))
            mask = (logits > 0.0).cpu().numpy()
        return target_mask_of(mask)

    @property
    def remembered(self) -> int:
        """Frames that are kept for those to come."""
        return 0 if self._stream is None else self._stream.remembered

    def _autocast(self) -> AbstractContextManager[object]:
        lowered = _LOWERED.get(self._device.precision)
        return nullcontext() if lowered is None else torch.autocast(self._device.name, lowered)

    def _pixels(self, frame: Frame) -> torch.Tensor:
        """Return what the encoder takes, float32 [3, S, S]."""
        width, height = frame.size_px
        image = model_image(frame, Box(0.0, 0.0, width, height), _image_size_px(self._model))
        pixels = torch.from_numpy(image).to(self._device.name).permute(2, 0, 1).float() / 255.0
        mean, std = (
            torch.tensor(values, device=pixels.device).view(3, 1, 1) for values in (MEAN, STD)
        )
        return (pixels - mean) / std


class _Sam2Stream:
    """Streaming as transformers documents it: `model(session, frame=...)`."""

    def __init__(self, model: Any, frame: Frame, start: Box) -> None:
        # Its package is imported for this family only: EfficientTAM has no need of it.
        from transformers.models.sam2_video.modeling_sam2_video import (  # noqa: PLC0415
            Sam2VideoInferenceSession,
        )

        device = next(model.parameters()).device
        width, height = self._size_px = frame.size_px
        self._model = model
        self._index = 0
        self._session = Sam2VideoInferenceSession(
            video_height=height,
            video_width=width,
            inference_device=device,
            inference_state_device=device,
            video_storage_device=device,
            dtype=torch.float32,
        )
        size_px = _image_size_px(model)
        points, labels = prompt_points(ClipPrompt(0, 0, box=start))
        points *= (size_px / width, size_px / height)
        inputs = {
            'point_coords': torch.from_numpy(points)[None, None],
            'point_labels': torch.tensor([[labels]], dtype=torch.int32),
        }
        self._session.add_point_inputs(self._session.obj_id_to_idx(0), 0, inputs)
        self._session.obj_with_new_inputs.append(0)
        self._outputs = self._session.output_dict_per_obj[0]['non_cond_frame_outputs']

    @property
    def remembered(self) -> int:
        """Frames that are kept."""
        return len(self._outputs) + len(self._session.processed_frames or ())

    def step(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return mask logits at the size of the camera image."""
        found = self._model(self._session, frame=pixels, frame_idx=self._index).pred_masks
        past = self._index - _ATTENDED_FRAMES
        self._session.processed_frames.pop(self._index)
        self._outputs.pop(past, None)
        self._index += 1
        width, height = self._size_px
        large = functional.interpolate(
            found.float(), size=(height, width), mode='bilinear', align_corners=False
        )
        return large[0, 0]


class _EfficientTamStream:
    """The video predictor on a video that has no end, whose frames appear when they are due."""

    def __init__(self, predictor: Any, frame: Frame, start: Box) -> None:
        predictor.fill_hole_area = 0  # of masks that are shown; does nothing without its extension
        module: Any = sys.modules[type(predictor).__module__]
        module.tqdm = _without_bar
        self._predictor = predictor
        self._start = start
        self._size_px = frame.size_px
        self._index = 0
        self._images: dict[int, torch.Tensor] = {}
        self._state = self._open(frame)
        self._masks: Iterator[tuple[int, object, torch.Tensor]] | None = None

    @property
    def remembered(self) -> int:
        """Frames that are kept."""
        return len(self._state['output_dict_per_obj'][0]['non_cond_frame_outputs'])

    def step(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return mask logits at the size of the camera image."""
        self._images[self._index] = pixels
        if self._masks is None:
            self._prompt()
            self._masks = self._predictor.propagate_in_video(self._state)
        _, _, found = next(self._masks)
        past = self._index - _ATTENDED_FRAMES
        del self._images[self._index]
        self._state['output_dict_per_obj'][0]['non_cond_frame_outputs'].pop(past, None)
        self._index += 1
        return found[0, 0]

    def _open(self, frame: Frame) -> dict[str, Any]:
        """Return the state of a video of that size; it is opened from a file, then replaced."""
        with tempfile.TemporaryDirectory() as folder:
            cv2.imwrite(str(Path(folder) / '0.jpg'), frame.pixels)
            state: dict[str, Any] = self._predictor.init_state(video_path=folder)
        state['cached_features'].clear()
        state['images'] = self._images
        state['num_frames'] = _ENDLESS_FRAMES
        return state

    def _prompt(self) -> None:
        points, labels = prompt_points(ClipPrompt(0, 0, box=self._start))
        self._predictor.add_new_points_or_box(
            self._state,
            frame_idx=0,
            obj_id=0,
            points=points / self._size_px,
            labels=labels,
            normalize_coords=False,
        )


def open_original(bundle: str, source: str | None, device: Device) -> StreamedOriginal:
    """
    Open what a bundle was exported from.

    :param source: where it comes from; see parity.reference.open_reference.
    :raises ModelError: it cannot be had, or there is no such device.
    """
    if device.name == 'cuda' and not torch.cuda.is_available():
        message = 'PyTorch finds no CUDA device; run it where there is one, or on the cpu'
        raise ModelError(message)
    reference = open_reference(bundle, source)
    return StreamedOriginal(reference.model, reference.source.family, device)


def _set_up(device: Device) -> None:
    """Set what PyTorch keeps for the whole process."""
    if device.threads:
        torch.set_num_threads(device.threads)
    allows_tf32 = device.precision != 'fp32'
    torch.backends.cuda.matmul.allow_tf32 = allows_tf32
    torch.backends.cudnn.allow_tf32 = allows_tf32


def _without_bar(frames: Iterable[int], **_: object) -> Iterable[int]:
    """Stand in for the predictor's progress bar, which writes a line for each frame."""
    return frames


def _image_size_px(model: Any) -> int:
    """Return the side of the model image."""
    return int(model.config.image_size if hasattr(model, 'config') else model.image_size)
