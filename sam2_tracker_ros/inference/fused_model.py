# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A SAM 2 model as fused graphs: one call for an image, one for a target, data where it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from onnxruntime import OrtValue, RunOptions

from sam2_tracker_ros.core.model import (
    AttendedMemory,
    AttendedPointer,
    DecoderPrompt,
    Expectation,
    Features,
    ModelSpec,
    Sighting,
)
from sam2_tracker_ros.core.stage_clock import StageClock
from sam2_tracker_ros.core.types import Float32Array, UInt8Array
from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.inference.bundle import Bundle
from sam2_tracker_ros.inference.contract import Tensor
from sam2_tracker_ros.inference.fixed_buffers import FixedBuffers, Place
from sam2_tracker_ros.inference.fused_graphs import FOUND, Found
from sam2_tracker_ros.inference.lean_attention import MIN_SCORES
from sam2_tracker_ros.inference.memory_input import BIAS_INPUT, DROP
from sam2_tracker_ros.inference.memory_ring import MemoryRing, MemorySlot, RingPointer
from sam2_tracker_ros.inference.sessions import GraphSession

_EVERY_LABEL = DecoderPrompt(
    points=np.zeros((5, 2), np.float32), labels=np.array([2, 3, 1, 0, -1], np.int32)
)


@dataclass(frozen=True)
class _Features:
    """
    What the encoder gave, where it was computed.

    :param maps: by output name.
    :param place: of their buffers; None where each image has buffers of its own.
    """

    maps: Mapping[str, OrtValue]
    place: Place | None = None


# As many targets as there may be are looked for at the same time.
_RESERVED_PLACES = 64


class FusedModel:
    """
    A Sam2Model (core/model.py) on the graphs of fused_graphs.py.

    Features, memories and pointers never leave the device; a memory is written to its place by
    the graph that makes it. Images are encoded in one thread; `spec.parallel_looks` may look.

    :param bundle: what the graphs were made of.
    :param graphs: by name.
    :param threads: of one operator on the CPU.
    :param captures: the provider captures CUDA graphs: everything is to keep its address.
    """

    def __init__(
        self,
        bundle: Bundle,
        graphs: Mapping[str, GraphSession],
        *,
        threads: int = 1,
        captures: bool = False,
    ) -> None:
        self._graphs = graphs
        encoder, step = graphs['encoder'], graphs['track_step']
        self._device = 'cpu' if encoder.providers[0] == 'CPUExecutionProvider' else 'cuda'
        self._buffers = FixedBuffers(self._device) if captures else None
        ring, pointers = (step.inputs[name].shape for name in ('memory_ring', 'pointer_ring'))
        self._tokens, self._channels, self._pointer_channels = map(_size, (*ring[1:], pointers[1]))
        self._ring = MemoryRing(self._tokens, self._channels, self._pointer_channels, self._device)
        self._spec = self._made_spec(bundle, threads)
        self._warm_up()

    @property
    def spec(self) -> ModelSpec:
        """What the tracker must know."""
        return self._spec

    def encode_image(self, image: UInt8Array) -> Features:
        """Normalise and encode; nothing is copied to the host."""
        self._ring.reserve(_RESERVED_PLACES)
        encoder = self._graphs['encoder']
        binding, pixels = encoder.binding(), np.ascontiguousarray(image)
        place = None if self._buffers is None else self._buffers.take_place()
        self._bind_array(binding, 'encoder', 'image', pixels)
        for name, tensor in encoder.outputs.items():
            self._bind_output(binding, f'encoder/{place}', name, tensor)
        encoder.run_bound(binding, self._options(place, waits=False))
        return _Features(dict(zip(encoder.outputs, binding.get_outputs(), strict=True)), place)

    def look(
        self,
        features: Features,
        memories: Sequence[AttendedMemory],
        pointers: Sequence[AttendedPointer],
        *,
        prompt: DecoderPrompt | None,
        expectation: Expectation | None,
        clock: StageClock,
    ) -> Sighting:
        """Run track_step, or prompt_init on what it conditioned, or prompt_init alone."""
        encoded = cast(_Features, features)
        maps = dict(encoded.maps)
        conditioned = maps.pop('feats2_no_mem')
        slot = self._ring.take()
        found = None
        if memories:
            with clock.stage('track'):
                attended = self._attended(memories, pointers)
                feeds = {**attended, **self._expected(expectation)}
                found, conditioned = self._run('track_step', maps, feeds, slot, encoded.place)
        if prompt is not None:
            with clock.stage('decode'):
                feeds = {
                    'input_points': prompt.points[None, None],
                    'input_labels': prompt.labels[None, None],
                    **self._expected(expectation),
                }
                maps['feats2_cond'] = conditioned
                found, _ = self._run('prompt_init', maps, feeds, slot)
        if found is None:
            message = 'nothing to look for: neither a memory nor a prompt was given'
            raise ValueError(message)
        numbers = Found(*found[:FOUND].tolist())
        is_finite = bool(numbers.is_finite)
        if prompt is not None and prompt.memory_mask is not None:
            with clock.stage('remember'):
                is_finite &= self._remember(maps['feats2'], prompt.memory_mask, slot)
        side = self._spec.mask_size_px
        return Sighting(
            mask_logits=found[FOUND:].reshape(side, side),
            extent=numbers.extent,
            predicted_iou=numbers.predicted_iou,
            object_score_logit=numbers.object_score_logit,
            memory=slot,
            pointer=RingPointer(slot, self._ring),
            is_finite=is_finite,
        )

    def _run(
        self,
        graph: str,
        features: Mapping[str, OrtValue],
        arrays: Mapping[str, NDArray[Any]],
        slot: MemorySlot,
        place: Place | None = None,
    ) -> tuple[Float32Array, OrtValue | None]:
        """
        Compute, with memory and pointer written to their place.

        :param place: of the features, where that tells which captured graph this is.
        :return: the numbers found, and the conditioned features if the graph has them.
        """
        session = self._graphs[graph]
        binding = session.binding()
        on_device = {
            **features,
            'memory_ring': self._ring.memories,
            'pointer_ring': self._ring.pointers,
        }
        for name, value in on_device.items():
            if name in session.inputs:
                binding.bind_ortvalue_input(name, value)
        for name, array in arrays.items():
            if name in session.inputs:
                self._bind_array(binding, graph, name, array)
        found = np.empty(_size(session.outputs['found'].shape[0]), np.float32)
        addresses = dict(zip(('memory', 'pointer'), self._ring.addresses(slot), strict=True))
        for name, tensor in session.outputs.items():
            if name in addresses:
                shape = [_size(size) for size in tensor.shape]
                binding.bind_output(name, self._device, 0, np.float32, shape, addresses[name])
            elif name == 'found' and self._buffers is None:
                binding.bind_output(name, 'cpu', 0, np.float32, found.shape, found.ctypes.data)
            else:
                self._bind_output(binding, graph, name, tensor)
        session.run_bound(binding, self._options(place, slot))
        given = dict(zip(session.outputs, binding.get_outputs(), strict=True))
        if self._buffers is not None:
            found = given['found'].numpy()
        return found, given.get('conditioned')

    def _attended(
        self, memories: Sequence[AttendedMemory], pointers: Sequence[AttendedPointer]
    ) -> dict[str, NDArray[Any]]:
        """
        Return which places to attend to.

        A graph of fixed sizes gets full lists, and a bias that takes out what is not there.
        """
        slots = [cast(MemorySlot, attended.memory).index for attended in memories]
        pointer_slots = [cast(RingPointer, attended.pointer).slot.index for attended in pointers]
        rows = [attended.temporal_row for attended in memories]
        ages = [attended.age_frames for attended in pointers]
        feeds: dict[str, NDArray[Any]] = {}
        if BIAS_INPUT in self._graphs['track_step'].inputs:
            no_memories = self._spec.memory_slots - len(slots)
            no_pointers = self._spec.max_object_pointers - len(pointer_slots)
            feeds[BIAS_INPUT] = self._bias(len(slots), len(pointer_slots))
            slots, rows = slots + slots[:1] * no_memories, rows + rows[:1] * no_memories
            pointer_slots = pointer_slots + pointer_slots[:1] * no_pointers
            ages = ages + ages[:1] * no_pointers
        feeds |= {'memory_slots': np.array(slots), 'memory_rows': np.array(rows)}
        feeds |= {
            'pointer_slots': np.array(pointer_slots),
            'pointer_ages': np.array(ages, np.float32),
        }
        return feeds

    def _bias(self, memories: int, pointers: int) -> Float32Array:
        """Return 0 for the tokens that exist and DROP for those that do not, [M]."""
        per_pointer = self._pointer_channels // self._channels
        bias = np.zeros(_size(self._graphs['track_step'].inputs[BIAS_INPUT].shape[0]), np.float32)
        pointers_start = self._spec.memory_slots * self._tokens
        bias[memories * self._tokens : pointers_start] = DROP
        bias[pointers_start + pointers * per_pointer :] = DROP
        return bias

    def _expected(self, expectation: Expectation | None) -> dict[str, NDArray[Any]]:
        """Return the expected box in cells of the mask."""
        corners, weight = [0.0] * 4, 0.0
        if expectation is not None:
            place, weight = expectation.box, expectation.weight
            corners = [place.left, place.top, place.right, place.bottom]
        side = self._spec.mask_size_px
        return {
            'expected_box': np.array([side * corner for corner in corners], np.float32),
            'motion_weight': np.array([weight], np.float32),
        }

    def _remember(self, features: OrtValue, mask: Float32Array, slot: MemorySlot) -> bool:
        """Write the memory of a drawn mask over that of the one found; return if it is finite."""
        session = self._graphs['mask_memory']
        binding, drawn = session.binding(), np.ascontiguousarray(mask[None, None])
        binding.bind_ortvalue_input('feats2', features)
        binding.bind_cpu_input('mask', drawn)
        memory, _ = self._ring.addresses(slot)
        shape = [self._tokens, self._channels]
        binding.bind_output('memory', self._device, 0, np.float32, shape, memory)
        binding.bind_output('is_finite', 'cpu')
        session.run_bound(binding, self._options(None))
        return bool(binding.get_outputs()[1].numpy()[0])

    def _bind_array(self, binding: Any, graph: str, name: str, array: NDArray[Any]) -> None:
        """Bind numbers of the host, which must live until the graph has run."""
        if self._buffers is None:
            binding.bind_cpu_input(name, array)
        else:
            binding.bind_ortvalue_input(name, self._buffers.filled(f'{graph}/{name}', array))

    def _bind_output(self, binding: Any, graph: str, name: str, tensor: Tensor) -> None:
        """Bind an output that stays on the device."""
        if self._buffers is None:
            binding.bind_output(name, self._device)
        else:
            shape = tuple(_size(size) for size in tensor.shape)
            binding.bind_ortvalue_output(name, self._buffers.room(f'{graph}/{name}', shape))

    def _options(
        self, place: Place | None, slot: MemorySlot | None = None, *, waits: bool = True
    ) -> RunOptions | None:
        """
        Return how to run on a device.

        Sessions share a stream, so that only the last one has to be waited for. A captured graph
        has the number of the addresses that it was captured with; without them it is not captured.
        """
        if self._device == 'cpu' and self._buffers is None:
            return None
        options = RunOptions()
        if not waits:
            options.add_run_config_entry('disable_synchronize_execution_providers', '1')
        if self._buffers is not None:
            number = -1 if place is None else self._buffers.number(place, slot)
            options.add_run_config_entry('gpu_graph_id', str(number))
        return options

    def _made_spec(self, bundle: Bundle, threads: int) -> ModelSpec:
        step, constants = self._graphs['track_step'], bundle.constants
        fixed_pointers = step.inputs['pointer_slots'].shape[0]
        max_pointers = (
            fixed_pointers if isinstance(fixed_pointers, int) else constants.max_object_pointers
        )
        if max_pointers is None:
            message = f'{bundle.name}: constants.json lacks max_object_pointers; export it again'
            raise ModelError(message)
        found = _size(step.outputs['found'].shape[0])
        running = [name for session in self._graphs.values() for name in session.providers]
        # Small operators leave cores idle between them; large ones use all by themselves.
        is_small = len(constants.temporal_table) * self._tokens**2 < MIN_SCORES
        is_parallel = self._device == 'cpu' and self._buffers is None and is_small
        return ModelSpec(
            name=bundle.name,
            family=bundle.family,
            precision=bundle.precision,
            image_size_px=_size(self._graphs['encoder'].inputs['image'].shape[0]),
            mask_size_px=round((found - FOUND) ** 0.5),
            memory_mask_size_px=_size(self._graphs['mask_memory'].inputs['mask'].shape[-1]),
            memory_slots=len(constants.temporal_table),
            max_object_pointers=max_pointers,
            mean=constants.mean,
            std=constants.std,
            providers=tuple(dict.fromkeys(running)),
            parallel_looks=threads if is_parallel else 1,
        )

    def _warm_up(self) -> None:
        """
        Run every graph once with a full bank.

        :raises ModelError: a graph fails or gives numbers that are not finite.
        """
        side, clock = self._spec.image_size_px, StageClock()
        features = self.encode_image(np.zeros((side, side, 3), np.uint8))
        first = self.look(features, (), (), prompt=_EVERY_LABEL, expectation=None, clock=clock)
        memories = [AttendedMemory(first.memory, row) for row in range(self._spec.memory_slots)]
        ages = range(self._spec.max_object_pointers)
        pointers = [AttendedPointer(first.pointer, age) for age in ages]
        second = self.look(
            features, memories, pointers, prompt=None, expectation=None, clock=clock
        )
        if not (first.is_finite and second.is_finite):
            message = (
                f'{self._spec.name}: masks, scores or memories of a black image are not finite; '
                'expected finite numbers: the weights are damaged or overflow in this precision: '
                'copy, fetch or export the bundle again, or use one of higher precision'
            )
            raise ModelError(message)


def _size(size: int | str | None) -> int:
    """Return a size that the graph fixes."""
    if not isinstance(size, int):
        message = f'a runtime graph leaves the size {size} open; expected a number'
        raise ModelError(message)
    return size
