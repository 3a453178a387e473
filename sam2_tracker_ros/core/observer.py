# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Looks for one target in one frame: where, with which memories, and what was found."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from sam2_tracker_ros.core.config import TrackerConfig
from sam2_tracker_ros.core.geometry import extent_of, is_noise, mask_of, target_pieces
from sam2_tracker_ros.core.mask_selection import MOTION_WEIGHTS
from sam2_tracker_ros.core.memory_bank import MemoryEntry
from sam2_tracker_ros.core.memory_selection import NOTHING, SELECTORS, is_trusted
from sam2_tracker_ros.core.model import Expectation, Features, Sam2Model, Sighting
from sam2_tracker_ros.core.preprocessing import model_image, shows_nothing
from sam2_tracker_ros.core.prompts import (
    CERTAIN_LOGIT,
    CheckedPrompt,
    decoder_prompt,
    mask_logits_of,
)
from sam2_tracker_ros.core.search_window import whole_image, window_around
from sam2_tracker_ros.core.stage_clock import StageClock
from sam2_tracker_ros.core.track import UNUSABLE, Observation, Track, motion_iou
from sam2_tracker_ros.core.types import Box, Frame

# How much larger than the expected box the place is in which the pieces of a target lie: the
# expectation may be off, by less when it takes the camera's turning into account.
_EXPECTED_GROWTH = 2.5
_GROWTH_OF_KNOWN_CAMERA = 1.0


class FrameInWork:
    """A frame while targets are looked for in it; each window of it is encoded once."""

    def __init__(self, frame: Frame, model: Sam2Model) -> None:
        self.stamp_ns = frame.stamp_ns
        self.size_px = frame.size_px
        self.frame_id = frame.frame_id
        self.view = frame.view
        self.clock = StageClock()
        self._frame = frame
        self._model = model
        self._features: dict[Box, Features] = {}
        self._shows_nothing: bool | None = None

    def features(self, window: Box) -> Features:
        """Return what the model sees in a window of the image."""
        if window not in self._features:
            with self.clock.stage('prepare'):
                image = model_image(self._frame, window, self._model.spec.image_size_px)
            with self.clock.stage('encode'):
                self._features[window] = self._model.encode_image(image)
        return self._features[window]

    def shows_nothing(self) -> bool:
        """Return whether there is nothing to be found."""
        if self._shows_nothing is None:
            self._shows_nothing = shows_nothing(self._frame)
        return self._shows_nothing


class Observer:
    """
    Looks for targets with the model; changes none of them.

    :param config: its changeable settings may be replaced at any time.
    """

    def __init__(self, model: Sam2Model, config: TrackerConfig) -> None:
        self.config = config
        self._model = model
        self._selector = SELECTORS[config.memory_selection]()
        self._motion_weight = MOTION_WEIGHTS[config.memory_selection]
        threads = model.spec.parallel_looks
        self._pool = ThreadPoolExecutor(threads, 'look') if threads > 1 else None

    def observe_all(
        self, frame: FrameInWork, tracks: Mapping[str, Track]
    ) -> dict[str, Observation]:
        """Look for every target by its id, for several at the same time where that is faster."""
        if self._pool is None or len(tracks) < 2:
            return {name: self.observe(frame, track) for name, track in tracks.items()}
        windows = [self._window(frame, track, None) for track in tracks.values()]
        for window in windows:  # the encoder has all cores to itself
            frame.features(window)
        clocks = [StageClock() for _ in windows]
        found = self._pool.map(
            lambda job: self._observed(frame, job[0], job[1], None, job[2]),
            zip(windows, tracks.values(), clocks, strict=True),
        )
        observations = dict(zip(tracks, found, strict=True))
        for clock in clocks:
            frame.clock.add(clock)
        return observations

    def observe(
        self,
        frame: FrameInWork,
        track: Track | None = None,
        prompt: CheckedPrompt | None = None,
    ) -> Observation:
        """
        Look for one target.

        :param track: whose memory is attended; None on the frame that starts a target.
        :param prompt: what the operator pointed at in this frame; None while tracking.
        """
        window = self._window(frame, track, prompt)
        return self._observed(frame, window, track, prompt, frame.clock)

    def _observed(
        self,
        frame: FrameInWork,
        window: Box,
        track: Track | None,
        prompt: CheckedPrompt | None,
        clock: StageClock,
    ) -> Observation:
        """Look for one target in a window."""
        predicted = None if track is None else track.predicted(frame.stamp_ns)
        sighting = self._look(frame, window, track, prompt, clock)
        has_noise = is_noise(sighting.mask_logits)
        has_broken = has_noise and track is not None and not track.began_as_noise
        if has_broken or not sighting.is_finite:
            return UNUSABLE
        if sighting.object_score_logit > -CERTAIN_LOGIT and frame.shows_nothing():
            sighting = replace(sighting, object_score_logit=-CERTAIN_LOGIT)
        with clock.stage('decide'):
            expected = None if predicted is None else predicted.box
            fraction = self.config.min_component_fraction
            growth = _EXPECTED_GROWTH if frame.view is None else _GROWTH_OF_KNOWN_CAMERA
            pieces, extent = target_pieces(
                sighting.mask_logits, sighting.extent, window, expected, fraction, growth=growth
            )
            mask = mask_of(pieces, extent, window)
            overlap = motion_iou(mask, predicted)
        return Observation(
            mask=mask,
            predicted_iou=sighting.predicted_iou,
            object_score_logit=sighting.object_score_logit,
            motion_iou=overlap,
            entry=MemoryEntry(
                0 if track is None else track.next_frame_index,
                sighting.memory,
                sighting.pointer,
                frame.stamp_ns,
                prompt is not None
                or is_trusted(sighting.predicted_iou, sighting.object_score_logit, overlap),
            ),
            is_prompted=prompt is not None,
            is_noise=has_noise,
        )

    def _window(
        self, frame: FrameInWork, track: Track | None, prompt: CheckedPrompt | None
    ) -> Box:
        """Look around what the operator drew, else around the target, else everywhere."""
        place = None
        if prompt is not None and prompt.extent is not None:
            place = prompt.extent, 0.0
        elif prompt is None and track is not None:
            place = track.where_to_look(frame.stamp_ns)
        if place is None:
            return whole_image(frame.size_px)
        box, margin_px = place
        return window_around(
            box,
            frame.size_px,
            self._model.spec.image_size_px,
            self.config.min_target_size_px,
            margin_px,
        )

    def _look(
        self,
        frame: FrameInWork,
        window: Box,
        track: Track | None,
        prompt: CheckedPrompt | None,
        clock: StageClock,
    ) -> Sighting:
        spec = self._model.spec
        asked = None
        if prompt is not None:
            asked = decoder_prompt(prompt, window, spec.image_size_px)
            if prompt.mask is not None:
                drawn = mask_logits_of(prompt.mask, window, spec.memory_mask_size_px)
                asked = replace(asked, memory_mask=drawn)
        attended = NOTHING
        if track is not None:
            attended = self._selector.select(track.bank, track.next_frame_index, spec)
        sighting = self._model.look(
            frame.features(window),
            attended.memories[: self.config.max_memories or None],
            attended.pointers,
            prompt=asked,
            expectation=self._expectation(frame, window, track),
            clock=clock,
        )
        if prompt is None or prompt.mask is None:
            return sighting
        # The operator's own mask, which SAM 2 takes as it is.
        logits = mask_logits_of(prompt.mask, window, spec.mask_size_px)
        return replace(
            sighting,
            mask_logits=logits,
            extent=extent_of(logits),
            predicted_iou=1.0,
            object_score_logit=CERTAIN_LOGIT,
        )

    def _expectation(
        self, frame: FrameInWork, window: Box, track: Track | None
    ) -> Expectation | None:
        """Return where the target should be, if its motion is to be relied on."""
        if track is None or not self._motion_weight or not track.is_steady(frame.stamp_ns):
            return None
        predicted = track.predicted(frame.stamp_ns)
        if predicted is None:
            return None
        box = predicted.box
        place = Box(
            (box.left - window.left) / window.width,
            (box.top - window.top) / window.height,
            (box.right - window.left) / window.width,
            (box.bottom - window.top) / window.height,
        )
        return Expectation(place, self._motion_weight)
